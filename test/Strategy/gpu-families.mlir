// RUN: split-file %s %t
// RUN: n2uq-opt %t/good.mlir --n2uq-form-kernels=pools-behind-roots=false --n2uq-select-strategy=target-cpu=sm_80 --n2uq-pack-weights --n2uq-verify-strategy | FileCheck %s
// RUN: n2uq-opt %t/errors.mlir --n2uq-verify-strategy --split-input-file --verify-diagnostics
// RUN: not n2uq-opt %t/good.mlir --n2uq-select-strategy=target-cpu=sm_52 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not n2uq-opt %t/good.mlir "--n2uq-select-strategy=target-cpu=sm_80 force-kernel=lookup" 2>&1 | FileCheck %s --check-prefix=FORCE

// CHIP: 'sm_52' is not a GPU that code can be made for
// FORCE: 'lookup' is not a kernel family; n2uq/Strategy/GpuKernels.def lists them

// On a GPU the pool is a kernel of its own, weights stay as they are, and a thread writes whole bytes of codes.
// CHECK-LABEL: @pool_is_a_kernel
//       CHECK: n2uq.kernel strategy = <kernel = cuda_thread, lanes = 1, tile = [256, 1]>
//  CHECK-NEXT: n2uq.to_nhwc
//  CHECK-NEXT: n2uq.float_conv2d
//       CHECK: n2uq.kernel strategy = <kernel = cuda_thread, lanes = 1, tile = [256, 4]>
//  CHECK-NEXT: n2uq.max_pool

//--- good.mlir
func.func @pool_is_a_kernel(%image: tensor<?x3x8x8xf32>) -> tensor<?x4x4x8xui2> {
  %w = arith.constant dense<1.0> : tensor<8x3x3x3xf32>
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %x = n2uq.to_nhwc %image : tensor<?x3x8x8xf32> -> tensor<?x8x8x3xf32>
  %y = n2uq.float_conv2d %x, %w padding = [1, 1, 1, 1] : tensor<?x8x8x3xf32>, tensor<8x3x3x3xf32> -> tensor<?x8x8x8xf32>
  %p = n2uq.max_pool %y kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x8xf32> -> tensor<?x4x4x8xf32>
  %q = n2uq.quantize %p, %t : tensor<?x4x4x8xf32>, tensor<1x3xf32> -> tensor<?x4x4x8xui2>
  return %q : tensor<?x4x4x8xui2>
}

//--- errors.mlir
func.func @rank(%x: tensor<?x2x2x4xf32>) -> tensor<?x2x2x4xf32> {
  // expected-error @below {{expects a tile of 2 numbers for 'cuda_thread', but got 1}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64]> -> tensor<?x2x2x4xf32> {
    %y = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x2x2x4xf32>
    n2uq.yield %y : tensor<?x2x2x4xf32>
  }
  return %out : tensor<?x2x2x4xf32>
}
// -----
func.func @threads(%x: tensor<?x2x2x4xf32>) -> tensor<?x2x2x4xf32> {
  // expected-error @below {{has a tile that 'cuda_thread' does not have: a block has 32 to 1024 threads, in warps of 32}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [48, 1]> -> tensor<?x2x2x4xf32> {
    %y = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x2x2x4xf32>
    n2uq.yield %y : tensor<?x2x2x4xf32>
  }
  return %out : tensor<?x2x2x4xf32>
}
// -----
func.func @bytes(%x: tensor<?x2x2x4xf32>) -> tensor<?x2x2x4xui2> {
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  // expected-error @below {{has a tile that 'cuda_thread' does not have: a thread computes 4 to 16 channels here, a power of two}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 2]> -> tensor<?x2x2x4xui2> {
    %q = n2uq.quantize %x, %t : tensor<?x2x2x4xf32>, tensor<1x3xf32> -> tensor<?x2x2x4xui2>
    n2uq.yield %q : tensor<?x2x2x4xui2>
  }
  return %out : tensor<?x2x2x4xui2>
}
// -----
func.func @sigmoid(%x: tensor<?x2x2x4xf32>) -> tensor<?x2x2x4xf32> {
  // expected-error @below {{cannot be computed by 'cuda_thread': it has a n2uq.sigmoid, which GPUs' kernels do not compute yet}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 4]> -> tensor<?x2x2x4xf32> {
    %s = n2uq.sigmoid %x : tensor<?x2x2x4xf32>
    n2uq.yield %s : tensor<?x2x2x4xf32>
  }
  return %out : tensor<?x2x2x4xf32>
}
// -----
func.func @cpu_op(%x: tensor<?x2x2x4xui2>) -> tensor<?x2x2x4xf32> {
  %w = arith.constant dense<1> : tensor<1x1x16xi8>
  // expected-error @below {{cannot be computed by 'cuda_thread': it has a n2uq.packed_depthwise_conv2d, which is a CPU's}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 1]> -> tensor<?x2x2x4xf32> {
    %acc = n2uq.packed_depthwise_conv2d %x, %w : tensor<?x2x2x4xui2>, tensor<1x1x16xi8> -> tensor<?x2x2x4xi32>
    %y = n2uq.affine %acc : tensor<?x2x2x4xi32> -> tensor<?x2x2x4xf32>
    n2uq.yield %y : tensor<?x2x2x4xf32>
  }
  return %out : tensor<?x2x2x4xf32>
}
// -----
func.func @too_many_units(%x: tensor<?x65535x65535x1xf32>) -> tensor<?x65535x65535x1xf32> {
  // expected-error @below {{pieces of work an image, more than the 2147418112 that a GPU can be given}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 1]> -> tensor<?x65535x65535x1xf32> {
    %y = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x65535x65535x1xf32>
    n2uq.yield %y : tensor<?x65535x65535x1xf32>
  }
  return %out : tensor<?x65535x65535x1xf32>
}
// -----
func.func @weights(%x: tensor<2x2x2x2xf32>) -> tensor<2x1x1x2xf32> {
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 1]> -> tensor<2x1x1x2xf32> {
    // expected-error @below {{expects constant weights}}
    %y = n2uq.float_conv2d %x, %x : tensor<2x2x2x2xf32>, tensor<2x2x2x2xf32> -> tensor<2x1x1x2xf32>
    n2uq.yield %y : tensor<2x1x1x2xf32>
  }
  return %out : tensor<2x1x1x2xf32>
}
// -----
func.func @warps(%x: tensor<?x2x2x64xf32>) -> tensor<?x2x2x16xf32> {
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %w = arith.constant dense<1> : tensor<16x1x1x64xi8>
  %codes = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_thread, lanes = 1, tile = [64, 4]> -> tensor<?x2x2x64xui2> {
    %q = n2uq.quantize %x, %t : tensor<?x2x2x64xf32>, tensor<1x3xf32> -> tensor<?x2x2x64xui2>
    n2uq.yield %q : tensor<?x2x2x64xui2>
  }
  // expected-error @below {{has a tile that 'cuda_mma' does not have: a block has 1 to 16 warps}}
  %out = n2uq.kernel strategy = #n2uq.strategy<kernel = cuda_mma, lanes = 1, tile = [1, 16, 16, 2]> -> tensor<?x2x2x16xf32> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x2x2x64xui2>, tensor<16x1x1x64xi8> -> tensor<?x2x2x16xi32>
    %y = n2uq.affine %acc : tensor<?x2x2x16xi32> -> tensor<?x2x2x16xf32>
    n2uq.yield %y : tensor<?x2x2x16xf32>
  }
  return %out : tensor<?x2x2x16xf32>
}
