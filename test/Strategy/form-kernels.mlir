// RUN: n2uq-opt %s --n2uq-form-kernels | FileCheck %s

// CHECK-LABEL: @convolution_takes_its_tail_along
//       CHECK: n2uq.kernel -> tensor<?x8x8x64xui2> {
//  CHECK-NEXT:   n2uq.conv2d
//  CHECK-NEXT:   n2uq.affine
//  CHECK-NEXT:   n2uq.prelu
//  CHECK-NEXT:   n2uq.quantize
//  CHECK-NEXT:   n2uq.yield
//   CHECK-NOT: n2uq.kernel
func.func @convolution_takes_its_tail_along(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>, %s: tensor<64xf32>,
                                            %t: tensor<1x3xf32>) -> tensor<?x8x8x64xui2> {
  %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
  %0 = n2uq.affine %acc scale(%s : tensor<64xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
  %1 = n2uq.prelu %0, %s : tensor<?x8x8x64xf32>, tensor<64xf32>
  %2 = n2uq.quantize %1, %t : tensor<?x8x8x64xf32>, tensor<1x3xf32> -> tensor<?x8x8x64xui2>
  return %2 : tensor<?x8x8x64xui2>
}

// Both quantizers of one tensor are computed where the tensor is in registers; the accumulator is not yielded.
// CHECK-LABEL: @two_quantizers_of_one_tensor
//       CHECK: n2uq.kernel -> tensor<?x8x8x64xui2>, tensor<?x8x8x64xui3> {
//  CHECK-NEXT:   n2uq.conv2d
//  CHECK-NEXT:   n2uq.threshold
//  CHECK-NEXT:   n2uq.threshold
//  CHECK-NEXT:   n2uq.yield
func.func @two_quantizers_of_one_tensor(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>, %t: tensor<1x3xi32>,
                                        %u: tensor<1x7xi32>) -> (tensor<?x8x8x64xui2>, tensor<?x8x8x64xui3>) {
  %acc = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
  %0 = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<1x3xi32> -> tensor<?x8x8x64xui2>
  %1 = n2uq.threshold %acc, %u : tensor<?x8x8x64xi32>, tensor<1x7xi32> -> tensor<?x8x8x64xui3>
  return %0, %1 : tensor<?x8x8x64xui2>, tensor<?x8x8x64xui3>
}

// A residual add joins the later of its two convolutions; the earlier one's tensor is in memory by then.
// CHECK-LABEL: @add_joins_the_later_convolution
//       CHECK: %[[FIRST:.*]] = n2uq.kernel -> tensor<?x8x8x64xf32> {
//       CHECK:   n2uq.conv2d
//  CHECK-NEXT:   n2uq.affine
//  CHECK-NEXT:   n2uq.yield
//       CHECK: n2uq.kernel -> tensor<?x8x8x64xf32> {
//       CHECK:   n2uq.conv2d
//  CHECK-NEXT:   %[[Y:.*]] = n2uq.affine
//  CHECK-NEXT:   n2uq.add %[[Y]], %[[FIRST]]
//  CHECK-NEXT:   n2uq.yield
func.func @add_joins_the_later_convolution(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x1x1x64xi8>,
                                           %s: tensor<64xf32>) -> tensor<?x8x8x64xf32> {
  %0 = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
  %1 = n2uq.affine %0 scale(%s : tensor<64xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
  %2 = n2uq.conv2d %codes, %w : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
  %3 = n2uq.affine %2 scale(%s : tensor<64xf32>) : tensor<?x8x8x64xi32> -> tensor<?x8x8x64xf32>
  %4 = n2uq.add %3, %1 : tensor<?x8x8x64xf32>
  return %4 : tensor<?x8x8x64xf32>
}

// A float convolution reads the network's input as it comes, channels first.
// CHECK-LABEL: @stem_reads_the_image_in_place
//       CHECK: n2uq.kernel -> tensor<?x4x4x8xf32> {
//  CHECK-NEXT:   n2uq.to_nhwc
//  CHECK-NEXT:   n2uq.float_conv2d
//  CHECK-NEXT:   n2uq.yield
//   CHECK-NOT: n2uq.kernel
func.func @stem_reads_the_image_in_place(%image: tensor<?x3x8x8xf32>, %w: tensor<8x2x2x3xf32>) -> tensor<?x4x4x8xf32> {
  %0 = n2uq.to_nhwc %image : tensor<?x3x8x8xf32> -> tensor<?x8x8x3xf32>
  %1 = n2uq.float_conv2d %0, %w strides = [2, 2] : tensor<?x8x8x3xf32>, tensor<8x2x2x3xf32> -> tensor<?x4x4x8xf32>
  return %1 : tensor<?x4x4x8xf32>
}

// The caller's output is never read: what is returned and read again is copied for the caller.
// CHECK-LABEL: @returned_value_that_is_read
//       CHECK: %[[POOLED:.*]] = n2uq.kernel -> tensor<?x4x4x8xf32> {
//       CHECK:   n2uq.max_pool
//       CHECK: n2uq.kernel -> tensor<?x2x2x8xf32> {
//       CHECK:   n2uq.max_pool
//       CHECK: %[[COPY:.*]] = n2uq.kernel -> tensor<?x4x4x8xf32> {
//  CHECK-NEXT:   n2uq.affine %[[POOLED]]
//       CHECK: return %[[COPY]]
func.func @returned_value_that_is_read(%x: tensor<?x8x8x8xf32>) -> (tensor<?x4x4x8xf32>, tensor<?x2x2x8xf32>) {
  %0 = n2uq.max_pool %x kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x8xf32> -> tensor<?x4x4x8xf32>
  %1 = n2uq.max_pool %0 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x2x2x8xf32>
  return %0, %1 : tensor<?x4x4x8xf32>, tensor<?x2x2x8xf32>
}

// A stem: the pool joins the convolution whose floats it alone reads, and brings along what follows it.
// CHECK-LABEL: @pool_joins_its_convolution
//       CHECK: n2uq.kernel -> tensor<?x4x4x8xf32>, tensor<?x4x4x8xui2> {
//  CHECK-NEXT:   n2uq.to_nhwc
//  CHECK-NEXT:   n2uq.float_conv2d
//  CHECK-NEXT:   n2uq.clamp
//  CHECK-NEXT:   n2uq.max_pool
//  CHECK-NEXT:   n2uq.quantize
//  CHECK-NEXT:   n2uq.yield
//   CHECK-NOT: n2uq.kernel
func.func @pool_joins_its_convolution(%x: tensor<?x3x8x8xf32>, %w: tensor<8x1x1x3xf32>, %t: tensor<1x3xf32>) -> (tensor<?x4x4x8xf32>, tensor<?x4x4x8xui2>) {
  %0 = n2uq.to_nhwc %x : tensor<?x3x8x8xf32> -> tensor<?x8x8x3xf32>
  %1 = n2uq.float_conv2d %0, %w : tensor<?x8x8x3xf32>, tensor<8x1x1x3xf32> -> tensor<?x8x8x8xf32>
  %2 = n2uq.clamp %1 min = 0.0 max = 6.0 : tensor<?x8x8x8xf32>
  %3 = n2uq.max_pool %2 kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x8xf32> -> tensor<?x4x4x8xf32>
  %4 = n2uq.quantize %3, %t : tensor<?x4x4x8xf32>, tensor<1x3xf32> -> tensor<?x4x4x8xui2>
  return %3, %4 : tensor<?x4x4x8xf32>, tensor<?x4x4x8xui2>
}

// Somebody else reads the floats in front of the pool; a convolution of codes keeps its pool apart; so does one whose rows of
// floats would not fit.
// CHECK-LABEL: @pool_stays_apart
//       CHECK: n2uq.kernel -> tensor<?x8x8x8xf32> {
//  CHECK-NEXT:   n2uq.float_conv2d
//       CHECK: n2uq.kernel -> tensor<?x4x4x8xf32> {
//  CHECK-NEXT:   n2uq.max_pool
//       CHECK: n2uq.kernel -> tensor<?x2x32768x8xf32> {
//  CHECK-NEXT:   n2uq.float_conv2d
//       CHECK: n2uq.kernel -> tensor<?x1x16384x8xf32> {
//  CHECK-NEXT:   n2uq.max_pool
func.func @pool_stays_apart(%x: tensor<?x8x8x3xf32>, %w: tensor<8x1x1x3xf32>, %wide: tensor<?x2x32768x3xf32>)
    -> (tensor<?x8x8x8xf32>, tensor<?x4x4x8xf32>, tensor<?x1x16384x8xf32>) {
  %0 = n2uq.float_conv2d %x, %w : tensor<?x8x8x3xf32>, tensor<8x1x1x3xf32> -> tensor<?x8x8x8xf32>
  %1 = n2uq.max_pool %0 kernel = [2, 2] strides = [2, 2] : tensor<?x8x8x8xf32> -> tensor<?x4x4x8xf32>
  %2 = n2uq.float_conv2d %wide, %w : tensor<?x2x32768x3xf32>, tensor<8x1x1x3xf32> -> tensor<?x2x32768x8xf32>
  %3 = n2uq.max_pool %2 kernel = [2, 2] strides = [2, 2] : tensor<?x2x32768x8xf32> -> tensor<?x1x16384x8xf32>
  return %0, %1, %3 : tensor<?x8x8x8xf32>, tensor<?x4x4x8xf32>, tensor<?x1x16384x8xf32>
}
