// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels | FileCheck %s
// RUN: not n2uq-opt %s --n2uq-lower-kernels 2>&1 | FileCheck %s --check-prefix=NO-PLAN
//
// NO-PLAN: error: {{.*}}has no plan of its memory; run n2uq-plan-memory before
//
// A kernel becomes one function of work items; the network becomes calls of it; no network op and no tensor is left, and
// the accumulator never meets memory.

// CHECK-LABEL: module
//  CHECK-SAME: n2uq.model
//       CHECK: llvm.mlir.global internal constant
//       CHECK: func.func private @kernel(
//   CHECK-NOT: n2uq.quantize
//       CHECK: func.func private @kernel_0(
//   CHECK-NOT: n2uq.packed_conv2d
//       CHECK: n2uq.dot4
//   CHECK-NOT: n2uq.affine
//       CHECK: func.func private @n2uq_run(
//       CHECK: call @kernel(
//       CHECK: call @kernel_0(
//   CHECK-NOT: -> tensor<
func.func @main(%x: tensor<?x16x8x8xf32>) -> tensor<?x8x8x16xf32> {
  %w = arith.constant dense<1> : tensor<1x1x1x4x16x4xi8>
  %f = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x16xui2> {
    %m = n2uq.to_nhwc %x : tensor<?x16x8x8xf32> -> tensor<?x8x8x16xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x16xf32>, tensor<1x3xf32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 8, 1]> -> tensor<?x8x8x16xf32> {
    %acc = n2uq.packed_conv2d %0, %w : tensor<?x8x8x16xui2>, tensor<1x1x1x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x16xi32> -> tensor<?x8x8x16xf32>
    n2uq.yield %y : tensor<?x8x8x16xf32>
  }
  return %1 : tensor<?x8x8x16xf32>
}
