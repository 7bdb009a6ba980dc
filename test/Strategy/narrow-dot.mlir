// RUN: n2uq-opt %s --n2uq-select-strategy="target-cpu=znver4 optimize-for=size" | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: n2uq-opt %s --n2uq-select-strategy="target-cpu=x86-64 optimize-for=size" | FileCheck %s --check-prefixes=CHECK,SSE2
// RUN: n2uq-opt %s --n2uq-select-strategy="target-cpu=x86-64 optimize-for=size" --n2uq-pack-weights --n2uq-verify-strategy | FileCheck %s --check-prefix=PACKED
// RUN: not n2uq-opt %s --n2uq-select-strategy=optimize-for=beauty 2>&1 | FileCheck %s --check-prefix=GOAL
// GOAL: error: 'beauty' is nothing to optimize for; take speed or size

// The smallest form of weights of a few bits, on every CPU.
// CHECK-LABEL: @few_bits
//      AVX512: strategy = <kernel = narrow_dot, lanes = 16,
//        SSE2: strategy = <kernel = narrow_dot, lanes = 4,
// The true width of 8 weights of 2 bits.
//      PACKED: strategy = <kernel = narrow_dot{{.*}} {n2uq.true_width_bytes = 2 : i64}
//      PACKED: n2uq.packed_conv2d
func.func @few_bits(%codes: tensor<?x8x8x4xui2>) -> tensor<?x8x8x2xui2> {
  %t = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %w = arith.constant dense<[[[[3, 1, -1, -3]]], [[[-1, -1, -1, -1]]]]> : tensor<2x1x1x4xi8>
  %0 = n2uq.kernel -> tensor<?x8x8x2xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x4xui2>, tensor<2x1x1x4xi8> -> tensor<?x8x8x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x2xi32>, tensor<1x3xi32> -> tensor<?x8x8x2xui2>
    n2uq.yield %q : tensor<?x8x8x2xui2>
  }
  return %0 : tensor<?x8x8x2xui2>
}

// All numbers of 8 bits: nothing to gain, and that is what is said where somebody asks for it.
// CHECK-LABEL: @eight_bits
//       CHECK: strategy = <kernel = direct_dot,
func.func @eight_bits(%codes: tensor<?x8x8x2xui2>) -> tensor<?x8x8x1xui2> {
  %t = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %w = arith.constant dense<[[[[-128, 127]]]]> : tensor<1x1x1x2xi8>
  %0 = n2uq.kernel -> tensor<?x8x8x1xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x8x8x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x1xi32>, tensor<1x3xi32> -> tensor<?x8x8x1xui2>
    n2uq.yield %q : tensor<?x8x8x1xui2>
  }
  return %0 : tensor<?x8x8x1xui2>
}

// One channel a group: the form without the zeros between groups is smaller.
// CHECK-LABEL: @depthwise
//       CHECK: strategy = <kernel = depthwise_i16,
func.func @depthwise(%codes: tensor<?x8x8x32xui4>) -> tensor<?x8x8x32xui2> {
  %t = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %w = arith.constant dense<3> : tensor<32x3x3x1xi8>
  %0 = n2uq.kernel -> tensor<?x8x8x32xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] groups = 32 : tensor<?x8x8x32xui4>, tensor<32x3x3x1xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x32xi32>, tensor<1x3xi32> -> tensor<?x8x8x32xui2>
    n2uq.yield %q : tensor<?x8x8x32xui2>
  }
  return %0 : tensor<?x8x8x32xui2>
}
