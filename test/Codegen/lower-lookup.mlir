// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels --canonicalize | FileCheck %s
//
// A work item turns its codes into indices in scratch memory, then looks up: the first lookup of a run starts the sum, the
// others are added in a loop that is not to be unrolled, for it would spill; then bytes become 16-bit sums.
// CHECK-LABEL: func.func private @kernel_0(
//       CHECK: llvm.alloca {{.*}} {alignment = 64 : i64}
//       CHECK: arith.extui {{.*}} : vector<32xi8> to vector<32xi16>
//       CHECK: vector.reduction <add>
//       CHECK: %[[FIRST:.*]] = n2uq.table_lookup %{{.*}}, %{{.*}} : vector<64xi8>
//       CHECK: scf.for {{.*}} iter_args({{.*}} = %[[FIRST]]
//       CHECK: %[[NEXT:.*]] = n2uq.table_lookup %{{.*}}, %{{.*}} : vector<64xi8>
//       CHECK: arith.addi %{{.*}}, %[[NEXT]] : vector<64xi8>
//       CHECK: loop_annotation = #{{.*}}
//       CHECK: vector.bitcast {{.*}} : vector<64xi8> to vector<32xi16>
//   CHECK-NOT: n2uq.packed_lookup_conv2d
func.func @main(%x: tensor<?x64x8x8xf32>) -> tensor<?x8x8x64xf32> {
  %w = arith.constant dense<27> : tensor<1x1x1x22x64xi8>
  %f = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x8x8x64xui2> {
    %m = n2uq.to_nhwc %x : tensor<?x64x8x8xf32> -> tensor<?x8x8x64xf32>
    %q = n2uq.quantize %m, %f : tensor<?x8x8x64xf32>, tensor<1x3xf32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 8, 4, 1]> -> tensor<?x8x8x64xf32> {
    %acc = n2uq.packed_lookup_conv2d %0, %w codes_per_index = 3 : tensor<?x8x8x64xui2>, tensor<1x1x1x22x64xi8> -> tensor<?x8x8x64xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
    n2uq.yield %y : tensor<?x8x8x64xf32>
  }
  return %1 : tensor<?x8x8x64xf32>
}
