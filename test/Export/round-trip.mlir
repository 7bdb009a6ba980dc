// What is exported imports to the same ops with the same numbers, among them scales that no weight can carry (zero, negative,
// tiny, infinite), offsets for all channels at once, and codes that are read as floats.
// Constants with two readers come back twice, which --cse evens out.
// RUN: n2uq-opt --cse %s > %t.before
// RUN: n2uq-translate --export-onnx %s -o %t.onnx
// RUN: n2uq-translate --import-onnx %t.onnx -o %t.mlir
// RUN: n2uq-opt --cse %t.mlir > %t.after
// RUN: diff %t.before %t.after
// Once more, names and all.
// RUN: n2uq-translate --export-onnx %t.mlir -o %t.2.onnx
// RUN: n2uq-translate --import-onnx %t.2.onnx -o %t.2.mlir
// RUN: diff %t.mlir %t.2.mlir
// RUN: cmp %t.onnx %t.2.onnx

func.func @main(%input: tensor<?x3x8x8xf32> {n2uq.name = "image"}) -> (tensor<?x5xf32> {n2uq.name = "scores"}) {
  %0 = n2uq.to_nhwc %input : tensor<?x3x8x8xf32> -> tensor<?x8x8x3xf32>

  // A float convolution with a bias of its own, then an affine, clamps and a pool.
  %w = arith.constant dense<[[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]], [[[0.5, -2.0, 1.0e-30]], [[4.0, 5.0, 6.5]]]]> : tensor<2x2x1x3xf32>
  %1 = n2uq.float_conv2d %0, %w strides = [1, 2] padding = [0, 1, 0, 0] : tensor<?x8x8x3xf32>, tensor<2x2x1x3xf32> -> tensor<?x8x4x2xf32> loc("conv1")
  %bias = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %2 = n2uq.affine %1 offset(%bias : tensor<2xf32>) : tensor<?x8x4x2xf32> -> tensor<?x8x4x2xf32> loc("conv1")
  %s = arith.constant dense<[0x7F800000, -0.0]> : tensor<2xf32>
  %o = arith.constant dense<[0.1, 0.3]> : tensor<2xf32>
  %3 = n2uq.affine %2 scale(%s : tensor<2xf32>) offset(%o : tensor<2xf32>) : tensor<?x8x4x2xf32> -> tensor<?x8x4x2xf32> loc("bn1")
  %4 = n2uq.clamp %3 min = 0.0 max = 0x7F800000 : tensor<?x8x4x2xf32> loc("relu")
  %5 = n2uq.clamp %4 min = -0.0 max = 6.0 : tensor<?x8x4x2xf32>
  %6 = n2uq.clamp %5 min = 0xFF800000 max = 0x7F800000 : tensor<?x8x4x2xf32>
  %7 = n2uq.max_pool %6 kernel = [3, 2] strides = [2, 1] padding = [1, 0, 0, 1] : tensor<?x8x4x2xf32> -> tensor<?x4x4x2xf32> loc("maxpool")
  %slope = arith.constant dense<[-0.25, 1.5]> : tensor<2xf32>
  %8 = n2uq.prelu %7, %slope : tensor<?x4x4x2xf32>, tensor<2xf32> loc("prelu")
  %slope1 = arith.constant dense<0.1> : tensor<1xf32>
  %9 = n2uq.prelu %8, %slope1 : tensor<?x4x4x2xf32>, tensor<1xf32>

  // Codes with several readers.
  %t = arith.constant dense<[[-0.5, 0.5, 0.5]]> : tensor<1x3xf32>
  %codes = n2uq.quantize %9, %t nan_is_top : tensor<?x4x4x2xf32>, tensor<1x3xf32> -> tensor<?x4x4x2xui2> loc("quan1")
  %odd = arith.constant dense<[[[[-3, 1]]], [[[3, -1]]]]> : tensor<2x1x1x2xi8>
  %acc = n2uq.conv2d %codes, %odd : tensor<?x4x4x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32> loc("conv2")
  %sacc = arith.constant dense<[0.12345678, -3.3]> : tensor<2xf32>
  %10 = n2uq.affine %acc scale(%sacc : tensor<2xf32>) : tensor<?x4x4x2xi32> -> tensor<?x4x4x2xf32> loc("conv2")
  // Even weights are signed levels; the bias is one number per output.
  %even = arith.constant dense<[[[[-128], [7]]], [[[0], [2]]]]> : tensor<2x1x2x1xi8>
  %acc2 = n2uq.conv2d %codes, %even padding = [0, 0, 1, 0] groups = 2 : tensor<?x4x4x2xui2>, tensor<2x1x2x1xi8> -> tensor<?x4x4x2xi32> loc("conv3")
  %sacc2 = arith.constant dense<0.1> : tensor<1xf32>
  %oacc2 = arith.constant dense<[0.7, 0.9]> : tensor<2xf32>
  %11 = n2uq.affine %acc2 scale(%sacc2 : tensor<1xf32>) offset(%oacc2 : tensor<2xf32>) : tensor<?x4x4x2xi32> -> tensor<?x4x4x2xf32> loc("conv3")
  // Scales that Quant cannot carry, and an offset for all channels.
  %bin = arith.constant dense<[[[[-1, 1]]], [[[1, -1]]]]> : tensor<2x1x1x2xi8>
  %acc3 = n2uq.conv2d %codes, %bin : tensor<?x4x4x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32> loc("conv4")
  %sacc3 = arith.constant dense<[0.0, 1.0e-40]> : tensor<2xf32>
  %oacc3 = arith.constant dense<0.7> : tensor<1xf32>
  %12 = n2uq.affine %acc3 scale(%sacc3 : tensor<2xf32>) offset(%oacc3 : tensor<1xf32>) : tensor<?x4x4x2xi32> -> tensor<?x4x4x2xf32> loc("conv4")
  // Accumulators as they are.
  %acc4 = n2uq.conv2d %codes, %bin : tensor<?x4x4x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32> loc("conv5")
  %13 = n2uq.affine %acc4 : tensor<?x4x4x2xi32> -> tensor<?x4x4x2xf32> loc("conv5")
  %14 = n2uq.add %10, %11 : tensor<?x4x4x2xf32> loc("add1")
  %15 = n2uq.add %14, %12 : tensor<?x4x4x2xf32> loc("add2")
  %16 = n2uq.add %15, %13 : tensor<?x4x4x2xf32> loc("add3")

  // Thresholds of each channel; codes that are pooled, scaled, shifted, and flattened.
  %tc = arith.constant dense<[[0xFF800000], [1.0]]> : tensor<2x1xf32>
  %codes1 = n2uq.quantize %16, %tc : tensor<?x4x4x2xf32>, tensor<2x1xf32> -> tensor<?x4x4x2xui1> loc("quan2")
  %pooled = n2uq.max_pool %codes1 kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x2xui1> -> tensor<?x2x2x2xui1>
  %sc = arith.constant dense<[0.3, 0.6]> : tensor<2xf32>
  %17 = n2uq.affine %pooled scale(%sc : tensor<2xf32>) : tensor<?x2x2x2xui1> -> tensor<?x2x2x2xf32> loc("scaled")
  %oc = arith.constant dense<-0.0> : tensor<1xf32>
  %18 = n2uq.affine %pooled offset(%oc : tensor<1xf32>) : tensor<?x2x2x2xui1> -> tensor<?x2x2x2xf32> loc("shifted")
  %both = n2uq.affine %pooled scale(%sc : tensor<2xf32>) offset(%oc : tensor<1xf32>) : tensor<?x2x2x2xui1> -> tensor<?x2x2x2xf32> loc("both")
  %19 = n2uq.add %17, %18 : tensor<?x2x2x2xf32>
  %20 = n2uq.add %19, %both : tensor<?x2x2x2xf32>
  %21 = n2uq.avg_pool %20 kernel = [1, 2] strides = [1, 2] : tensor<?x2x2x2xf32> -> tensor<?x2x1x2xf32>
  %22 = n2uq.avg_pool %21 kernel = [2, 1] : tensor<?x2x1x2xf32> -> tensor<?x1x1x2xf32> loc("avgpool")
  %23 = n2uq.flatten %22 : tensor<?x1x1x2xf32> -> tensor<?x2xf32> loc("flatten")

  // Fully connected layers, one with its bias; two dimensions have channels too.
  %fc1 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %24 = n2uq.fully_connected %23, %fc1 : tensor<?x2xf32>, tensor<3x2xf32> -> tensor<?x3xf32> loc("fc1")
  %t2 = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 0x7F800000]]> : tensor<3x4xf32>
  %25 = n2uq.quantize %24, %t2 : tensor<?x3xf32>, tensor<3x4xf32> -> tensor<?x3xui4> loc("quan3")
  %s2 = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %26 = n2uq.affine %25 scale(%s2 : tensor<3xf32>) offset(%s2 : tensor<3xf32>) : tensor<?x3xui4> -> tensor<?x3xf32> loc("bn2")
  %27 = n2uq.prelu %26, %s2 : tensor<?x3xf32>, tensor<3xf32>
  %fc2 = arith.constant dense<0.5> : tensor<5x3xf32>
  %28 = n2uq.fully_connected %27, %fc2 : tensor<?x3xf32>, tensor<5x3xf32> -> tensor<?x5xf32> loc("fc2")
  %fcb = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
  %29 = n2uq.affine %28 offset(%fcb : tensor<5xf32>) : tensor<?x5xf32> -> tensor<?x5xf32> loc("fc2")
  return %29 : tensor<?x5xf32>
}
