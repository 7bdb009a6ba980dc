// Every op that cannot be converted says why, all of them in one run; what is behind one is still checked.
// RUN: n2uq-opt %s --split-input-file --verify-diagnostics --convert-tosa-to-n2uq

func.func @seven(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %t = "tosa.const"() <{values = dense<[[0.0, 1.0]]> : tensor<1x2xf32>}> : () -> tensor<1x2xf32>
  // expected-error @+1 {{'tosa.tanh' op is not converted; functions that each library rounds in its own way are not}}
  %0 = tosa.tanh %x : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{'Blend' of the domain 'acme' is not known; the domain of our quantizers is 'n2uq'}}
  %1 = tosa.custom %0 {domain_name = "acme", operator_name = "Blend", implementation_attrs = ""} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{'round' is not known; the domain 'n2uq' has quantize, dequantize and prelu}}
  %2 = tosa.custom %1 {domain_name = "n2uq", operator_name = "round", implementation_attrs = ""} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{has implementation_attrs that are no list like 'bits = 2, scale = 0.5'}}
  %3 = tosa.custom %2, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = }{"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{has an attribute 'levels' in its implementation_attrs that is not known here}}
  %4 = tosa.custom %3, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "levels = 2"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects 'bits' between 1 and 8 that hold the number of its thresholds}}
  %5 = tosa.custom %4, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 1"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects a 'scale' that is a finite number other than 0}}
  %6 = tosa.custom %5, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2, scale = 0.0"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  return %6 : tensor<1x2x2x2xf32>
}

// -----

func.func @quantizers(%x: tensor<1x2x2x2xf32>, %d: tensor<1x2xf32>) -> tensor<1x2x2x2xf32> { // expected-error {{cannot become a network: one input and one output are expected, but it has 2 and 1}}
  %0 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}

// -----

// expected-error @+1 {{cannot become a network: its input is no f32 image or row whose extents behind the batch are known}}
func.func @input(%x: tensor<1x?x2x2xf32>) -> tensor<1x?x2x2xf32> {
  %0 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<1x?x2x2xf32>) -> tensor<1x?x2x2xf32>
  return %0 : tensor<1x?x2x2xf32>
}

// -----

func.func @thresholds(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %down = "tosa.const"() <{values = dense<[[1.0, 0.0]]> : tensor<1x2xf32>}> : () -> tensor<1x2xf32>
  %three = "tosa.const"() <{values = dense<[[0.0], [1.0], [2.0]]> : tensor<3x1xf32>}> : () -> tensor<3x1xf32>
  %nan = "tosa.const"() <{values = dense<0x7FC00000> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
  // expected-error @+1 {{expects thresholds in ascending order}}
  %0 = tosa.custom %x, %down {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{has 3 rows of thresholds for 2 channels}}
  %1 = tosa.custom %x, %three {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2"} : (tensor<1x2x2x2xf32>, tensor<3x1xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects thresholds that are a constant [channels, 1 to 255] or [1, 1 to 255] of numbers}}
  %2 = tosa.custom %x, %nan {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2"} : (tensor<1x2x2x2xf32>, tensor<1x1xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects a tensor and its thresholds, and one result}}
  %3 = tosa.custom %x {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2"} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects weights and their scale, and one result}}
  %4 = tosa.custom %x {domain_name = "n2uq", operator_name = "dequantize", implementation_attrs = ""} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects weights that are a constant of i8, and a constant scale of f32}}
  %5 = tosa.custom %x, %down {domain_name = "n2uq", operator_name = "dequantize", implementation_attrs = ""} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects a tensor and a constant slope of f32, and one result}}
  %6 = tosa.custom %x, %x {domain_name = "n2uq", operator_name = "prelu", implementation_attrs = ""} : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{has 3 slopes for 2 channels}}
  %7 = tosa.custom %x, %three {domain_name = "n2uq", operator_name = "prelu", implementation_attrs = ""} : (tensor<1x2x2x2xf32>, tensor<3x1xf32>) -> tensor<1x2x2x2xf32>
  return %7 : tensor<1x2x2x2xf32>
}

// -----

func.func @layers(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = "tosa.const"() <{values = dense<1.0> : tensor<2x1x1x2xf32>}> : () -> tensor<2x1x1x2xf32>
  %i = "tosa.const"() <{values = dense<1> : tensor<2x1x1x2xi8>}> : () -> tensor<2x1x1x2xi8>
  %s3 = "tosa.const"() <{values = dense<1.0> : tensor<3xf32>}> : () -> tensor<3xf32>
  %b = "tosa.const"() <{values = dense<0.0> : tensor<2xf32>}> : () -> tensor<2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  // expected-error @+1 {{expects weights and a bias that are constants of f32}}
  %0 = tosa.conv2d %x, %x, %z, %z, %z {pad = array<i64: 0, 1, 0, 1>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32>
  %q = tosa.custom %i, %s3 {domain_name = "n2uq", operator_name = "dequantize", implementation_attrs = ""} : (tensor<2x1x1x2xi8>, tensor<3xf32>) -> tensor<2x1x1x2xf32>
  // expected-error @+1 {{has 3 scales of weights for 2 outputs}}
  %1 = tosa.conv2d %x, %q, %b, %z, %z {pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{computes on weights, which only convolutions read}}
  %2 = tosa.abs %q : (tensor<2x1x1x2xf32>) -> tensor<2x1x1x2xf32>
  // expected-error @+1 {{computes on constants only; fold them first (tosa-layerwise-constant-fold)}}
  %3 = tosa.abs %w : (tensor<2x1x1x2xf32>) -> tensor<2x1x1x2xf32>
  // expected-error @+1 {{ignores numbers that are none (nan_mode), which is not supported}}
  %4 = tosa.max_pool2d %x {kernel = array<i64: 1, 1>, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, nan_mode = IGNORE} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %5 = tosa.transpose %x {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects an image with channels last (NHWC)}}
  %6 = tosa.conv2d %5, %w, %b, %z, %z {pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{combines tensors of different shapes or layouts, which is not supported}}
  %7 = tosa.add %x, %5 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{moves other dimensions than an image's channels from the first place to the last or back}}
  %8 = tosa.transpose %x {perms = array<i32: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{returns a tensor that is neither [batch, classes] nor an image with channels last}}
  return %5 : tensor<1x2x2x2xf32>
}

// -----

func.func @arithmetic(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %row = "tosa.const"() <{values = dense<1.0> : tensor<1x1x2x1xf32>}> : () -> tensor<1x1x2x1xf32>
  %two = "tosa.const"() <{values = dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>}> : () -> tensor<1x1x1x2xf32>
  // expected-error @+1 {{expects a constant that is one number for all or one per channel, but got 2 channels and another shape}}
  %0 = tosa.add %x, %row : (tensor<1x2x2x2xf32>, tensor<1x1x2x1xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects bounds that are one number}}
  %1 = tosa.maximum %x, %two : (tensor<1x2x2x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{expects bounds of f32 and a nan_mode that propagates}}
  %2 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 6.0 : f32, nan_mode = IGNORE} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-error @+1 {{is converted as the condition of a tosa.select only}}
  %3 = tosa.greater %x, %two : (tensor<1x2x2x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xi1>
  %4 = tosa.logical_not %3 : (tensor<1x2x2x2xi1>) -> tensor<1x2x2x2xi1> // expected-error {{is not converted; networks of convolutions, pools, rectifiers, moves and arithmetic are}}
  // expected-error @+1 {{is converted where it is a rectifier only: select(x > 0, x, x * slope)}}
  %5 = tosa.select %4, %x, %x : (tensor<1x2x2x2xi1>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %5 : tensor<1x2x2x2xf32>
}

// -----

func.func @moves(%x: tensor<2x2x2x2xf32>) -> tensor<2x2x2x2xf32> {
  %s = tosa.const_shape {values = dense<[4, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // expected-error @+1 {{is converted where it makes a row [batch, features] of an image, an image of a row, or the operand [1, batch, features] of a tosa.matmul}}
  %0 = tosa.reshape %x, %s : (tensor<2x2x2x2xf32>, !tosa.shape<2>) -> tensor<4x4xf32>
  // expected-error @+1 {{joins along another dimension than channels, or tensors of different layouts}}
  %1 = tosa.concat %x, %x {axis = 1 : i32} : (tensor<2x2x2x2xf32>, tensor<2x2x2x2xf32>) -> tensor<2x4x2x2xf32>
  %start = tosa.const_shape {values = dense<[1, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 2, 2, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  // expected-error @+1 {{takes a part of the batch}}
  %2 = tosa.slice %x, %start, %size : (tensor<2x2x2x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x2x2x2xf32>
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %pads = tosa.const_shape {values = dense<[1, 0, 0, 0, 0, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  // expected-error @+1 {{pads the batch, or by less than 0 or more than 65536}}
  %3 = tosa.pad %x, %pads, %zero : (tensor<2x2x2x2xf32>, !tosa.shape<8>, tensor<1xf32>) -> tensor<3x2x2x2xf32>
  %scale = tosa.const_shape {values = dense<[4, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<[2, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // expected-error @+1 {{is converted in the mode NEAREST_NEIGHBOR and with constant scales only}}
  %4 = tosa.resize %x, %scale, %offset, %border {mode = BILINEAR} : (tensor<2x2x2x2xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x4x4x2xf32>
  return %x : tensor<2x2x2x2xf32>
}

// -----

// A zero point says how an integer tensor was quantized.
func.func @zero_point(%x: tensor<1x2x2x2xf32>, %unused: tensor<1xf32>) -> tensor<1x1x1x2xf32> { // expected-error {{one input and one output are expected, but it has 2 and 1}}
  %0 = tosa.avg_pool2d %x, %unused, %unused {kernel = array<i64: 2, 2>, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x2xf32>
  return %0 : tensor<1x1x1x2xf32>
}

// -----

func.func @computed_zero_point(%x: tensor<1x2x2x2xf32>) -> tensor<1x1x1x2xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  // expected-error @+1 {{computes on constants only}}
  %abs = tosa.abs %zero : (tensor<1xf32>) -> tensor<1xf32>
  // expected-error @+1 {{has a zero point that is no float of value 0}}
  %0 = tosa.avg_pool2d %x, %abs, %abs {kernel = array<i64: 2, 2>, stride = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, acc_type = f32} : (tensor<1x2x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x2xf32>
  return %0 : tensor<1x1x1x2xf32>
}
