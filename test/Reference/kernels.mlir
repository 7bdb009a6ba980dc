// The reference inside a kernel: values of the body report as those outside do, and several results leave it. The codes of
// quantizers with a name are dumped, those of others are not.
//
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %S/Inputs/npy.py make %t/x.npy u1 2x1x2x1 0 1 2 3
// RUN: n2uq-translate --interpret %s --input=input=%t/x.npy --output-dir=%t/out --dump-codes
// RUN: ls %t/out | FileCheck %s --check-prefix=FILES
// RUN: %python %S/Inputs/npy.py show %t/out/layer1.0.quan1.npy %t/out/layer1.0.quan2.npy %t/out/acc.npy %t/out/output1.npy | FileCheck %s
//
// The same in two steps: what a kernel gives is used behind it.
// RUN: n2uq-translate --interpret %s --function=two_kernels --input=input=%t/x.npy --output-dir=%t/two
// RUN: %python %S/Inputs/npy.py show %t/two/output.npy | FileCheck %s --check-prefix=TWO

// FILES: acc.npy
// FILES-NEXT: layer1.0.quan1.npy
// FILES-NEXT: layer1.0.quan2.npy
// FILES-NEXT: output1.npy
// FILES-NOT: {{.}}

// CHECK: uint8 2x1x2x1 0 1 2 3
// CHECK: uint8 2x1x2x1 1 1 0 0
// CHECK: int32 2x1x2x1 0 3 6 9
// CHECK: uint8 2x1x2x1 1 1 0 0
func.func @main(%x: tensor<?x1x2x1xui2>) -> (tensor<?x1x2x1xi32> {n2uq.name = "acc"}, tensor<?x1x2x1xui1>) {
  %w = arith.constant dense<3> : tensor<1x1x1x1xi8>
  %t = arith.constant dense<[[1, 5, 7]]> : tensor<1x3xi32>
  %base = arith.constant dense<[1]> : tensor<1xi32>
  %up = arith.constant dense<[[2147483647]]> : tensor<1x1xi32>
  %down = arith.constant dense<[[4]]> : tensor<1x1xi32>
  %k:2 = n2uq.kernel -> tensor<?x1x2x1xi32>, tensor<?x1x2x1xui1> {
    %acc = n2uq.conv2d %x, %w : tensor<?x1x2x1xui2>, tensor<1x1x1x1xi8> -> tensor<?x1x2x1xi32> loc("layer1.0.conv1")
    %q1 = n2uq.threshold %acc, %t : tensor<?x1x2x1xi32>, tensor<1x3xi32> -> tensor<?x1x2x1xui2> loc("layer1.0.quan1")
    %q2 = n2uq.two_sided_threshold %acc, %base, %up, %down : tensor<?x1x2x1xi32>, tensor<1xi32>, tensor<1x1xi32>, tensor<1x1xi32> -> tensor<?x1x2x1xui1> loc("layer1.0.quan2")
    %q3 = n2uq.threshold %acc, %t : tensor<?x1x2x1xi32>, tensor<1x3xi32> -> tensor<?x1x2x1xui2>
    n2uq.yield %acc, %q2 : tensor<?x1x2x1xi32>, tensor<?x1x2x1xui1>
  }
  return %k#0, %k#1 : tensor<?x1x2x1xi32>, tensor<?x1x2x1xui1>
}

// TWO: float32 2x1x2x1 0.0 6.0 12.0 18.0
func.func @two_kernels(%x: tensor<?x1x2x1xui2>) -> tensor<?x1x2x1xf32> {
  %w = arith.constant dense<3> : tensor<1x1x1x1xi8>
  %s = arith.constant dense<2.0> : tensor<1xf32>
  %k = n2uq.kernel -> tensor<?x1x2x1xi32> {
    %acc = n2uq.conv2d %x, %w : tensor<?x1x2x1xui2>, tensor<1x1x1x1xi8> -> tensor<?x1x2x1xi32>
    n2uq.yield %acc : tensor<?x1x2x1xi32>
  }
  %l = n2uq.kernel -> tensor<?x1x2x1xf32> {
    %y = n2uq.affine %k scale(%s : tensor<1xf32>) : tensor<?x1x2x1xi32> -> tensor<?x1x2x1xf32>
    n2uq.yield %y : tensor<?x1x2x1xf32>
  }
  return %l : tensor<?x1x2x1xf32>
}
