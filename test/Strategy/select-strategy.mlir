// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=znver4 | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=x86-64 | FileCheck %s --check-prefixes=CHECK,SSE2
// RUN: n2uq-opt %s --n2uq-select-strategy="target-cpu=znver4 force-kernel=portable" | FileCheck %s --check-prefix=FORCED
// RUN: not n2uq-opt %s --n2uq-select-strategy=target-cpu=z80 2>&1 | FileCheck %s --check-prefix=BAD-CPU
// RUN: not n2uq-opt %s --n2uq-select-strategy=force-kernel=magic 2>&1 | FileCheck %s --check-prefix=BAD-KERNEL
//
// BAD-CPU: error: 'z80' is not a CPU that LLVM knows; use host, x86-64,
// BAD-KERNEL: error: 'magic' is not a kernel family; n2uq/Strategy/Kernels.def lists them

// CHECK-LABEL: @convolution_of_codes
//      AVX512: n2uq.kernel strategy = <kernel = direct_dot, lanes = 16,
//        AVX2: n2uq.kernel strategy = <kernel = direct_dot, lanes = 8,
//        SSE2: n2uq.kernel strategy = <kernel = direct_dot, lanes = 4,
//      FORCED: n2uq.kernel strategy = <kernel = portable,
func.func @convolution_of_codes(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x3x3x64xi8>, %t: tensor<64x3xi32>) -> tensor<?x8x8x64xui2> {
  %0 = n2uq.kernel -> tensor<?x8x8x64xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<64x3x3x64xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<64x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}

// CHECK-LABEL: @one_family_a_root
//       CHECK: strategy = <kernel = depthwise,
//       CHECK: strategy = <kernel = float_fma,
//       CHECK: strategy = <kernel = pool,
//       CHECK: strategy = <kernel = move,
//       CHECK: strategy = <kernel = fully_connected,
//       CHECK: strategy = <kernel = elementwise,
func.func @one_family_a_root(%codes: tensor<?x8x8x32xui4>, %d: tensor<32x3x3x1xi8>, %s: tensor<32xf32>, %f: tensor<32x1x1x32xf32>,
                             %fc: tensor<10x32xf32>) -> tensor<?x10xf32> {
  %0 = n2uq.kernel -> tensor<?x8x8x32xf32> {
    %1 = n2uq.conv2d %codes, %d padding = [1, 1, 1, 1] groups = 32 : tensor<?x8x8x32xui4>, tensor<32x3x3x1xi8> -> tensor<?x8x8x32xi32>
    %2 = n2uq.affine %1 scale(%s : tensor<32xf32>) : tensor<?x8x8x32xi32> -> tensor<?x8x8x32xf32>
    n2uq.yield %2 : tensor<?x8x8x32xf32>
  }
  %3 = n2uq.kernel -> tensor<?x8x8x32xf32> {
    %4 = n2uq.float_conv2d %0, %f : tensor<?x8x8x32xf32>, tensor<32x1x1x32xf32> -> tensor<?x8x8x32xf32>
    n2uq.yield %4 : tensor<?x8x8x32xf32>
  }
  %5 = n2uq.kernel -> tensor<?x1x1x32xf32> {
    %6 = n2uq.avg_pool %3 kernel = [8, 8] : tensor<?x8x8x32xf32> -> tensor<?x1x1x32xf32>
    n2uq.yield %6 : tensor<?x1x1x32xf32>
  }
  %7 = n2uq.kernel -> tensor<?x32xf32> {
    %8 = n2uq.flatten %5 : tensor<?x1x1x32xf32> -> tensor<?x32xf32>
    n2uq.yield %8 : tensor<?x32xf32>
  }
  %9 = n2uq.kernel -> tensor<?x10xf32> {
    %10 = n2uq.fully_connected %7, %fc : tensor<?x32xf32>, tensor<10x32xf32> -> tensor<?x10xf32>
    n2uq.yield %10 : tensor<?x10xf32>
  }
  %11 = n2uq.kernel -> tensor<?x10xf32> {
    %12 = n2uq.add %9, %9 : tensor<?x10xf32>
    n2uq.yield %12 : tensor<?x10xf32>
  }
  return %11 : tensor<?x10xf32>
}

// A choice that is there already, by hand for example, is kept.
// CHECK-LABEL: @keeps_a_choice
//       CHECK: strategy = <kernel = portable, lanes = 1, tile = [1, 1, 1]>
func.func @keeps_a_choice(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>, %t: tensor<1x3xi32>) -> tensor<?x8x8x64xui2> {
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = portable, lanes = 1, tile = [1, 1, 1]> -> tensor<?x8x8x64xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<1x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}
