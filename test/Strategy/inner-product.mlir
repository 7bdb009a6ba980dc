// RUN: n2uq-opt %s --n2uq-pack-weights --split-input-file --verify-diagnostics | FileCheck %s

// Eight channels of one output: weights 1 to 4 of the first four are y1, weights 5, 6, 7, -8 of the last four are y2. The
// bias is 8: first y2 + 8 = 13, 14, 15, 0, and 8 for each output that does not exist; then y1, and zeros. What fills up a
// row to 16 channels has weights of 0.
// CHECK-LABEL: @pairs_of_channels
//       CHECK: arith.constant dense<"0x0D0E0F00{{((08080808){15})}}01020304{{((00000000){15})}}{{((08080808){16})}}{{((00000000){16})}}"> : tensor<1x1x1x2x2x16x4xi8>
//       CHECK: n2uq.packed_inner_product_conv2d %{{.*}}, %{{.*}} bias = 8 : tensor<?x2x2x8xui2>, tensor<1x1x1x2x2x16x4xi8> -> tensor<?x2x2x1xi32>
func.func @pairs_of_channels(%codes: tensor<?x2x2x8xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x1xui2> {
  %w = arith.constant dense<[[[[1, 2, 3, 4, 5, 6, 7, -8]]]]> : tensor<1x1x1x8xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 2, 1, 1]> -> tensor<?x2x2x1xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x8xui2>, tensor<1x1x1x8xi8> -> tensor<?x2x2x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x1xi32>, tensor<1x3xi32> -> tensor<?x2x2x1xui2>
    n2uq.yield %q : tensor<?x2x2x1xui2>
  }
  return %0 : tensor<?x2x2x1xui2>
}

// -----

// Two groups of eight channels: the weights of 0 between them have the bias, too.
// CHECK-LABEL: @groups
//       CHECK: arith.constant dense<"0x02020202{{((03030303){15})}}01010101{{((00000000){15})}}0303030300000000{{((03030303){14})}}00000000030303{{[0-9]+}}"> : tensor<1x1x1x2x2x16x4xi8>
//       CHECK: n2uq.packed_inner_product_conv2d %{{.*}}, %{{.*}} bias = 3
func.func @groups(%codes: tensor<?x2x2x16xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<[[[[1, 1, 1, 1, -1, -1, -1, -1]]], [[[3, 3, 3, 3, -3, -3, -3, -3]]]]> : tensor<2x1x1x8xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 2, 1, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w groups = 2 : tensor<?x2x2x16xui2>, tensor<2x1x1x8xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

// 128 is more than a signed byte: codes up to 63, y1 up to 65.
func.func @large_signed_sum(%codes: tensor<?x2x2x16xui6>, %t: tensor<1x3xi32>) -> tensor<?x2x2x32xui2> {
  %w = arith.constant dense<65> : tensor<32x1x1x16xi8>
  // expected-error @+1 {{cannot be computed by 'inner_product': sums of its codes and weights do not fit into bytes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 2, 2, 1]> -> tensor<?x2x2x32xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x16xui6>, tensor<32x1x1x16xi8> -> tensor<?x2x2x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x32xi32>, tensor<1x3xi32> -> tensor<?x2x2x32xui2>
    n2uq.yield %q : tensor<?x2x2x32xui2>
  }
  return %0 : tensor<?x2x2x32xui2>
}

// -----

// Codes of eight bits leave no room.
func.func @wide_codes(%codes: tensor<?x2x2x16xui8>, %t: tensor<1x3xi32>) -> tensor<?x2x2x32xui2> {
  %w = arith.constant dense<1> : tensor<32x1x1x16xi8>
  // expected-error @+1 {{cannot be computed by 'inner_product': sums of its codes and weights do not fit into bytes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 2, 2, 1]> -> tensor<?x2x2x32xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x16xui8>, tensor<32x1x1x16xi8> -> tensor<?x2x2x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x32xi32>, tensor<1x3xi32> -> tensor<?x2x2x32xui2>
    n2uq.yield %q : tensor<?x2x2x32xui2>
  }
  return %0 : tensor<?x2x2x32xui2>
}

// -----

func.func @tile_of_another_kernel(%codes: tensor<?x2x2x16xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x32xui2> {
  %w = arith.constant dense<1> : tensor<32x1x1x16xi8>
  // expected-error @+1 {{cannot be computed by 'inner_product': it has 16 lanes and a tile of rows, pixels, vectors and blocks}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 2, 2]> -> tensor<?x2x2x32xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x16xui2>, tensor<32x1x1x16xi8> -> tensor<?x2x2x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x32xi32>, tensor<1x3xi32> -> tensor<?x2x2x32xui2>
    n2uq.yield %q : tensor<?x2x2x32xui2>
  }
  return %0 : tensor<?x2x2x32xui2>
}
