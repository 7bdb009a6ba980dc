// RUN: n2uq-reduce %s --reduction-tree="traversal-mode=0 test=%S/Inputs/has-two-sided-threshold.sh" | FileCheck %s
//
// What the script does not ask for goes.

// CHECK-NOT: @nothing_to_see
// CHECK-LABEL: @culprit
// CHECK: n2uq.two_sided_threshold
// CHECK-NOT: @nothing_to_see
func.func @nothing_to_see(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = n2uq.add %x, %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

func.func @culprit(%acc: tensor<?x8xi32>, %base: tensor<8xi32>, %t: tensor<8x3xi32>) -> tensor<?x8xui2> {
  %0 = n2uq.two_sided_threshold %acc, %base, %t, %t
      : tensor<?x8xi32>, tensor<8xi32>, tensor<8x3xi32>, tensor<8x3xi32> -> tensor<?x8xui2>
  return %0 : tensor<?x8xui2>
}

func.func @nothing_to_see_either() {
  return
}
