// RUN: n2uq-opt %s --n2uq-pack-weights --n2uq-verify-strategy --split-input-file --verify-diagnostics

// 9 taps of 127 * 127 on each side, and 16 bits end at 32767.
func.func @sums_leave_16_bits(%codes: tensor<?x8x8x16xui8>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<127> : tensor<16x3x3x1xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'depthwise_i16': its sums reach [0, 291465], more than 16 bits hold}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = depthwise_i16, lanes = 16, tile = [4, 4]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] groups = 16 : tensor<?x8x8x16xui8>, tensor<16x3x3x1xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @packed_sums_leave_16_bits(%codes: tensor<?x8x8x16xui8>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<-15> : tensor<3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed in 16 bits: its sums reach [-34425, 0], more than 16 bits hold}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = depthwise_i16, lanes = 16, tile = [4, 4]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.packed_depthwise_conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui8>, tensor<3x3x16xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @not_depthwise(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'depthwise_i16': its root is not a depthwise convolution of codes with one output per channel}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = depthwise_i16, lanes = 16, tile = [4, 4]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}
