// RUN: n2uq-opt %s --n2uq-absorb-float-tail --canonicalize | FileCheck %s

// 2 * x >= 1, 2, 5. One scale for all channels: the row stays one for all.
// CHECK-LABEL: @positive
// CHECK: arith.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00, 2.500000e+00]]> : tensor<1x3xf32>
// CHECK-NOT: n2uq.affine
// CHECK: n2uq.quantize %arg0, %{{.*}} nan_is_top
func.func @positive(%x: tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xui2> {
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %t = arith.constant dense<[[1.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %u = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %q = n2uq.quantize %u, %t nan_is_top : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  return %q : tensor<?x4x4x2xui2>
}

// A whole RPReLU and scale, per channel: ((x + 1 > 0 ? . : p * .) - 1) * s. Algebra would give -3, 0, 1 and -5, -1, 0.5;
// the numbers just below them still round to the threshold somewhere on the way.
// CHECK-LABEL: @rprelu
// CHECK: arith.constant dense<{{\[\[}}-3.00000024, -2.98023224E-8, 0.99999994], [-5.00000048, -1.00000024, 0.49999994]]> : tensor<2x3xf32>
// CHECK-NEXT: n2uq.quantize %arg0
func.func @rprelu(%x: tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xui2> {
  %b1 = arith.constant dense<1.0> : tensor<2xf32>
  %b2 = arith.constant dense<-1.0> : tensor<2xf32>
  %p = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %s = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %t = arith.constant dense<[[-2.0, 0.0, 1.0], [-4.0, -2.0, 1.0]]> : tensor<2x3xf32>
  %1 = n2uq.affine %x offset(%b1 : tensor<2xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %2 = n2uq.prelu %1, %p : tensor<?x4x4x2xf32>, tensor<2xf32>
  %3 = n2uq.affine %2 offset(%b2 : tensor<2xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %u = n2uq.affine %3 scale(%s : tensor<2xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x2xf32>, tensor<2x3xf32> -> tensor<?x4x4x2xui2>
  return %q : tensor<?x4x4x2xui2>
}

// Seven thresholds lie in a register as long as they are one row: the scale of all channels is absorbed, the offsets stay.
// CHECK-LABEL: @long_row
// CHECK: arith.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00, 1.500000e+00, 2.000000e+00, 2.500000e+00, 3.000000e+00, 3.500000e+00]]> : tensor<1x7xf32>
// CHECK: %[[Y:.*]] = n2uq.affine %arg0 offset
// CHECK-NEXT: n2uq.quantize %[[Y]]
func.func @long_row(%x: tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xui3> {
  %b = arith.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %t = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]> : tensor<1x7xf32>
  %y = n2uq.affine %x offset(%b : tensor<2xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %u = n2uq.affine %y scale(%s : tensor<1xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x2xf32>, tensor<1x7xf32> -> tensor<?x4x4x2xui3>
  return %q : tensor<?x4x4x2xui3>
}

// CHECK-LABEL: @negative
// CHECK: n2uq.affine
func.func @negative(%x: tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xui2> {
  %s = arith.constant dense<[2.0, -2.0]> : tensor<2xf32>
  %t = arith.constant dense<[[1.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %u = n2uq.affine %x scale(%s : tensor<2xf32>) : tensor<?x4x4x2xf32> -> tensor<?x4x4x2xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  return %q : tensor<?x4x4x2xui2>
}

// A negative slope falls; what is behind it is absorbed.
// CHECK-LABEL: @negative_slope
// CHECK: %[[Y:.*]] = n2uq.prelu
// CHECK-NEXT: n2uq.quantize %[[Y]]
func.func @negative_slope(%x: tensor<?x4x4x1xf32>) -> tensor<?x4x4x1xui2> {
  %p = arith.constant dense<-0.5> : tensor<1xf32>
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %t = arith.constant dense<[[1.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %y = n2uq.prelu %x, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %u = n2uq.affine %y scale(%s : tensor<1xf32>) : tensor<?x4x4x1xf32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// 0 * inf is a NaN, code 0, though 0 reaches the first threshold.
// CHECK-LABEL: @zero
// CHECK: n2uq.affine
func.func @zero(%x: tensor<?x4x4x1xf32>) -> tensor<?x4x4x1xui2> {
  %s = arith.constant dense<0.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %u = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x4x4x1xf32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// No number reaches 5 behind a clamp to 3.
// CHECK-LABEL: @unreachable
// CHECK: n2uq.clamp
func.func @unreachable(%x: tensor<?x4x4x1xf32>) -> tensor<?x4x4x1xui2> {
  %t = arith.constant dense<[[1.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %u = n2uq.clamp %x min = 0.0 max = 3.0 : tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// Floats that others read are computed anyway.
// CHECK-LABEL: @no_absorb_where_floats_leave
// CHECK: %[[U:.*]] = n2uq.affine
// CHECK: n2uq.quantize %[[U]]
func.func @no_absorb_where_floats_leave(%x: tensor<?x4x4x1xf32>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xf32>) {
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %t = arith.constant dense<[[1.0, 2.0, 5.0]]> : tensor<1x3xf32>
  %u = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x4x4x1xf32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q, %u : tensor<?x4x4x1xui2>, tensor<?x4x4x1xf32>
}
