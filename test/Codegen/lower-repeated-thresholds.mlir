// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels | FileCheck %s
//
// Unevenly spaced levels: a threshold that stands m times in its row is one comparison that counts m.

// CHECK-LABEL: func.func private @kernel(
//       CHECK: arith.cmpf oge
//       CHECK: arith.select
//       CHECK: arith.cmpf oge
//       CHECK: arith.extui
//       CHECK: arith.cmpf oge
//       CHECK: arith.select
//   CHECK-NOT: arith.cmpf
//       CHECK: return
func.func @main(%x: tensor<?x16x8x8xf32>) -> tensor<?x8x8x16xf32> {
  %w = arith.constant dense<1> : tensor<1x1x1x4x16x4xi8>
  %f = arith.constant dense<[[0.0, 0.0, 0.0, 1.0, 2.0, 2.0]]> : tensor<1x6xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x16xui3> {
    %m = n2uq.to_nhwc %x : tensor<?x16x8x8xf32> -> tensor<?x8x8x16xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x16xf32>, tensor<1x6xf32> -> tensor<?x8x8x16xui3>
    n2uq.yield %q : tensor<?x8x8x16xui3>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 8, 1]> -> tensor<?x8x8x16xf32> {
    %acc = n2uq.packed_conv2d %0, %w : tensor<?x8x8x16xui3>, tensor<1x1x1x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x16xi32> -> tensor<?x8x8x16xf32>
    n2uq.yield %y : tensor<?x8x8x16xf32>
  }
  return %1 : tensor<?x8x8x16xf32>
}
