// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels --canonicalize | FileCheck %s
//
// A work item sums up its pixels' own terms in scratch memory; accumulators start from them and from the terms of their
// channels; then two additions of bytes and one dot product a step of eight channels.
// CHECK-LABEL: func.func private @kernel_0(
//       CHECK: llvm.alloca {{.*}} {alignment = 64 : i64}
//       CHECK: arith.shrui {{.*}} : vector<8xi64>
//       CHECK: n2uq.dot4
//       CHECK: vector.reduction <add>
//       CHECK: arith.subi {{.*}} : vector<16xi32>
//       CHECK: %[[UNSIGNED:.*]] = arith.addi {{.*}} : vector<64xi8>
//       CHECK: %[[SIGNED:.*]] = arith.addi {{.*}} : vector<64xi8>
//       CHECK: n2uq.dot4 %{{.*}}, %[[UNSIGNED]], %[[SIGNED]] code_bits = 8 : vector<16xi32>, vector<64xi8>
//   CHECK-NOT: n2uq.packed_inner_product_conv2d
func.func @main(%x: tensor<?x64x8x8xf32>) -> tensor<?x8x8x64xf32> {
  %w = arith.constant dense<5> : tensor<4x1x1x8x2x16x4xi8>
  %f = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x64xui2> {
    %m = n2uq.to_nhwc %x : tensor<?x64x8x8xf32> -> tensor<?x8x8x64xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x64xf32>, tensor<1x3xf32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = inner_product, lanes = 16, tile = [1, 8, 1, 2]> -> tensor<?x8x8x64xf32> {
    %acc = n2uq.packed_inner_product_conv2d %0, %w bias = 3 : tensor<?x8x8x64xui2>, tensor<4x1x1x8x2x16x4xi8> -> tensor<?x8x8x64xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
    n2uq.yield %y : tensor<?x8x8x64xf32>
  }
  return %1 : tensor<?x8x8x64xf32>
}
