// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How tensors lie in a GPU's memory between kernels: channels innermost, codes packed to as many bits as a power of two
// takes, a pixel filled up with code 0 to whole loads of 16 bytes. Images have no margins: padding is not read.
#ifndef N2UQ_STRATEGY_DEVICELAYOUT_H
#define N2UQ_STRATEGY_DEVICELAYOUT_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/Layout.h"

namespace n2uq {

/// Bits of one element in a GPU's memory.
inline int64_t deviceBits(mlir::Type type) {
  int64_t bits = codeBitsOf(type);
  return bits == 0 ? 32 : bits <= 2 ? bits : bits <= 4 ? 4 : 8;
}

/// Channels that a pixel has room for: whole loads of 16 bytes, and 16 channels at least, which is what a thread
/// writes.
inline int64_t deviceChannels(mlir::Type type) {
  int64_t unit = std::max<int64_t>(128 / deviceBits(type), 16);
  return roundUp(mlir::cast<mlir::ShapedType>(type).getShape().back(), unit);
}

inline int64_t devicePixelBytes(mlir::Type type) { return deviceChannels(type) * deviceBits(type) / 8; }

} // namespace n2uq

#endif // N2UQ_STRATEGY_DEVICELAYOUT_H
