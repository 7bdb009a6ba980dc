func.func @main(%input: tensor<?x3x8x8xf32>) -> tensor<?x4xf32> {
  %stem = arith.constant dense<0.25> : tensor<16x3x3x3xf32>
  %t = arith.constant dense<[[0.1, 0.5, 1.5]]> : tensor<1x3xf32>
  %filter = arith.constant dense<1> : tensor<16x3x3x16xi8>
  %s = arith.constant dense<0.0625> : tensor<1xf32>
  %fc = arith.constant dense<0.5> : tensor<4x16xf32>
  %0 = n2uq.to_nhwc %input : tensor<?x3x8x8xf32> -> tensor<?x8x8x3xf32>
  %1 = n2uq.float_conv2d %0, %stem padding = [1, 1, 1, 1] : tensor<?x8x8x3xf32>, tensor<16x3x3x3xf32> -> tensor<?x8x8x16xf32> loc("conv1")
  %2 = n2uq.quantize %1, %t : tensor<?x8x8x16xf32>, tensor<1x3xf32> -> tensor<?x8x8x16xui2> loc("layer1.0.quan1")
  %3 = n2uq.conv2d %2, %filter padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32> loc("layer1.0.conv1")
  %4 = n2uq.affine %3 scale(%s : tensor<1xf32>) : tensor<?x8x8x16xi32> -> tensor<?x8x8x16xf32>
  %5 = n2uq.quantize %4, %t : tensor<?x8x8x16xf32>, tensor<1x3xf32> -> tensor<?x8x8x16xui2> loc("layer1.0.quan2")
  %6 = n2uq.conv2d %5, %filter padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<16x3x3x16xi8> -> tensor<?x8x8x16xi32> loc("layer1.0.conv2")
  %7 = n2uq.affine %6 scale(%s : tensor<1xf32>) : tensor<?x8x8x16xi32> -> tensor<?x8x8x16xf32>
  %8 = n2uq.avg_pool %7 kernel = [8, 8] : tensor<?x8x8x16xf32> -> tensor<?x1x1x16xf32> loc("avgpool")
  %9 = n2uq.flatten %8 : tensor<?x1x1x16xf32> -> tensor<?x16xf32> loc("flatten")
  %10 = n2uq.fully_connected %9, %fc : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32> loc("fc")
  return %10 : tensor<?x4xf32>
}
