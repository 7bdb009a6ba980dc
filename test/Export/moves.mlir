// Ops that move elements are exported as what moves elements in ONNX, and import to the same ops: padding in front and behind as
// Pad, other lists as Gather, neighbours of which become one op again.
// RUN: n2uq-translate --export-onnx %s -o %t.onnx
// RUN: n2uq-translate --import-onnx %t.onnx -o %t.mlir
// RUN: n2uq-opt --cse %s > %t.before
// RUN: n2uq-opt --cse %t.mlir > %t.after
// RUN: diff %t.before %t.after
// Once more, names and all.
// RUN: n2uq-translate --export-onnx %t.mlir -o %t.2.onnx
// RUN: cmp %t.onnx %t.2.onnx

func.func @main(%input: tensor<?x48xf32> {n2uq.name = "input"}) -> (tensor<?x200xf32> {n2uq.name = "output"}) {
  %0 = n2uq.unflatten %input : tensor<?x48xf32> -> tensor<?x4x4x3xf32> loc("image")
  %1 = n2uq.gather %0 rows = [-1, 0, 1, 2, 3, -1, -1] columns = [3, -1, 0, 0] channels = [2, 0] fill = 1.500000e+00 : tensor<?x4x4x3xf32> -> tensor<?x7x4x2xf32> loc("all")
  %2 = n2uq.sigmoid %1 : tensor<?x7x4x2xf32> loc("sigmoid")
  %3 = n2uq.gather %2 rows = [0, 0, 1, 1, 2] : tensor<?x7x4x2xf32> -> tensor<?x5x4x2xf32> loc("rows")
  %t = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %4 = n2uq.quantize %3, %t : tensor<?x5x4x2xf32>, tensor<1x3xf32> -> tensor<?x5x4x2xui2> loc("quan")
  %5 = n2uq.gather %4 columns = [-1, 0, 1, 2, 3] fill = 2.000000e+00 : tensor<?x5x4x2xui2> -> tensor<?x5x5x2xui2> loc("pad")
  %6 = n2uq.concat %5, %5, %5, %5 : tensor<?x5x5x2xui2>, tensor<?x5x5x2xui2>, tensor<?x5x5x2xui2>, tensor<?x5x5x2xui2> -> tensor<?x5x5x8xui2> loc("join")
  %7 = n2uq.flatten %6 : tensor<?x5x5x8xui2> -> tensor<?x200xui2> loc("flatten")
  %8 = n2uq.affine %7 : tensor<?x200xui2> -> tensor<?x200xf32> loc("flatten")
  return %8 : tensor<?x200xf32>
}
