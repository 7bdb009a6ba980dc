// RUN: n2uq-opt %s --n2uq-plan-memory | FileCheck %s --check-prefixes=CHECK,REUSE
// RUN: n2uq-opt %s --n2uq-plan-memory=keep-codes | FileCheck %s --check-prefixes=CHECK,KEEP

// Three maps of 8 x 8 pixels and 16 channels. The first is dead when the third is written and gives it its place, unless all
// codes are kept. The window of 3 x 3 asks for a border of one pixel: 10 x 10 x 16 = 1600 bytes, the image at 10*16 + 16.
// CHECK-LABEL: @chain
//  REUSE-SAME: n2uq.arena_bytes = 3200 : i64
//   KEEP-SAME: n2uq.arena_bytes = 4800 : i64
//       CHECK: buffers = [#n2uq.buffer<"arena", offset = [[FIRST:[0-9]+]], image = 1600, origin = 176, row = 160, pixel = 16>]
//       CHECK: buffers = [#n2uq.buffer<"arena", offset = [[SECOND:[0-9]+]], image = 1600, origin = 176, row = 160, pixel = 16>]
//       REUSE: buffers = [#n2uq.buffer<"arena", offset = [[FIRST]], image = 1600,
//        KEEP: buffers = [#n2uq.buffer<"arena", offset = 3200, image = 1600,
//       CHECK: buffers = [#n2uq.buffer<"output", offset = 0, image = 4096, origin = 0, row = 512, pixel = 64>]
func.func @chain(%x: tensor<?x8x8x16xf32>, %w: tensor<1x3x3x4x16x4xi8>, %t: tensor<1x3xi32>, %f: tensor<1x3xf32>,
                 %s: tensor<1xf32>) -> tensor<?x8x8x16xf32> {
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x8x8x16xui2> {
    %q = n2uq.quantize %x, %f : tensor<?x8x8x16xf32>, tensor<1x3xf32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 8, 1]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.packed_conv2d %0, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x3x3x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  %2 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 8, 1]> -> tensor<?x8x8x16xui2> {
    %acc = n2uq.packed_conv2d %1, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x3x3x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x16xi32>, tensor<1x3xi32> -> tensor<?x8x8x16xui2>
    n2uq.yield %q : tensor<?x8x8x16xui2>
  }
  %3 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 8, 1]> -> tensor<?x8x8x16xf32> {
    %acc = n2uq.packed_conv2d %2, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<1x3x3x4x16x4xi8> -> tensor<?x8x8x16xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x16xi32> -> tensor<?x8x8x16xf32>
    n2uq.yield %y : tensor<?x8x8x16xf32>
  }
  return %3 : tensor<?x8x8x16xf32>
}
