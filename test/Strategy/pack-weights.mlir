// RUN: n2uq-opt %s --n2uq-pack-weights --split-input-file --verify-diagnostics | FileCheck %s

// Output channels of a block are innermost, four input channels together; what is missing is filled with zeros. Here
// 2 outputs of 4 lanes, and 3 channels of 16: (1, 2, 3, 0) of the first output, then (-1, -2, -3, 0) of the second.
// CHECK-LABEL: @filter_for_dot_products
//       CHECK: arith.constant dense<{{\[\[\[\[\[\[1, 2, 3, 0\], \[-1, -2, -3, 0\], \[0, 0, 0, 0\], \[0, 0, 0, 0\]\], \[\[0, 0, 0, 0\]}}{{.*}}> : tensor<1x1x1x4x4x4xi8>
//       CHECK: n2uq.packed_conv2d %{{.*}}, %{{.*}} : tensor<?x2x2x3xui2>, tensor<1x1x1x4x4x4xi8> -> tensor<?x2x2x2xi32>
func.func @filter_for_dot_products(%codes: tensor<?x2x2x3xui2>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  %w = arith.constant dense<[[[[1, 2, 3]]], [[[-1, -2, -3]]]]> : tensor<2x1x1x3xi8>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 4, tile = [1, 1, 1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x3xui2>, tensor<2x1x1x3xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

// CHECK-LABEL: @weights_for_vectors_of_outputs
//       CHECK: arith.constant dense<{{\[\[\[1.000000e\+00, 3.000000e\+00, 5.000000e\+00, 0.000000e\+00\], \[2.000000e\+00, 4.000000e\+00, 6.000000e\+00, 0.000000e\+00\]\]\]}}> : tensor<1x2x4xf32>
//       CHECK: n2uq.packed_fully_connected
func.func @weights_for_vectors_of_outputs(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = fully_connected, lanes = 4, tile = [1, 1, 1]> -> tensor<?x3xf32> {
    %1 = n2uq.fully_connected %x, %w : tensor<?x2xf32>, tensor<3x2xf32> -> tensor<?x3xf32>
    n2uq.yield %1 : tensor<?x3xf32>
  }
  return %0 : tensor<?x3xf32>
}

// -----

func.func @no_strategy(%codes: tensor<?x2x2x3xui2>, %w: tensor<2x1x1x3xi8>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  // expected-error @+1 {{'n2uq.kernel' op has no strategy; run n2uq-select-strategy before}}
  %0 = n2uq.kernel -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x3xui2>, tensor<2x1x1x3xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

func.func @strategy_of_another_root(%codes: tensor<?x2x2x3xui2>, %w: tensor<2x1x1x3xi8>, %t: tensor<1x3xi32>) -> tensor<?x2x2x2xui2> {
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'pool': its root is not a pool}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = pool, lanes = 4, tile = [1]> -> tensor<?x2x2x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x3xui2>, tensor<2x1x1x3xi8> -> tensor<?x2x2x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<1x3xi32> -> tensor<?x2x2x2xui2>
    n2uq.yield %q : tensor<?x2x2x2xui2>
  }
  return %0 : tensor<?x2x2x2xui2>
}

// -----

// One output and one channel, padded to 16 of each: 256 times the filter.
func.func @too_large(%codes: tensor<?x4096x4095x1xui1>) -> tensor<?x1x1x1xui1> {
  %w = arith.constant dense<1> : tensor<1x4096x4095x1xi8>
  %t = arith.constant dense<1> : tensor<1x1xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 1]> -> tensor<?x1x1x1xui1> {
    // expected-error @+1 {{has a filter that takes more than 1073741824 elements when packed}}
    %acc = n2uq.conv2d %codes, %w : tensor<?x4096x4095x1xui1>, tensor<1x4096x4095x1xi8> -> tensor<?x1x1x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x1x1x1xi32>, tensor<1x1xi32> -> tensor<?x1x1x1xui1>
    n2uq.yield %q : tensor<?x1x1x1xui1>
  }
  return %0 : tensor<?x1x1x1xui1>
}
