// What runtime/Inputs/fake_model.c computes, as a model. Thresholds are nextafter(0.5, 1.0, 1.5): the model compares with >.
func.func @main(%input: tensor<?x2x6x5xf32>) -> tensor<?x3xf32> {
  %t = arith.constant dense<[[0x3F000001, 0x3F800001, 0x3FC00001]]> : tensor<1x3xf32>
  %w = arith.constant dense<1> : tensor<1x3x3x2xi8>
  %nine = arith.constant dense<9> : tensor<1x1xi32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %x = n2uq.to_nhwc %input : tensor<?x2x6x5xf32> -> tensor<?x6x5x2xf32>
  %q1 = n2uq.quantize %x, %t : tensor<?x6x5x2xf32>, tensor<1x3xf32> -> tensor<?x6x5x2xui2> loc("stem.quan")
  %acc = n2uq.conv2d %q1, %w padding = [1, 1, 1, 1] : tensor<?x6x5x2xui2>, tensor<1x3x3x2xi8> -> tensor<?x6x5x1xi32> loc("block.conv")
  %q2 = n2uq.threshold %acc, %nine : tensor<?x6x5x1xi32>, tensor<1x1xi32> -> tensor<?x6x5x1xui1> loc("block.quan")
  %value = n2uq.affine %q2 scale(%one : tensor<1xf32>) : tensor<?x6x5x1xui1> -> tensor<?x6x5x1xf32>
  %pooled = n2uq.avg_pool %value kernel = [2, 5] strides = [2, 5] : tensor<?x6x5x1xf32> -> tensor<?x3x1x1xf32>
  %flat = n2uq.flatten %pooled : tensor<?x3x1x1xf32> -> tensor<?x3xf32>
  return %flat : tensor<?x3xf32>
}
