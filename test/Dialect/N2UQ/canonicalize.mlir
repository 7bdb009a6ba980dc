// RUN: n2uq-opt %s --canonicalize | FileCheck %s
//
// Folds and canonical forms: each drops a step that is the identity on every float32 number, and no other.

// CHECK-LABEL: @affine_without_steps
//  CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
//  CHECK-NEXT: return %[[X]]
func.func @affine_without_steps(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = n2uq.affine %x : tensor<?x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// An integer input is still converted.
// CHECK-LABEL: @affine_converts
//  CHECK-NEXT: n2uq.affine
func.func @affine_converts(%acc: tensor<?x8xi32>) -> tensor<?x8xf32> {
  %0 = n2uq.affine %acc : tensor<?x8xi32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: @affine_identity_steps
//  CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
//  CHECK-NEXT: return %[[X]]
func.func @affine_identity_steps(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %minus_zero = arith.constant dense<-0.0> : tensor<1xf32>
  %0 = n2uq.affine %x scale(%one : tensor<8xf32>) offset(%minus_zero : tensor<1xf32>) : tensor<?x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: @affine_drops_the_scale_alone
//       CHECK: n2uq.affine %{{.*}} offset(%{{.*}} : tensor<2xf32>)
func.func @affine_drops_the_scale_alone(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %offset = arith.constant dense<[-0.0, 1.0]> : tensor<2xf32>
  %0 = n2uq.affine %x scale(%one : tensor<1xf32>) offset(%offset : tensor<2xf32>) : tensor<?x2xf32> -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -0 + 0 is 0: adding plus zero is not the identity.
// CHECK-LABEL: @affine_keeps_plus_zero
//       CHECK: n2uq.affine %{{.*}} offset(
func.func @affine_keeps_plus_zero(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %0 = n2uq.affine %x offset(%zero : tensor<8xf32>) : tensor<?x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: @prelu_of_slope_one
//  CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>)
//  CHECK-NEXT: return %[[X]]
func.func @prelu_of_slope_one(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %0 = n2uq.prelu %x, %one : tensor<?x2xf32>, tensor<2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: @prelu_of_another_slope
//       CHECK: n2uq.prelu
func.func @prelu_of_another_slope(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %slope = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %0 = n2uq.prelu %x, %slope : tensor<?x2xf32>, tensor<2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: @clamp_without_bounds
//  CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>)
//  CHECK-NEXT: return %[[X]]
func.func @clamp_without_bounds(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = n2uq.clamp %x min = 0xFF800000 max = 0x7F800000 : tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: @clamp_of_one_bound
//       CHECK: n2uq.clamp
func.func @clamp_of_one_bound(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = n2uq.clamp %x min = 0.0 max = 0x7F800000 : tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: @max_pool_of_one_element
//  CHECK-SAME: (%[[X:.*]]: tensor<?x8x8x4xui2>)
//  CHECK-NEXT: return %[[X]]
func.func @max_pool_of_one_element(%x: tensor<?x8x8x4xui2>) -> tensor<?x8x8x4xui2> {
  %0 = n2uq.max_pool %x kernel = [1, 1] : tensor<?x8x8x4xui2> -> tensor<?x8x8x4xui2>
  return %0 : tensor<?x8x8x4xui2>
}

// CHECK-LABEL: @max_pool_that_picks
//       CHECK: n2uq.max_pool
func.func @max_pool_that_picks(%x: tensor<?x8x8x4xui2>) -> tensor<?x4x4x4xui2> {
  %0 = n2uq.max_pool %x kernel = [1, 1] strides = [2, 2] : tensor<?x8x8x4xui2> -> tensor<?x4x4x4xui2>
  return %0 : tensor<?x4x4x4xui2>
}

// A constant whose blob is missing is unknown, not one.
// CHECK-LABEL: @prelu_of_a_missing_blob
//       CHECK: n2uq.prelu
func.func @prelu_of_a_missing_blob(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %slope = arith.constant dense_resource<never_defined> : tensor<2xf32>
  %0 = n2uq.prelu %x, %slope : tensor<?x2xf32>, tensor<2xf32>
  return %0 : tensor<?x2xf32>
}

// Everything is pure: what nobody reads goes.
// CHECK-LABEL: @unused
//  CHECK-NEXT: return
func.func @unused(%x: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>) {
  %0 = n2uq.kernel -> tensor<?x8x8x64xi32> {
    %acc = n2uq.conv2d %x, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
    n2uq.yield %acc : tensor<?x8x8x64xi32>
  }
  return
}

// CHECK-LABEL: @gather_of_all
// CHECK-NEXT: return %arg0
func.func @gather_of_all(%x: tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32> {
  %0 = n2uq.gather %x : tensor<?x4x4x3xf32> -> tensor<?x4x4x3xf32>
  return %0 : tensor<?x4x4x3xf32>
}

// CHECK-LABEL: @unflatten_of_flatten
// CHECK-NEXT: return %arg0
func.func @unflatten_of_flatten(%x: tensor<?x4x4x3xui2>) -> tensor<?x4x4x3xui2> {
  %0 = n2uq.flatten %x : tensor<?x4x4x3xui2> -> tensor<?x48xui2>
  %1 = n2uq.unflatten %0 : tensor<?x48xui2> -> tensor<?x4x4x3xui2>
  return %1 : tensor<?x4x4x3xui2>
}

// CHECK-LABEL: @unflatten_to_another_image
// CHECK: n2uq.unflatten
func.func @unflatten_to_another_image(%x: tensor<?x4x4x3xui2>) -> tensor<?x1x1x48xui2> {
  %0 = n2uq.flatten %x : tensor<?x4x4x3xui2> -> tensor<?x48xui2>
  %1 = n2uq.unflatten %0 : tensor<?x48xui2> -> tensor<?x1x1x48xui2>
  return %1 : tensor<?x1x1x48xui2>
}
