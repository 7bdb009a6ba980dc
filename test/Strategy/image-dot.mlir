// A stem on pixels: one kernel with the pool and both quantizers, limbs packed for dot products of four bytes.
// RUN: n2uq-opt %s --n2uq-strategy="target-cpu=znver4 force-kernel=image_dot" | FileCheck %s
// RUN: n2uq-opt %s --n2uq-strategy="target-cpu=x86-64 force-kernel=image_dot" | FileCheck %s --check-prefix=BASE
// What an earlier kernel made is no image: the pixels must be the network's input.
// RUN: not n2uq-opt %S/Inputs/pixels-of-a-kernel.mlir --n2uq-strategy 2>&1 | FileCheck %s --check-prefix=INNER
// INNER: image_dot: its pixels are not the network's input

// 14 pixels by one vector and two limbs: 28 accumulators, two vectors of limbs and the pixels fill 32 registers.
// CHECK: n2uq.kernel strategy = <kernel = image_dot, lanes = 16, tile = [2, 14, 1]> -> tensor<?x14x14x64xf32>, tensor<?x14x14x64xui2>, tensor<?x14x14x64xui4> {
// CHECK:   n2uq.packed_image_conv2d %{{.*}}, %{{.*}} kernel = [7, 7] strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x56x56x3xui8>, tensor<4x37x2x16x4xi8> -> tensor<?x28x28x64xf32>
// CHECK:   n2uq.clamp
// CHECK:   n2uq.max_pool
// CHECK:   n2uq.quantize
// CHECK:   n2uq.quantize
// CHECK:   n2uq.yield
// BASE: kernel = image_dot, lanes = 4
func.func @stem(%x: tensor<?x56x56x3xui8>) -> (tensor<?x14x14x64xf32>, tensor<?x14x14x64xui2>, tensor<?x14x14x64xui4>) {
  %l = arith.constant dense<1> : tensor<2x64x7x7x3xi8>
  %s = arith.constant dense<0.5> : tensor<64xf32>
  %b = arith.constant dense<-1.0> : tensor<4x4x64xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>) strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x56x56x3xui8>, tensor<2x64x7x7x3xi8> -> tensor<?x28x28x64xf32>
  %1 = n2uq.clamp %0 min = 0.0 max = 0x7F800000 : tensor<?x28x28x64xf32>
  %2 = n2uq.max_pool %1 kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x28x28x64xf32> -> tensor<?x14x14x64xf32>
  %3 = n2uq.quantize %2, %t : tensor<?x14x14x64xf32>, tensor<1x3xf32> -> tensor<?x14x14x64xui2>
  %4 = n2uq.quantize %2, %t : tensor<?x14x14x64xf32>, tensor<1x3xf32> -> tensor<?x14x14x64xui4>
  return %2, %3, %4 : tensor<?x14x14x64xf32>, tensor<?x14x14x64xui2>, tensor<?x14x14x64xui4>
}
