// RUN: n2uq-opt %s --n2uq-integerize-thresholds --canonicalize | FileCheck %s
// RUN: n2uq-opt %s --n2uq-integerize-thresholds --remarks-filter=n2uq-integerize-thresholds -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// One channel, weights 1 and -1, codes 0..3: accumulators -3..3.

// u = acc; u >= 0.5, 1, 2.5  <=>  acc >= 1, 1, 3.
// CHECK-LABEL: @positive
// CHECK: %[[T:.*]] = arith.constant dense<{{\[\[}}1, 1, 3]]> : tensor<1x3xi32>
// CHECK: %[[ACC:.*]] = n2uq.conv2d
// CHECK: n2uq.threshold %[[ACC]], %[[T]] {n2uq.levels = array<f32: 5.000000e-01, 1.000000e+00, 2.500000e+00>}
// CHECK-NOT: n2uq.quantize
// REMARK: Folded{{.*}}one-sided
func.func @positive(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// u = -acc falls: 3 at -3, 2 at -2, 2 at -1 (1 >= 0.5, 1), 0 from 0 on.
// CHECK-LABEL: @negative
// CHECK-DAG: %[[BASE:.*]] = arith.constant dense<3> : tensor<1xi32>
// CHECK-DAG: %[[UP:.*]] = arith.constant dense<2147483647> : tensor<1x1xi32>
// CHECK-DAG: %[[DOWN:.*]] = arith.constant dense<{{\[\[}}-2, 0, 0]]> : tensor<1x3xi32>
// CHECK: n2uq.two_sided_threshold %{{.*}}, %[[BASE]], %[[UP]], %[[DOWN]]
// REMARK: Folded{{.*}}two-sided
func.func @negative(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// u = 0 * acc + 1 reaches 0.5 and 1 (a tie counts), never 2.5.
// CHECK-LABEL: @zero
// CHECK: arith.constant dense<{{\[\[}}-2147483648, -2147483648, 2147483647]]> : tensor<1x3xi32>
// CHECK: n2uq.threshold
func.func @zero(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<0.0> : tensor<1xf32>
  %o = arith.constant dense<1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) offset(%o : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// A slope of -1 makes u = |acc|: 3 2 2 0 2 2 3 over -3..3.
// CHECK-LABEL: @v_shape
// CHECK-DAG: arith.constant dense<3> : tensor<1xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}1, 1, 3]]> : tensor<1x3xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}-2, 0, 0]]> : tensor<1x3xi32>
// CHECK: n2uq.two_sided_threshold
func.func @v_shape(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<1.0> : tensor<1xf32>
  %p = arith.constant dense<-1.0> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %y = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %u = n2uq.prelu %y, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// 3 - |acc|: 0 1 2 3 2 1 0.
// CHECK-LABEL: @lambda_shape
// CHECK-DAG: arith.constant dense<0> : tensor<1xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}-2, -1, 0]]> : tensor<1x3xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}1, 2, 3]]> : tensor<1x3xi32>
// CHECK: n2uq.two_sided_threshold
func.func @lambda_shape(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %p = arith.constant dense<-1.0> : tensor<1xf32>
  %o = arith.constant dense<3.0> : tensor<1xf32>
  %t = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %x = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %y = n2uq.prelu %x, %p : tensor<?x4x4x1xf32>, tensor<1xf32>
  %u = n2uq.affine %y scale(%p : tensor<1xf32>) offset(%o : tensor<1xf32>) : tensor<?x4x4x1xf32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}

// 0 * inf is a NaN, which reaches no threshold, or all of them.
// CHECK-LABEL: @nan
// CHECK-DAG: %[[LOW:.*]] = arith.constant dense<1> : tensor<1x3xi32>
// CHECK-DAG: %[[TOP:.*]] = arith.constant dense<0> : tensor<1x3xi32>
// CHECK-DAG: n2uq.threshold %{{.*}}, %[[LOW]]
// CHECK-DAG: n2uq.threshold %{{.*}}, %[[TOP]]
func.func @nan(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<0x7F800000> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %q2 = n2uq.quantize %u, %t nan_is_top : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q, %q2 : tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2>
}

// Channel 0 rises, channel 1 falls: both take the two-sided form, with as many columns as the worst needs. Thresholds of a
// channel of its own, clamped.
// CHECK-LABEL: @per_channel
// CHECK-DAG: arith.constant dense<[0, 2]> : tensor<2xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}1], [2147483647]]> : tensor<2x1xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}2147483647, 2147483647], [-1, 0]]> : tensor<2x2xi32>
// CHECK: n2uq.two_sided_threshold
func.func @per_channel(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x2xui2> {
  %filter = arith.constant dense<[[[[1, -1]]], [[[1, -1]]]]> : tensor<2x1x1x2xi8>
  %s = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %t = arith.constant dense<[[0.5, 2.5, 2.5], [0.5, 2.0, 3.0]]> : tensor<2x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x4x4x2xi32>
  %y = n2uq.affine %acc scale(%s : tensor<2xf32>) : tensor<?x4x4x2xi32> -> tensor<?x4x4x2xf32>
  %u = n2uq.clamp %y min = 0.0 max = 2.0 : tensor<?x4x4x2xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x2xf32>, tensor<2x3xf32> -> tensor<?x4x4x2xui2>
  return %q : tensor<?x4x4x2xui2>
}

// Each quantizer of one tensor is folded by itself; the floats stay for the third reader.
// CHECK-LABEL: @two_quantizers
// CHECK: %[[ACC:.*]] = n2uq.conv2d
// CHECK: %[[U:.*]] = n2uq.affine %[[ACC]]
// CHECK: n2uq.threshold %[[ACC]]
// CHECK: n2uq.threshold %[[ACC]]
// CHECK: return {{.*}}, %[[U]]
func.func @two_quantizers(%codes: tensor<?x4x4x2xui2>) -> (tensor<?x4x4x1xui2>, tensor<?x4x4x1xui1>, tensor<?x4x4x1xf32>) {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %t2 = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %u = n2uq.affine %acc scale(%s : tensor<1xf32>) : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  %q2 = n2uq.quantize %u, %t2 : tensor<?x4x4x1xf32>, tensor<1x1xf32> -> tensor<?x4x4x1xui1>
  return %q, %q2, %u : tensor<?x4x4x1xui2>, tensor<?x4x4x1xui1>, tensor<?x4x4x1xf32>
}

// The accumulator of a pool is one of its inputs.
// CHECK-LABEL: @max_pool
// CHECK: %[[POOL:.*]] = n2uq.max_pool %{{.*}} : tensor<?x4x4x1xi32>
// CHECK: n2uq.threshold %[[POOL]]
func.func @max_pool(%codes: tensor<?x4x4x2xui2>) -> tensor<?x2x2x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %pool = n2uq.max_pool %acc kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x1xi32> -> tensor<?x2x2x1xi32>
  %u = n2uq.affine %pool : tensor<?x2x2x1xi32> -> tensor<?x2x2x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x2x2x1xf32>, tensor<1x3xf32> -> tensor<?x2x2x1xui2>
  return %q : tensor<?x2x2x1xui2>
}

// Behind the add of two tensors nothing can fold, and that is no failure.
// CHECK-LABEL: @no_fold_behind_add
// CHECK: n2uq.quantize
// CHECK-NOT: n2uq.float_tail
func.func @no_fold_behind_add(%codes: tensor<?x4x4x2xui2>, %x: tensor<?x4x4x1xf32>) -> tensor<?x4x4x1xui2> {
  %filter = arith.constant dense<[[[[1, -1]]]]> : tensor<1x1x1x2xi8>
  %t = arith.constant dense<[[0.5, 1.0, 2.5]]> : tensor<1x3xf32>
  %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<1x1x1x2xi8> -> tensor<?x4x4x1xi32>
  %y = n2uq.affine %acc : tensor<?x4x4x1xi32> -> tensor<?x4x4x1xf32>
  %u = n2uq.add %y, %x : tensor<?x4x4x1xf32>
  %q = n2uq.quantize %u, %t : tensor<?x4x4x1xf32>, tensor<1x3xf32> -> tensor<?x4x4x1xui2>
  return %q : tensor<?x4x4x1xui2>
}
