// RUN: n2uq-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: @block
func.func @block(%image: tensor<?x3x16x16xf32>, %w: tensor<64x7x7x3xf32>, %f: tensor<64x3x3x64xi8>, %s: tensor<64xf32>,
                 %t: tensor<1x3xf32>, %fc: tensor<10x64xf32>) -> tensor<?x10xf32> {
  // CHECK: n2uq.to_nhwc %{{.*}} : tensor<?x3x16x16xf32> -> tensor<?x16x16x3xf32>
  %0 = n2uq.to_nhwc %image : tensor<?x3x16x16xf32> -> tensor<?x16x16x3xf32>
  // CHECK: n2uq.float_conv2d %{{.*}}, %{{.*}} strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xf32>, tensor<64x7x7x3xf32> -> tensor<?x8x8x64xf32>
  %1 = n2uq.float_conv2d %0, %w strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xf32>, tensor<64x7x7x3xf32> -> tensor<?x8x8x64xf32>
  // CHECK: n2uq.affine %{{.*}} scale(%{{.*}} : tensor<64xf32>) offset(%{{.*}} : tensor<64xf32>) : tensor<?x8x8x64xf32> -> tensor<?x8x8x64xf32>
  %2 = n2uq.affine %1 scale(%s : tensor<64xf32>) offset(%s : tensor<64xf32>) : tensor<?x8x8x64xf32> -> tensor<?x8x8x64xf32>
  %3 = n2uq.clamp %2 min = 0.0 max = 0x7F800000 : tensor<?x8x8x64xf32>
  // CHECK: n2uq.max_pool %{{.*}} kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x64xf32> -> tensor<?x4x4x64xf32>
  %4 = n2uq.max_pool %3 kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x64xf32> -> tensor<?x4x4x64xf32>
  %5 = n2uq.affine %4 offset(%s : tensor<64xf32>) : tensor<?x4x4x64xf32> -> tensor<?x4x4x64xf32>
  %6 = n2uq.prelu %5, %s : tensor<?x4x4x64xf32>, tensor<64xf32>
  // CHECK: n2uq.quantize %{{.*}}, %{{.*}} : tensor<?x4x4x64xf32>, tensor<1x3xf32> -> tensor<?x4x4x64xui2>
  %q = n2uq.quantize %6, %t : tensor<?x4x4x64xf32>, tensor<1x3xf32> -> tensor<?x4x4x64xui2>
  // CHECK: n2uq.quantize %{{.*}}, %{{.*}} nan_is_top : tensor<?x4x4x64xf32>, tensor<1x3xf32> -> tensor<?x4x4x64xui2>
  %q2 = n2uq.quantize %6, %t nan_is_top : tensor<?x4x4x64xf32>, tensor<1x3xf32> -> tensor<?x4x4x64xui2>
  // CHECK: n2uq.conv2d %{{.*}}, %{{.*}} padding = [1, 1, 1, 1] : tensor<?x4x4x64xui2>, tensor<64x3x3x64xi8> -> tensor<?x4x4x64xi32>
  %acc = n2uq.conv2d %q, %f padding = [1, 1, 1, 1] : tensor<?x4x4x64xui2>, tensor<64x3x3x64xi8> -> tensor<?x4x4x64xi32>
  %7 = n2uq.affine %acc scale(%s : tensor<64xf32>) : tensor<?x4x4x64xi32> -> tensor<?x4x4x64xf32>
  %8 = n2uq.add %7, %4 : tensor<?x4x4x64xf32>
  %9 = n2uq.avg_pool %8 kernel = [4, 4] : tensor<?x4x4x64xf32> -> tensor<?x1x1x64xf32>
  %10 = n2uq.flatten %9 : tensor<?x1x1x64xf32> -> tensor<?x64xf32>
  %11 = n2uq.fully_connected %10, %fc : tensor<?x64xf32>, tensor<10x64xf32> -> tensor<?x10xf32>
  return %11 : tensor<?x10xf32>
}

// CHECK-LABEL: @moves
func.func @moves(%x: tensor<?x4x4x3xf32>, %codes: tensor<?x4x4x3xui2>, %row: tensor<?x48xui4>) -> (tensor<?x8x8x6xf32>, tensor<?x4x4x3xui4>) {
  // CHECK: n2uq.gather %{{.*}} rows = [-1, 0, 1] fill = 2.000000e+00 : tensor<?x4x4x3xui2> -> tensor<?x3x4x3xui2>
  %0 = n2uq.gather %codes rows = [-1, 0, 1] fill = 2.0 : tensor<?x4x4x3xui2> -> tensor<?x3x4x3xui2>
  // CHECK: n2uq.gather %{{.*}} rows = [0, 0, 1, 1, 2, 2, 3, 3] columns = [3, 3, 2, 2, 1, 1, 0, 0] : tensor<?x4x4x3xf32> -> tensor<?x8x8x3xf32>
  %1 = n2uq.gather %x rows = [0, 0, 1, 1, 2, 2, 3, 3] columns = [3, 3, 2, 2, 1, 1, 0, 0] : tensor<?x4x4x3xf32> -> tensor<?x8x8x3xf32>
  // CHECK: n2uq.gather %{{.*}} channels = [2, 1, 0] : tensor<?x8x8x3xf32> -> tensor<?x8x8x3xf32>
  %2 = n2uq.gather %1 channels = [2, 1, 0] : tensor<?x8x8x3xf32> -> tensor<?x8x8x3xf32>
  // CHECK: n2uq.concat %{{.*}}, %{{.*}} : tensor<?x8x8x3xf32>, tensor<?x8x8x3xf32> -> tensor<?x8x8x6xf32>
  %3 = n2uq.concat %1, %2 : tensor<?x8x8x3xf32>, tensor<?x8x8x3xf32> -> tensor<?x8x8x6xf32>
  // CHECK: n2uq.sigmoid %{{.*}} : tensor<?x8x8x6xf32>
  %4 = n2uq.sigmoid %3 : tensor<?x8x8x6xf32>
  // CHECK: n2uq.unflatten %{{.*}} : tensor<?x48xui4> -> tensor<?x4x4x3xui4>
  %5 = n2uq.unflatten %row : tensor<?x48xui4> -> tensor<?x4x4x3xui4>
  return %4, %5 : tensor<?x8x8x6xf32>, tensor<?x4x4x3xui4>
}

// CHECK-LABEL: @stem
func.func @stem(%pixels: tensor<?x16x16x3xui8>, %l: tensor<2x64x7x7x3xi8>, %packed: tensor<4x37x2x16x4xi8>, %s: tensor<64xf32>,
                %b: tensor<4x4x64xf32>) -> (tensor<?x8x8x64xf32>, tensor<?x4x4x64xf32>) {
  // CHECK: n2uq.image_conv2d %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<64xf32>) offset(%{{.*}} : tensor<4x4x64xf32>) strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xui8>, tensor<2x64x7x7x3xi8> -> tensor<?x8x8x64xf32>
  %0 = n2uq.image_conv2d %pixels, %l scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>) strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xui8>, tensor<2x64x7x7x3xi8> -> tensor<?x8x8x64xf32>
  // A convolution, its tail, a pool and what follows in one kernel.
  // CHECK: n2uq.kernel -> tensor<?x4x4x64xf32> {
  %k = n2uq.kernel -> tensor<?x4x4x64xf32> {
    // CHECK: n2uq.packed_image_conv2d %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<64xf32>) offset(%{{.*}} : tensor<4x4x64xf32>) kernel = [7, 7] strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xui8>, tensor<4x37x2x16x4xi8> -> tensor<?x8x8x64xf32>
    %1 = n2uq.packed_image_conv2d %pixels, %packed scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>) kernel = [7, 7] strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x16x16x3xui8>, tensor<4x37x2x16x4xi8> -> tensor<?x8x8x64xf32>
    %2 = n2uq.clamp %1 min = 0.0 max = 0x7F800000 : tensor<?x8x8x64xf32>
    // CHECK: n2uq.max_pool
    %3 = n2uq.max_pool %2 kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x8x8x64xf32> -> tensor<?x4x4x64xf32>
    %4 = n2uq.affine %3 offset(%s : tensor<64xf32>) : tensor<?x4x4x64xf32> -> tensor<?x4x4x64xf32>
    n2uq.yield %4 : tensor<?x4x4x64xf32>
  }
  return %0, %k : tensor<?x8x8x64xf32>, tensor<?x4x4x64xf32>
}

// CHECK-LABEL: @kernels
func.func @kernels(%x: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>, %t: tensor<64x3xi32>, %b: tensor<64xi32>,
                   %acc: vector<16xi32>, %u: vector<64xi8>) -> (tensor<?x8x8x64xui2>, vector<16xi32>, vector<64xi8>) {
  // CHECK: n2uq.kernel strategy = <kernel = direct_dot, lanes = 16, tile = [1, 7, 2]> -> tensor<?x8x8x64xui2> {
  %k = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 7, 2]> -> tensor<?x8x8x64xui2> {
    %0 = n2uq.conv2d %x, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
    %1 = n2uq.threshold %0, %t : tensor<?x8x8x64xi32>, tensor<64x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %1 : tensor<?x8x8x64xui2>
  }
  // CHECK: n2uq.dot2 %{{.*}}, %{{.*}} : vector<64xi8> -> vector<32xi16>
  %p = n2uq.dot2 %u, %u : vector<64xi8> -> vector<32xi16>
  %words = vector.bitcast %u : vector<64xi8> to vector<32xi16>
  // CHECK: n2uq.dot2_words %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi32>, vector<32xi16>
  %q = n2uq.dot2_words %acc, %words, %words : vector<16xi32>, vector<32xi16>
  // CHECK: n2uq.dot4 %{{.*}}, %{{.*}}, %{{.*}} code_bits = 2 : vector<16xi32>, vector<64xi8>
  %d = n2uq.dot4 %acc, %u, %u code_bits = 2 : vector<16xi32>, vector<64xi8>
  // CHECK: n2uq.table_lookup %{{.*}}, %{{.*}} : vector<64xi8>
  %l = n2uq.table_lookup %u, %u : vector<64xi8>
  return %k, %d, %l : tensor<?x8x8x64xui2>, vector<16xi32>, vector<64xi8>
}

// CHECK-LABEL: @packed_convolutions
func.func @packed_convolutions(%x: tensor<?x8x8x64xui2>, %l: tensor<2x3x3x22x64xi8>, %p: tensor<2x3x3x8x2x32x4xi8>)
    -> (tensor<?x8x8x128xi32>, tensor<?x4x8x64xi32>) {
  // CHECK: n2uq.packed_lookup_conv2d %{{.*}}, %{{.*}} codes_per_index = 3 padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<2x3x3x22x64xi8> -> tensor<?x8x8x128xi32>
  %0 = n2uq.packed_lookup_conv2d %x, %l codes_per_index = 3 padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<2x3x3x22x64xi8> -> tensor<?x8x8x128xi32>
  // CHECK: n2uq.packed_inner_product_conv2d %{{.*}}, %{{.*}} bias = 3 strides = [2, 1] padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<2x3x3x8x2x32x4xi8> -> tensor<?x4x8x64xi32>
  %1 = n2uq.packed_inner_product_conv2d %x, %p bias = 3 strides = [2, 1] padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<2x3x3x8x2x32x4xi8> -> tensor<?x4x8x64xi32>
  return %0, %1 : tensor<?x8x8x128xi32>, tensor<?x4x8x64xi32>
}
