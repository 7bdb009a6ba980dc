// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How tensors lie in memory between kernels. Channels are innermost and filled up to whole vectors, so that no kernel
// needs a remainder over channels.
#ifndef N2UQ_STRATEGY_LAYOUT_H
#define N2UQ_STRATEGY_LAYOUT_H

#include "mlir/IR/BuiltinTypes.h"

namespace n2uq {

/// Channels that a row in memory has room for: a multiple of the widest vector's 32-bit lanes.
constexpr int64_t channelUnit = 16;

inline int64_t roundUp(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
inline int64_t ceilDiv(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }
inline int64_t memoryChannels(int64_t channels) { return roundUp(channels, channelUnit); }

/// Bytes of one element in memory: codes take one byte each.
inline int64_t elementBytes(mlir::Type element) { return element.isF32() || element.isSignlessInteger(32) ? 4 : 1; }

/// Height, width and channels of a tensor, [batch, features] counting as an image of one pixel.
struct ImageShape {
  int64_t height = 1, width = 1, channels = 1;

  explicit ImageShape(mlir::Type type) {
    llvm::ArrayRef<int64_t> shape = mlir::cast<mlir::ShapedType>(type).getShape();
    channels = shape.back();
    if (shape.size() == 4) {
      height = shape[1];
      width = shape[2];
    }
  }
};

} // namespace n2uq

#endif // N2UQ_STRATEGY_LAYOUT_H
