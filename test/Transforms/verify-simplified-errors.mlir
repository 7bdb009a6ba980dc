// RUN: n2uq-opt %s --n2uq-verify-simplified --split-input-file --verify-diagnostics

// expected-error@+1 {{'func.func' op expects one float32 image [batch, channels, height, width], one float32 row [batch, features], or pixels that only 'n2uq.image_conv2d' reads, as argument and one float32 tensor as result, but got '(tensor<?x2x4x4xf32>) -> tensor<?x4x4x2xui2>'}}
func.func @signature_s1(%image: tensor<?x2x4x4xf32>) -> tensor<?x4x4x2xui2> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %0 = n2uq.to_nhwc %image : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  return %1 : tensor<?x4x4x2xui2>
}

// -----

func.func @foreign_op_s2(%image: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  // expected-error@+1 {{'math.exp' op is not an op of a simplified network}}
  %a = math.exp %image : tensor<?x2x4x4xf32>
  // Fast-math flags allow what the bits forbid.
  // expected-error@+1 {{'arith.addf' op is not an op of a simplified network}}
  %b = arith.addf %image, %image fastmath<contract> : tensor<?x2x4x4xf32>
  %0 = arith.addf %image, %image : tensor<?x2x4x4xf32>
  return %0 : tensor<?x2x4x4xf32>
}

// -----

func.func @constant_tensor_s3(%image: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %c = arith.constant dense<1.0> : tensor<1x2x4x4xf32>
  // expected-error@+1 {{'arith.addf' op expects tensors that flow through the network, but reads a constant; n2uq.affine has constant operands}}
  %0 = arith.addf %image, %c : tensor<1x2x4x4xf32>
  return %0 : tensor<1x2x4x4xf32>
}

// -----

// expected-error@+1 {{'func.func' op expects a body of one block}}
func.func @blocks_s2(%image: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  cf.br ^bb1
^bb1:
  return %image : tensor<?x2x4x4xf32>
}

// -----

func.func @dynamic_slope_s3(%image: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %t = tensor.empty() : tensor<1xf32> // expected-error {{'tensor.empty' op is not an op of a simplified network}}
  // expected-error@+1 {{'n2uq.prelu' op expects parameters that are constants with content, but got 'tensor<1xf32>'}}
  %0 = n2uq.prelu %image, %t : tensor<?x2x4x4xf32>, tensor<1xf32>
  return %0 : tensor<?x2x4x4xf32>
}

// -----

func.func @unfolded_s4(%image: tensor<?x2x4x4xf32>) -> tensor<?x4x4x1xf32> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %0 = n2uq.to_nhwc %image : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  %2 = n2uq.conv2d %1, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %3 = n2uq.affine %2 : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  // expected-error@+1 {{'n2uq.quantize' op expects integer thresholds, or 'n2uq.float_tail' with the reason why its float tail could not be folded}}
  %4 = n2uq.quantize %3, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %5 = n2uq.affine %4 : tensor<?x4x4x1xui2> -> tensor<?x4x4x1xf32>
  return %5 : tensor<?x4x4x1xf32>
}

// -----

func.func @codes_s5(%image: tensor<?x2x4x4xf32>) -> tensor<?x4x4x1xf32> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %base = arith.constant dense<[1]> : tensor<1xi32>
  %up = arith.constant dense<[[-2, 4]]> : tensor<1x2xi32>
  %down = arith.constant dense<[[1, 2, 3]]> : tensor<1x3xi32>
  %0 = n2uq.to_nhwc %image : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %1 = n2uq.quantize %0, %t : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2>
  %2 = n2uq.conv2d %1, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  // expected-error@+1 {{'n2uq.two_sided_threshold' op expects codes from 0 to 3, but channel 0 gives -1 for accumulator 3}}
  %3 = n2uq.two_sided_threshold %2, %base, %up, %down
      : tensor<?x4x4x1xi32>, tensor<1xi32>, tensor<1x2xi32>, tensor<1x3xi32> -> tensor<?x4x4x1xui2>
  %4 = n2uq.affine %3 : tensor<?x4x4x1xui2> -> tensor<?x4x4x1xf32>
  return %4 : tensor<?x4x4x1xf32>
}
