// What moves elements. Codes move as codes.
// RUN: n2uq-opt %s --split-input-file --convert-tosa-to-n2uq | FileCheck %s

// CHECK-LABEL: func.func @codes_move
// CHECK:         %[[Q:.*]] = n2uq.quantize %arg0
// CHECK:         %[[PAD:.*]] = n2uq.gather %[[Q]] rows = [-1, 0, 1] columns = [0, 1, -1] channels = [0, 1] : tensor<?x2x2x2xui2> -> tensor<?x3x3x2xui2>
// CHECK:         %[[SLICE:.*]] = n2uq.gather %[[PAD]] rows = [1, 2] columns = [0, 1] channels = [1] : tensor<?x3x3x2xui2> -> tensor<?x2x2x1xui2>
// CHECK:         %[[UP:.*]] = n2uq.gather %[[SLICE]] rows = [0, 0, 1, 1] columns = [0, 0, 1, 1] : tensor<?x2x2x1xui2> -> tensor<?x4x4x1xui2>
// CHECK:         n2uq.concat %[[UP]], %[[UP]] : tensor<?x4x4x1xui2>, tensor<?x4x4x1xui2> -> tensor<?x4x4x2xui2>
func.func @codes_move(%x: tensor<1x2x2x2xf32>) -> tensor<1x4x4x2xf32> {
  %t = "tosa.const"() <{values = dense<[[0.0, 1.0]]> : tensor<1x2xf32>}> : () -> tensor<1x2xf32>
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %q = tosa.custom %x, %t {domain_name = "n2uq", operator_name = "quantize", implementation_attrs = "bits = 2"} : (tensor<1x2x2x2xf32>, tensor<1x2xf32>) -> tensor<1x2x2x2xf32>
  %pads = tosa.const_shape {values = dense<[0, 0, 1, 0, 0, 1, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  %p = tosa.pad %q, %pads, %zero : (tensor<1x2x2x2xf32>, !tosa.shape<8>, tensor<1xf32>) -> tensor<1x3x3x2xf32>
  %start = tosa.const_shape {values = dense<[0, 1, 0, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 2, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %s = tosa.slice %p, %start, %size : (tensor<1x3x3x2xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x2x2x1xf32>
  %scale = tosa.const_shape {values = dense<[4, 2, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<[1, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %u = tosa.resize %s, %scale, %offset, %border {mode = NEAREST_NEIGHBOR} : (tensor<1x2x2x1xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x4x4x1xf32>
  %c = tosa.concat %u, %u {axis = 3 : i32} : (tensor<1x4x4x1xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x2xf32>
  return %c : tensor<1x4x4x2xf32>
}

// -----

// An image with channels last counts its features in another order than n2uq.flatten.
// CHECK-LABEL: func.func @flatten_channels_last
// CHECK:         %[[ROW:.*]] = n2uq.flatten %arg0 : tensor<?x1x2x3xf32> -> tensor<?x6xf32>
// CHECK:         %[[PIXEL:.*]] = n2uq.unflatten %[[ROW]] : tensor<?x6xf32> -> tensor<?x1x1x6xf32>
// CHECK:         %[[MOVED:.*]] = n2uq.gather %[[PIXEL]] channels = [0, 2, 4, 1, 3, 5] : tensor<?x1x1x6xf32>
// CHECK:         n2uq.flatten %[[MOVED]] : tensor<?x1x1x6xf32> -> tensor<?x6xf32>
func.func @flatten_channels_last(%x: tensor<2x1x2x3xf32>) -> tensor<2x6xf32> {
  %s = tosa.const_shape {values = dense<[2, 6]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.reshape %x, %s : (tensor<2x1x2x3xf32>, !tosa.shape<2>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

// CHECK-LABEL: func.func @rows_become_images(%arg0: tensor<?x8xf32>
// CHECK:         %[[IMAGE:.*]] = n2uq.unflatten %arg0 : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
// CHECK:         return %[[IMAGE]]
func.func @rows_become_images(%x: tensor<1x8xf32>) -> tensor<1x2x2x2xf32> {
  %s = tosa.const_shape {values = dense<[1, 2, 2, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %0 = tosa.reshape %x, %s : (tensor<1x8xf32>, !tosa.shape<4>) -> tensor<1x2x2x2xf32>
  %1 = tosa.transpose %0 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %1 : tensor<1x2x2x2xf32>
}
