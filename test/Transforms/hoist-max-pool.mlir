// RUN: n2uq-opt %s --n2uq-hoist-max-pool --canonicalize | FileCheck %s
// RUN: n2uq-opt %s --n2uq-sink-max-pool --n2uq-normalize-signs --n2uq-hoist-max-pool --n2uq-integerize-thresholds | FileCheck %s --check-prefix=FOLDED

// In front of the pool the tail rises, behind it it falls.
// CHECK-LABEL: @positive
// CHECK: %[[ACC:.*]] = n2uq.conv2d
// CHECK: %[[POOL:.*]] = n2uq.max_pool %[[ACC]] kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xi32> -> tensor<?x2x2x1xi32>
// CHECK: n2uq.affine %[[POOL]] {{.*}} : tensor<?x2x2x1xi32> -> tensor<?x2x2x1xf32>
// FOLDED-LABEL: @positive
// FOLDED: %[[POOL:.*]] = n2uq.max_pool %{{.*}} : tensor<?x4x4x1xi32>
// FOLDED: n2uq.two_sided_threshold %[[POOL]]
func.func @positive(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %s2 = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %u = n2uq.affine %pool scale(%s2 : tensor<1xf32>) : tensor<?x2x2x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q : tensor<?x2x2x1xui2>
}

// Falls on both sides: n2uq-normalize-signs turns the part in front of the pool, and the whole still falls.
// CHECK-LABEL: @negative
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xf32>
// FOLDED-LABEL: @negative
// FOLDED: %[[POOL:.*]] = n2uq.max_pool %{{.*}} : tensor<?x4x4x1xi32>
// FOLDED: n2uq.two_sided_threshold %[[POOL]]
func.func @negative(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %u = n2uq.affine %pool scale(%s : tensor<1xf32>) : tensor<?x2x2x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q : tensor<?x2x2x1xui2>
}

// A constant channel neither rises nor falls, but 0 * acc is -0 below 0 and +0 above, in this order: even that is kept.
// CHECK-LABEL: @zero
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xi32>
func.func @zero(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x2x2x1xui2>, tensor<?x2x2x1xf32>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<0.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %pool, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q, %pool : tensor<?x2x2x1xui2>, tensor<?x2x2x1xf32>
}

// No quantizer reads the pool.
// CHECK-LABEL: @no_hoist_without_quantizer
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xf32>
func.func @no_hoist_without_quantizer(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xf32> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  return %pool : tensor<?x2x2x1xf32>
}
