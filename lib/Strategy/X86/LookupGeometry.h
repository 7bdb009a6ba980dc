// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lookup family needs to know about a convolution: whether its weights can be indices, how many lookups a byte
// holds, and where the indices of its codes stand in scratch memory.
#ifndef N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H
#define N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/Layout.h"

#include <optional>
#include <string>

namespace n2uq {

struct LookupGeometry {
  Window window;
  ImageShape in, out;
  int64_t codeBits = 0;
  int64_t perIndex = 0;        ///< J: codes and weights in an index
  int64_t groups = 0;          ///< G: indices of a pixel
  int64_t lookupsPerFlush = 0; ///< lookups in an aligned part of a run whose sum fits into a byte, whatever the codes

  int64_t fieldBits() const { return 6 / perIndex; }
  int64_t top() const { return (int64_t(1) << fieldBits()) - 1; }
  int64_t taps() const { return window.kernel[0] * window.kernel[1]; }

  /// Taps whose indices lie side by side: those of a window's row unless it is dilated.
  int64_t runTaps() const { return window.dilations[1] == 1 ? window.kernel[1] : 1; }
  /// Parts of a run of at most `length` lookups.
  int64_t runsOf(int64_t length) const { return ceilDiv(runTaps() * groups, length); }

  // Packed rows and columns: all those under the windows; but where a window has one row (or column), only those that
  // outputs read.
  int64_t step(unsigned axis) const { return window.kernel[axis] == 1 ? 1 : window.strides[axis]; }
  int64_t inputStep(unsigned axis) const { return window.kernel[axis] == 1 ? window.strides[axis] : 1; }
  int64_t rowStep() const { return step(0); }
  int64_t columnStep() const { return step(1); }
  int64_t inputRowStep() const { return inputStep(0); }
  int64_t inputColumnStep() const { return inputStep(1); }
  int64_t packedRows(int64_t rows) const { return (rows - 1) * rowStep() + window.reach(0); }
  int64_t packedColumns() const { return (out.width - 1) * columnStep() + window.reach(1); }

  // Scratch memory: indices, sums of pixels, sums of windows.
  int64_t pixelBytes() const { return groups * 2; }
  int64_t indexBytes(int64_t rows) const {
    return roundUp(packedRows(rows) * packedColumns() * pixelBytes() + 64, 64); // a whole vector behind the last index
  }
  int64_t sumBytes(int64_t rows) const { return roundUp(packedRows(rows) * packedColumns() * 4, 64); }
  int64_t scratchBytes(int64_t rows) const {
    return indexBytes(rows) + sumBytes(rows) + (taps() == 1 ? 0 : rows * out.width * 4);
  }
};

/// The geometry of `root`, an n2uq.conv2d or n2uq.packed_lookup_conv2d; none, and the reason in `why`, where it cannot
/// be computed by lookups.
std::optional<LookupGeometry> lookupGeometryOf(mlir::Operation *root, std::string &why);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H
