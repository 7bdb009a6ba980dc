// RUN: n2uq-opt %s --pass-pipeline="builtin.module(func.func(n2uq-integerize-thresholds{max-evaluations=40}))" \
// RUN:   --remarks-filter=n2uq-integerize-thresholds 2>&1 | FileCheck %s
// Where a tail cannot become integers it stays as it is, and the quantizer says why.

// CHECK-DAG: remark: [Missed] FloatTail{{.*}}the proof would evaluate 1 operations for 61 accumulators, and max-evaluations is 40
// CHECK-DAG: remark: [Missed] FloatTail{{.*}}the accumulator's range is unknown
// CHECK-DAG: remark: [Missed] FloatTail{{.*}}a parameter of the tail is not constant
// CHECK-DAG: remark: [Missed] FloatTail{{.*}}more often than two-sided thresholds hold

// CHECK-LABEL: @too_many_evaluations
// CHECK: n2uq.quantize {{.*}} {n2uq.float_tail = "the proof would evaluate 1 operations for 61 accumulators, and max-evaluations is 40"}
func.func @too_many_evaluations(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[10, -10]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// CHECK-LABEL: @dynamic_weights
// CHECK: n2uq.quantize {{.*}}n2uq.float_tail
func.func @dynamic_weights(%codes: tensor<?x4x4x2xui2>, %filter: tensor<1x1x1x2xi8>) -> tensor<?x4x4x1xui2> {
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// CHECK-LABEL: @dynamic_scale
// CHECK: n2uq.quantize {{.*}}n2uq.float_tail
func.func @dynamic_scale(%codes: tensor<?x4x4x2xui2>, %s: tensor<1xf32>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// Two PReLUs: | |acc| - 2 | is 1 0 1 2 1 0 1, which reaches 1.5 once and 0.5 three times.
// CHECK-LABEL: @zigzag
// CHECK: n2uq.quantize {{.*}}n2uq.float_tail
func.func @zigzag(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui1> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %p = arith.constant dense<-1.0> : tensor<1xf32>
  %o = arith.constant dense<-2.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5]]> : tensor<1x1xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %y = n2uq.prelu %x, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %z = n2uq.affine %y offset(%o : tensor<1xf32>) : tensor<?x4x4x1xf32> -> tensor<?x4x4x1xf32>
  %u = n2uq.prelu %z, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x1xf32> -> tensor<?x4x4x1xui1>
  return %q : tensor<?x4x4x1xui1>
}
