// RUN: n2uq-opt %s --split-input-file --verify-diagnostics
//
// One block for each numbered constraint of the kernel ops, named @<op>_c<number>.

func.func @kernel_c1(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects a body that yields at least one value and the types of its results}}
  %0 = n2uq.kernel -> tensor<?x9xf32> {
    n2uq.yield %x : tensor<?x8xf32>
  }
  return
}

// -----

func.func @kernel_c1_nothing() {
  // expected-error @+1 {{'n2uq.kernel' op expects a body that yields at least one value and the types of its results}}
  "n2uq.kernel"() ({
    "n2uq.yield"() : () -> ()
  }) : () -> ()
  return
}

// -----

func.func @kernel_c1_two_blocks(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects region #0 to have 0 or 1 blocks}}
  %0 = "n2uq.kernel"() ({
    cf.br ^next
  ^next:
    n2uq.yield %x : tensor<?x8xf32>
  }) : () -> tensor<?x8xf32>
  return
}

// -----

func.func @kernel_c1_no_block() {
  // expected-error @+1 {{'n2uq.kernel' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
  "n2uq.kernel"() ({}) : () -> ()
  return
}

// -----

func.func @kernel_c1_empty() {
  // expected-error @+1 {{'n2uq.kernel' op expects a non-empty block}}
  "n2uq.kernel"() ({
  ^entry:
  }) : () -> ()
  return
}

// -----

func.func @kernel_c2(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects at most two contractions, but got 3}}
  %0 = n2uq.kernel -> tensor<?x1x1x4xf32> {
    %1 = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
    %2 = n2uq.max_pool %1 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x4xf32> -> tensor<?x2x2x4xf32>
    %3 = n2uq.max_pool %2 kernel = [2, 2] strides = [2, 2] : tensor<?x2x2x4xf32> -> tensor<?x1x1x4xf32>
    n2uq.yield %3 : tensor<?x1x1x4xf32>
  }
  return
}

// -----

func.func @kernel_c6(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects one contraction or pool, or convolutions of codes with results of one type}}
  %0 = n2uq.kernel -> tensor<?x2x2x4xf32> {
    %1 = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
    %2 = n2uq.max_pool %1 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x4xf32> -> tensor<?x2x2x4xf32>
    n2uq.yield %2 : tensor<?x2x2x4xf32>
  }
  return
}

// -----

func.func @kernel_c6_groups(%x: tensor<?x8x8x4xui2>, %f: tensor<4x1x1x4xi8>, %g: tensor<4x1x1x2xi8>) {
  // expected-error @+1 {{'n2uq.kernel' op expects one contraction or pool, or convolutions of codes with results of one type}}
  %0 = n2uq.kernel -> tensor<?x8x8x4xf32> {
    %1 = n2uq.conv2d %x, %f : tensor<?x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x8x8x4xi32>
    %2 = n2uq.affine %1 : tensor<?x8x8x4xi32> -> tensor<?x8x8x4xf32>
    %3 = n2uq.conv2d %x, %g groups = 2 : tensor<?x8x8x4xui2>, tensor<4x1x1x2xi8> -> tensor<?x8x8x4xi32>
    %4 = n2uq.affine %3 : tensor<?x8x8x4xi32> -> tensor<?x8x8x4xf32>
    %5 = n2uq.add %2, %4 : tensor<?x8x8x4xf32>
    n2uq.yield %5 : tensor<?x8x8x4xf32>
  }
  return
}

// -----

func.func @kernel_c2_foreign_op(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects element-by-element ops behind its root, but got 'math.exp'}}
  %0 = n2uq.kernel -> tensor<?x8xf32> {
    %1 = math.exp %x : tensor<?x8xf32>
    n2uq.yield %1 : tensor<?x8xf32>
  }
  return
}

// -----

func.func @kernel_c3(%x: tensor<?x8xf32>, %y: tensor<?x9xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects results of one shape, but got 'tensor<?x9xf32>' beside 'tensor<?x8xf32>'}}
  %0:2 = n2uq.kernel -> tensor<?x8xf32>, tensor<?x9xf32> {
    n2uq.yield %x, %y : tensor<?x8xf32>, tensor<?x9xf32>
  }
  return
}

// -----

func.func @kernel_c4(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects one buffer per result (1), but got 0}}
  %0 = "n2uq.kernel"() <{buffers = []}> ({
    n2uq.yield %x : tensor<?x8xf32>
  }) : () -> tensor<?x8xf32>
  return
}

// -----

func.func @yield_outside(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.yield' op expects parent op 'n2uq.kernel'}}
  n2uq.yield %x : tensor<?x8xf32>
}

// -----

func.func @kernel_c6_pool_of_accumulators(%x: tensor<?x8x8x4xui2>, %f: tensor<4x1x1x4xi8>) {
  // expected-error @+1 {{'n2uq.kernel' op expects one contraction or pool, or convolutions of codes with results of one type}}
  %0 = n2uq.kernel -> tensor<?x4x4x4xi32> {
    %1 = n2uq.conv2d %x, %f : tensor<?x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x8x8x4xi32>
    %2 = n2uq.max_pool %1 kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xi32> -> tensor<?x4x4x4xi32>
    n2uq.yield %2 : tensor<?x4x4x4xi32>
  }
  return
}

// -----

func.func @kernel_c2_two_pools(%x: tensor<?x8x8x4xf32>, %f: tensor<4x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects at most one pool behind its convolution, but got 2}}
  %0 = n2uq.kernel -> tensor<?x2x2x4xf32> {
    %1 = n2uq.float_conv2d %x, %f : tensor<?x8x8x4xf32>, tensor<4x1x1x4xf32> -> tensor<?x8x8x4xf32>
    %2 = n2uq.max_pool %1 kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
    %3 = n2uq.max_pool %2 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x4xf32> -> tensor<?x2x2x4xf32>
    n2uq.yield %3 : tensor<?x2x2x4xf32>
  }
  return
}

// -----

func.func @kernel_c5(%x: tensor<?x8x8x4xf32>, %y: tensor<?x8x8x4xf32>, %f: tensor<4x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects a pool that reads its convolution and is alone in reading it}}
  %0 = n2uq.kernel -> tensor<?x4x4x4xf32> {
    %1 = n2uq.float_conv2d %x, %f : tensor<?x8x8x4xf32>, tensor<4x1x1x4xf32> -> tensor<?x8x8x4xf32>
    %2 = n2uq.max_pool %y kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
    n2uq.yield %2 : tensor<?x4x4x4xf32>
  }
  return
}

// -----

func.func @kernel_c5_read_twice(%x: tensor<?x8x8x4xf32>, %f: tensor<4x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.kernel' op expects a pool that reads its convolution and is alone in reading it}}
  %0:2 = n2uq.kernel -> tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32> {
    %1 = n2uq.float_conv2d %x, %f : tensor<?x8x8x4xf32>, tensor<4x1x1x4xf32> -> tensor<?x8x8x4xf32>
    %2 = n2uq.max_pool %1 kernel = [3, 3] padding = [1, 1, 1, 1] : tensor<?x8x8x4xf32> -> tensor<?x8x8x4xf32>
    n2uq.yield %1, %2 : tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>
  }
  return
}

// -----

func.func @packed_conv2d_c1(%codes: tensor<?x8x8x64xui2>, %packed: tensor<3x1x1x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_conv2d' op expects a packed filter for 64 to 64 channels, but got 'tensor<3x1x1x16x16x4xi8>'}}
  %0 = n2uq.packed_conv2d %codes, %packed : tensor<?x8x8x64xui2>, tensor<3x1x1x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_conv2d_c1_row_channels(%codes: tensor<?x8x8x60xui2>, %packed: tensor<4x1x1x15x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_conv2d' op expects a packed filter for 60 to 64 channels, but got 'tensor<4x1x1x15x16x4xi8>'}}
  %0 = n2uq.packed_conv2d %codes, %packed : tensor<?x8x8x60xui2>, tensor<4x1x1x15x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_conv2d_c2(%codes: tensor<?x8x8x64xui2>, %packed: tensor<4x3x3x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_conv2d' op expects a result of height 6, but got 8}}
  %0 = n2uq.packed_conv2d %codes, %packed : tensor<?x8x8x64xui2>, tensor<4x3x3x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c1(%codes: tensor<?x8x8x60xui2>, %packed: tensor<4x30x14x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects a filter of 30 positions packed for 60 to 64 channels, but got 'tensor<4x30x14x16x4xi8>'}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [4, 3] padding = [1, 1, 1, 1]
      : tensor<?x8x8x60xui2>, tensor<4x30x14x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c1_positions(%codes: tensor<?x8x8x64xui2>, %packed: tensor<4x30x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects a filter of 25 positions packed for 64 to 64 channels, but got 'tensor<4x30x16x16x4xi8>'}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [3, 3] padding = [1, 1, 1, 1]
      : tensor<?x8x8x64xui2>, tensor<4x30x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c2(%codes: tensor<?x8x8x64xui2>, %packed: tensor<4x35x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects outputs of two numbers between 2 and 4}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [5, 3] padding = [1, 1, 1, 1]
      : tensor<?x8x8x64xui2>, tensor<4x35x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c2_small_image(%codes: tensor<?x8x2x64xui2>, %packed: tensor<4x30x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects at least 4x3 outputs, but has 8x2}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [4, 3] padding = [1, 1, 1, 1]
      : tensor<?x8x2x64xui2>, tensor<4x30x16x16x4xi8> -> tensor<?x8x2x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c3(%codes: tensor<?x8x8x64xui2>, %packed: tensor<4x30x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects halved positions in ascending order below 30, but got 18}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [4, 3] halved = [23, 18] padding = [1, 1, 1, 1]
      : tensor<?x8x8x64xui2>, tensor<4x30x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_winograd_conv2d_c4(%codes: tensor<?x8x8x64xui2>, %packed: tensor<4x30x16x16x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_winograd_conv2d' op expects a result of height 6, but got 8}}
  %0 = n2uq.packed_winograd_conv2d %codes, %packed outputs = [4, 3]
      : tensor<?x8x8x64xui2>, tensor<4x30x16x16x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_depthwise_conv2d_c1(%codes: tensor<?x8x8x24xui4>, %packed: tensor<3x3x24xi8>) {
  // expected-error @+1 {{'n2uq.packed_depthwise_conv2d' op expects a packed filter for 24 channels, but got 'tensor<3x3x24xi8>'}}
  %0 = n2uq.packed_depthwise_conv2d %codes, %packed padding = [1, 1, 1, 1]
      : tensor<?x8x8x24xui4>, tensor<3x3x24xi8> -> tensor<?x8x8x24xi32>
  return
}

// -----

func.func @packed_depthwise_conv2d_c2(%codes: tensor<?x8x8x24xui4>, %packed: tensor<3x3x32xi8>) {
  // expected-error @+1 {{'n2uq.packed_depthwise_conv2d' op expects a result with the channels of its input}}
  %0 = n2uq.packed_depthwise_conv2d %codes, %packed padding = [1, 1, 1, 1]
      : tensor<?x8x8x24xui4>, tensor<3x3x32xi8> -> tensor<?x8x8x25xi32>
  return
}

// -----

func.func @packed_float_conv2d_c1(%x: tensor<?x8x8x3xf32>, %packed: tensor<4x1x1x4x16xf32>) {
  // expected-error @+1 {{'n2uq.packed_float_conv2d' op expects a packed filter for 3 to 64 channels, but got 'tensor<4x1x1x4x16xf32>'}}
  %0 = n2uq.packed_float_conv2d %x, %packed : tensor<?x8x8x3xf32>, tensor<4x1x1x4x16xf32> -> tensor<?x8x8x64xf32>
  return
}

// -----

func.func @packed_float_conv2d_c1_groups(%x: tensor<?x8x8x32xf32>, %packed: tensor<2x1x1x1x16xf32>) {
  // expected-error @+1 {{'n2uq.packed_float_conv2d' op expects a packed filter for 1 to 32 channels, but got 'tensor<2x1x1x1x16xf32>'}}
  %0 = n2uq.packed_float_conv2d %x, %packed groups = 32 : tensor<?x8x8x32xf32>, tensor<2x1x1x1x16xf32> -> tensor<?x8x8x32xf32>
  return
}

// -----

func.func @packed_float_conv2d_c2(%x: tensor<?x8x8x3xf32>, %packed: tensor<4x1x1x3x16xf32>) {
  // expected-error @+1 {{'n2uq.packed_float_conv2d' op expects a number of groups that divides 3 and 64 channels, but got 2}}
  %0 = n2uq.packed_float_conv2d %x, %packed groups = 2 : tensor<?x8x8x3xf32>, tensor<4x1x1x3x16xf32> -> tensor<?x8x8x64xf32>
  return
}

// -----

func.func @packed_image_conv2d_c1(%x: tensor<?x8x8x3xui8>, %l: tensor<1x6x2x16x4xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.packed_image_conv2d' op expects one to three packed limbs of weights from 3 to 4 channels, but got 'tensor<1x6x2x16x4xi8>'}}
  %0 = n2uq.packed_image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) kernel = [3, 3] : tensor<?x8x8x3xui8>, tensor<1x6x2x16x4xi8> -> tensor<?x6x6x4xf32>
  return
}

// -----

func.func @packed_image_conv2d_c1_kernel(%x: tensor<?x8x8x3xui8>, %l: tensor<1x7x2x16x4xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.packed_image_conv2d' op expects a kernel of two positive extents}}
  %0 = n2uq.packed_image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) kernel = [3, 0] : tensor<?x8x8x3xui8>, tensor<1x7x2x16x4xi8> -> tensor<?x6x6x4xf32>
  return
}

// -----

func.func @packed_image_conv2d_c2(%x: tensor<?x8x8x3xui8>, %l: tensor<1x7x2x16x4xi8>, %s: tensor<4xf32>, %b: tensor<2x1x4xf32>) {
  // expected-error @+1 {{'n2uq.packed_image_conv2d' op expects 4 scales and offsets of 1x1x4 numbers, but got 'tensor<4xf32>' and 'tensor<2x1x4xf32>'}}
  %0 = n2uq.packed_image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<2x1x4xf32>) kernel = [3, 3] : tensor<?x8x8x3xui8>, tensor<1x7x2x16x4xi8> -> tensor<?x6x6x4xf32>
  return
}

// -----

func.func @packed_fully_connected_c1(%x: tensor<?x8xf32>, %packed: tensor<1x9x16xf32>) {
  // expected-error @+1 {{'n2uq.packed_fully_connected' op expects packed weights for 8 to 10 features, but got 'tensor<1x9x16xf32>'}}
  %0 = n2uq.packed_fully_connected %x, %packed : tensor<?x8xf32>, tensor<1x9x16xf32> -> tensor<?x10xf32>
  return
}

// -----

func.func @packed_lookup_conv2d_c1(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x1x1x22x32xi8>) {
  // expected-error @+1 {{'n2uq.packed_lookup_conv2d' op expects a packed filter for 64 to 32 channels, but got 'tensor<1x1x1x22x32xi8>'}}
  %0 = n2uq.packed_lookup_conv2d %codes, %packed codes_per_index = 3 : tensor<?x8x8x64xui2>, tensor<1x1x1x22x32xi8> -> tensor<?x8x8x32xi32>
  return
}

// -----

func.func @packed_lookup_conv2d_c1_indices(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x1x1x21x64xi8>) {
  // expected-error @+1 {{'n2uq.packed_lookup_conv2d' op expects a packed filter for 64 to 32 channels, but got 'tensor<1x1x1x21x64xi8>'}}
  %0 = n2uq.packed_lookup_conv2d %codes, %packed codes_per_index = 3 : tensor<?x8x8x64xui2>, tensor<1x1x1x21x64xi8> -> tensor<?x8x8x32xi32>
  return
}

// -----

func.func @packed_lookup_conv2d_c2(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x3x3x22x64xi8>) {
  // expected-error @+1 {{'n2uq.packed_lookup_conv2d' op expects a result of height 6, but got 8}}
  %0 = n2uq.packed_lookup_conv2d %codes, %packed codes_per_index = 3 : tensor<?x8x8x64xui2>, tensor<1x3x3x22x64xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_lookup_conv2d_c3(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x1x1x16x64xi8>) {
  // expected-error @+1 {{'n2uq.packed_lookup_conv2d' op expects 2, 3 or 6 codes in an index, but got 4}}
  %0 = n2uq.packed_lookup_conv2d %codes, %packed codes_per_index = 4 : tensor<?x8x8x64xui2>, tensor<1x1x1x16x64xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_inner_product_conv2d_c1(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x1x1x8x1x64x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_inner_product_conv2d' op expects a packed filter for 64 to 64 channels, but got 'tensor<1x1x1x8x1x64x4xi8>'}}
  %0 = n2uq.packed_inner_product_conv2d %codes, %packed bias = 3 : tensor<?x8x8x64xui2>, tensor<1x1x1x8x1x64x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_inner_product_conv2d_c1_row_channels(%codes: tensor<?x8x8x24xui2>, %packed: tensor<1x1x1x3x2x64x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_inner_product_conv2d' op expects a packed filter for 24 to 64 channels, but got 'tensor<1x1x1x3x2x64x4xi8>'}}
  %0 = n2uq.packed_inner_product_conv2d %codes, %packed bias = 3 : tensor<?x8x8x24xui2>, tensor<1x1x1x3x2x64x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_inner_product_conv2d_c2(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x3x3x8x2x64x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_inner_product_conv2d' op expects a result of height 6, but got 8}}
  %0 = n2uq.packed_inner_product_conv2d %codes, %packed bias = 3 : tensor<?x8x8x64xui2>, tensor<1x3x3x8x2x64x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @packed_inner_product_conv2d_c3(%codes: tensor<?x8x8x64xui2>, %packed: tensor<1x1x1x8x2x64x4xi8>) {
  // expected-error @+1 {{'n2uq.packed_inner_product_conv2d' op expects a bias between 0 and 127, but got 128}}
  %0 = n2uq.packed_inner_product_conv2d %codes, %packed bias = 128 : tensor<?x8x8x64xui2>, tensor<1x1x1x8x2x64x4xi8> -> tensor<?x8x8x64xi32>
  return
}

// -----

func.func @table_lookup_c1(%bytes: vector<32xi8>) {
  // expected-error @+1 {{'n2uq.table_lookup' op expects a table of 64 bytes, but got 32}}
  %0 = n2uq.table_lookup %bytes, %bytes : vector<32xi8>
  return
}

// -----

func.func @dot2_c1(%u: vector<32xi8>) {
  // expected-error @+1 {{'n2uq.dot2' op expects two bytes for each of its 8 results, but got 32}}
  %0 = n2uq.dot2 %u, %u : vector<32xi8> -> vector<8xi16>
  return
}

// -----

func.func @dot2_words_c1(%acc: vector<8xi32>, %x: vector<32xi16>) {
  // expected-error @+1 {{'n2uq.dot2_words' op expects two numbers for each of its 8 accumulators, but got 32}}
  %0 = n2uq.dot2_words %acc, %x, %x : vector<8xi32>, vector<32xi16>
  return
}

// -----

func.func @dot4_c1(%acc: vector<16xi32>, %u: vector<32xi8>) {
  // expected-error @+1 {{'n2uq.dot4' op expects four bytes for each of its 16 accumulators, but got 32}}
  %0 = n2uq.dot4 %acc, %u, %u code_bits = 2 : vector<16xi32>, vector<32xi8>
  return
}

// -----

func.func @dot4_c2(%acc: vector<8xi32>, %u: vector<32xi8>) {
  // expected-error @+1 {{'n2uq.dot4' op expects codes of 1 to 8 bits, but got 9}}
  %0 = n2uq.dot4 %acc, %u, %u code_bits = 9 : vector<8xi32>, vector<32xi8>
  return
}

// -----

// expected-error @+1 {{expects 1, 4, 8 or 16 lanes, but got 5}}
func.func private @strategy_lanes() attributes {s = #n2uq.strategy<kernel = direct_dot, lanes = 5, tile = [1]>}

// -----

// expected-error @+1 {{expects tile extents between 1 and 16777216, but got 0}}
func.func private @strategy_tile() attributes {s = #n2uq.strategy<kernel = direct_dot, lanes = 4, tile = [1, 0]>}

// -----

// expected-error @+1 {{expects the name of a kernel}}
func.func private @strategy_kernel() attributes {s = #n2uq.strategy<kernel = "", lanes = 4, tile = []>}
