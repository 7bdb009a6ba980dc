// Arithmetic and rectifiers. Constants count channels where the tensor has them; two tensors meet in n2uq.add or in upstream's
// ops, which a network holds as they are.
// RUN: n2uq-opt %s --split-input-file --convert-tosa-to-n2uq | FileCheck %s

// CHECK-LABEL: func.func @constants(%arg0: tensor<?x2x3x3xf32>
// CHECK:         %[[X:.*]] = n2uq.to_nhwc %arg0
// CHECK:         n2uq.affine %[[X]] offset(%{{.*}} : tensor<2xf32>) : tensor<?x3x3x2xf32>
// CHECK:         n2uq.affine {{.*}} scale(%{{.*}} : tensor<1xf32>)
// CHECK:         n2uq.affine {{.*}} scale({{.*}}) offset(
// CHECK:         n2uq.clamp {{.*}} min = 0.000000e+00 max = 6.000000e+00
// CHECK:         n2uq.clamp {{.*}} min = 1.000000e+00 max = 0x7F800000
// CHECK:         n2uq.clamp {{.*}} min = 0xFF800000 max = 1.000000e+00
// CHECK:         n2uq.flatten
func.func @constants(%x: tensor<1x2x3x3xf32>) -> tensor<1x18xf32> {
  %mean = "tosa.const"() <{values = dense<[[[[0.5]], [[0.25]]]]> : tensor<1x2x1x1xf32>}> : () -> tensor<1x2x1x1xf32>
  %one = "tosa.const"() <{values = dense<1.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.sub %x, %mean : (tensor<1x2x3x3xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x3x3xf32>
  %1 = tosa.mul %0, %one, %shift : (tensor<1x2x3x3xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x2x3x3xf32>
  %2 = tosa.sub %one, %1 : (tensor<1x1x1x1xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %3 = tosa.transpose %2 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x2x3x3xf32>) -> tensor<1x3x3x2xf32>
  %4 = tosa.clamp %3 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
  %5 = tosa.maximum %4, %one : (tensor<1x3x3x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x3x3x2xf32>
  %6 = tosa.minimum %5, %one : (tensor<1x3x3x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x3x3x2xf32>
  %7 = tosa.transpose %6 {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x3x3x2xf32>) -> tensor<1x2x3x3xf32>
  %s = tosa.const_shape {values = dense<[1, 18]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %8 = tosa.reshape %7, %s : (tensor<1x2x3x3xf32>, !tosa.shape<2>) -> tensor<1x18xf32>
  return %8 : tensor<1x18xf32>
}

// -----

// CHECK-LABEL: func.func @tensors(%arg0: tensor<?x4xf32>
// CHECK:         %[[S:.*]] = n2uq.sigmoid %arg0 : tensor<?x4xf32>
// CHECK:         %[[MUL:.*]] = arith.mulf %arg0, %[[S]] : tensor<?x4xf32>
// CHECK:         %[[ADD:.*]] = n2uq.add %[[MUL]], %[[S]] : tensor<?x4xf32>
// CHECK:         %[[SUB:.*]] = arith.subf %[[ADD]], %[[S]] : tensor<?x4xf32>
// CHECK:         %[[MAX:.*]] = arith.maximumf %[[SUB]], %[[S]] : tensor<?x4xf32>
// CHECK:         %[[MIN:.*]] = arith.minimumf %[[MAX]], %[[SUB]] : tensor<?x4xf32>
// CHECK:         %[[ABS:.*]] = math.absf %[[MIN]] : tensor<?x4xf32>
// CHECK:         %[[NEG:.*]] = arith.negf %[[ABS]] : tensor<?x4xf32>
// CHECK:         %[[DIV:.*]] = arith.divf %[[NEG]], %[[S]] : tensor<?x4xf32>
// CHECK:         return %[[DIV]]
func.func @tensors(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.sigmoid %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = tosa.mul %x, %0, %shift : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<1xi8>) -> tensor<2x4xf32>
  %2 = tosa.add %1, %0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = tosa.sub %2, %0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %4 = tosa.maximum %3, %0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = tosa.minimum %4, %3 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %6 = tosa.abs %5 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %7 = tosa.negate %6, %z, %z : (tensor<2x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x4xf32>
  %8 = arith.divf %7, %0 : tensor<2x4xf32>
  %9 = tosa.identity %8 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %9 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @rectifiers
// CHECK:         n2uq.prelu %arg0, %{{.*}} : tensor<?x1x1x2xf32>, tensor<2xf32>
// CHECK:         n2uq.prelu %{{.*}}, %{{.*}} : tensor<?x1x1x2xf32>, tensor<2xf32>
func.func @rectifiers(%x: tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
  %slope = "tosa.const"() <{values = dense<[[[[0.5, -0.25]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  %row = "tosa.const"() <{values = dense<[2.0, 3.0]> : tensor<2xf32>}> : () -> tensor<2xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %g = tosa.greater %x, %zero : (tensor<1x1x1x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x2xi1>
  %m = tosa.mul %x, %slope, %shift : (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>, tensor<1xi8>) -> tensor<1x1x1x2xf32>
  %p = tosa.select %g, %x, %m : (tensor<1x1x1x2xi1>, tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %q = tosa.custom %p, %row {domain_name = "n2uq", operator_name = "prelu", implementation_attrs = ""} : (tensor<1x1x1x2xf32>, tensor<2xf32>) -> tensor<1x1x1x2xf32>
  return %q : tensor<1x1x1x2xf32>
}
