// RUN: n2uq-opt %s --n2uq-select-strategy="target-cpu=znver4 force-kernel=narrow_dot" --split-input-file --verify-diagnostics | FileCheck %s

// A forced family is taken where it may run; what had a choice and takes another one is named.
// CHECK-LABEL: @some
//       CHECK: strategy = <kernel = narrow_dot
//       CHECK: strategy = <kernel = direct_dot
//       CHECK: strategy = <kernel = elementwise
// expected-warning @below {{these layers cannot be computed by 'narrow_dot' and take the best of the others: 'second' (its weights need 8 bits)}}
func.func @some(%codes: tensor<?x8x8x2xui2>) -> tensor<?x8x8x1xf32> {
  %t = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %few = arith.constant dense<[[[[-1, 1]]], [[[1, 1]]]]> : tensor<2x1x1x2xi8>
  %many = arith.constant dense<[[[[-128, 127]]]]> : tensor<1x1x1x2xi8>
  %0 = n2uq.kernel -> tensor<?x8x8x2xui2> {
    %acc = n2uq.conv2d %codes, %few : tensor<?x8x8x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x8x8x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x2xi32>, tensor<1x3xi32> -> tensor<?x8x8x2xui2>
    n2uq.yield %q : tensor<?x8x8x2xui2>
  } loc("first")
  %1 = n2uq.kernel -> tensor<?x8x8x1xui2> {
    %acc = n2uq.conv2d %0, %many : tensor<?x8x8x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x8x8x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x1xi32>, tensor<1x3xi32> -> tensor<?x8x8x1xui2>
    n2uq.yield %q : tensor<?x8x8x1xui2>
  } loc("second")
  %2 = n2uq.kernel -> tensor<?x8x8x1xf32> {
    %f = n2uq.affine %1 : tensor<?x8x8x1xui2> -> tensor<?x8x8x1xf32>
    n2uq.yield %f : tensor<?x8x8x1xf32>
  } loc("third")
  return %2 : tensor<?x8x8x1xf32>
}

// -----

// expected-error @below {{no layer can be computed by 'narrow_dot': 'only' (its weights need 8 bits)}}
func.func @none(%codes: tensor<?x8x8x2xui2>) -> tensor<?x8x8x1xui2> {
  %t = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %w = arith.constant dense<[[[[-128, 127]]]]> : tensor<1x1x1x2xi8>
  %0 = n2uq.kernel -> tensor<?x8x8x1xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x8x8x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x1xi32>, tensor<1x3xi32> -> tensor<?x8x8x1xui2>
    n2uq.yield %q : tensor<?x8x8x1xui2>
  } loc("only")
  return %0 : tensor<?x8x8x1xui2>
}
