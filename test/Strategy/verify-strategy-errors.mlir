// RUN: n2uq-opt %s --n2uq-verify-strategy --split-input-file --verify-diagnostics

func.func @outside_of_a_kernel(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'n2uq.add' op stands outside of a kernel; run n2uq-form-kernels before}}
  %0 = n2uq.add %x, %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

func.func @foreign_op(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'arith.negf' op is not an op of a network that can be lowered}}
  %0 = arith.negf %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

func.func @no_strategy(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'n2uq.kernel' op has no strategy; run n2uq-select-strategy before}}
  %0 = n2uq.kernel -> tensor<?x8xf32> {
    %1 = n2uq.add %x, %x : tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @unknown_kernel(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'n2uq.kernel' op has a strategy of an unknown kernel, 'magic'}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = magic, lanes = 4, tile = [1]> -> tensor<?x8xf32> {
    %1 = n2uq.add %x, %x : tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @kernel_of_another_root(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'pool': its root is not a pool}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = pool, lanes = 4, tile = [1]> -> tensor<?x8xf32> {
    %1 = n2uq.add %x, %x : tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @tile_of_another_rank(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{'n2uq.kernel' op expects a tile of 1 numbers for 'elementwise'}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 4, tile = [1, 2]> -> tensor<?x8xf32> {
    %1 = n2uq.add %x, %x : tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @tile_of_absurd_size(%codes: tensor<?x8x8x64xui2>, %p: tensor<4x1x1x16x16x4xi8>, %t: tensor<1x3xi32>) -> tensor<?x8x8x64xui2> {
  // expected-error @+1 {{'n2uq.kernel' op expects register tiles of at most 32 pixels and vectors, but got 1000}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1000, 1]> -> tensor<?x8x8x64xui2> {
    %acc = n2uq.packed_conv2d %codes, %p : tensor<?x8x8x64xui2>, tensor<4x1x1x16x16x4xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<1x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}

// -----

func.func @weights_not_packed(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>, %t: tensor<1x3xi32>) -> tensor<?x8x8x64xui2> {
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 1]> -> tensor<?x8x8x64xui2> {
    // expected-error @+1 {{'n2uq.conv2d' op has weights that are not packed; run n2uq-pack-weights before}}
    %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<1x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}

// -----

func.func @weights_packed_for_another_tile(%codes: tensor<?x8x8x64xui2>, %p: tensor<4x1x1x16x16x4xi8>, %t: tensor<1x3xi32>) -> tensor<?x8x8x64xui2> {
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 2]> -> tensor<?x8x8x64xui2> {
    // expected-error @+1 {{'n2uq.packed_conv2d' op expects weights packed in blocks of 32 outputs, but got 16}}
    %acc = n2uq.packed_conv2d %codes, %p : tensor<?x8x8x64xui2>, tensor<4x1x1x16x16x4xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<1x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}

// -----

func.func @accumulator_in_memory(%codes: tensor<?x8x8x64xui2>, %p: tensor<4x1x1x16x16x4xi8>) -> tensor<?x8x8x64xi32> {
  // expected-error @+1 {{'n2uq.kernel' op yields an accumulator, which must not be written to memory}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 1]> -> tensor<?x8x8x64xi32> {
    %acc = n2uq.packed_conv2d %codes, %p : tensor<?x8x8x64xui2>, tensor<4x1x1x16x16x4xi8> -> tensor<?x8x8x64xi32>
    n2uq.yield %acc : tensor<?x8x8x64xi32>
  }
  return %0 : tensor<?x8x8x64xi32>
}

// -----

func.func @constant_without_content(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = arith.constant dense_resource<never_defined> : tensor<8xf32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 4, tile = [1]> -> tensor<?x8xf32> {
    // expected-error @+1 {{'n2uq.affine' op expects operands that are constants of sound size or results of kernels}}
    %1 = n2uq.affine %x scale(%s : tensor<8xf32>) : tensor<?x8xf32> -> tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @columns(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x2xui2> {
  %packed = arith.constant dense<0> : tensor<1x1x1x4x4x4xi8>
  %base = arith.constant dense<0> : tensor<2xi32>
  %up = arith.constant dense<0> : tensor<2x511xi32>
  %down = arith.constant dense<0> : tensor<2x1xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 4, tile = [1, 1, 1]> -> tensor<?x4x4x2xui2> {
    %acc = n2uq.packed_conv2d %codes, %packed : tensor<?x4x4x2xui2>, tensor<1x1x1x4x4x4xi8> -> tensor<?x4x4x2xi32>
    // expected-error @+1 {{expects at most 510 rising or falling thresholds a channel}}
    %q = n2uq.two_sided_threshold %acc, %base, %up, %down : tensor<?x4x4x2xi32>, tensor<2xi32>, tensor<2x511xi32>, tensor<2x1xi32> -> tensor<?x4x4x2xui2>
    n2uq.yield %q : tensor<?x4x4x2xui2>
  }
  return %0 : tensor<?x4x4x2xui2>
}

// -----

func.func @tile_of_pixels(%codes: tensor<?x4x400x2xui2>) -> tensor<?x4x400x2xf32> {
  %packed = arith.constant dense<0> : tensor<1x1x1x4x4x4xi8>
  // expected-error @+1 {{expects register tiles of at most 32 pixels and vectors, but got 400}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 4, tile = [1, 400, 1]> -> tensor<?x4x400x2xf32> {
    %acc = n2uq.packed_conv2d %codes, %packed : tensor<?x4x400x2xui2>, tensor<1x1x1x4x4x4xi8> -> tensor<?x4x400x2xi32>
    %x = n2uq.affine %acc : tensor<?x4x400x2xi32> -> tensor<?x4x400x2xf32>
    n2uq.yield %x : tensor<?x4x400x2xf32>
  }
  return %0 : tensor<?x4x400x2xf32>
}

// -----

func.func @pool_of_long_rows(%x: tensor<?x2x32768x3xf32>, %w: tensor<1x1x1x3x16xf32>) -> tensor<?x1x16384x16xf32> {
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'float_fma': the rows between its convolution and its pool need more than 524288 bytes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = float_fma, lanes = 16, tile = [1, 8, 1]> -> tensor<?x1x16384x16xf32> {
    %1 = n2uq.packed_float_conv2d %x, %w : tensor<?x2x32768x3xf32>, tensor<1x1x1x3x16xf32> -> tensor<?x2x32768x16xf32>
    %2 = n2uq.max_pool %1 kernel = [2, 2] strides = [2, 2] : tensor<?x2x32768x16xf32> -> tensor<?x1x16384x16xf32>
    n2uq.yield %2 : tensor<?x1x16384x16xf32>
  }
  return %0 : tensor<?x1x16384x16xf32>
}

// -----

func.func @shared_threshold_of_few_lanes(%x: tensor<?x8xi32>) -> tensor<?x8xui3> {
  %lines = arith.constant dense<1.0> : tensor<8x1xf32>
  %table = arith.constant dense<0> : tensor<32xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 8, tile = [1]> -> tensor<?x8xui3> {
    // expected-error @+1 {{'n2uq.shared_threshold' op expects a kernel of 16 lanes, but its strategy has 8}}
    %1 = n2uq.shared_threshold %x, %lines, %lines, %table width = 16 : tensor<?x8xi32>, tensor<8x1xf32>, tensor<32xi32> -> tensor<?x8xui3>
    n2uq.yield %1 : tensor<?x8xui3>
  }
  return %0 : tensor<?x8xui3>
}

// -----

func.func @shared_threshold_of_infinite_lines(%x: tensor<?x8xi32>) -> tensor<?x8xui3> {
  %lines = arith.constant dense<0x7F800000> : tensor<8x1xf32>
  %table = arith.constant dense<0> : tensor<32xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x8xui3> {
    // expected-error @+1 {{'n2uq.shared_threshold' op expects lines of finite numbers}}
    %1 = n2uq.shared_threshold %x, %lines, %lines, %table width = 16 : tensor<?x8xi32>, tensor<8x1xf32>, tensor<32xi32> -> tensor<?x8xui3>
    n2uq.yield %1 : tensor<?x8xui3>
  }
  return %0 : tensor<?x8xui3>
}

// -----

func.func @shared_threshold_of_other_signs(%x: tensor<?x8xi32>) -> tensor<?x8xui3> {
  %lines = arith.constant dense<1.0> : tensor<8x1xf32>
  %sign = arith.constant dense<0.5> : tensor<1xf32>
  %table = arith.constant dense<0> : tensor<32xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x8xui3> {
    // expected-error @+1 {{'n2uq.shared_threshold' op expects signs of 1 and -1}}
    %1 = n2uq.shared_threshold %x, %lines, %lines, %table sign(%sign : tensor<1xf32>) width = 16 : tensor<?x8xi32>, tensor<8x1xf32>, tensor<32xi32> -> tensor<?x8xui3>
    n2uq.yield %1 : tensor<?x8xui3>
  }
  return %0 : tensor<?x8xui3>
}
