// Every op without an ONNX form, at once; where there is one only, its sentence alone.
// RUN: split-file %s %t
// RUN: not n2uq-translate --export-onnx %t/several.mlir -o %t/several.onnx 2>&1 | FileCheck %s --check-prefix=SEVERAL
// RUN: not n2uq-translate --export-onnx %t/one.mlir -o %t/one.onnx 2>&1 | FileCheck %s --check-prefix=ONE
// RUN: not n2uq-translate --export-onnx %t/two-inputs.mlir -o %t/two.onnx 2>&1 | FileCheck %s --check-prefix=INPUTS
// RUN: not n2uq-translate --export-onnx %t/image.mlir -o %t/image.onnx 2>&1 | FileCheck %s --check-prefix=IMAGE
// RUN: not ls %t/several.onnx

//--- several.mlir
// SEVERAL: n2uq-translate: 4 ops cannot be exported:
// SEVERAL-NEXT:   op 'n2uq.conv2d' of 'conv' has accumulators that are not read by one n2uq.affine alone
// SEVERAL-NEXT:   op 'n2uq.threshold' of 'quan' has no ONNX form; export the model before it is simplified or lowered
// SEVERAL-NEXT:   op 'math.exp' has no ONNX form
// SEVERAL-NEXT:   op 'n2uq.affine' has an offset that is not constant
func.func @main(%input: tensor<?x2x4x4xf32>) -> tensor<?x32xf32> {
  %0 = n2uq.to_nhwc %input : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %t = arith.constant dense<1.0> : tensor<1x1xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x1xf32> -> tensor<?x4x4x2xui1>
  %w = arith.constant dense<1> : tensor<2x1x1x2xi8>
  %2 = n2uq.conv2d %1, %w : tensor<?x4x4x2xui1>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32> loc("conv")
  %ti = arith.constant dense<1> : tensor<1x1xi32>
  %3 = n2uq.threshold %2, %ti : tensor<?x4x4x2xi32>, tensor<1x1xi32> -> tensor<?x4x4x2xui1> loc("quan")
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %two = math.exp %one : tensor<1xf32>
  %4 = n2uq.affine %3 offset(%two : tensor<1xf32>) : tensor<?x4x4x2xui1> -> tensor<?x4x4x2xf32>
  %5 = n2uq.flatten %4 : tensor<?x4x4x2xf32> -> tensor<?x32xf32>
  return %5 : tensor<?x32xf32>
}

//--- one.mlir
// ONE: n2uq-translate: op 'n2uq.max_pool' of 'pool' pools accumulators, which has no ONNX form
// ONE-NOT: op '
func.func @main(%input: tensor<?x2x4x4xf32>) -> tensor<?x32xf32> {
  %0 = n2uq.to_nhwc %input : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %acc = arith.constant dense<1> : tensor<1x4x4x2xi32>
  %1 = n2uq.max_pool %acc kernel = [1, 1] : tensor<1x4x4x2xi32> -> tensor<1x4x4x2xi32> loc("pool")
  %2 = n2uq.flatten %0 : tensor<?x4x4x2xf32> -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

//--- two-inputs.mlir
// INPUTS: n2uq-translate: the function 'main' has 2 inputs and 1 outputs, but one of each is expected
func.func @main(%input: tensor<?x2xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = n2uq.add %input, %other : tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

//--- image.mlir
// IMAGE: n2uq-translate: op 'func.return' returns other than [batch, classes] of f32
func.func @main(%input: tensor<?x2x4x4xf32>) -> tensor<?x4x4x2xf32> {
  %0 = n2uq.to_nhwc %input : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  return %0 : tensor<?x4x4x2xf32>
}
