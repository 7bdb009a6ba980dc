// Products of sums want more room in a byte than products: where a layer's weights leave none they are refused, whether they
// are packed yet or not; and blocks of outputs have more than one vector.
//
// RUN: not n2uq-opt %s --split-input-file --n2uq-pack-weights 2>&1 | FileCheck %s --check-prefix=PLAIN
// PLAIN: error: 'n2uq.kernel' op cannot be computed by 'winograd_sums': F(2,3)xF(2,3): transformed weights reach [0, 90] and are not all odd, codes of their position [0, 60]
//
// RUN: sed 's/winograd_sums/winograd/' %s | n2uq-opt --split-input-file --n2uq-pack-weights | sed 's/kernel = winograd/kernel = winograd_sums/' > %t.mlir
// RUN: not n2uq-opt %t.mlir --split-input-file --n2uq-verify-strategy 2>&1 | FileCheck %s --check-prefix=PACKED
// PACKED: error: 'n2uq.packed_winograd_conv2d' op expects sums of codes and weights of 8 bits, but those of position 5 reach [0, 150]
// PACKED: error: 'n2uq.kernel' op expects vectors, at least two

func.func @sums_leave_a_byte(%codes: tensor<?x8x8x16xui4>) -> tensor<?x8x8x32xui4> {
  %w = arith.constant dense<10> : tensor<32x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x15xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd_sums, lanes = 16, tile = [2, 2, 4, 2]> -> tensor<?x8x8x32xui4> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui4>, tensor<32x3x3x16xi8> -> tensor<?x8x8x32xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x32xi32>, tensor<1x15xi32> -> tensor<?x8x8x32xui4>
    n2uq.yield %q : tensor<?x8x8x32xui4>
  }
  return %0 : tensor<?x8x8x32xui4>
}

// -----

func.func @one_vector(%codes: tensor<?x8x8x16xui2>) -> tensor<?x8x8x20xui2> {
  %w = arith.constant dense<1> : tensor<20x3x3x16xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  %0 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd_sums, lanes = 16, tile = [2, 2, 4, 1]> -> tensor<?x8x8x20xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x16xui2>, tensor<20x3x3x16xi8> -> tensor<?x8x8x20xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x20xi32>, tensor<1x3xi32> -> tensor<?x8x8x20xui2>
    n2uq.yield %q : tensor<?x8x8x20xui2>
  }
  return %0 : tensor<?x8x8x20xui2>
}
