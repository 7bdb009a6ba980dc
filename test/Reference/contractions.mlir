// The reference on convolutions and matrix products, against numbers computed by hand.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t

// RUN: %{make} %t/codes.npy u1 1x3x3x1 0 1 2 3 0 1 2 3 1
// RUN: %{run} --function=conv_padded --input=input=%t/codes.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PADDED
// RUN: %{make} %t/center.npy u1 1x3x3x1 1 1 1 1 2 1 1 1 1
// RUN: %{run} --function=conv_strided_dilated --input=input=%t/center.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=STRIDED
// RUN: %{make} %t/pairs.npy u1 2x1x1x4 1 2 3 0 3 3 1 1
// RUN: %{run} --function=conv_groups --input=input=%t/pairs.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=GROUPS
// RUN: %{run} --function=conv_depthwise --input=input=%t/pairs.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=DEPTHWISE
// RUN: %{make} %t/x.npy f4 1x1x3x1 16777216 1 1
// RUN: %{run} --function=float_conv_order --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=ORDER
// RUN: %{make} %t/y.npy f4 1x1x2x1 1 -0.0
// RUN: %{run} --function=float_conv_padding --input=input=%t/y.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=LEFT-OUT
// RUN: %{make} %t/z.npy f4 1x1x1x2 1 1.00000011920928955078125
// RUN: %{run} --function=float_conv_fused --input=input=%t/z.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=FUSED
// RUN: %{make} %t/rows.npy f4 2x3 1 2 3 -1 0 inf
// RUN: %{run} --function=fully_connected --input=input=%t/rows.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=FC
// RUN: %{make} %t/acc.npy i4 2 10 -2147483648 && %{make} %t/u.npy i1 8 1 2 3 0 -1 0 0 1 && %{make} %t/s.npy i1 8 1 -1 3 9 -128 5 5 3
// RUN: %{run} --function=dot2 --input=input0=%t/u.npy --input=input1=%t/s.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=DOT2
// RUN: %{run} --function=dot2_words --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=WORDS
// RUN: %{run} --function=dot4 --input=input0=%t/acc.npy --input=input1=%t/u.npy --input=input2=%t/s.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=DOT4
// RUN: %{make} %t/table.npy i1 64 range && %{make} %t/indices.npy i1 64 -1 -2 -3 -4 -5 -6 -7 -8 -9 -10 -11 -12 -13 -14 -15 -16 -17 -18 -19 -20 -21 -22 -23 -24 -25 -26 -27 -28 -29 -30 -31 -32 -33 -34 -35 -36 -37 -38 -39 -40 -41 -42 -43 -44 -45 -46 -47 -48 -49 -50 -51 -52 -53 -54 -55 -56 -57 -58 -59 -60 -61 -62 -63 -64
// RUN: %{run} --function=table_lookup --input=input0=%t/table.npy --input=input1=%t/indices.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=LOOKUP

// RUN: %{make} %t/pixels.npy u1 1x2x2x1 10 0 255 4
// RUN: %{run} --function=image_conv_border --input=input=%t/pixels.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PIXELS
// RUN: %{run} --function=packed_image_conv --input=input=%t/pixels.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PIXELS
// RUN: %{make} %t/white.npy u1 1x1x1x1 255
// RUN: %{run} --function=image_conv_limbs --input=input=%t/white.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=LIMBS
// RUN: %{run} --function=image_conv_fused --input=input=%t/white.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=ROUNDED

// Two filters: the middle of the window times 5, and the sum of the window. Taps outside count as 0.
// PADDED: int32 1x3x3x2 0 4 5 7 10 4 15 9 0 13 5 8 10 8 15 10 5 5
func.func @conv_padded(%codes: tensor<?x3x3x1xui2>) -> tensor<?x3x3x2xi32> {
  %f = arith.constant dense<[[[[0], [0], [0]], [[0], [5], [0]], [[0], [0], [0]]], [[[1], [1], [1]], [[1], [1], [1]], [[1], [1], [1]]]]> : tensor<2x3x3x1xi8>
  %0 = n2uq.conv2d %codes, %f padding = [1, 1, 1, 1] : tensor<?x3x3x1xui2>, tensor<2x3x3x1xi8> -> tensor<?x3x3x2xi32>
  return %0 : tensor<?x3x3x2xi32>
}

// Taps two apart, windows two apart: rows and columns -1 and 1 and, one step on, 1 and 3. Only the code in the center is read.
// STRIDED: int32 1x2x2x1 -256 6 -4 2
func.func @conv_strided_dilated(%codes: tensor<?x3x3x1xui2>) -> tensor<?x2x2x1xi32> {
  %f = arith.constant dense<[[[[1], [-2]], [[3], [-128]]]]> : tensor<1x2x2x1xi8>
  %0 = n2uq.conv2d %codes, %f strides = [2, 2] padding = [1, 1, 1, 1] dilations = [2, 2] : tensor<?x3x3x1xui2>, tensor<1x2x2x1xi8> -> tensor<?x2x2x1xi32>
  return %0 : tensor<?x2x2x1xi32>
}

// Two groups of two channels and two outputs each.
// GROUPS: int32 2x1x1x4 -3 4 3 9 -3 9 2 4
func.func @conv_groups(%codes: tensor<?x1x1x4xui2>) -> tensor<?x1x1x4xi32> {
  %f = arith.constant dense<[[[[1, -2]]], [[[2, 1]]], [[[1, 1]]], [[[3, 1]]]]> : tensor<4x1x1x2xi8>
  %0 = n2uq.conv2d %codes, %f groups = 2 : tensor<?x1x1x4xui2>, tensor<4x1x1x2xi8> -> tensor<?x1x1x4xi32>
  return %0 : tensor<?x1x1x4xi32>
}

// DEPTHWISE: int32 2x1x1x4 1 -4 9 0 3 -6 3 -4
func.func @conv_depthwise(%codes: tensor<?x1x1x4xui2>) -> tensor<?x1x1x4xi32> {
  %f = arith.constant dense<[[[[1]]], [[[-2]]], [[[3]]], [[[-4]]]]> : tensor<4x1x1x1xi8>
  %0 = n2uq.conv2d %codes, %f groups = 4 : tensor<?x1x1x4xui2>, tensor<4x1x1x1xi8> -> tensor<?x1x1x4xi32>
  return %0 : tensor<?x1x1x4xi32>
}

// A window of 2x2 with a row and a column outside at the left and at the top: weights 1 2 / 3 4, in units of a half. What is
// taken off depends on the row's and on the column's class: 0 or 100, 0 or 10.
// PIXELS: float32 1x2x2x1 20.0 5.0 420.0 285.5
func.func @image_conv_border(%x: tensor<?x2x2x1xui8>) -> tensor<?x2x2x1xf32> {
  %l = arith.constant dense<[[[[[1], [2]], [[3], [4]]]]]> : tensor<1x1x2x2x1xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %b = arith.constant dense<[[[0.0], [-10.0]], [[-100.0], [-110.0]]]> : tensor<2x2x1xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<1xf32>) offset(%b : tensor<2x2x1xf32>) padding = [1, 0, 1, 0] : tensor<?x2x2x1xui8>, tensor<1x1x2x2x1xi8> -> tensor<?x2x2x1xf32>
  return %0 : tensor<?x2x2x1xf32>
}
func.func @packed_image_conv(%x: tensor<?x2x2x1xui8>) -> tensor<?x2x2x1xf32> {
  %l = arith.constant dense<[[[[[1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]]]> : tensor<1x1x1x4x4xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %b = arith.constant dense<[[[0.0], [-10.0]], [[-100.0], [-110.0]]]> : tensor<2x2x1xf32>
  %0 = n2uq.packed_image_conv2d %x, %l scale(%s : tensor<1xf32>) offset(%b : tensor<2x2x1xf32>) kernel = [2, 2] padding = [1, 0, 1, 0] : tensor<?x2x2x1xui8>, tensor<1x1x1x4x4xi8> -> tensor<?x2x2x1xf32>
  return %0 : tensor<?x2x2x1xf32>
}

// Three limbs: 255 * (1 - 2 * 256 + 3 * 65536) / 256 is 195330.99609375, which no float32 is.
// LIMBS: float32 1x1x1x1 195331.0
func.func @image_conv_limbs(%x: tensor<?x1x1x1xui8>) -> tensor<?x1x1x1xf32> {
  %l = arith.constant dense<[[[[[1]]]], [[[[-2]]]], [[[[3]]]]]> : tensor<3x1x1x1x1xi8>
  %s = arith.constant dense<0.00390625> : tensor<1xf32>
  %b = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<1xf32>) offset(%b : tensor<1x1x1xf32>) : tensor<?x1x1x1xui8>, tensor<3x1x1x1x1xi8> -> tensor<?x1x1x1xf32>
  return %0 : tensor<?x1x1x1xf32>
}

// One rounding: 255 * (1 + 2^-23) - 255 is 255 * 2^-23; a product rounded first would leave 256 * 2^-23.
// ROUNDED: float32 1x1x1x1 3.039836883544922e-05
func.func @image_conv_fused(%x: tensor<?x1x1x1xui8>) -> tensor<?x1x1x1xf32> {
  %l = arith.constant dense<1> : tensor<1x1x1x1x1xi8>
  %s = arith.constant dense<1.00000011920928955078125> : tensor<1xf32>
  %b = arith.constant dense<-255.0> : tensor<1x1x1xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<1xf32>) offset(%b : tensor<1x1x1xf32>) : tensor<?x1x1x1xui8>, tensor<1x1x1x1x1xi8> -> tensor<?x1x1x1xf32>
  return %0 : tensor<?x1x1x1xf32>
}

// 2^24 + 1 + 1 from the left is 2^24 in float32; from the right, or pairwise, it would be 2^24 + 2.
// ORDER: float32 1x1x1x1 16777216.0
func.func @float_conv_order(%x: tensor<?x1x3x1xf32>) -> tensor<?x1x1x1xf32> {
  %f = arith.constant dense<1.0> : tensor<1x1x3x1xf32>
  %0 = n2uq.float_conv2d %x, %f : tensor<?x1x3x1xf32>, tensor<1x1x3x1xf32> -> tensor<?x1x1x1xf32>
  return %0 : tensor<?x1x1x1xf32>
}

// A weight of inf outside of the image is left out: 0 * inf would be a NaN. 0 + -0 * 1 is +0.
// LEFT-OUT: float32 1x1x2x1 1.0 0.0
func.func @float_conv_padding(%x: tensor<?x1x2x1xf32>) -> tensor<?x1x2x1xf32> {
  %f = arith.constant dense<[[[[0.0], [1.0], [0.0]], [[0x7F800000], [0x7F800000], [0x7F800000]]]]> : tensor<1x2x3x1xf32>
  %0 = n2uq.float_conv2d %x, %f padding = [0, 1, 1, 1] : tensor<?x1x2x1xf32>, tensor<1x2x3x1xf32> -> tensor<?x1x2x1xf32>
  return %0 : tensor<?x1x2x1xf32>
}

// (1 + 2^-23)^2 - (1 + 2^-22): a fused step keeps 2^-46, two roundings give 0.
// FUSED: float32 1x1x1x1 1.4210854715202004e-14
func.func @float_conv_fused(%x: tensor<?x1x1x2xf32>) -> tensor<?x1x1x1xf32> {
  %f = arith.constant dense<[[[[-1.0000002384185791015625, 1.00000011920928955078125]]]]> : tensor<1x1x1x2xf32>
  %0 = n2uq.float_conv2d %x, %f : tensor<?x1x1x2xf32>, tensor<1x1x1x2xf32> -> tensor<?x1x1x1xf32>
  return %0 : tensor<?x1x1x1xf32>
}

// The last feature of row 1 is inf: a weight of 0 makes a NaN of it, others keep its sign.
// FC: float32 2x2 14.0 -2.0 inf nan
func.func @fully_connected(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [2.0, -2.0, 0.0]]> : tensor<2x3xf32>
  %0 = n2uq.fully_connected %x, %w : tensor<?x3xf32>, tensor<2x3xf32> -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// DOT2: int16 4 -1 9 -32640 3
func.func @dot2(%u: vector<8xi8>, %s: vector<8xi8>) -> vector<4xi16> {
  %0 = n2uq.dot2 %u, %s : vector<8xi8> -> vector<4xi16>
  return %0 : vector<4xi16>
}

// The largest sum of two products, 2^31, is taken modulo 2^32.
// WORDS: int32 2 -2147483638 -2147383648
func.func @dot2_words(%acc: vector<2xi32>) -> vector<2xi32> {
  %x = arith.constant dense<[-32768, -32768, 400, -1]> : vector<4xi16>
  %y = arith.constant dense<[-32768, -32768, 251, 400]> : vector<4xi16>
  %0 = n2uq.dot2_words %acc, %x, %y : vector<2xi32>, vector<4xi16>
  return %0 : vector<2xi32>
}

// Codes are bytes without a sign: -1 is 255. Sums are taken modulo 2^32: -2^31 - 255 * 128 + 3 comes in from above.
// DOT4: int32 2 18 2147451011
func.func @dot4(%acc: vector<2xi32>, %u: vector<8xi8>, %s: vector<8xi8>) -> vector<2xi32> {
  %0 = n2uq.dot4 %acc, %u, %s code_bits = 8 : vector<2xi32>, vector<8xi8>
  return %0 : vector<2xi32>
}

// The last table entry for the index -1, or 255: of an index only the lowest six bits count.
// LOOKUP: int8 64 63 62 61 60 {{.*}} 3 2 1 0
func.func @table_lookup(%table: vector<64xi8>, %indices: vector<64xi8>) -> vector<64xi8> {
  %0 = n2uq.table_lookup %table, %indices : vector<64xi8>
  return %0 : vector<64xi8>
}
