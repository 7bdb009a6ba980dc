// A small network with every kind of op that travels between programs: something to damage.
func.func @main(%input: tensor<?x2x6x5xf32>) -> tensor<?x3xf32> {
  %stem = arith.constant dense<0.25> : tensor<4x3x3x2xf32>
  %alpha = arith.constant dense<[1.0, -0.5, 2.0, 0.0]> : tensor<4xf32>
  %beta = arith.constant dense<[0.5, 0.25, -1.0, 0.75]> : tensor<4xf32>
  %slope = arith.constant dense<[0.25, -0.25, 1.5, 0.0]> : tensor<4xf32>
  %t = arith.constant dense<[[0.5, 1.0, 1.5]]> : tensor<1x3xf32>
  %w = arith.constant dense<[[[[1, -1, 3, -3]]], [[[3, 3, -1, 1]]], [[[-3, 1, 1, 1]]], [[[1, 3, -3, -1]]]]> : tensor<4x1x1x4xi8>
  %scale = arith.constant dense<0.1> : tensor<4xf32>
  %head = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [0.5, -0.5, 0.25, -0.25], [-1.0, 0.0, 1.0, 2.0]]> : tensor<3x4xf32>
  %bias = arith.constant dense<[0.125, -0.125, 0.0]> : tensor<3xf32>
  %0 = n2uq.to_nhwc %input : tensor<?x2x6x5xf32> -> tensor<?x6x5x2xf32>
  %1 = n2uq.float_conv2d %0, %stem padding = [1, 1, 1, 1] : tensor<?x6x5x2xf32>, tensor<4x3x3x2xf32> -> tensor<?x6x5x4xf32> loc("conv1")
  %2 = n2uq.affine %1 scale(%alpha : tensor<4xf32>) : tensor<?x6x5x4xf32> -> tensor<?x6x5x4xf32> loc("bn1.scale")
  %3 = n2uq.affine %2 offset(%beta : tensor<4xf32>) : tensor<?x6x5x4xf32> -> tensor<?x6x5x4xf32> loc("bn1.offset")
  %4 = n2uq.clamp %3 min = 0.0 max = 0x7F800000 : tensor<?x6x5x4xf32> loc("relu")
  %5 = n2uq.max_pool %4 kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x6x5x4xf32> -> tensor<?x3x3x4xf32> loc("maxpool")
  %6 = n2uq.prelu %5, %slope : tensor<?x3x3x4xf32>, tensor<4xf32> loc("layer1.0.prelu1")
  %7 = n2uq.quantize %6, %t : tensor<?x3x3x4xf32>, tensor<1x3xf32> -> tensor<?x3x3x4xui2> loc("layer1.0.quan1")
  %8 = n2uq.conv2d %7, %w : tensor<?x3x3x4xui2>, tensor<4x1x1x4xi8> -> tensor<?x3x3x4xi32> loc("layer1.0.conv1")
  %9 = n2uq.affine %8 scale(%scale : tensor<4xf32>) : tensor<?x3x3x4xi32> -> tensor<?x3x3x4xf32> loc("layer1.0.conv1")
  %10 = n2uq.add %9, %5 : tensor<?x3x3x4xf32> loc("layer1.0.add")
  %11 = n2uq.avg_pool %10 kernel = [3, 3] : tensor<?x3x3x4xf32> -> tensor<?x1x1x4xf32> loc("avgpool")
  %12 = n2uq.flatten %11 : tensor<?x1x1x4xf32> -> tensor<?x4xf32> loc("flatten")
  %13 = n2uq.fully_connected %12, %head : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32> loc("fc")
  %14 = n2uq.affine %13 offset(%bias : tensor<3xf32>) : tensor<?x3xf32> -> tensor<?x3xf32> loc("fc")
  return %14 : tensor<?x3xf32>
}
