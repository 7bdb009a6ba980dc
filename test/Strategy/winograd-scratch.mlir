// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=znver4 | FileCheck %s
// RUN: not n2uq-opt %s --n2uq-select-strategy="target-cpu=znver4 force-kernel=winograd" 2>&1 | FileCheck %s --check-prefix=FORCED

// A tile of so many channels has no room in scratch memory: another family takes the layer.
// FORCED: error: no layer can be computed by 'winograd': {{.*}} (a tile of its channels needs more than 1048576 bytes)
// CHECK-LABEL: @many_channels
//   CHECK-NOT: winograd
//       CHECK: n2uq.kernel strategy
func.func @many_channels(%codes: tensor<?x4x4x66000xui2>) -> tensor<?x4x4x1xui2> {
  %w = arith.constant dense<1> : tensor<1x3x3x66000xi8>
  %t = arith.constant dense<7> : tensor<1x3xi32>
  %0 = n2uq.kernel -> tensor<?x4x4x1xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x4x4x66000xui2>, tensor<1x3x3x66000xi8> -> tensor<?x4x4x1xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x4x4x1xi32>, tensor<1x3xi32> -> tensor<?x4x4x1xui2>
    n2uq.yield %q : tensor<?x4x4x1xui2>
  }
  return %0 : tensor<?x4x4x1xui2>
}
