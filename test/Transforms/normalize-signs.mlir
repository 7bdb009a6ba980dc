// RUN: n2uq-opt %s --n2uq-normalize-signs --canonicalize | FileCheck %s
// RUN: n2uq-opt %s --n2uq-normalize-signs --n2uq-integerize-thresholds | FileCheck %s --check-prefix=FOLDED

// Channels: positive, negative, zero, and one whose weight -128 has no negative among the i8. The second factor counts.
// CHECK-LABEL: @signs
// CHECK-DAG: %[[FILTER:.*]] = arith.constant dense<{{\[\[\[\[}}1, 2]]], {{\[\[\[}}-3, -4]]], {{\[\[\[}}5, 6]]], {{\[\[\[}}-128, 8]]]]> : tensor<4x1x1x2xi8>
// CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<[5.000000e-01, -5.000000e-01, 5.000000e-01, 5.000000e-01]> : tensor<4xf32>
// CHECK: n2uq.conv2d %{{.*}}, %[[FILTER]]
// CHECK: n2uq.affine %{{.*}} scale(%[[SCALE]] : tensor<4xf32>)
func.func @signs(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x4xui2> {
  %filter = arith.constant dense<[[[[1, 2]]], [[[3, 4]]], [[[5, 6]]], [[[-128, 8]]]]> : tensor<4x1x1x2xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %a = arith.constant dense<[2.0, -2.0, 0.0, -2.0]> : tensor<4xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<4x1x1x2xi8> -> tensor<?x4x4x4xi32>
  %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x4xi32> -> tensor<?x4x4x4xf32>
  %u = n2uq.affine %y scale(%a : tensor<4xf32>) : tensor<?x4x4x4xf32> -> tensor<?x4x4x4xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x4xf32>, tensor<1x3xf32> -> tensor<?x4x4x4xui2>
  return %q : tensor<?x4x4x4xui2>
}

// The steeper side of a V shall rise: the right one for slopes above -1, the left one below.
// CHECK-LABEL: @slope
// CHECK-DAG: arith.constant dense<{{\[\[\[\[}}1, 2]]], {{\[\[\[}}-3, -4]]], {{\[\[\[}}-5, -6]]], {{\[\[\[}}7, 8]]]]> : tensor<4x1x1x2xi8>
func.func @slope(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x4xui2> {
  %filter = arith.constant dense<[[[[1, 2]]], [[[3, 4]]], [[[5, 6]]], [[[7, 8]]]]> : tensor<4x1x1x2xi8>
  %s = arith.constant dense<[1.0, -1.0, 1.0, -1.0]> : tensor<4xf32>
  %p = arith.constant dense<[-0.5, -0.5, -2.0, -2.0]> : tensor<4xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<4x1x1x2xi8> -> tensor<?x4x4x4xi32>
  %y = n2uq.affine %acc scale(%s : tensor<4xf32>) : tensor<?x4x4x4xi32> -> tensor<?x4x4x4xf32>
  %u = n2uq.prelu %y, %p : tensor<?x4x4x4xf32>, tensor<4xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x4xf32>, tensor<1x3xf32> -> tensor<?x4x4x4xui2>
  return %q : tensor<?x4x4x4xui2>
}

// A falling channel needs no two-sided thresholds.
// CHECK-LABEL: @negative
// FOLDED-LABEL: @negative
// FOLDED: n2uq.threshold
func.func @negative(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// Two readers fall: both first scales turn, -1 into 1, which canonicalize drops, and -2 into 2.
// CHECK-LABEL: @two_quantizers
// CHECK-DAG: arith.constant dense<{{\[\[\[\[}}-1, 1]]]]> : tensor<1x1x1x2xi8>
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.000000e+00> : tensor<1xf32>
// CHECK-DAG: n2uq.affine %{{[^ ]*}} : tensor<?x4x4x1xi32>
// CHECK-DAG: n2uq.affine %{{.*}} scale(%[[TWO]] : tensor<1xf32>)
func.func @two_quantizers(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %s2 = arith.constant dense<-2.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %u2 = n2uq.affine %acc scale(%s2 : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q2 = n2uq.quantize %u2, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q, %q2 : tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>
}

// One reader rises: nothing is gained.
// CHECK-LABEL: @opposite_quantizers
// CHECK: arith.constant dense<{{\[\[\[\[}}1, -1]]]]> : tensor<1x1x1x2xi8>
func.func @opposite_quantizers(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %u2 = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q2 = n2uq.quantize %u2, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q, %q2 : tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>
}

// Floats that leave for a residual add keep the sign of every zero: 0 * -1 is -0.
// CHECK-LABEL: @no_change_where_floats_leave
// CHECK: arith.constant dense<{{\[\[\[\[}}1, -1]]]]> : tensor<1x1x1x2xi8>
func.func @no_change_where_floats_leave(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xf32>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q, %u : tensor<?x4x4x1xui2>, tensor<?x4x4x1xf32>
}
