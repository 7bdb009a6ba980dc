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

// A kernel that computes every element once writes its floats where the residual lay that it reads: one buffer of 8 x 8 x 64
// floats for both.
// CHECK-LABEL: @residual_in_place
//       CHECK: buffers = [#n2uq.buffer<"arena", offset = [[RESIDUAL:[0-9]+]], image = 16384,
//       CHECK: buffers = [#n2uq.buffer<"arena", offset = [[RESIDUAL]], image = 16384,
func.func @residual_in_place(%x: tensor<?x8x8x64xf32>, %w: tensor<1x1x1x22x64xi8>, %f: tensor<1x3xf32>, %s: tensor<1xf32>)
    -> tensor<?x64xf32> {
  %0:2 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x8x8x64xf32>, tensor<?x8x8x64xui2> {
    %y = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x8x8x64xf32> -> tensor<?x8x8x64xf32>
    %q = n2uq.quantize %x, %f : tensor<?x8x8x64xf32>, tensor<1x3xf32> -> tensor<?x8x8x64xui2>
    n2uq.yield %y, %q : tensor<?x8x8x64xf32>, tensor<?x8x8x64xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 8, 4, 1]> -> tensor<?x8x8x64xf32> {
    %acc = n2uq.packed_lookup_conv2d %0#1, %w codes_per_index = 3 : tensor<?x8x8x64xui2>, tensor<1x1x1x22x64xi8> -> tensor<?x8x8x64xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
    %z = n2uq.add %y, %0#0 : tensor<?x8x8x64xf32>
    n2uq.yield %z : tensor<?x8x8x64xf32>
  }
  %2 = n2uq.kernel strategy = #n2uq.strategy<kernel = pool, lanes = 16, tile = [1]> -> tensor<?x1x1x64xf32> {
    %p = n2uq.avg_pool %1 kernel = [8, 8] : tensor<?x8x8x64xf32> -> tensor<?x1x1x64xf32>
    n2uq.yield %p : tensor<?x1x1x64xf32>
  }
  %3 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x64xf32> {
    %v = n2uq.flatten %2 : tensor<?x1x1x64xf32> -> tensor<?x64xf32>
    n2uq.yield %v : tensor<?x64xf32>
  }
  return %3 : tensor<?x64xf32>
}

// Tiles of five and four pixels overlap in a row of seven: what is computed twice would be added twice.
// CHECK-LABEL: @overlapping_tiles
//       CHECK: buffers = [#n2uq.buffer<"arena", offset = [[RESIDUAL:[0-9]+]], image = 12544,
//   CHECK-NOT: buffers = [#n2uq.buffer<"arena", offset = [[RESIDUAL]], image = 12544,
func.func @overlapping_tiles(%x: tensor<?x7x7x64xf32>, %w: tensor<1x1x1x22x64xi8>, %f: tensor<1x3xf32>, %s: tensor<1xf32>)
    -> tensor<?x64xf32> {
  %0:2 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x7x7x64xf32>, tensor<?x7x7x64xui2> {
    %y = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x7x7x64xf32> -> tensor<?x7x7x64xf32>
    %q = n2uq.quantize %x, %f : tensor<?x7x7x64xf32>, tensor<1x3xf32> -> tensor<?x7x7x64xui2>
    n2uq.yield %y, %q : tensor<?x7x7x64xf32>, tensor<?x7x7x64xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = lookup, lanes = 16, tile = [1, 5, 4, 1]> -> tensor<?x7x7x64xf32> {
    %acc = n2uq.packed_lookup_conv2d %0#1, %w codes_per_index = 3 : tensor<?x7x7x64xui2>, tensor<1x1x1x22x64xi8> -> tensor<?x7x7x64xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x7x7x64xi32> -> tensor<?x7x7x64xf32>
    %z = n2uq.add %y, %0#0 : tensor<?x7x7x64xf32>
    n2uq.yield %z : tensor<?x7x7x64xf32>
  }
  %2 = n2uq.kernel strategy = #n2uq.strategy<kernel = pool, lanes = 16, tile = [1]> -> tensor<?x1x1x64xf32> {
    %p = n2uq.avg_pool %1 kernel = [7, 7] : tensor<?x7x7x64xf32> -> tensor<?x1x1x64xf32>
    n2uq.yield %p : tensor<?x1x1x64xf32>
  }
  %3 = n2uq.kernel strategy = #n2uq.strategy<kernel = move, lanes = 16, tile = [1]> -> tensor<?x64xf32> {
    %v = n2uq.flatten %2 : tensor<?x1x1x64xf32> -> tensor<?x64xf32>
    n2uq.yield %v : tensor<?x64xf32>
  }
  return %3 : tensor<?x64xf32>
}
