func.func @main(%x: tensor<?x8x8x3xf32>) -> tensor<?x8x8x4xf32> {
  %l = arith.constant dense<1> : tensor<1x4x1x1x3xi8>
  %s = arith.constant dense<0.5> : tensor<4xf32>
  %b = arith.constant dense<-1.0> : tensor<1x1x4xf32>
  %t = arith.constant dense<0.5> : tensor<1x255xf32>
  %0 = n2uq.quantize %x, %t : tensor<?x8x8x3xf32>, tensor<1x255xf32> -> tensor<?x8x8x3xui8>
  %1 = n2uq.image_conv2d %0, %l scale(%s : tensor<4xf32>) offset(%b : tensor<1x1x4xf32>) : tensor<?x8x8x3xui8>, tensor<1x4x1x1x3xi8> -> tensor<?x8x8x4xf32>
  return %1 : tensor<?x8x8x4xf32>
}
