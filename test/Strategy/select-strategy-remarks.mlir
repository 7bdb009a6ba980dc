// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=znver4 --remarks-filter-passed="n2uq-strategy" -o %t 2>&1 | FileCheck %s
//
// The choice is reported with its cost and the runner-up.
// CHECK: remark: [Passed] SelectStrategy | Category:n2uq-strategy | cycles={{[0-9]+}}, kernel=direct_dot, runner-up=portable, runner-up cycles={{[0-9]+}}
func.func @convolution(%codes: tensor<?x8x8x64xui2>, %w: tensor<64x3x3x64xi8>, %t: tensor<64x3xi32>) -> tensor<?x8x8x64xui2> {
  %0 = n2uq.kernel -> tensor<?x8x8x64xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x8x8x64xui2>, tensor<64x3x3x64xi8> -> tensor<?x8x8x64xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<64x3xi32> -> tensor<?x8x8x64xui2>
    n2uq.yield %q : tensor<?x8x8x64xui2>
  }
  return %0 : tensor<?x8x8x64xui2>
}
