// RUN: n2uq-opt %s --n2uq-plan-memory --verify-diagnostics

// 2^24 rows of padding on two sides of 2^24 columns of padding: no machine has that.
func.func @padding(%x: tensor<?x2x2x1xf32>) -> tensor<?x2x2x1xf32> {
  %t = arith.constant dense<[[0.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %packed = arith.constant dense<1> : tensor<1x1x1x4x16x4xi8>
  // expected-error @+1 {{needs more than 1099511627776 bytes of memory for one image}}
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = elementwise, lanes = 16, tile = [1]> -> tensor<?x2x2x1xui2> {
    %q = n2uq.quantize %x, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
    n2uq.yield %q : tensor<?x2x2x1xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 1, 1]> -> tensor<?x2x2x1xf32> {
    %acc = n2uq.packed_conv2d %0, %packed strides = [16777216, 16777216] padding = [16777215, 0, 16777215, 0] : tensor<?x2x2x1xui2>, tensor<1x1x1x4x16x4xi8> -> tensor<?x2x2x1xi32>
    %y = n2uq.affine %acc : tensor<?x2x2x1xi32> -> tensor<?x2x2x1xf32>
    n2uq.yield %y : tensor<?x2x2x1xf32>
  }
  return %1 : tensor<?x2x2x1xf32>
}
