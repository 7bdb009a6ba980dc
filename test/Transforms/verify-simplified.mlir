// RUN: n2uq-opt %s --n2uq-verify-simplified | FileCheck %s

// CHECK-LABEL: @main
func.func @main(%image: tensor<?x2x4x4xf32>) -> tensor<?x2xf32> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %base = arith.constant dense<[0]> : tensor<1xi32>
  %up = arith.constant dense<[[-3, -2, -1]]> : tensor<1x3xi32>
  %down = arith.constant dense<[[1, 2, 3]]> : tensor<1x3xi32>
  %s = arith.constant dense<1.0> : tensor<1xf32>
  %weights = arith.constant dense<1.0> : tensor<2x16xf32>
  %0 = n2uq.to_nhwc %image : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  %2 = n2uq.conv2d %1, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %3 = n2uq.two_sided_threshold %2, %base, %up, %down
      : tensor<?x4x4x1xi32>, tensor<1xi32>, tensor<1x3xi32>, tensor<1x3xi32> -> tensor<?x4x4x1xui2>
  %4 = n2uq.affine %3 scale(%s : tensor<1xf32>) : tensor<?x4x4x1xui2> -> tensor<?x4x4x1xf32>
  %5 = n2uq.flatten %4 : tensor<?x4x4x1xf32> -> tensor<?x16xf32>
  %6 = n2uq.fully_connected %5, %weights : tensor<?x16xf32>, tensor<2x16xf32> -> tensor<?x2xf32>
  return %6 : tensor<?x2xf32>
}

// A float tail that says why is allowed.
// CHECK-LABEL: @float_tail
func.func @float_tail(%image: tensor<?x2x4x4xf32>) -> tensor<?x4x4x1xf32> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %0 = n2uq.to_nhwc %image : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  %2 = n2uq.conv2d %1, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %3 = n2uq.affine %2 : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %4 = n2uq.quantize %3, %t {n2uq.float_tail = "too many evaluations"} : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %5 = n2uq.affine %4 : tensor<?x4x4x1xui2> -> tensor<?x4x4x1xf32>
  return %5 : tensor<?x4x4x1xf32>
}
