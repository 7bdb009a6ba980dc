func.func @main(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = n2uq.add %x, %y : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
