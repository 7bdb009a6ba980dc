// The reference on quantizers, against codes counted by hand.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t

// RUN: %{make} %t/x.npy f4 2x1x1x4 -1 0 1 2 nan inf -inf -0.0
// RUN: %{run} --function=per_tensor --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PER-TENSOR
// RUN: %{run} --function=nan_is_top --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=NAN-IS-TOP
// RUN: %{run} --function=per_channel --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PER-CHANNEL
// RUN: %{make} %t/acc.npy i4 1x2x2x2 -10 -5 0 5 10 2147483647 -2147483648 4
// RUN: %{run} --function=threshold --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=THRESHOLD
// RUN: %{run} --function=two_sided --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=TWO-SIDED

// A tie reaches its threshold; -0 reaches 0; a NaN reaches nothing; a threshold that is there twice counts twice.
// PER-TENSOR: uint8 2x1x1x4 0 1 3 3 0 3 0 1
func.func @per_tensor(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xui2> {
  %t = arith.constant dense<[[0.0, 1.0, 1.0]]> : tensor<1x3xf32>
  %0 = n2uq.quantize %x, %t : tensor<?x1x1x4xf32>, tensor<1x3xf32> -> tensor<?x1x1x4xui2>
  return %0 : tensor<?x1x1x4xui2>
}

// The top is the number of thresholds, not the largest code of the type.
// NAN-IS-TOP: uint8 2x1x1x4 0 1 2 2 2 2 0 1
func.func @nan_is_top(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xui2> {
  %t = arith.constant dense<[[0.0, 1.0]]> : tensor<1x2xf32>
  %0 = n2uq.quantize %x, %t nan_is_top : tensor<?x1x1x4xf32>, tensor<1x2xf32> -> tensor<?x1x1x4xui2>
  return %0 : tensor<?x1x1x4xui2>
}

// Thresholds -inf, +inf and NaN: reached by every number, by inf alone, by none.
// PER-CHANNEL: uint8 2x1x1x4 0 1 0 2 0 2 0 1
func.func @per_channel(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xui2> {
  %t = arith.constant dense<[[0.0, 1.0], [0xFF800000, 0x7F800000], [0x7FC00000, 5.0], [-1.0, 2.0]]> : tensor<4x2xf32>
  %0 = n2uq.quantize %x, %t : tensor<?x1x1x4xf32>, tensor<4x2xf32> -> tensor<?x1x1x4xui2>
  return %0 : tensor<?x1x1x4xui2>
}

// Channel 0: >= -10, 0, 10; channel 1: >= 5 and the largest number twice.
// THRESHOLD: uint8 1x2x2x2 1 0 2 1 3 3 0 0
func.func @threshold(%acc: tensor<?x2x2x2xi32>) -> tensor<?x2x2x2xui2> {
  %t = arith.constant dense<[[-10, 0, 10], [5, 2147483647, 2147483647]]> : tensor<2x3xi32>
  %0 = n2uq.threshold %acc, %t : tensor<?x2x2x2xi32>, tensor<2x3xi32> -> tensor<?x2x2x2xui2>
  return %0 : tensor<?x2x2x2xui2>
}

// Channel 0: 3, falls by one at -10 and 0, rises at 10. Channel 1: 0, rises at -5 and 5, falls twice at 5.
// TWO-SIDED: uint8 1x2x2x2 2 1 1 0 2 0 3 1
func.func @two_sided(%acc: tensor<?x2x2x2xi32>) -> tensor<?x2x2x2xui2> {
  %base = arith.constant dense<[3, 0]> : tensor<2xi32>
  %up = arith.constant dense<[[10, 2147483647], [-5, 5]]> : tensor<2x2xi32>
  %down = arith.constant dense<[[-10, 0], [5, 5]]> : tensor<2x2xi32>
  %0 = n2uq.two_sided_threshold %acc, %base, %up, %down
      : tensor<?x2x2x2xi32>, tensor<2xi32>, tensor<2x2xi32>, tensor<2x2xi32> -> tensor<?x2x2x2xui2>
  return %0 : tensor<?x2x2x2xui2>
}
