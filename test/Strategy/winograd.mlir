// The packed filter is the transform of the filter, by the reference's reading of both: whatever the algorithm, the network
// computes the same. Weights of 3 at the points 2 and -2 reach 147 and are halved there.
//
// RUN: n2uq-opt %s --n2uq-pack-weights | FileCheck %s
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python -c "import numpy as np; np.save('%t/x.npy', np.random.default_rng(1).integers(0, 4, (2, 6, 5, 3)).astype(np.uint8))"
// RUN: n2uq-translate --interpret %s --input=input=%t/x.npy --output-dir=%t/plain
// RUN: n2uq-opt %s --n2uq-pack-weights -o %t/packed.mlir
// RUN: n2uq-translate --interpret %t/packed.mlir --input=input=%t/x.npy --output-dir=%t/packed
// RUN: %python -c "import numpy as np; s = [[np.load('%t/' + d + '/' + f + '.npy') for d in ('plain', 'packed')] for f in ('large', 'small')]; assert all(a.shape == (2, 6, 5, 2) and len(np.unique(a)) > 9 and (a == b).all() for a, b in s)"

// CHECK-LABEL: @main
//       CHECK: n2uq.packed_winograd_conv2d %{{.*}}, %{{.*}} outputs = [4, 3] halved = [18] padding = [1, 1, 1, 1] : tensor<?x6x5x3xui2>, tensor<1x30x4x8x4xi8> -> tensor<?x6x5x2xi32>
//       CHECK: n2uq.packed_winograd_conv2d %{{.*}}, %{{.*}} outputs = [2, 2] padding = [1, 1, 1, 1] : tensor<?x6x5x3xui2>, tensor<1x16x4x8x4xi8>
func.func @main(%codes: tensor<?x6x5x3xui2> {n2uq.name = "input"}) -> (tensor<?x6x5x2xi32> {n2uq.name = "large"}, tensor<?x6x5x2xi32> {n2uq.name = "small"}) {
  %w = arith.constant dense<[[[[3, -3, 1], [3, 1, -1], [3, 3, -3]], [[3, -1, 1], [3, 3, 3], [3, -3, -1]], [[3, 1, -3], [3, 1, 1], [3, 3, 3]]],
                             [[[1, 3, 1], [-1, -3, 1], [3, -1, 3]], [[-3, 1, 1], [1, 1, -3], [1, 3, -1]], [[3, -1, 3], [-3, 3, 1], [1, -1, 3]]]]> : tensor<2x3x3x3xi8>
  %t = arith.constant dense<[[0, 5, 11]]> : tensor<1x3xi32>
  %0:2 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 8, tile = [4, 3, 4, 1]> -> tensor<?x6x5x2xi32>, tensor<?x6x5x2xui2> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x6x5x3xui2>, tensor<2x3x3x3xi8> -> tensor<?x6x5x2xi32>
    %q = n2uq.threshold %acc, %t : tensor<?x6x5x2xi32>, tensor<1x3xi32> -> tensor<?x6x5x2xui2>
    n2uq.yield %acc, %q : tensor<?x6x5x2xi32>, tensor<?x6x5x2xui2>
  }
  %1 = n2uq.kernel strategy = #n2uq.strategy<kernel = winograd, lanes = 8, tile = [2, 2, 6, 1]> -> tensor<?x6x5x2xi32> {
    %acc = n2uq.conv2d %codes, %w padding = [1, 1, 1, 1] : tensor<?x6x5x3xui2>, tensor<2x3x3x3xi8> -> tensor<?x6x5x2xi32>
    n2uq.yield %acc : tensor<?x6x5x2xi32>
  }
  return %0#0, %1 : tensor<?x6x5x2xi32>, tensor<?x6x5x2xi32>
}
