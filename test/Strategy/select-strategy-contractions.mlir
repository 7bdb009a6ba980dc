// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=znver4 | FileCheck %s --check-prefixes=CHECK,ZEN
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=znver5 | FileCheck %s --check-prefixes=CHECK,ZEN
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=icelake-server | FileCheck %s --check-prefixes=CHECK,ICELAKE
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,NO-VNNI
// RUN: n2uq-opt %s --n2uq-select-strategy=target-cpu=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,NO-VNNI
//
// Which of the families of convolutions a layer gets depends on its numbers and on the ports of the CPU.

// Lookup tables for small odd weights where there is a permutation of 64 bytes.
// CHECK-LABEL: @two_bits
//         ZEN: strategy = <kernel = lookup,
//     ICELAKE: strategy = <kernel = lookup,
//     NO-VNNI: strategy = <kernel = {{direct|narrow}}_dot,
func.func @two_bits(%codes: tensor<?x14x14x256xui2>, %t: tensor<1x3xi32>) -> tensor<?x14x14x256xui2> {
  %w = arith.constant dense<3> : tensor<256x1x1x256xi8>
  %0 = n2uq.kernel -> tensor<?x14x14x256xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x14x14x256xui2>, tensor<256x1x1x256xi8> -> tensor<?x14x14x256xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x14x14x256xi32>, tensor<1x3xi32> -> tensor<?x14x14x256xui2>
    n2uq.yield %q : tensor<?x14x14x256xui2>
  }
  return %0 : tensor<?x14x14x256xui2>
}

// Two additions and one dot product are faster than two dot products only where additions have other ports.
// CHECK-LABEL: @four_bits
//         ZEN: strategy = <kernel = inner_product,
//     ICELAKE: strategy = <kernel = direct_dot,
//     NO-VNNI: strategy = <kernel = {{direct|narrow}}_dot,
func.func @four_bits(%codes: tensor<?x14x14x256xui4>, %t: tensor<1x3xi32>) -> tensor<?x14x14x256xui2> {
  %w = arith.constant dense<15> : tensor<256x1x1x256xi8>
  %0 = n2uq.kernel -> tensor<?x14x14x256xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x14x14x256xui4>, tensor<256x1x1x256xi8> -> tensor<?x14x14x256xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x14x14x256xi32>, tensor<1x3xi32> -> tensor<?x14x14x256xui2>
    n2uq.yield %q : tensor<?x14x14x256xui2>
  }
  return %0 : tensor<?x14x14x256xui2>
}

// Wide weights leave no room for sums.
// CHECK-LABEL: @eight_bits
//       CHECK: strategy = <kernel = {{direct|narrow}}_dot,
func.func @eight_bits(%codes: tensor<?x14x14x256xui8>, %t: tensor<1x3xi32>) -> tensor<?x14x14x256xui2> {
  %w = arith.constant dense<101> : tensor<256x1x1x256xi8>
  %0 = n2uq.kernel -> tensor<?x14x14x256xui2> {
    %acc = n2uq.conv2d %codes, %w : tensor<?x14x14x256xui8>, tensor<256x1x1x256xi8> -> tensor<?x14x14x256xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x14x14x256xi32>, tensor<1x3xi32> -> tensor<?x14x14x256xui2>
    n2uq.yield %q : tensor<?x14x14x256xui2>
  }
  return %0 : tensor<?x14x14x256xui2>
}
