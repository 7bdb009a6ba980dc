// RUN: n2uq-opt %s --n2uq-sink-max-pool --canonicalize | FileCheck %s
// RUN: n2uq-opt %s --n2uq-sink-max-pool --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=NAME
// RUN: n2uq-opt %s --n2uq-sink-max-pool --remarks-filter=n2uq-sink-max-pool -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// What is in front of the pool may fall and rise (slope -1): only what is behind it has to rise.
// CHECK-LABEL: @positive
// CHECK: %[[Y:.*]] = n2uq.prelu %{{.*}} : tensor<?x4x4x1xf32>
// CHECK: %[[U:.*]] = n2uq.affine %[[Y]] {{.*}} : tensor<?x4x4x1xf32>
// CHECK: %[[Q:.*]] = n2uq.quantize %[[U]], %{{.*}} -> tensor<?x4x4x1xui2>
// CHECK: n2uq.max_pool %[[Q]] kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] {n2uq.quantizer} : tensor<?x4x4x1xui2> -> tensor<?x2x2x1xui2>
// The pool of codes is what the model's quantizer was.
// NAME: n2uq.quantize {{.*}} loc("quan.unpooled")
// NAME: n2uq.max_pool {{.*}} loc("quan")
func.func @positive(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %p = arith.constant dense<-1.0> : tensor<1xf32>
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %y = n2uq.prelu %x, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %pool = n2uq.max_pool %y kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %u = n2uq.affine %pool scale(%s : tensor<1xf32>) : tensor<?x2x2x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2> loc("quan")
  return %q : tensor<?x2x2x1xui2>
}

// The smallest code of a window is not what a pool of codes yields.
// CHECK-LABEL: @negative
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
// REMARK: FloatPool{{.*}}a step behind the pool falls
func.func @negative(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-2.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %u = n2uq.affine %pool scale(%s : tensor<1xf32>) : tensor<?x2x2x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q : tensor<?x2x2x1xui2>
}

// 0 * inf: the NaN of one accumulator would win its window, its code would not.
// CHECK-LABEL: @nan
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
// REMARK: FloatPool{{.*}}an accumulator leads to a NaN
func.func @nan(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<0x7F800000> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %pool, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q : tensor<?x2x2x1xui2>
}

// A pool whose floats a residual branch needs is computed anyway.
// CHECK-LABEL: @no_sink_where_floats_leave
// CHECK: n2uq.max_pool %{{.*}} : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
func.func @no_sink_where_floats_leave(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x2x2x1xui2>, tensor<?x2x2x1xf32>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %pool = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xf32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %pool, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q, %pool : tensor<?x2x2x1xui2>, tensor<?x2x2x1xf32>
}
