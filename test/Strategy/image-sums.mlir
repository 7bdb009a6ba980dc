// A stem on pixels by products of sums of words, where additions find ports that dot products leave, or where there are
// no dot products at all.
// RUN: n2uq-opt %s --n2uq-strategy="target-cpu=znver4" | FileCheck %s
// RUN: n2uq-opt %s --n2uq-strategy="target-cpu=x86-64-v3" | FileCheck %s --check-prefix=AVX2
// RUN: n2uq-opt %s --n2uq-strategy="target-cpu=icelake-server" | FileCheck %s --check-prefix=INTEL

// 8 pixels by two vectors: 16 accumulators, four vectors of weights, the pixels and two sums, and 112 columns are covered
// without overlap. The filter is packed as for image_dot.
// CHECK-LABEL: @stem
// CHECK: n2uq.kernel strategy = <kernel = image_sums, lanes = 16, tile = [7, 8, 2]>
// CHECK:   n2uq.packed_image_conv2d {{.*}} tensor<2x37x2x32x4xi8>
// AVX2-LABEL: @stem
// AVX2: kernel = image_sums, lanes = 8
// INTEL-LABEL: @stem
// INTEL: kernel = image_dot, lanes = 16
func.func @stem(%x: tensor<?x224x224x3xui8>) -> tensor<?x56x56x64xui2> {
  %l = arith.constant dense<127> : tensor<2x64x7x7x3xi8>
  %s = arith.constant dense<0.5> : tensor<64xf32>
  %b = arith.constant dense<-1.0> : tensor<4x4x64xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>) strides = [2, 2] padding = [3, 3, 3, 3] : tensor<?x224x224x3xui8>, tensor<2x64x7x7x3xi8> -> tensor<?x112x112x64xf32>
  %1 = n2uq.clamp %0 min = 0.0 max = 0x7F800000 : tensor<?x112x112x64xf32>
  %2 = n2uq.max_pool %1 kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x112x112x64xf32> -> tensor<?x56x56x64xf32>
  %3 = n2uq.quantize %2, %t : tensor<?x56x56x64xf32>, tensor<1x3xf32> -> tensor<?x56x56x64xui2>
  return %3 : tensor<?x56x56x64xui2>
}

// A limb of -128 in the upper place: the sum with a pixel may leave 16 bits. Three limbs do as well.
// CHECK-LABEL: @too_wide
// CHECK: kernel = image_dot
func.func @too_wide(%x: tensor<?x9x9x3xui8>) -> tensor<?x9x9x32xf32> {
  %l = arith.constant dense<-128> : tensor<2x32x3x3x3xi8>
  %s = arith.constant dense<0.5> : tensor<32xf32>
  %b = arith.constant dense<-1.0> : tensor<3x3x32xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<32xf32>) offset(%b : tensor<3x3x32xf32>) padding = [1, 1, 1, 1] : tensor<?x9x9x3xui8>, tensor<2x32x3x3x3xi8> -> tensor<?x9x9x32xf32>
  return %0 : tensor<?x9x9x32xf32>
}

// CHECK-LABEL: @three_limbs
// CHECK: kernel = image_dot
func.func @three_limbs(%x: tensor<?x9x9x3xui8>) -> tensor<?x9x9x32xf32> {
  %l = arith.constant dense<1> : tensor<3x32x3x3x3xi8>
  %s = arith.constant dense<0.5> : tensor<32xf32>
  %b = arith.constant dense<-1.0> : tensor<3x3x32xf32>
  %0 = n2uq.image_conv2d %x, %l scale(%s : tensor<32xf32>) offset(%b : tensor<3x3x32xf32>) padding = [1, 1, 1, 1] : tensor<?x9x9x3xui8>, tensor<3x32x3x3x3xi8> -> tensor<?x9x9x32xf32>
  return %0 : tensor<?x9x9x32xf32>
}
