// RUN: n2uq-opt %s --split-input-file --n2uq-image-input --verify-diagnostics
// RUN: not n2uq-opt %s --split-input-file --n2uq-image-input="stem-bits=12" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not n2uq-opt %s --split-input-file --n2uq-image-input="mean=0.5 std=0" 2>&1 | FileCheck %s --check-prefix=STD
// BITS: cannot take images of bytes: a stem has 8, 16 or 24 bits, not 12
// STD: cannot take images of bytes: means are finite numbers, standard deviations positive ones

// expected-error @+1 {{cannot take images of bytes: its images have 1 channels; give a mean and a standard deviation for each of them, or one for all}}
func.func @usual_means_are_for_three_channels(%x: tensor<?x1x2x2xf32>) -> tensor<?x2x2x1xf32> {
  %f = arith.constant dense<1.0> : tensor<1x1x1x1xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x1x2x2xf32> -> tensor<?x2x2x1xf32>
  %1 = n2uq.float_conv2d %0, %f : tensor<?x2x2x1xf32>, tensor<1x1x1x1xf32> -> tensor<?x2x2x1xf32>
  return %1 : tensor<?x2x2x1xf32>
}

// -----

// expected-error @+1 {{cannot take images of bytes: the network's input is not read by one float convolution and by nothing else}}
func.func @read_twice(%x: tensor<?x3x2x2xf32>) -> tensor<?x2x2x3xf32> {
  %f = arith.constant dense<1.0> : tensor<3x1x1x3xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x3x2x2xf32> -> tensor<?x2x2x3xf32>
  %1 = n2uq.float_conv2d %0, %f : tensor<?x2x2x3xf32>, tensor<3x1x1x3xf32> -> tensor<?x2x2x3xf32>
  %2 = n2uq.add %0, %1 : tensor<?x2x2x3xf32>
  return %2 : tensor<?x2x2x3xf32>
}

// -----

// expected-error @+1 {{cannot take images of bytes: the network takes bytes already}}
func.func @twice(%x: tensor<?x2x2x3xui8>) -> tensor<?x2x2x3xui8> {
  return %x : tensor<?x2x2x3xui8>
}

// -----

// expected-error @+1 {{cannot take images of bytes: the first convolution has groups or dilations}}
func.func @groups(%x: tensor<?x3x2x2xf32>) -> tensor<?x2x2x3xf32> {
  %f = arith.constant dense<1.0> : tensor<3x1x1x1xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x3x2x2xf32> -> tensor<?x2x2x3xf32>
  %1 = n2uq.float_conv2d %0, %f groups = 3 : tensor<?x2x2x3xf32>, tensor<3x1x1x1xf32> -> tensor<?x2x2x3xf32>
  return %1 : tensor<?x2x2x3xf32>
}

// -----

// expected-error @+1 {{cannot take images of bytes: the first convolution has weights that are not finite constants}}
func.func @infinite(%x: tensor<?x3x2x2xf32>) -> tensor<?x2x2x3xf32> {
  %f = arith.constant dense<0x7F800000> : tensor<3x1x1x3xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x3x2x2xf32> -> tensor<?x2x2x3xf32>
  %1 = n2uq.float_conv2d %0, %f : tensor<?x2x2x3xf32>, tensor<3x1x1x3xf32> -> tensor<?x2x2x3xf32>
  return %1 : tensor<?x2x2x3xf32>
}

// -----

// expected-error @+1 {{cannot take images of bytes: sums of 300 taps of 24 bits may leave 32 bits; take fewer bits for the stem}}
func.func @long_sums(%x: tensor<?x3x10x10xf32>) -> tensor<?x1x1x1xf32> {
  %f = arith.constant dense<1.0> : tensor<1x10x10x3xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x3x10x10xf32> -> tensor<?x10x10x3xf32>
  %1 = n2uq.float_conv2d %0, %f : tensor<?x10x10x3xf32>, tensor<1x10x10x3xf32> -> tensor<?x1x1x1xf32>
  return %1 : tensor<?x1x1x1xf32>
}
