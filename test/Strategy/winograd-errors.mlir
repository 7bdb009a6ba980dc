// RUN: n2uq-opt %s --n2uq-pack-weights --n2uq-verify-strategy --split-input-file --verify-diagnostics

// What a strategy written by hand asks for is checked before it is believed.

func.func @codes_leave_a_byte(%codes: tensor<?x8x8x16xui4>) -> tensor<?x8x8x16xui4> {
  %w = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x15xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed with its tile, F(4,3)xF(3,3): transformed codes reach [-450, 450]}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 16, tile = [4, 3, 4, 1]> -> tensor<?x8x8x16xui4> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui4>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x15xi32> -> tensor<?x8x8x16xui4>
    n2uq.yield %q : tensor<?x8x8x16xui4>
  }
  return %0 : tensor<?x8x8x16xui4>
}

// -----

func.func @stride(%codes: tensor<?x8x8x16xui2>) -> tensor<?x4x4x16xui2> {
  %w = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'winograd': its window is not 3x3 with stride 1 and one group}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 16, tile = [4, 3, 4, 1]> -> tensor<?x4x4x16xui2> {
    %acc = n2uq.conv2d %codes, %w strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x4x4x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x4x4x16xi32>, tensor<1x3xi32> -> tensor<?x4x4x16xui2>
    n2uq.yield %q : tensor<?x4x4x16xui2>
  }
  return %0 : tensor<?x4x4x16xui2>
}

// -----

// 3 * 9 * 128 = 3456, times 16 more than 16 bits hold.
func.func @sums_leave_16_bits(%codes: tensor<?x8x8x128xui2>) -> tensor<?x8x8x32xui2> {
  %w = arith.constant dense<1> : tensor<32x3x3x128xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed in 16 bits: its sums reach [0, 3456], 16 bits hold those below 2048}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd_i16, lanes = 16, tile = [4, 3, 4, 2]> -> tensor<?x8x8x32xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x128xui2>, tensor<32x3x3x128xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x32xi32>, tensor<1x3xi32> -> tensor<?x8x8x32xui2>
    n2uq.yield %q : tensor<?x8x8x32xui2>
  }
  return %0 : tensor<?x8x8x32xui2>
}

// -----

func.func @vectors_in_pairs(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op expects vectors in pairs}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd_i16, lanes = 16, tile = [2, 2, 4, 1]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @half_a_pair(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op expects pairs of vectors that divide 16 channels of memory, but got 16 lanes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd_i16, lanes = 16, tile = [2, 2, 4, 2]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @no_transform_of_a_filter(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<1> : tensor<1x16x4x16x4xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 16, tile = [2, 2, 4, 1]> -> tensor<?x8x8x16xui2> {
    // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects a packed filter that is the transform of a filter}}
    %acc = n2uq.packed_winograd_conv2d %codes, %w outputs = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x16x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @outputs_of_another_tile(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<0> : tensor<1x16x4x16x4xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 16, tile = [3, 2, 4, 1]> -> tensor<?x8x8x16xui2> {
    // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects outputs as in its kernel's tile, 3x2}}
    %acc = n2uq.packed_winograd_conv2d %codes, %w outputs = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x16x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @block_of_another_tile(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x16xui2> {
  %w = arith.constant dense<0> : tensor<1x16x4x16x4xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 8, tile = [2, 2, 4, 1]> -> tensor<?x8x8x16xui2> {
    // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects a filter packed for rows of 16 channels in blocks of 8 outputs, but got 'tensor<1x16x4x16x4xi8>'}}
    %acc = n2uq.packed_winograd_conv2d %codes, %w outputs = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x16x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  return %0 : tensor<?x8x8x16xui2>
}

// -----

func.func @too_much_scratch(%codes: tensor<?x64x64x1040xui2>) -> tensor<?x64x64x16xui2> {
  %w = arith.constant dense<1> : tensor<16x3x3x1040xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  // expected-error @+1 {{'n2uq.kernel' op needs more than 1048576 bytes for 32 tiles; take fewer}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 16, tile = [4, 3, 32, 1]> -> tensor<?x64x64x16xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x64x64x1040xui2>, tensor<16x3x3x1040xi8> -> tensor<?x64x64x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x64x64x16xi32>, tensor<1x3xi32> -> tensor<?x64x64x16xui2>
    n2uq.yield %q : tensor<?x64x64x16xui2>
  }
  return %0 : tensor<?x64x64x16xui2>
}
