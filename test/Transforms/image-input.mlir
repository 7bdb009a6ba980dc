// RUN: n2uq-opt %s --split-input-file --n2uq-image-input="stem-bits=16 mean=0.5 std=0.25" | FileCheck %s
// RUN: n2uq-opt %s --split-input-file --n2uq-image-input="stem-bits=8 mean=0.5 std=0.25" | FileCheck %s --check-prefix=BYTE
// RUN: n2uq-opt %s --split-input-file --n2uq-image-input="stem-bits=24 mean=0.5 std=0.25" | FileCheck %s --check-prefix=LONG
// RUN: n2uq-opt %s --split-input-file --n2uq-image-input="mean=0.5 std=0.25" --n2uq-verify-simplified -o /dev/null

// One tap of two channels: v = w / (255 * 0.25). The largest weight of an output channel is the largest number of the limbs, 127
// or 127 * 257 or 127 * 65793; a quarter of it, with the other sign, is rounded to -32 or -8160 or -2088928. What the mean takes
// off is 255 * 0.5 times the weights as they are rounded: about 0.5 / 0.25 * 0.75.
// CHECK-LABEL: @limbs(
// CHECK-SAME:     %[[X:.*]]: tensor<?x2x2x2xui8>) -> tensor<?x2x2x1xf32>
//   CHECK-DAG: %[[L:.*]] = arith.constant dense<{{\[\[\[\[\[}}127, 32]]]], {{\[\[\[\[}}127, -32]]]]]> : tensor<2x1x1x1x2xi8>
//   CHECK-DAG: %[[S:.*]] = arith.constant dense<4.80599{{[0-9]+}}E-7> : tensor<1xf32>
//   CHECK-DAG: %[[B:.*]] = arith.constant dense<-1.4999{{[0-9]+}}> : tensor<1x1x1xf32>
//       CHECK: %[[R:.*]] = n2uq.image_conv2d %[[X]], %[[L]] scale(%[[S]] : tensor<1xf32>) offset(%[[B]] : tensor<1x1x1xf32>) : tensor<?x2x2x2xui8>, tensor<2x1x1x1x2xi8> -> tensor<?x2x2x1xf32>
//   CHECK-NOT: n2uq.to_nhwc
//       CHECK: return %[[R]]
// BYTE-LABEL: @limbs(
//       BYTE: dense<{{\[\[\[\[\[}}127, -32]]]]]> : tensor<1x1x1x1x2xi8>
// LONG-LABEL: @limbs(
//       LONG: dense<{{\[\[\[\[\[}}127, 32]]]], {{\[\[\[\[}}127, 32]]]], {{\[\[\[\[}}127, -32]]]]]> : tensor<3x1x1x1x2xi8>
func.func @limbs(%x: tensor<?x2x2x2xf32>) -> tensor<?x2x2x1xf32> {
  %f = arith.constant dense<[[[[1.0, -0.25]]]]> : tensor<1x1x1x2xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x2x2x2xf32> -> tensor<?x2x2x2xf32>
  %1 = n2uq.float_conv2d %0, %f : tensor<?x2x2x2xf32>, tensor<1x1x1x2xf32> -> tensor<?x2x2x1xf32>
  return %1 : tensor<?x2x2x1xf32>
}

// -----

// Rows and columns of the result that see other taps have other offsets; what follows the convolution stays. An all-zero
// channel has scale 0 and takes nothing off (+0, not -0).
// CHECK-LABEL: @borders(
//   CHECK-DAG: arith.constant dense<[{{.*}}, 0.000000e+00]> : tensor<2xf32>
//   CHECK-DAG: arith.constant dense<{{\[\[\[}}{{.*}}, 0.000000e+00], [{{.*}}, 0.000000e+00]], {{.*}}> : tensor<2x2x2xf32>
//       CHECK: %[[R:.*]] = n2uq.image_conv2d {{.*}} strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x4x4x1xui8>, tensor<2x2x3x3x1xi8> -> tensor<?x2x2x2xf32>
//       CHECK: n2uq.clamp %[[R]]
func.func @borders(%x: tensor<?x1x4x4xf32>) -> tensor<?x2x2x2xf32> {
  %f = arith.constant dense<[[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]], [[7.0], [8.0], [9.0]]], [[[0.0], [0.0], [0.0]], [[0.0], [0.0], [0.0]], [[0.0], [0.0], [0.0]]]]> : tensor<2x3x3x1xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x1x4x4xf32> -> tensor<?x4x4x1xf32>
  %1 = n2uq.float_conv2d %0, %f strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x4x4x1xf32>, tensor<2x3x3x1xf32> -> tensor<?x2x2x2xf32>
  %2 = n2uq.clamp %1 min = 0.0 max = 6.0 : tensor<?x2x2x2xf32>
  return %2 : tensor<?x2x2x2xf32>
}
