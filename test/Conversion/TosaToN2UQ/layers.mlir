// Convolutions, matrix products and pools; a convolution of codes and integer weights is one of integers.
// RUN: n2uq-opt %s --split-input-file --convert-tosa-to-n2uq | FileCheck %s

// CHECK-LABEL: func.func @float_conv(%arg0: tensor<?x6x6x2xf32>
// CHECK:         %[[W:.*]] = arith.constant dense<5.000000e-01> : tensor<4x3x3x2xf32>
// CHECK:         %[[CONV:.*]] = n2uq.float_conv2d %arg0, %[[W]] strides = [2, 2] padding = [1, 0, 1, 0] : tensor<?x6x6x2xf32>, tensor<4x3x3x2xf32> -> tensor<?x3x3x4xf32>
// CHECK:         %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
// CHECK:         %[[SUM:.*]] = n2uq.affine %[[CONV]] offset(%[[B]] : tensor<4xf32>)
// CHECK:         return %[[SUM]] : tensor<?x3x3x4xf32>
func.func @float_conv(%x: tensor<1x6x6x2xf32>) -> tensor<1x3x3x4xf32> {
  %w = "tosa.const"() <{values = dense<0.5> : tensor<4x3x3x2xf32>}> : () -> tensor<4x3x3x2xf32>
  %b = "tosa.const"() <{values = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>}> : () -> tensor<4xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {pad = array<i64: 1, 0, 1, 0>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<1x6x6x2xf32>, tensor<4x3x3x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x3x4xf32>
  return %0 : tensor<1x3x3x4xf32>
}

// -----

// Transpositions between the two layouts cost nothing; the scales of codes and weights are multiplied once.
// CHECK-LABEL: func.func @integer_conv(%arg0: tensor<?x2x4x4xf32>
// CHECK:         %[[X:.*]] = n2uq.to_nhwc %arg0
// CHECK:         %[[T:.*]] = arith.constant dense<{{.*}}> : tensor<1x3xf32>
// CHECK:         %[[CODES:.*]] = n2uq.quantize %[[X]], %[[T]] nan_is_top : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
// CHECK:         %[[POOLED:.*]] = n2uq.max_pool %[[CODES]] kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x2xui2>
// CHECK:         %[[W:.*]] = arith.constant dense<-3> : tensor<4x1x1x2xi8>
// CHECK:         %[[ACC:.*]] = n2uq.conv2d %[[POOLED]], %[[W]] : tensor<?x2x2x2xui2>, tensor<4x1x1x2xi8> -> tensor<?x2x2x4xi32>
// CHECK:         %[[S:.*]] = arith.constant dense<[1.250000e-01, 2.500000e-01, 5.000000e-01, 1.000000e+00]> : tensor<4xf32>
// CHECK:         %[[Y:.*]] = n2uq.affine %[[ACC]] scale(%[[S]] : tensor<4xf32>) :
// CHECK:         %[[ROW:.*]] = n2uq.flatten %[[Y]] : tensor<?x2x2x4xf32> -> tensor<?x16xf32>
// CHECK:         return %[[ROW]]
func.func @integer_conv(%x: tensor<?x2x4x4xf32>) -> tensor<?x16xf32> {
  %t = "tosa.const"() <{values = dense<[[-1.0, 0.0, 1.5]]> : tensor<1x3xf32>}> : () -> tensor<1x3xf32>
  %i = "tosa.const"() <{values = dense<-3> : tensor<4x1x1x2xi8>}> : () -> tensor<4x1x1x2xi8>
  %s = "tosa.const"() <{values = dense<[0.25, 0.5, 1.0, 2.0]> : tensor<4xf32>}> : () -> tensor<4xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %last = tosa.transpose %x {perms = array<i32: 0, 2, 3, 1>} : (tensor<?x2x4x4xf32>) -> tensor<?x4x4x2xf32>
  %q = tosa.custom %last, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2, scale = 0.5, nan_is_top"} : (tensor<?x4x4x2xf32>, tensor<1x3xf32>) -> tensor<?x4x4x2xf32>
  %p = tosa.max_pool2d %q {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>} : (tensor<?x4x4x2xf32>) -> tensor<?x2x2x2xf32>
  %w = tosa.custom %i, %s {domain_name = "n2uq", operator_name = "dequantize", implementation_attrs = ""} : (tensor<4x1x1x2xi8>, tensor<4xf32>) -> tensor<4x1x1x2xf32>
  %c = tosa.conv2d %p, %w, %b, %z, %z {pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<?x2x2x2xf32>, tensor<4x1x1x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x2x2x4xf32>
  %first = tosa.transpose %c {perms = array<i32: 0, 3, 1, 2>} : (tensor<?x2x2x4xf32>) -> tensor<?x4x2x2xf32>
  %shape = tosa.const_shape {values = dense<[-1, 16]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %r = tosa.reshape %first, %shape : (tensor<?x4x2x2xf32>, !tosa.shape<2>) -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

// [KH,KW,C,M] becomes one filter an output: 2 of channel 0, 2 of channel 1.
// CHECK-LABEL: func.func @depthwise
// CHECK-DAG:     arith.constant dense<{{\[}}{{\[}}{{\[}}[1.000000e+00], [5.000000e+00]]], {{\[}}{{\[}}[2.000000e+00], [6.000000e+00]]], {{\[}}{{\[}}[3.000000e+00], [7.000000e+00]]], {{\[}}{{\[}}[4.000000e+00], [8.000000e+00]]]]> : tensor<4x1x2x1xf32>
// CHECK:         n2uq.float_conv2d %arg0, {{.*}} groups = 2 : tensor<?x1x2x2xf32>, tensor<4x1x2x1xf32> -> tensor<?x1x1x4xf32>
func.func @depthwise(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x4xf32> {
  %w = "tosa.const"() <{values = dense<[[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]]> : tensor<1x2x2x2xf32>}> : () -> tensor<1x2x2x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  %0 = tosa.depthwise_conv2d %x, %w, %b, %z, %z {pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<1x1x2x2xf32>, tensor<1x2x2x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x4xf32>
  return %0 : tensor<1x1x1x4xf32>
}

// -----

// CHECK-LABEL: func.func @matmul
// CHECK-DAG:     arith.constant dense<{{\[}}[1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK:         n2uq.fully_connected %arg0, {{.*}} : tensor<?x2xf32>, tensor<2x2xf32> -> tensor<?x2xf32>
func.func @matmul(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = "tosa.const"() <{values = dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>}> : () -> tensor<1x2x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %s3 = tosa.const_shape {values = dense<[1, 3, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %s2 = tosa.const_shape {values = dense<[3, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %a = tosa.reshape %x, %s3 : (tensor<3x2xf32>, !tosa.shape<3>) -> tensor<1x3x2xf32>
  %p = tosa.matmul %a, %w, %z, %z : (tensor<1x3x2xf32>, tensor<1x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x2xf32>
  %r = tosa.reshape %p, %s2 : (tensor<1x3x2xf32>, !tosa.shape<2>) -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// -----

// Padding is not averaged: a sum over a count of what is inside.
// CHECK-LABEL: func.func @avg_pool
// CHECK:         %[[MEAN:.*]] = n2uq.avg_pool %arg0 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x2xf32> -> tensor<?x2x2x2xf32>
// CHECK:         %[[ONES:.*]] = n2uq.gather %[[MEAN]] rows = [-1, -1] fill = 1.000000e+00
// CHECK:         %[[SUM:.*]] = n2uq.float_conv2d %[[MEAN]], {{.*}} padding = [1, 1, 1, 1] groups = 2
// CHECK:         %[[COUNT:.*]] = n2uq.float_conv2d %[[ONES]], {{.*}} padding = [1, 1, 1, 1] groups = 2
// CHECK:         arith.divf %[[SUM]], %[[COUNT]] : tensor<?x3x3x2xf32>
func.func @avg_pool(%x: tensor<1x4x4x2xf32>) -> tensor<1x3x3x2xf32> {
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.avg_pool2d %x, %z, %z {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, acc_type = f32} : (tensor<1x4x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32>
  %1 = tosa.avg_pool2d %0, %z, %z {kernel = array<i64: 2, 2>, stride = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x3x2xf32>
  return %1 : tensor<1x3x3x2xf32>
}
