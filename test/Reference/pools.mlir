// The reference on pools and on ops that move elements, against numbers computed by hand.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t

// RUN: %{make} %t/x.npy f4 1x2x2x2 -1 nan -0.0 -2 0.0 -3 -inf -4
// RUN: %{run} --function=max_pool_floats --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=MAX-FLOATS
// RUN: %{make} %t/acc.npy i4 1x3x3x1 -5 -6 -7 -8 -9 -4 -3 -2 -1
// RUN: %{run} --function=max_pool_padded --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=MAX-PADDED
// RUN: %{make} %t/codes.npy u1 2x2x2x1 0 15 255 3 1 2 3 0
// RUN: %{run} --function=max_pool_codes --input=input=%t/codes.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=MAX-CODES
// RUN: %{make} %t/y.npy f4 1x1x3x2 16777216 -0.0 1 -0.0 1 -0.0
// RUN: %{run} --function=avg_pool --input=input=%t/y.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=AVG
// RUN: %{make} %t/z.npy f4 2x2x1x3 range
// RUN: %{run} --function=to_nhwc --input=input=%t/z.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=NHWC
// RUN: %{run} --function=flatten --input=input=%t/z.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=FLATTEN

// Channel 0: -1, -0, +0, -inf, of which +0 is the largest; channel 1: a NaN wins.
// MAX-FLOATS: float32 1x1x1x2 0.0 nan
func.func @max_pool_floats(%x: tensor<?x2x2x2xf32>) -> tensor<?x1x1x2xf32> {
  %0 = n2uq.max_pool %x kernel = [2, 2] : tensor<?x2x2x2xf32> -> tensor<?x1x1x2xf32>
  return %0 : tensor<?x1x1x2xf32>
}

// Taps in the padding are left out; a zero there would be larger than everything here.
// MAX-PADDED: int32 1x2x2x1 -5 -4 -2 -1
func.func @max_pool_padded(%x: tensor<?x3x3x1xi32>) -> tensor<?x2x2x1xi32> {
  %0 = n2uq.max_pool %x kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x3x3x1xi32> -> tensor<?x2x2x1xi32>
  return %0 : tensor<?x2x2x1xi32>
}

// Codes of eight bits have no sign.
// MAX-CODES: uint8 2x2x1x1 15 255 2 3
func.func @max_pool_codes(%x: tensor<?x2x2x1xui8>) -> tensor<?x2x1x1xui8> {
  %0 = n2uq.max_pool %x kernel = [1, 2] : tensor<?x2x2x1xui8> -> tensor<?x2x1x1xui8>
  return %0 : tensor<?x2x1x1xui8>
}

// The sum runs from the left: 2^24 + 1 + 1 is 2^24, and a third of it is not 5592406. The sum of -0 starts at +0.
// AVG: float32 1x1x1x2 5592405.5 0.0
func.func @avg_pool(%x: tensor<?x1x3x2xf32>) -> tensor<?x1x1x2xf32> {
  %0 = n2uq.avg_pool %x kernel = [1, 3] : tensor<?x1x3x2xf32> -> tensor<?x1x1x2xf32>
  return %0 : tensor<?x1x1x2xf32>
}

// NHWC: float32 2x1x3x2 0.0 3.0 1.0 4.0 2.0 5.0 6.0 9.0 7.0 10.0 8.0 11.0
func.func @to_nhwc(%x: tensor<?x2x1x3xf32>) -> tensor<?x1x3x2xf32> {
  %0 = n2uq.to_nhwc %x : tensor<?x2x1x3xf32> -> tensor<?x1x3x2xf32>
  return %0 : tensor<?x1x3x2xf32>
}

// All of channel 0, then all of channel 1, and so on: [2, 2, 1, 3] is an image of height 2, width 1 and 3 channels here.
// FLATTEN: float32 2x6 0.0 3.0 1.0 4.0 2.0 5.0 6.0 9.0 7.0 10.0 8.0 11.0
func.func @flatten(%x: tensor<?x2x1x3xf32>) -> tensor<?x6xf32> {
  %0 = n2uq.flatten %x : tensor<?x2x1x3xf32> -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}
