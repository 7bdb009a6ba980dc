// RUN: n2uq-opt %s --n2uq-pack-weights --n2uq-verify-strategy --split-input-file --verify-diagnostics

func.func @long_rows(%x: tensor<?x1x400000x1xui8>) -> tensor<?x1x400000x16xf32> {
  %l = arith.constant dense<1> : tensor<2x16x1x1x1xi8>
  %s = arith.constant dense<0.5> : tensor<16xf32>
  %b = arith.constant dense<-1.0> : tensor<1x1x16xf32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'image_sums': the rows under a row of outputs need more than 524288 bytes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = image_sums, lanes = 16, tile = [1, 8, 1]> -> tensor<?x1x400000x16xf32> {
    %r = n2uq.image_conv2d %x, %l scale(%s : tensor<16xf32>) offset(%b : tensor<1x1x16xf32>) : tensor<?x1x400000x1xui8>, tensor<2x16x1x1x1xi8> -> tensor<?x1x400000x16xf32>
    n2uq.yield %r : tensor<?x1x400000x16xf32>
  }
  return %0 : tensor<?x1x400000x16xf32>
}

// -----

// -128 + 256 * -128, less 128, is below what 16 bits hold.
func.func @packed_limbs_out_of_balance(%x: tensor<?x8x8x3xui8>) -> tensor<?x8x8x32xf32> {
  %l = arith.constant dense<-128> : tensor<1x1x2x32x4xi8>
  %s = arith.constant dense<0.5> : tensor<32xf32>
  %b = arith.constant dense<-1.0> : tensor<1x1x32xf32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'image_sums': sums of its pixels and weights do not fit into 16 bits}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = image_sums, lanes = 16, tile = [1, 8, 2]> -> tensor<?x8x8x32xf32> {
    %r = n2uq.packed_image_conv2d %x, %l scale(%s : tensor<32xf32>) offset(%b : tensor<1x1x32xf32>) kernel = [1, 1] : tensor<?x8x8x3xui8>, tensor<1x1x2x32x4xi8> -> tensor<?x8x8x32xf32>
    n2uq.yield %r : tensor<?x8x8x32xf32>
  }
  return %0 : tensor<?x8x8x32xf32>
}

// -----

func.func @single_lanes(%x: tensor<?x8x8x3xui8>) -> tensor<?x8x8x32xf32> {
  %l = arith.constant dense<1> : tensor<2x32x1x1x3xi8>
  %s = arith.constant dense<0.5> : tensor<32xf32>
  %b = arith.constant dense<-1.0> : tensor<1x1x32xf32>
  // expected-error @+1 {{'n2uq.kernel' op cannot be computed by 'image_sums': it has vectors of at least 4 lanes}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = image_sums, lanes = 1, tile = [1, 8, 2]> -> tensor<?x8x8x32xf32> {
    %r = n2uq.image_conv2d %x, %l scale(%s : tensor<32xf32>) offset(%b : tensor<1x1x32xf32>) : tensor<?x8x8x3xui8>, tensor<2x32x1x1x3xi8> -> tensor<?x8x8x32xf32>
    n2uq.yield %r : tensor<?x8x8x32xf32>
  }
  return %0 : tensor<?x8x8x32xf32>
}
