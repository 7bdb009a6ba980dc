// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels | FileCheck %s
//
// Seven thresholds: bisected, three comparisons. One row lies in a register and is permuted; rows of channels are selected
// from. An axis that channels share takes none.

// CHECK-LABEL: func.func private @row(
// CHECK-COUNT-1: arith.cmpf oge
//       CHECK: n2uq.permute
//       CHECK: arith.cmpf oge
//       CHECK: n2uq.permute
//       CHECK: arith.cmpf oge
//   CHECK-NOT: arith.cmpf
//       CHECK: return

// CHECK-LABEL: func.func private @rows(
// CHECK-COUNT-6: arith.cmpi sge
//   CHECK-NOT: arith.cmpi sge
//       CHECK: return

// Two pixels of two vectors are 64 codes, stored as two halves.
// CHECK-LABEL: func.func private @shared(
//   CHECK-NOT: arith.cmpi sge
//       CHECK: n2uq.cell_codes {{.*}} width = 16 {{.*}} -> vector<64xi8>
//       CHECK: vector.shuffle {{.*}} : vector<64xi8>, vector<64xi8>
//       CHECK: llvm.store {{.*}} : vector<32xi8>
//       CHECK: vector.shuffle
//       CHECK: llvm.store {{.*}} : vector<32xi8>
//       CHECK: return

// A sign for each channel is an exclusive or; one for all channels turns the maximum into a minimum.
// CHECK-LABEL: func.func private @signs(
//       CHECK: arith.cmpf ogt
//       CHECK: arith.xori
//       CHECK: n2uq.cell_codes
// CHECK-LABEL: func.func private @one_sign(
//   CHECK-NOT: arith.cmpf ogt
//   CHECK-NOT: arith.xori
//       CHECK: arith.cmpf olt
//   CHECK-NOT: arith.xori
//       CHECK: n2uq.cell_codes
func.func @main(%x: tensor<?x32x8x8xf32>) -> tensor<?x8x8x32xf32> {
  %w = arith.constant dense<1> : tensor<1x1x1x8x32x4xi8>
  %f = arith.constant dense<[[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0]]> : tensor<1x7xf32>
  %t = arith.constant dense<[[0, 1, 2, 3, 4, 5, 6]]> : tensor<1x7xi32>
  %lines = arith.constant dense<1.0> : tensor<32x1xf32>
  %table = arith.constant dense<0> : tensor<32xi32>
  %two = arith.constant dense<1.0> : tensor<32x2xf32>
  %low = arith.constant dense<-1.0> : tensor<1xf32>
  %signs = arith.constant dense<[-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0,
                                 -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0]> : tensor<32xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x32xui3> {
    %m = n2uq.to_nhwc %x : tensor<?x32x8x8xf32> -> tensor<?x8x8x32xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x32xf32>, tensor<1x7xf32> -> tensor<?x8x8x32xui3>
    n2uq.yield %q : tensor<?x8x8x32xui3>
  } loc("row")
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 2]> -> tensor<?x8x8x32xui3> {
    %acc = n2uq.packed_conv2d %0, %w : tensor<?x8x8x32xui3>, tensor<1x1x1x8x32x4xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x32xi32>, tensor<1x7xi32> -> tensor<?x8x8x32xui3>
    n2uq.yield %q : tensor<?x8x8x32xui3>
  } loc("rows")
  %2 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 2, 2]> -> tensor<?x8x8x32xui3> {
    %acc = n2uq.packed_conv2d %1, %w : tensor<?x8x8x32xui3>, tensor<1x1x1x8x32x4xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x32xi32>, tensor<32x1xf32>, tensor<32xi32> -> tensor<?x8x8x32xui3>
    n2uq.yield %q : tensor<?x8x8x32xui3>
  } loc("shared")
  %3 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 2, 2]> -> tensor<?x8x8x32xui3> {
    %acc = n2uq.packed_conv2d %2, %w : tensor<?x8x8x32xui3>, tensor<1x1x1x8x32x4xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.shared_threshold %acc, %two, %two, %table sign(%signs : tensor<32xf32>) width = 16 : tensor<?x8x8x32xi32>, tensor<32x2xf32>, tensor<32xi32> -> tensor<?x8x8x32xui3>
    n2uq.yield %q : tensor<?x8x8x32xui3>
  } loc("signs")
  %4 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 2, 2]> -> tensor<?x8x8x32xui3> {
    %acc = n2uq.packed_conv2d %3, %w : tensor<?x8x8x32xui3>, tensor<1x1x1x8x32x4xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.shared_threshold %acc, %two, %two, %table sign(%low : tensor<1xf32>) width = 16 : tensor<?x8x8x32xi32>, tensor<32x2xf32>, tensor<32xi32> -> tensor<?x8x8x32xui3>
    n2uq.yield %q : tensor<?x8x8x32xui3>
  } loc("one_sign")
  %5 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 2, 2]> -> tensor<?x8x8x32xf32> {
    %acc = n2uq.packed_conv2d %4, %w : tensor<?x8x8x32xui3>, tensor<1x1x1x8x32x4xi8> -> tensor<?x8x8x32xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x32xi32> -> tensor<?x8x8x32xf32>
    n2uq.yield %y : tensor<?x8x8x32xf32>
  } loc("last")
  return %5 : tensor<?x8x8x32xf32>
}
