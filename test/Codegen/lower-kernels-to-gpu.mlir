// RUN: split-file %s %t
// RUN: n2uq-opt %t/network.mlir --n2uq-plan-memory --n2uq-lower-kernels-to-gpu | FileCheck %s
// RUN: not n2uq-opt %t/unplanned.mlir --n2uq-lower-kernels-to-gpu 2>&1 | FileCheck %s --check-prefix=UNPLANNED
// RUN: not n2uq-opt %t/cpu.mlir --n2uq-plan-memory --n2uq-lower-kernels-to-gpu 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not n2uq-opt %t/network.mlir --n2uq-plan-memory --n2uq-lower-kernels 2>&1 | FileCheck %s --check-prefix=GPU

// Every kernel is an entry of five parameters; what the descriptor says of its launch stands on the module.
//       CHECK: n2uq.model
//  CHECK-SAME: name = "quan"
//  CHECK-SAME: row = 48 : i64, storage_bits = 2 : i64
//  CHECK-SAME: launch = {grid_y = 1 : i64, shared_bytes = 0 : i64, threads = 64 : i64, units_per_block = 64 : i64, units_per_image = 144 : i64}
//       CHECK: gpu.module @n2uq_kernels
//       CHECK: gpu.func @conv(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32) kernel attributes {known_block_size = array<i32: 64, 1, 1>}
//       CHECK: llvm.intr.fma
// Three thresholds, four codes a byte.
//       CHECK: arith.cmpf oge
//       CHECK: llvm.store {{.*}} : i8, !llvm.ptr<1>
//       CHECK: gpu.func @dot
//       CHECK: llvm.call_intrinsic "llvm.nvvm.idp4a.u.s"
//       CHECK: llvm.mlir.global internal constant @n2uq_weights

// UNPLANNED: has no plan of its memory; run n2uq-plan-memory before
// CPU: 'n2uq.kernel' op is not to be computed by a GPU; run n2uq-lower-kernels
// GPU: 'n2uq.kernel' op is to be computed by a GPU; run n2uq-lower-kernels-to-gpu

//--- network.mlir
func.func @main(%image: tensor<?x3x3x2xf32>) -> tensor<?x3x3x4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1x1x2xf32>
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %f = arith.constant dense<1> : tensor<4x3x3x4xi8>
  %codes = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 4]> -> tensor<?x3x3x4xui2> {
    %x = n2uq.float_conv2d %image, %w : tensor<?x3x3x2xf32>, tensor<4x1x1x2xf32> -> tensor<?x3x3x4xf32> loc("conv")
    %q = n2uq.quantize %x, %t : tensor<?x3x3x4xf32>, tensor<1x3xf32> -> tensor<?x3x3x4xui2> loc("quan")
    n2uq.yield %q : tensor<?x3x3x4xui2>
  } loc("conv")
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 1]> -> tensor<?x3x3x4xf32> {
    %acc = n2uq.conv2d %codes, %f padding = [1, 1, 1, 1] : tensor<?x3x3x4xui2>, tensor<4x3x3x4xi8> -> tensor<?x3x3x4xi32>
    %y = n2uq.affine %acc : tensor<?x3x3x4xi32> -> tensor<?x3x3x4xf32>
    n2uq.yield %y : tensor<?x3x3x4xf32>
  } loc("dot")
  return %out : tensor<?x3x3x4xf32>
}

//--- unplanned.mlir
func.func @main(%image: tensor<?x3x3x2xf32>) -> tensor<?x3x3x2xf32> {
  return %image : tensor<?x3x3x2xf32>
}

//--- cpu.mlir
func.func @main(%x: tensor<?x2x2x4xf32>) -> tensor<?x2x2x4xf32> {
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 4, tile = [1]> -> tensor<?x2x2x4xf32> {
    %y = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x2x2x4xf32>
    n2uq.yield %y : tensor<?x2x2x4xf32>
  }
  return %out : tensor<?x2x2x4xf32>
}
