// RUN: n2uq-opt %s --n2uq-pack-weights --split-input-file --verify-diagnostics | FileCheck %s

// Indices of three weights, k = (w + 3) / 2: the first output has weights 3, 1, -1, -3 of channels 0 to 3, k = 3, 2, 1, 0.
// Two groups: channels 0, 2, none (fields 3, 1, 0: 7) and 1, 3, none (fields 2, 0, 0: 2). The second output, all -1, has the
// third byte: fields 1, 1, 0: 5.
// CHECK-LABEL: @filter_of_indices
//       CHECK: arith.constant dense<"0x070005{{0+}}020005{{0+}}"> : tensor<1x1x1x2x64xi8>
//       CHECK: n2uq.packed_lookup_conv2d %{{.*}}, %{{.*}} codes_per_index = 3 : tensor<?x2x2x4xui2>, tensor<1x1x1x2x64xi8> -> tensor<?x2x2x2xi32>
func.func @filter_of_indices(%codes: tensor<?x2x2x4xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<[[[[3, 1, -1, -3]]], [[[-1, -1, -1, -1]]]]> : tensor<2x1x1x4xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x4xui2>, tensor<2x1x1x4xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

// Codes of one bit and weights 1 and -1: six of each in an index.
// CHECK-LABEL: @one_bit
//       CHECK: codes_per_index = 6 : tensor<?x2x2x12xui1>, tensor<1x1x1x2x64xi8>
func.func @one_bit(%codes: tensor<?x2x2x12xui1>, %t: tensor<1x1xi32>) -> tensor<?x2x2x2xui1> {
  %w = arith.constant dense<-1> : tensor<2x1x1x12xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui1> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x12xui1>, tensor<2x1x1x12xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x1xi32> -> tensor<?x2x2x2xui1>
    n2uq.yield %q : tensor<?x2x2x2xui1>
  }
  return %0 : tensor<?x2x2x2xui1>
}

// -----

// CHECK-LABEL: @three_bit_weights
//       CHECK: codes_per_index = 2 : tensor<?x2x2x4xui3>, tensor<1x1x1x2x64xi8>
func.func @three_bit_weights(%codes: tensor<?x2x2x4xui3>, %t: tensor<1x1xi32>) -> tensor<?x2x2x2xui1> {
  %w = arith.constant dense<-7> : tensor<2x1x1x4xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui1> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x4xui3>, tensor<2x1x1x4xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x1xi32> -> tensor<?x2x2x2xui1>
    n2uq.yield %q : tensor<?x2x2x2xui1>
  }
  return %0 : tensor<?x2x2x2xui1>
}

// -----

func.func @even_weight(%codes: tensor<?x2x2x4xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<[[[[3, 1, -1, -3]]], [[[0, -1, -1, -1]]]]> : tensor<2x1x1x4xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': its weights are not all odd, so no 2-bit or 3-bit number stands for each}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x4xui2>, tensor<2x1x1x4xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

func.func @wide_codes(%codes: tensor<?x2x2x4xui5>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<3> : tensor<2x1x1x4xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': tables of products of 5-bit codes and weights up to 3 take more than 32 KB}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x4xui5>, tensor<2x1x1x4xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

func.func @groups(%codes: tensor<?x2x2x4xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<1> : tensor<2x1x1x2xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': it has groups, and no index stands for the weight 0 between them}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 4, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w groups = 2 : tensor<?x2x2x4xui2>, tensor<2x1x1x2xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

// 7300 weights of 3 (k = 3) and codes of 3: sums up to 65700.
func.func @large_sums(%codes: tensor<?x1x1x7300xui2>, %t: tensor<1x3xi32>) -> tensor<?x1x1x2xui2> {
  %w = arith.constant dense<3> : tensor<2x1x1x7300xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': the sum of an output's lookups may not fit into 16 bits}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 1, 4, 1]> -> tensor<?x1x1x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x1x1x7300xui2>, tensor<2x1x1x7300xi8> -> tensor<?x1x1x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x1x1x2xi32>, tensor<1x3xi32> -> tensor<?x1x1x2xui2>
    n2uq.yield %q : tensor<?x1x1x2xui2>
  }
  return %0 : tensor<?x1x1x2xui2>
}

// -----

func.func @many_rows(%codes: tensor<?x224x224x64xui2>, %t: tensor<1x3xi32>) -> tensor<?x224x224x2xui2> {
  %w = arith.constant dense<3> : tensor<2x1x1x64xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': its indices take more than 1048576 bytes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [224, 8, 4, 1]> -> tensor<?x224x224x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x224x224x64xui2>, tensor<2x1x1x64xi8> -> tensor<?x224x224x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x224x224x2xi32>, tensor<1x3xi32> -> tensor<?x224x224x2xui2>
    n2uq.yield %q : tensor<?x224x224x2xui2>
  }
  return %0 : tensor<?x224x224x2xui2>
}

// -----

func.func @tile_of_another_kernel(%codes: tensor<?x2x2x4xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<1> : tensor<2x1x1x4xi8>
  // expected-error @+1 {{cannot be computed by 'lookup': it has 16 lanes and a tile of rows, pixels, a multiple of 4 vectors, and blocks}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 2, 2]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x4xui2>, tensor<2x1x1x4xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}
