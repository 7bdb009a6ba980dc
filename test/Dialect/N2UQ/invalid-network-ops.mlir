// RUN: n2uq-opt %s --split-input-file --verify-diagnostics
//
// One block for each numbered constraint of the network ops, named @<op>_c<number>, and for each limit that all share.

func.func @to_nhwc_c1(%image: tensor<?x3x8x6xf32>) {
  // expected-error @+1 {{'n2uq.to_nhwc' op expects a result of the shape of its input with the channels moved to the end}}
  %0 = n2uq.to_nhwc %image : tensor<?x3x8x6xf32> -> tensor<?x6x8x3xf32>
  return
}

// -----

func.func @flatten_c1(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.flatten' op expects a result of 12 features and the batch of its input}}
  %0 = n2uq.flatten %x : tensor<?x2x2x3xf32> -> tensor<?x11xf32>
  return
}

// -----

func.func @flatten_c1_element_type(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.flatten' op expects a result of the element type of its input}}
  %0 = n2uq.flatten %x : tensor<?x2x2x3xf32> -> tensor<?x12xi32>
  return
}

// -----

func.func @conv2d_c1(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects two positive strides}}
  %0 = n2uq.conv2d %codes, %filter strides = [0, 1] : tensor<?x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c1_dilations(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects two positive dilations}}
  %0 = n2uq.conv2d %codes, %filter dilations = [1] : tensor<?x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c1_padding(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects four paddings (top, bottom, left, right) that are not negative}}
  %0 = n2uq.conv2d %codes, %filter padding = [0, 0, -1, 0] : tensor<?x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c2(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x1xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a number of groups that divides 4 and 4 channels, but got 3}}
  %0 = n2uq.conv2d %codes, %filter groups = 3 : tensor<?x8x8x4xui2>, tensor<4x1x1x1xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c2_zero(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x1xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a number of groups that divides 4 and 4 channels, but got 0}}
  %0 = n2uq.conv2d %codes, %filter groups = 0 : tensor<?x8x8x4xui2>, tensor<4x1x1x1xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c3(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x1x1x3xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a filter of 4 outputs and 4 channels, but got 'tensor<4x1x1x3xi8>'}}
  %0 = n2uq.conv2d %codes, %filter : tensor<?x8x8x4xui2>, tensor<4x1x1x3xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c4(%codes: tensor<?x8x8x4xui2>, %filter: tensor<4x3x3x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a result of width 6, but got 8}}
  %0 = n2uq.conv2d %codes, %filter padding = [1, 1, 0, 0] : tensor<?x8x8x4xui2>, tensor<4x3x3x4xi8> -> tensor<?x8x8x4xi32>
  return
}

// -----

func.func @conv2d_c4_does_not_fit(%codes: tensor<?x2x8x4xui2>, %filter: tensor<4x3x3x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a window that fits into the padded image, but its height 5 is more than 4}}
  %0 = n2uq.conv2d %codes, %filter padding = [1, 1, 1, 1] dilations = [2, 1]
      : tensor<?x2x8x4xui2>, tensor<4x3x3x4xi8> -> tensor<?x1x8x4xi32>
  return
}

// -----

func.func @conv2d_c4_batch(%codes: tensor<2x8x8x4xui2>, %filter: tensor<4x1x1x4xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects a result with the batch of its input}}
  %0 = n2uq.conv2d %codes, %filter : tensor<2x8x8x4xui2>, tensor<4x1x1x4xi8> -> tensor<3x8x8x4xi32>
  return
}

// -----

// 65794 * 255 * 128 is more than the largest i32; one tap less would fit.
func.func @conv2d_c5(%codes: tensor<?x1x1x65794xui8>, %filter: tensor<1x1x1x65794xi8>) {
  // expected-error @+1 {{'n2uq.conv2d' op expects an accumulator that fits into 32 bits, but 65794 products of codes up to 255 may leave them}}
  %0 = n2uq.conv2d %codes, %filter : tensor<?x1x1x65794xui8>, tensor<1x1x1x65794xi8> -> tensor<?x1x1x1xi32>
  return
}

// -----

func.func @float_conv2d_c1(%x: tensor<?x8x8x4xf32>, %filter: tensor<4x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.float_conv2d' op expects two positive strides}}
  %0 = n2uq.float_conv2d %x, %filter strides = [1, 1, 1] : tensor<?x8x8x4xf32>, tensor<4x1x1x4xf32> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @float_conv2d_c2(%x: tensor<?x8x8x4xf32>, %filter: tensor<4x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.float_conv2d' op expects a number of groups that divides 4 and 4 channels, but got -1}}
  %0 = n2uq.float_conv2d %x, %filter groups = -1 : tensor<?x8x8x4xf32>, tensor<4x1x1x4xf32> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @float_conv2d_c3(%x: tensor<?x8x8x4xf32>, %filter: tensor<5x1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.float_conv2d' op expects a filter of 4 outputs and 4 channels, but got 'tensor<5x1x1x4xf32>'}}
  %0 = n2uq.float_conv2d %x, %filter : tensor<?x8x8x4xf32>, tensor<5x1x1x4xf32> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @float_conv2d_c4(%x: tensor<?x8x8x4xf32>, %filter: tensor<4x3x3x4xf32>) {
  // expected-error @+1 {{'n2uq.float_conv2d' op expects a result of height 3, but got 4}}
  %0 = n2uq.float_conv2d %x, %filter strides = [2, 2] : tensor<?x8x8x4xf32>, tensor<4x3x3x4xf32> -> tensor<?x4x3x4xf32>
  return
}

// -----

func.func @image_conv2d_c1(%x: tensor<?x8x8x3xui8>, %l: tensor<2x4x1x1x3xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.image_conv2d' op expects four paddings (top, bottom, left, right) that are not negative}}
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) padding = [0, 0, 0, -1] : tensor<?x8x8x3xui8>, tensor<2x4x1x1x3xi8> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @image_conv2d_c2(%x: tensor<?x8x8x3xui8>, %l: tensor<4x4x1x1x3xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.image_conv2d' op expects one to three limbs of weights from 3 to 4 channels, but got 'tensor<4x4x1x1x3xi8>'}}
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) : tensor<?x8x8x3xui8>, tensor<4x4x1x1x3xi8> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @image_conv2d_c3(%x: tensor<?x8x8x3xui8>, %l: tensor<2x4x3x3x3xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.image_conv2d' op expects a result of height 6, but got 8}}
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) : tensor<?x8x8x3xui8>, tensor<2x4x3x3x3xi8> -> tensor<?x8x8x4xf32>
  return
}

// -----

// Rows: the first misses a tap, the last does. Columns: all see the whole window.
func.func @image_conv2d_c4(%x: tensor<?x8x8x3xui8>, %l: tensor<2x4x3x3x3xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.image_conv2d' op expects 4 scales and offsets of 3x1x4 numbers, but got 'tensor<4xf32>' and 'tensor<1x1x4xf32>'}}
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) padding = [1, 1, 0, 0] : tensor<?x8x8x3xui8>, tensor<2x4x3x3x3xi8> -> tensor<?x8x6x4xf32>
  return
}

// -----

func.func @image_conv2d_c5(%x: tensor<?x20x20x3xui8>, %l: tensor<2x4x10x10x3xi8>, %s: tensor<4xf32>, %b: tensor<1x1x4xf32>) {
  // expected-error @+1 {{'n2uq.image_conv2d' op expects sums that fit into 32 bits, but 300 taps of 16 bits may leave them}}
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) : tensor<?x20x20x3xui8>, tensor<2x4x10x10x3xi8> -> tensor<?x11x11x4xf32>
  return
}

// -----

func.func @fully_connected_c1(%x: tensor<?x8xf32>, %weights: tensor<10x9xf32>) {
  // expected-error @+1 {{'n2uq.fully_connected' op expects weights of 10 rows and 8 columns, but got 'tensor<10x9xf32>'}}
  %0 = n2uq.fully_connected %x, %weights : tensor<?x8xf32>, tensor<10x9xf32> -> tensor<?x10xf32>
  return
}

// -----

func.func @affine_c1(%x: tensor<?x8xf32>, %scale: tensor<7xf32>) {
  // expected-error @+1 {{'n2uq.affine' op expects one number of its scale per channel (8) or one for all, but got 7}}
  %0 = n2uq.affine %x scale(%scale : tensor<7xf32>) : tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @affine_c1_offset(%x: tensor<?x8xf32>, %offset: tensor<9xf32>) {
  // expected-error @+1 {{'n2uq.affine' op expects one number of its offset per channel (8) or one for all, but got 9}}
  %0 = n2uq.affine %x offset(%offset : tensor<9xf32>) : tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @affine_c2(%x: tensor<?x8xi32>) {
  // expected-error @+1 {{'n2uq.affine' op expects a result of the shape of its input, 'tensor<?x8xi32>', but got 'tensor<?x9xf32>'}}
  %0 = n2uq.affine %x : tensor<?x8xi32> -> tensor<?x9xf32>
  return
}

// -----

func.func @prelu_c1(%x: tensor<?x8xf32>, %slope: tensor<2xf32>) {
  // expected-error @+1 {{'n2uq.prelu' op expects one number of its slope per channel (8) or one for all, but got 2}}
  %0 = n2uq.prelu %x, %slope : tensor<?x8xf32>, tensor<2xf32>
  return
}

// -----

func.func @clamp_c1(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.clamp' op expects a lower bound that is not greater than the upper one}}
  %0 = n2uq.clamp %x min = 1.0 max = 0.5 : tensor<?x8xf32>
  return
}

// -----

func.func @clamp_c1_nan(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'n2uq.clamp' op expects a lower bound that is not greater than the upper one}}
  %0 = n2uq.clamp %x min = 0x7FC00000 max = 0.5 : tensor<?x8xf32>
  return
}

// -----

func.func @quantize_c1(%x: tensor<?x8xf32>, %t: tensor<2x3xf32>) {
  // expected-error @+1 {{'n2uq.quantize' op expects one row of thresholds per channel (8) or one for all, but got 2}}
  %0 = n2uq.quantize %x, %t : tensor<?x8xf32>, tensor<2x3xf32> -> tensor<?x8xui2>
  return
}

// -----

func.func @quantize_c2(%x: tensor<?x8xf32>, %t: tensor<1x4xf32>) {
  // expected-error @+1 {{'n2uq.quantize' op expects at most 3 thresholds for codes of 2 bits, but got 4}}
  %0 = n2uq.quantize %x, %t : tensor<?x8xf32>, tensor<1x4xf32> -> tensor<?x8xui2>
  return
}

// -----

func.func @quantize_c3(%x: tensor<?x8xf32>, %t: tensor<1x3xf32>) {
  // expected-error @+1 {{'n2uq.quantize' op expects a result of the shape of its input, 'tensor<?x8xf32>', but got 'tensor<?x4xui2>'}}
  %0 = n2uq.quantize %x, %t : tensor<?x8xf32>, tensor<1x3xf32> -> tensor<?x4xui2>
  return
}

// -----

func.func @threshold_c1(%acc: tensor<?x8xi32>, %t: tensor<7x3xi32>) {
  // expected-error @+1 {{'n2uq.threshold' op expects one row of thresholds per channel (8) or one for all, but got 7}}
  %0 = n2uq.threshold %acc, %t : tensor<?x8xi32>, tensor<7x3xi32> -> tensor<?x8xui2>
  return
}

// -----

func.func @threshold_c2(%acc: tensor<?x8xi32>, %t: tensor<8x2xi32>) {
  // expected-error @+1 {{'n2uq.threshold' op expects at most 1 thresholds for codes of 1 bits, but got 2}}
  %0 = n2uq.threshold %acc, %t : tensor<?x8xi32>, tensor<8x2xi32> -> tensor<?x8xui1>
  return
}

// -----

func.func @threshold_c3(%acc: tensor<?x8xi32>, %t: tensor<8x3xi32>) {
  // expected-error @+1 {{'n2uq.threshold' op expects a result of the shape of its input, 'tensor<?x8xi32>', but got 'tensor<3x8xui2>'}}
  %0 = n2uq.threshold %acc, %t : tensor<?x8xi32>, tensor<8x3xi32> -> tensor<3x8xui2>
  return
}

// -----

func.func @two_sided_threshold_c1(%acc: tensor<?x8xi32>, %base: tensor<1xi32>, %up: tensor<8x3xi32>, %down: tensor<8x2xi32>) {
  // expected-error @+1 {{'n2uq.two_sided_threshold' op expects one base code per channel (8), but got 1}}
  %0 = n2uq.two_sided_threshold %acc, %base, %up, %down
      : tensor<?x8xi32>, tensor<1xi32>, tensor<8x3xi32>, tensor<8x2xi32> -> tensor<?x8xui2>
  return
}

// -----

func.func @two_sided_threshold_c1_up(%acc: tensor<?x8xi32>, %base: tensor<8xi32>, %up: tensor<1x3xi32>, %down: tensor<8x2xi32>) {
  // expected-error @+1 {{'n2uq.two_sided_threshold' op expects one row of rising thresholds per channel (8), but got 1}}
  %0 = n2uq.two_sided_threshold %acc, %base, %up, %down
      : tensor<?x8xi32>, tensor<8xi32>, tensor<1x3xi32>, tensor<8x2xi32> -> tensor<?x8xui2>
  return
}

// -----

func.func @two_sided_threshold_c1_down(%acc: tensor<?x8xi32>, %base: tensor<8xi32>, %up: tensor<8x3xi32>, %down: tensor<1x2xi32>) {
  // expected-error @+1 {{'n2uq.two_sided_threshold' op expects one row of falling thresholds per channel (8), but got 1}}
  %0 = n2uq.two_sided_threshold %acc, %base, %up, %down
      : tensor<?x8xi32>, tensor<8xi32>, tensor<8x3xi32>, tensor<1x2xi32> -> tensor<?x8xui2>
  return
}

// -----

func.func @two_sided_threshold_c2(%acc: tensor<?x8xi32>, %base: tensor<8xi32>, %up: tensor<8x3xi32>, %down: tensor<8x2xi32>) {
  // expected-error @+1 {{'n2uq.two_sided_threshold' op expects a result of the shape of its input, 'tensor<?x8xi32>', but got 'tensor<?x9xui2>'}}
  %0 = n2uq.two_sided_threshold %acc, %base, %up, %down
      : tensor<?x8xi32>, tensor<8xi32>, tensor<8x3xi32>, tensor<8x2xi32> -> tensor<?x9xui2>
  return
}

// -----

func.func @max_pool_c1(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.max_pool' op expects a kernel of two positive extents}}
  %0 = n2uq.max_pool %x kernel = [0, 2] : tensor<?x8x8x4xf32> -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @max_pool_c1_strides(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.max_pool' op expects two positive strides}}
  %0 = n2uq.max_pool %x kernel = [2, 2] strides = [-2, 2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
  return
}

// -----

// A window that lies wholly in the padding would have no largest element.
func.func @max_pool_c1_padding(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.max_pool' op expects padding smaller than the kernel, but got 2 beside 2}}
  %0 = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] padding = [0, 0, 2, 0] : tensor<?x8x8x4xf32> -> tensor<?x4x5x4xf32>
  return
}

// -----

func.func @max_pool_c2(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.max_pool' op expects a result of height 4, but got 5}}
  %0 = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xf32> -> tensor<?x5x4x4xf32>
  return
}

// -----

func.func @max_pool_c2_element_type(%codes: tensor<?x8x8x4xui2>) {
  // expected-error @+1 {{'n2uq.max_pool' op expects a result of the element type and channels of its input}}
  %0 = n2uq.max_pool %codes kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x4xui2> -> tensor<?x4x4x4xui3>
  return
}

// -----

func.func @avg_pool_c1(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.avg_pool' op expects a kernel of two positive extents}}
  %0 = n2uq.avg_pool %x kernel = [2] : tensor<?x8x8x4xf32> -> tensor<?x4x4x4xf32>
  return
}

// -----

func.func @avg_pool_c2(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.avg_pool' op expects a window that fits into the padded image, but its width 9 is more than 8}}
  %0 = n2uq.avg_pool %x kernel = [8, 9] : tensor<?x8x8x4xf32> -> tensor<?x1x1x4xf32>
  return
}

// -----

func.func @avg_pool_c2_channels(%x: tensor<?x8x8x4xf32>) {
  // expected-error @+1 {{'n2uq.avg_pool' op expects a result with the channels of its input}}
  %0 = n2uq.avg_pool %x kernel = [8, 8] : tensor<?x8x8x4xf32> -> tensor<?x1x1x5xf32>
  return
}

// -----

// Only the batch may be dynamic.
func.func @dynamic_height(%x: tensor<?x?x8x4xf32>) {
  // expected-error @+1 {{'n2uq.flatten' op expects its input of static extents behind the batch}}
  %0 = n2uq.flatten %x : tensor<?x?x8x4xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @dynamic_parameter(%x: tensor<?x8xf32>, %slope: tensor<?xf32>) {
  // expected-error @+1 {{'n2uq.prelu' op expects its slope of static extents}}
  %0 = n2uq.prelu %x, %slope : tensor<?x8xf32>, tensor<?xf32>
  return
}

// -----

func.func @empty_image(%x: tensor<?x0x8x4xf32>) {
  // expected-error @+1 {{'n2uq.clamp' op expects extents of its input between 1 and}}
  %0 = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x0x8x4xf32>
  return
}

// -----

// Extents whose product leaves every integer type are refused before anybody multiplies them.
func.func @absurd_extents(%x: tensor<?x65536x65536x65536xf32>) {
  // expected-error @+1 {{'n2uq.clamp' op expects its input of at most}}
  %0 = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x65536x65536x65536xf32>
  return
}

// -----

func.func @signless_codes(%x: tensor<?x8xf32>, %t: tensor<1x3xf32>) {
  // expected-error @+1 {{'n2uq.quantize' op result #0 must be 2D/4D tensor of code of 1 to 8 bits values, but got 'tensor<?x8xi2>'}}
  %0 = n2uq.quantize %x, %t : tensor<?x8xf32>, tensor<1x3xf32> -> tensor<?x8xi2>
  return
}
