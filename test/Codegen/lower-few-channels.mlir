// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels --canonicalize | FileCheck %s
//
// Images of 24 channels have 32 in memory: 6 steps of four channels a tap, not 8, and the taps of a row are runs of their
// own. With 16 channels there is nothing to leave out, and the three taps of a row are one run of 12 steps.

// CHECK-LABEL: func.func private @few(
//   CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
//   CHECK-DAG: %[[TAPS:.*]] = arith.constant 3 : i64
//   CHECK-DAG: %[[STEPS:.*]] = arith.constant 6 : i64
//       CHECK: scf.for %{{.*}} = %[[ZERO]] to %[[TAPS]] step
//       CHECK: scf.for %{{.*}} = %[[ZERO]] to %[[TAPS]] step
//       CHECK: scf.for %{{.*}} = %[[ZERO]] to %[[STEPS]] step
//       CHECK: n2uq.dot4

// CHECK-LABEL: func.func private @whole(
//   CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
//   CHECK-DAG: %[[TAPS:.*]] = arith.constant 3 : i64
//   CHECK-DAG: %[[STEPS:.*]] = arith.constant 12 : i64
//       CHECK: scf.for %{{.*}} = %[[ZERO]] to %[[TAPS]] step
//       CHECK: scf.for %{{.*}} = %[[ZERO]] to %[[STEPS]] step
//       CHECK: n2uq.dot4
func.func @main(%x: tensor<?x24x8x8xf32>) -> tensor<?x6x6x16xf32> {
  %few = arith.constant dense<1> : tensor<1x3x3x8x16x4xi8>
  %whole = arith.constant dense<1> : tensor<1x3x3x4x16x4xi8>
  %f = arith.constant dense<[[0.0, 0.5, 1.0]]> : tensor<1x3xf32>
  %t = arith.constant dense<[[0, 10, 20]]> : tensor<1x3xi32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x24xui2> {
    %m = n2uq.to_nhwc %x : tensor<?x24x8x8xf32> -> tensor<?x8x8x24xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x24xf32>, tensor<1x3xf32> -> tensor<?x8x8x24xui2>
    n2uq.yield %q : tensor<?x8x8x24xui2>
  } loc("row")
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [2, 4, 1]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.packed_conv2d %0, %few padding = [1, 1, 1, 1] : tensor<?x8x8x24xui2>, tensor<1x3x3x8x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  } loc("few")
  %2 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [2, 3, 1]> -> tensor<?x6x6x16xf32> {
    %acc = n2uq.packed_conv2d %1, %whole : tensor<?x8x8x16xui2>, tensor<1x3x3x4x16x4xi8> -> tensor<?x6x6x16xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x6x6x16xi32> -> tensor<?x6x6x16xf32>
    n2uq.yield %y : tensor<?x6x6x16xf32>
  } loc("whole")
  return %2 : tensor<?x6x6x16xf32>
}
