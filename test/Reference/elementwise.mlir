// The reference on ops that work element by element, against numbers computed by hand.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t

// RUN: %{make} %t/x.npy f4 2x1x1x4 1 -2 0.5 -0.0 nan inf -inf 16777217
// RUN: %{run} --function=affine_float --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=AFFINE-FLOAT
// RUN: %{run} --function=affine_without_steps --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=NO-STEPS
// RUN: %{run} --function=prelu --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PRELU
// RUN: %{run} --function=clamp --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=CLAMP
// RUN: %{run} --function=add --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=ADD
// RUN: %{run} --function=upstream --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=UPSTREAM
// RUN: %{run} --function=extremes --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=EXTREMES
// RUN: %{make} %t/acc.npy i4 1x4 16777217 -16777219 7 -2147483648
// RUN: %{run} --function=affine_accumulator --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=AFFINE-ACC
// RUN: %{make} %t/codes.npy u1 1x1x2x2 0 1 2 3
// RUN: %{run} --function=affine_codes --input=input=%t/codes.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=AFFINE-CODES

// Scale, then offset, each per channel; -0 * 4 + -0 stays -0.
// AFFINE-FLOAT: float32 2x1x1x4 12.0 -20.5 0.25 -0.0 nan inf inf 67108864.0
func.func @affine_float(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %scale = arith.constant dense<[2.0, 10.0, -1.5, 4.0]> : tensor<4xf32>
  %offset = arith.constant dense<[10.0, -0.5, 1.0, -0.0]> : tensor<4xf32>
  %0 = n2uq.affine %x scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>) : tensor<?x1x1x4xf32> -> tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// Ops of upstream, each one rounding: sqrt(|x|) / (x * x - -x).
// UPSTREAM: float32 2x1x1x4 0.5 0.7071067690849304 0.9428090453147888 nan nan nan nan 1.4551915228366852e-11
func.func @upstream(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %abs = math.absf %x : tensor<?x1x1x4xf32>
  %root = math.sqrt %abs : tensor<?x1x1x4xf32>
  %square = arith.mulf %x, %x : tensor<?x1x1x4xf32>
  %neg = arith.negf %x : tensor<?x1x1x4xf32>
  %sum = arith.subf %square, %neg : tensor<?x1x1x4xf32>
  %0 = arith.divf %root, %sum : tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// max(x, -x) + min(x, -x): a NaN wins, and -0 is less than +0, so that 0.0 is the sum at -0.0.
// EXTREMES: float32 2x1x1x4 0.0 0.0 0.0 0.0 nan nan nan 0.0
func.func @extremes(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %neg = arith.negf %x : tensor<?x1x1x4xf32>
  %max = arith.maximumf %x, %neg : tensor<?x1x1x4xf32>
  %min = arith.minimumf %x, %neg : tensor<?x1x1x4xf32>
  %0 = arith.addf %max, %min : tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// NO-STEPS: float32 2x1x1x4 1.0 -2.0 0.5 -0.0 nan inf -inf 16777216.0
func.func @affine_without_steps(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %0 = n2uq.affine %x : tensor<?x1x1x4xf32> -> tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// 2^24 + 1 lies between two float32 numbers and goes to the even one, -(2^24 + 3) as well.
// AFFINE-ACC: float32 1x4 50331648.0 -50331660.0 22.0 -6442450944.0
func.func @affine_accumulator(%acc: tensor<?x4xi32>) -> tensor<?x4xf32> {
  %scale = arith.constant dense<3.0> : tensor<1xf32>
  %offset = arith.constant dense<1.0> : tensor<1xf32>
  %0 = n2uq.affine %acc scale(%scale : tensor<1xf32>) offset(%offset : tensor<1xf32>) : tensor<?x4xi32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// AFFINE-CODES: float32 1x1x2x2 0.0 -1.0 1.0 -3.0
func.func @affine_codes(%codes: tensor<?x1x2x2xui2>) -> tensor<?x1x2x2xf32> {
  %scale = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %0 = n2uq.affine %codes scale(%scale : tensor<2xf32>) : tensor<?x1x2x2xui2> -> tensor<?x1x2x2xf32>
  return %0 : tensor<?x1x2x2xf32>
}

// Slopes 0.25, -3, 7 and 0: only what is not above 0 meets them, and inf * 0 is not at hand because inf is above 0.
// PRELU: float32 2x1x1x4 1.0 6.0 0.5 -0.0 nan inf -inf 16777216.0
func.func @prelu(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %slope = arith.constant dense<[0.25, -3.0, 7.0, 0.0]> : tensor<4xf32>
  %0 = n2uq.prelu %x, %slope : tensor<?x1x1x4xf32>, tensor<4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// -0 is not less than 0 and stays; a NaN stays.
// CLAMP: float32 2x1x1x4 1.0 0.0 0.5 -0.0 nan 6.0 0.0 6.0
func.func @clamp(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %0 = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}

// -0 + -0 is -0.
// ADD: float32 2x1x1x4 2.0 -4.0 1.0 -0.0 nan inf -inf 33554432.0
func.func @add(%x: tensor<?x1x1x4xf32>) -> tensor<?x1x1x4xf32> {
  %0 = n2uq.add %x, %x : tensor<?x1x1x4xf32>
  return %0 : tensor<?x1x1x4xf32>
}
