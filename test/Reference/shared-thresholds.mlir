// The reference on codes of a shared axis, against codes counted by hand.
//
// An axis of 16 bits in 32 cells of 2048, thresholds at -3000 and 100: cell 30 (from -4096) holds the first, cell 0 the second.
//   cell 30: 1 * 4096 + 3000 = 7096     cells below: 0 * 4096 - start, modulo 2^16
//   cell 31: 1 * 4096 + 2048 = 6144     cell 0: 2 * 4096 - 100 = 8092     cells above: 2 * 4096 - start
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/Inputs/npy.py make
// DEFINE: %{show} = %python %S/Inputs/npy.py show
// DEFINE: %{run} = n2uq-translate --interpret %s --output-dir=%t
// RUN: %{make} %t/acc.npy i4 2x1x1x4 -3001 -3000 99 100 -2147483648 2147483647 -2049 2048
// RUN: %{run} --function=one_line --input=input=%t/acc.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=ONE-LINE
// RUN: %{make} %t/turn.npy i4 4x1x1x2 0 0 150 50 -50 -150 200 -200
// RUN: %{run} --function=two_lines --input=input=%t/turn.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=TWO-LINES
// RUN: %{run} --function=signs --input=input=%t/turn.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=SIGNS
// RUN: %{run} --function=one_sign --input=input=%t/turn.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=ONE-SIGN
// RUN: %{make} %t/z.npy f4 4 -3000.5 -3000.4 99.5 98.5
// RUN: %{run} --function=cell_codes --input=input=%t/z.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=CELL-CODES
// RUN: %{make} %t/i.npy i4 4 3 0 -1 6
// RUN: %{run} --function=permute --input=input=%t/i.npy && %{show} %t/output.npy | FileCheck %s --check-prefix=PERMUTE

// Places beyond the axis are held at its ends.
// ONE-LINE: uint8 2x1x1x4 0 1 1 2 0 2 1 2
func.func @one_line(%acc: tensor<?x1x1x4xi32>) -> tensor<?x1x1x4xui3> {
  %scale = arith.constant dense<1.0> : tensor<4x1xf32>
  %offset = arith.constant dense<0.0> : tensor<4x1xf32>
  %table = arith.constant dense<[8092, 6144, 4096, 2048, 0, -2048, -4096, -6144, -8192, -10240, -12288, -14336, -16384, -18432, -20480, -22528,
                                 32768, 30720, 28672, 26624, 24576, 22528, 20480, 18432, 16384, 14336, 12288, 10240, 8192, 6144, 7096, 6144]> : tensor<32xi32>
  %0 = n2uq.shared_threshold %acc, %scale, %offset, %table width = 16 : tensor<?x1x1x4xi32>, tensor<4x1xf32>, tensor<32xi32> -> tensor<?x1x1x4xui3>
  return %0 : tensor<?x1x1x4xui3>
}

// Channel 0: max(acc, -2 * acc); channel 1: max(acc, acc / 2).
// TWO-LINES: uint8 4x1x1x2 1 1 2 1 2 1 2 1
func.func @two_lines(%acc: tensor<?x1x1x2xi32>) -> tensor<?x1x1x2xui3> {
  %scale = arith.constant dense<[[1.0, -2.0], [1.0, 0.5]]> : tensor<2x2xf32>
  %offset = arith.constant dense<0.0> : tensor<2x2xf32>
  %table = arith.constant dense<[8092, 6144, 4096, 2048, 0, -2048, -4096, -6144, -8192, -10240, -12288, -14336, -16384, -18432, -20480, -22528,
                                 32768, 30720, 28672, 26624, 24576, 22528, 20480, 18432, 16384, 14336, 12288, 10240, 8192, 6144, 7096, 6144]> : tensor<32xi32>
  %0 = n2uq.shared_threshold %acc, %scale, %offset, %table width = 16 : tensor<?x1x1x2xi32>, tensor<2x2xf32>, tensor<32xi32> -> tensor<?x1x1x2xui3>
  return %0 : tensor<?x1x1x2xui3>
}

// Channel 0: -max(20 * acc - 120, -20 * acc - 120), at 120, -2880, -880 and -3880; channel 1: max(acc, acc / 2).
// SIGNS: uint8 4x1x1x2 2 1 1 1 1 1 0 1
func.func @signs(%acc: tensor<?x1x1x2xi32>) -> tensor<?x1x1x2xui3> {
  %scale = arith.constant dense<[[20.0, -20.0], [1.0, 0.5]]> : tensor<2x2xf32>
  %offset = arith.constant dense<[[-120.0, -120.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %sign = arith.constant dense<[-1.0, 1.0]> : tensor<2xf32>
  %table = arith.constant dense<[8092, 6144, 4096, 2048, 0, -2048, -4096, -6144, -8192, -10240, -12288, -14336, -16384, -18432, -20480, -22528,
                                 32768, 30720, 28672, 26624, 24576, 22528, 20480, 18432, 16384, 14336, 12288, 10240, 8192, 6144, 7096, 6144]> : tensor<32xi32>
  %0 = n2uq.shared_threshold %acc, %scale, %offset, %table sign(%sign : tensor<2xf32>) width = 16 : tensor<?x1x1x2xi32>, tensor<2x2xf32>, tensor<32xi32> -> tensor<?x1x1x2xui3>
  return %0 : tensor<?x1x1x2xui3>
}

// Both channels: -max(-100 * acc - 50, 100 * acc - 50), a hill whose top at 50 is between the thresholds.
// ONE-SIGN: uint8 4x1x1x2 1 1 0 0 0 0 0 0
func.func @one_sign(%acc: tensor<?x1x1x2xi32>) -> tensor<?x1x1x2xui3> {
  %scale = arith.constant dense<[[-100.0, 100.0], [-100.0, 100.0]]> : tensor<2x2xf32>
  %offset = arith.constant dense<-50.0> : tensor<2x2xf32>
  %sign = arith.constant dense<-1.0> : tensor<1xf32>
  %table = arith.constant dense<[8092, 6144, 4096, 2048, 0, -2048, -4096, -6144, -8192, -10240, -12288, -14336, -16384, -18432, -20480, -22528,
                                 32768, 30720, 28672, 26624, 24576, 22528, 20480, 18432, 16384, 14336, 12288, 10240, 8192, 6144, 7096, 6144]> : tensor<32xi32>
  %0 = n2uq.shared_threshold %acc, %scale, %offset, %table sign(%sign : tensor<1xf32>) width = 16 : tensor<?x1x1x2xi32>, tensor<2x2xf32>, tensor<32xi32> -> tensor<?x1x1x2xui3>
  return %0 : tensor<?x1x1x2xui3>
}

// A tie goes to the even number: -3000.5 to -3000, 99.5 to 100, 98.5 to 98.
// CELL-CODES: int8 8 1 1 2 1 1 1 2 1
func.func @cell_codes(%z: vector<4xf32>) -> vector<8xi8> {
  %0 = n2uq.cell_codes %z, %z width = 16 table = [8092, 6144, 4096, 2048, 0, -2048, -4096, -6144, -8192, -10240, -12288, -14336, -16384, -18432, -20480, -22528,
      32768, 30720, 28672, 26624, 24576, 22528, 20480, 18432, 16384, 14336, 12288, 10240, 8192, 6144, 7096, 6144] : (vector<4xf32>, vector<4xf32>) -> vector<8xi8>
  return %0 : vector<8xi8>
}

// The index counts modulo the elements.
// PERMUTE: float32 4 13.0 10.0 13.0 12.0
func.func @permute(%i: vector<4xi32>) -> vector<4xf32> {
  %table = arith.constant dense<[10.0, 11.0, 12.0, 13.0]> : vector<4xf32>
  %0 = n2uq.permute %table, %i : vector<4xf32>, vector<4xi32>
  return %0 : vector<4xf32>
}
