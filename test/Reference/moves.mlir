// The reference on ops that gather, join and unflatten, and on the sigmoid, against numbers computed by hand.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t

// RUN: %{make} %t/x.npy f4 2x2x1x2 range
// RUN: %{run} --function=gather_floats --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=GATHER-FLOATS
// RUN: %{run} --function=concat --input=input=%t/x.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=CONCAT
// RUN: %{make} %t/codes.npy u1 1x2x2x1 0 1 2 3
// RUN: %{run} --function=gather_codes --input=input=%t/codes.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=GATHER-CODES
// RUN: %{make} %t/row.npy f4 1x8 range
// RUN: %{run} --function=unflatten --input=input=%t/row.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=UNFLATTEN
// RUN: %{make} %t/z.npy f4 1x8 0 -0.0 1 -1 100 -inf inf nan
// RUN: %{run} --function=sigmoid --input=input=%t/z.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=SIGMOID

// Rows change places, a column of numbers stands beside the only one, channel 1 is there twice.
// GATHER-FLOATS: float32 2x2x2x3 3.0 2.0 3.0 9.0 9.0 9.0 1.0 0.0 1.0 9.0 9.0 9.0 7.0 6.0 7.0 9.0 9.0 9.0 5.0 4.0 5.0 9.0 9.0 9.0
func.func @gather_floats(%x: tensor<?x2x1x2xf32>) -> tensor<?x2x2x3xf32> {
  %0 = n2uq.gather %x rows = [1, 0] columns = [0, -1] channels = [1, 0, 1] fill = 9.0 : tensor<?x2x1x2xf32> -> tensor<?x2x2x3xf32>
  return %0 : tensor<?x2x2x3xf32>
}

// GATHER-CODES: uint8 1x3x2x1 2 2 0 1 2 3
func.func @gather_codes(%x: tensor<?x2x2x1xui2>) -> tensor<?x3x2x1xui2> {
  %0 = n2uq.gather %x rows = [-1, 0, 1] fill = 2.0 : tensor<?x2x2x1xui2> -> tensor<?x3x2x1xui2>
  return %0 : tensor<?x3x2x1xui2>
}

// CONCAT: float32 2x2x1x4 0.0 1.0 0.0 1.0 2.0 3.0 2.0 3.0 4.0 5.0 4.0 5.0 6.0 7.0 6.0 7.0
func.func @concat(%x: tensor<?x2x1x2xf32>) -> tensor<?x2x1x4xf32> {
  %0 = n2uq.concat %x, %x : tensor<?x2x1x2xf32>, tensor<?x2x1x2xf32> -> tensor<?x2x1x4xf32>
  return %0 : tensor<?x2x1x4xf32>
}

// Features in the order of channels, rows, columns.
// UNFLATTEN: float32 1x2x2x2 0.0 4.0 1.0 5.0 2.0 6.0 3.0 7.0
func.func @unflatten(%x: tensor<?x8xf32>) -> tensor<?x2x2x2xf32> {
  %0 = n2uq.unflatten %x : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
  return %0 : tensor<?x2x2x2xf32>
}

// 0x1.76c4eep-1 and 0x1.12766p-2 are next to 1 / (1 + exp(-1)) and 1 / (1 + exp(1)); exp(-87) is what is least.
// SIGMOID: float32 1x8 0.5 0.5 0.7310585975646973 0.2689414322376251 1.0 {{1.6[0-9]*e-38}} 1.0 nan
func.func @sigmoid(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = n2uq.sigmoid %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
