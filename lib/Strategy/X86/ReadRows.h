// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For kernels that prepare the pixels that a work item reads, before any output is computed from them: which pixels
// those are, how items are cut so that few are prepared twice, and sums over windows.
#ifndef N2UQ_LIB_STRATEGY_X86_READROWS_H
#define N2UQ_LIB_STRATEGY_X86_READROWS_H

#include "../Contraction.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace n2uq {

/// Tiles of m and of m - 1 pixels that cover a row: without overlap where that is possible, else m alone and the last
/// tile overlaps the one before it.
struct Cover {
  int64_t wide, narrow;
};
Cover coverOf(int64_t width, int64_t m);

/// How the rows of an image and its blocks of output channels are split into work items, and what preparing costs then.
struct ItemSplit {
  int64_t rows = 0, blocks = 0;
  double cycles = 0;
};

/// The cheapest split of so many rows and blocks into enough items whose rows fit as `fits` says. Preparing an item
/// takes `preparing` cycles; weights that do not stay in the L2 cache come in once for each chunk of rows.
ItemSplit splitItems(int64_t height, int64_t blocks, double weightBytes, const CpuPorts &ports,
                     llvm::function_ref<double(int64_t rows)> preparing, llvm::function_ref<bool(int64_t rows)> fits);

/// The pixels under the windows of some rows of outputs. Where a window has one row (or column), they are only those
/// that outputs read; else all from the first to the last.
struct ReadRows {
  Window window;
  ImageShape out;

  int64_t taps() const { return window.kernel[0] * window.kernel[1]; }
  int64_t step(unsigned axis) const { return window.kernel[axis] == 1 ? 1 : window.strides[axis]; }
  int64_t inputStep(unsigned axis) const { return window.kernel[axis] == 1 ? window.strides[axis] : 1; }
  int64_t rows(int64_t outputRows) const { return (outputRows - 1) * step(0) + window.reach(0); }
  int64_t columns() const { return (out.width - 1) * step(1) + window.reach(1); }

  /// Bytes of a number for each pixel, and of one for each output's window where that is not the same.
  int64_t pixelSumBytes(int64_t outputRows) const { return roundUp(rows(outputRows) * columns() * 4, 64); }
  int64_t sumBytes(int64_t outputRows) const {
    return pixelSumBytes(outputRows) + (taps() == 1 ? 0 : outputRows * out.width * 4);
  }

  /// Cycles that preparing takes for an item of so many output rows, `perPixel` for each pixel that it reads.
  double preparing(int64_t outputRows, double perPixel) const {
    return rows(outputRows) * columns() * perPixel + (taps() == 1 ? 0 : outputRows * out.width * taps());
  }

  /// Calls prepare(pixel's address, its number) for all pixels that output rows [first, last) read, in order.
  void forEachPixel(ItemEmitter &e, const Access &in, mlir::Value first, mlir::Value last,
                    llvm::function_ref<void(mlir::Value from, mlir::Value number)> prepare) const;
  /// With a 32-bit number for each of these pixels at `sums`, stores for each output of `outputRows` rows the sum over
  /// its window, times `factor`, at `windowSums`.
  void emitWindowSums(ItemEmitter &e, mlir::Value sums, mlir::Value windowSums, mlir::Value outputRows,
                      int32_t factor) const;
  /// Number of the first pixel of the window of output (row, x), rows counted from the item's first.
  mlir::Value corner(ItemEmitter &e, mlir::Value row, mlir::Value x) const;
};

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_READROWS_H
