// RUN: n2uq-opt %s --n2uq-share-thresholds=target-cpu=znver4 | FileCheck %s
// RUN: n2uq-opt %s --n2uq-share-thresholds=target-cpu=x86-64-v3 | FileCheck %s --check-prefix=AVX2
// RUN: n2uq-opt %s --n2uq-share-thresholds=target-cpu=znver4 --remarks-filter=n2uq-share-thresholds -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not n2uq-opt %s --n2uq-share-thresholds=target-cpu=z80 2>&1 | FileCheck %s --check-prefix=BAD-CPU
//
// BAD-CPU: error: 'z80' is not a CPU that LLVM knows
// No AVX-512: nothing changes.
// AVX2-NOT: n2uq.shared_threshold

// Two channels that rise, the second half as fast: one line each, an axis of 16 bits.
// CHECK-LABEL: @rising
//       CHECK: n2uq.shared_threshold %{{.*}} width = 16 : tensor<?x4x4x2xi32>, tensor<2x1xf32>, tensor<64xi32> -> tensor<?x4x4x2xui3>
//   CHECK-NOT: n2uq.threshold
//   CHECK-NOT: n2uq.levels
// REMARK: Shared{{.*}}lines=1, mirrored=0, width=16
func.func @rising(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x2xui3> {
  %w = arith.constant dense<[[[[3, -1]]], [[[5, 1]]]]> : tensor<2x1x1x2xi8>
  %t = arith.constant dense<[[-6, -3, -1, 1, 2, 5, 9], [-12, -6, -2, 2, 4, 10, 18]]> : tensor<2x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32>
  %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -6.0, -3.0, -1.0, 1.0, 2.0, 5.0, 9.0>} : tensor<?x4x4x2xi32>, tensor<2x7xi32> -> tensor<?x4x4x2xui3>
  return %q : tensor<?x4x4x2xui3>
}

// Channel 0 is |acc|: its left line falls. The name and what else is written on the op stay.
// CHECK-LABEL: @valley
//       CHECK: n2uq.shared_threshold %{{.*}} width = 16 {note = "kept"} : tensor<?x4x4x2xi32>, tensor<2x2xf32>
// REMARK: Shared{{.*}}lines=2, mirrored=0, width=16
func.func @valley(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x2xui3> {
  %w = arith.constant dense<[[[[3, -3]]], [[[5, 1]]]]> : tensor<2x1x1x2xi8>
  %base = arith.constant dense<[7, 0]> : tensor<2xi32>
  %up = arith.constant dense<[[1, 3, 5, 8, 10, 14, 20], [1, 3, 5, 8, 10, 14, 20]]> : tensor<2x7xi32>
  %down = arith.constant dense<[[0, -2, -4, -7, -9, -13, -19], [2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647]]> : tensor<2x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32>
  %q = n2uq.two_sided_threshold %acc, %base, %up, %down {note = "kept", n2uq.levels = array<f32: 1.0, 3.0, 5.0, 8.0, 10.0, 14.0, 20.0>}
      : tensor<?x4x4x2xi32>, tensor<2xi32>, tensor<2x7xi32>, tensor<2x7xi32> -> tensor<?x4x4x2xui3>
  return %q : tensor<?x4x4x2xui3>
}

// A hill is minus a valley. Where all channels are hills or have one line, there is one sign for all.
// CHECK-LABEL: @hill
//       CHECK: %[[SIGN:.*]] = arith.constant {{.*}}dense<-1.000000e+00> : tensor<1xf32>
//       CHECK: n2uq.shared_threshold %{{.*}} sign(%[[SIGN]] : tensor<1xf32>) width = 16 : tensor<?x4x4x1xi32>, tensor<1x2xf32>
// REMARK: Shared{{.*}}lines=2, mirrored=1, width=16
func.func @hill(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x1xui3> {
  %w = arith.constant dense<[[[[3, -3]]]]> : tensor<1x1x1x2xi8>
  %base = arith.constant dense<[0]> : tensor<1xi32>
  %up = arith.constant dense<[[-19, -13, -9, -7, -4, -2, 0]]> : tensor<1x7xi32>
  %down = arith.constant dense<[[1, 3, 5, 8, 10, 14, 20]]> : tensor<1x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.two_sided_threshold %acc, %base, %up, %down {n2uq.levels = array<f32: -20.0, -14.0, -10.0, -8.0, -5.0, -3.0, -1.0>}
      : tensor<?x4x4x1xi32>, tensor<1xi32>, tensor<1x7xi32>, tensor<1x7xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// A valley beside a hill: a sign for each.
// CHECK-LABEL: @valley_and_hill
//       CHECK: %[[SIGN:.*]] = arith.constant {{.*}}dense<[1.000000e+00, -1.000000e+00]> : tensor<2xf32>
//       CHECK: n2uq.shared_threshold %{{.*}} sign(%[[SIGN]] : tensor<2xf32>) width = 16
// REMARK: Shared{{.*}}lines=2, mirrored=1, width=16
func.func @valley_and_hill(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x2xui3> {
  %w = arith.constant dense<[[[[3, -3]]], [[[3, -3]]]]> : tensor<2x1x1x2xi8>
  %base = arith.constant dense<[7, 0]> : tensor<2xi32>
  %up = arith.constant dense<[[1, 3, 5, 8, 10, 14, 20], [-20, -18, -16, -13, -11, -7, -1]]> : tensor<2x7xi32>
  %down = arith.constant dense<[[0, -2, -4, -7, -9, -13, -19], [2, 8, 12, 14, 17, 19, 21]]> : tensor<2x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32>
  %q = n2uq.two_sided_threshold %acc, %base, %up, %down {n2uq.levels = array<f32: 1.0, 3.0, 5.0, 8.0, 10.0, 14.0, 20.0>}
      : tensor<?x4x4x2xi32>, tensor<2xi32>, tensor<2x7xi32>, tensor<2x7xi32> -> tensor<?x4x4x2xui3>
  return %q : tensor<?x4x4x2xui3>
}

// The left line holds one run only, which reaches to the smallest accumulator: many slopes do, and a flat one is exact.
// CHECK-LABEL: @shelf
//       CHECK: n2uq.shared_threshold %{{.*}} width = 16 : tensor<?x4x4x1xi32>, tensor<1x2xf32>
func.func @shelf(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x1xui3> {
  %w = arith.constant dense<[[[[127, -128]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[-2147483648, -60, -30, 10, 20, 50, 90]]> : tensor<1x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -9.0, -6.0, -3.0, 1.0, 2.0, 5.0, 9.0>} : tensor<?x4x4x1xi32>, tensor<1x7xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// Two valleys are more than two lines.
// CHECK-LABEL: @zigzag
//       CHECK: n2uq.two_sided_threshold
// REMARK: Compares{{.*}}no lines give the codes of channel 0
func.func @zigzag(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x1xui3> {
  %w = arith.constant dense<[[[[3, -3]]]]> : tensor<1x1x1x2xi8>
  %base = arith.constant dense<[3]> : tensor<1xi32>
  %up = arith.constant dense<[[-14, -12, -10, 4, 6, 8]]> : tensor<1x6xi32>
  %down = arith.constant dense<[[-18, -16, -15, -6, -4, -2]]> : tensor<1x6xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.two_sided_threshold %acc, %base, %up, %down {n2uq.levels = array<f32: -20.0, -14.0, -10.0, -8.0, -5.0, -3.0, -1.0>}
      : tensor<?x4x4x1xi32>, tensor<1xi32>, tensor<1x6xi32>, tensor<1x6xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// Two thresholds closer than any cell.
// CHECK-LABEL: @uneven
//       CHECK: n2uq.threshold
// REMARK: Compares{{.*}}too uneven
func.func @uneven(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x1xui3> {
  %w = arith.constant dense<[[[[3, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[-6, -3, -1, 1, 1, 5, 9]]> : tensor<1x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -6.0, -3.0, -1.0, 1.0, 1.0001, 5.0, 9.0>} : tensor<?x4x4x1xi32>, tensor<1x7xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// Thresholds that were different from the start.
// CHECK-LABEL: @per_channel
//       CHECK: n2uq.threshold
// REMARK: Compares{{.*}}its channels did not share their thresholds
func.func @per_channel(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x1xui3> {
  %w = arith.constant dense<[[[[3, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[-6, -3, -1, 1, 2, 5, 9]]> : tensor<1x7xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.threshold %acc, %t : tensor<?x4x4x1xi32>, tensor<1x7xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// CHECK-LABEL: @unknown_accumulator
//       CHECK: n2uq.threshold
// REMARK: Compares{{.*}}its accumulators or thresholds are not known
func.func @unknown_accumulator(%acc: tensor<?x4x4x1xi32>) -> tensor<?x4x4x1xui3> {
  %t = arith.constant dense<[[-6, -3, -1, 1, 2, 5, 9]]> : tensor<1x7xi32>
  %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -6.0, -3.0, -1.0, 1.0, 2.0, 5.0, 9.0>} : tensor<?x4x4x1xi32>, tensor<1x7xi32> -> tensor<?x4x4x1xui3>
  return %q : tensor<?x4x4x1xui3>
}

// Two bits are three comparisons, which are as fast.
// CHECK-LABEL: @two_bits
//       CHECK: n2uq.threshold
func.func @two_bits(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %w = arith.constant dense<[[[[3, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[-1, 1, 3]]> : tensor<1x3xi32>
  %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -1.0, 1.0, 3.0>} : tensor<?x4x4x1xi32>, tensor<1x3xi32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// Inside of a kernel, constants stand in front of it.
// CHECK-LABEL: @kernel
//       CHECK: arith.constant {{.*}} : tensor<2x1xf32>
//       CHECK: n2uq.kernel
//   CHECK-NOT: arith.constant
//       CHECK: n2uq.shared_threshold
func.func @kernel(%codes: tensor<?x4x4x2xui3>) -> tensor<?x4x4x2xui3> {
  %w = arith.constant dense<[[[[3, -1]]], [[[5, 1]]]]> : tensor<2x1x1x2xi8>
  %t = arith.constant dense<[[-6, -3, -1, 1, 2, 5, 9], [-12, -6, -2, 2, 4, 10, 18]]> : tensor<2x7xi32>
  %k = n2uq.kernel -> tensor<?x4x4x2xui3> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x4x4x2xui3>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32>
    %q = n2uq.threshold %acc, %t {n2uq.levels = array<f32: -6.0, -3.0, -1.0, 1.0, 2.0, 5.0, 9.0>} : tensor<?x4x4x2xi32>, tensor<2x7xi32> -> tensor<?x4x4x2xui3>
    n2uq.yield %q : tensor<?x4x4x2xui3>
  }
  return %k : tensor<?x4x4x2xui3>
}
