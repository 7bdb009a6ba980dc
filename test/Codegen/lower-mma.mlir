// RUN: n2uq-opt %s --n2uq-plan-memory --n2uq-lower-kernels-to-gpu | FileCheck %s

// A convolution on tensor cores: 16 pixels by 64 outputs a warp, of which 16 are there, two ways that meet in shared memory.
// CHECK: launch = {grid_y = 1 : i64, shared_bytes = 4096 : i64, threads = 64 : i64, units_per_block = 16 : i64, units_per_image = 9 : i64}
// CHECK: gpu.module @n2uq_kernels
// CHECK: llvm.mlir.global external @n2uq_shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

// Outside of the image codes are zeros that nobody stored; a word of 16 codes becomes four registers.
// CHECK: gpu.func @bytes
// CHECK: %[[WORD:.*]] = llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<1> -> i32
// CHECK: %[[CODES:.*]] = arith.select %{{.*}}, %[[WORD]], %{{.*}} : i32
// CHECK: arith.andi %[[CODES]], %[[MASK:.*]] : i32
// CHECK: arith.shrui %[[CODES]], %{{.*}} : i32
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.u8.s8"
// CHECK: gpu.barrier
// Sixteen outputs of a pixel are one word.
// CHECK: llvm.store %{{.*}} {alignment = 4 : i64} : i32, !llvm.ptr<1>

// CHECK: gpu.func @nibbles
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k64.row.col.u4.s4"
// CHECK-NOT: gpu.barrier
func.func @main(%image: tensor<?x3x3x128xf32>) -> tensor<?x3x3x16xf32> {
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %i = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %f = arith.constant dense<1> : tensor<16x3x3x128xi8>
  %g = arith.constant dense<-3> : tensor<16x1x1x16xi8>
  %codes = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 4]> -> tensor<?x3x3x128xui2> {
    %q = n2uq.quantize %image, %t : tensor<?x3x3x128xf32>, tensor<1x3xf32> -> tensor<?x3x3x128xui2>
    n2uq.yield %q : tensor<?x3x3x128xui2>
  } loc("quan")
  %codes2 = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_mma, lanes = 1, tile = [1, 64, 1, 2]> -> tensor<?x3x3x16xui2> {
    %acc = n2uq.conv2d %codes, %f padding = [1, 1, 1, 1] : tensor<?x3x3x128xui2>, tensor<16x3x3x128xi8> -> tensor<?x3x3x16xi32>
    %q = n2uq.threshold %acc, %i : tensor<?x3x3x16xi32>, tensor<1x3xi32> -> tensor<?x3x3x16xui2>
    n2uq.yield %q : tensor<?x3x3x16xui2>
  } loc("bytes")
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_mma_s4, lanes = 1, tile = [2, 16, 1, 1]> -> tensor<?x3x3x16xf32> {
    %acc = n2uq.conv2d %codes2, %g : tensor<?x3x3x16xui2>, tensor<16x1x1x16xi8> -> tensor<?x3x3x16xi32>
    %y = n2uq.affine %acc : tensor<?x3x3x16xi32> -> tensor<?x3x3x16xf32>
    n2uq.yield %y : tensor<?x3x3x16xf32>
  } loc("nibbles")
  return %out : tensor<?x3x3x16xf32>
}
