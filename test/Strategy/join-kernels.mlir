// RUN: n2uq-opt %s --n2uq-join-kernels=target-cpu=znver4 --split-input-file | FileCheck %s --check-prefixes=CHECK,VBMI
// RUN: n2uq-opt %s --n2uq-join-kernels=target-cpu=znver4 --split-input-file | n2uq-opt --split-input-file --n2uq-select-strategy=target-cpu=znver4 --n2uq-pack-weights --n2uq-verify-strategy | FileCheck %s --check-prefix=PACKED
// RUN: n2uq-opt %s --n2uq-join-kernels=target-cpu=x86-64-v3 --split-input-file | FileCheck %s --check-prefixes=CHECK,V3

// The floats of the first convolution would go through memory; joined, both are roots of one kernel, named after both. Only
// lookups compute two roots, so a CPU without them keeps them apart.
// CHECK-LABEL: @residual
//        VBMI: n2uq.conv2d
//    VBMI-NOT: n2uq.yield
//        VBMI: n2uq.conv2d
//        VBMI: n2uq.add
//        VBMI: n2uq.yield
//    VBMI-NOT: n2uq.kernel
//          V3: n2uq.kernel
//          V3: n2uq.kernel
// PACKED-LABEL: @residual
//      PACKED: n2uq.kernel strategy = <kernel = lookup
//      PACKED: n2uq.packed_lookup_conv2d
//      PACKED: n2uq.packed_lookup_conv2d
func.func @residual(%a: tensor<?x56x56x64xui2>, %b: tensor<?x56x56x32xui2>) -> tensor<?x56x56x256xf32> {
  %v = arith.constant dense<1> : tensor<256x1x1x64xi8>
  %w = arith.constant dense<-3> : tensor<256x1x1x32xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel -> tensor<?x56x56x256xf32> {
    %acc = n2uq.conv2d %a, %v : tensor<?x56x56x64xui2>, tensor<256x1x1x64xi8> -> tensor<?x56x56x256xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x56x56x256xi32> -> tensor<?x56x56x256xf32>
    n2uq.yield %y : tensor<?x56x56x256xf32>
  }
  %1 = n2uq.kernel -> tensor<?x56x56x256xf32> {
    %acc = n2uq.conv2d %b, %w : tensor<?x56x56x32xui2>, tensor<256x1x1x32xi8> -> tensor<?x56x56x256xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x56x56x256xi32> -> tensor<?x56x56x256xf32>
    %z = n2uq.add %0, %y : tensor<?x56x56x256xf32>
    n2uq.yield %z : tensor<?x56x56x256xf32>
  }
  return %1 : tensor<?x56x56x256xf32>
}

// -----

// Floats that somebody else reads, too, have to be in memory.
// CHECK-LABEL: @read_twice
//       CHECK: n2uq.kernel
//       CHECK: n2uq.kernel
func.func @read_twice(%a: tensor<?x56x56x64xui2>) -> (tensor<?x56x56x256xf32>, tensor<?x56x56x256xf32>) {
  %v = arith.constant dense<1> : tensor<256x1x1x64xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = n2uq.kernel -> tensor<?x56x56x256xf32> {
    %acc = n2uq.conv2d %a, %v : tensor<?x56x56x64xui2>, tensor<256x1x1x64xi8> -> tensor<?x56x56x256xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x56x56x256xi32> -> tensor<?x56x56x256xf32>
    n2uq.yield %y : tensor<?x56x56x256xf32>
  }
  %1 = n2uq.kernel -> tensor<?x56x56x256xf32> {
    %acc = n2uq.conv2d %a, %v : tensor<?x56x56x64xui2>, tensor<256x1x1x64xi8> -> tensor<?x56x56x256xi32>
    %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x56x56x256xi32> -> tensor<?x56x56x256xf32>
    %z = n2uq.add %0, %y : tensor<?x56x56x256xf32>
    n2uq.yield %z : tensor<?x56x56x256xf32>
  }
  return %0, %1 : tensor<?x56x56x256xf32>, tensor<?x56x56x256xf32>
}
