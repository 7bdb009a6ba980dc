// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lookup family needs to know about a convolution: whether its weights can be indices, how many lookups a byte
// holds, and where the indices of its codes stand in scratch memory.
#ifndef N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H
#define N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H

#include "ReadRows.h"

#include <optional>
#include <string>

namespace n2uq {

struct LookupGeometry : ReadRows {
  ImageShape in;
  int64_t codeBits = 0;
  int64_t perIndex = 0;        ///< J: codes and weights in an index
  int64_t groups = 0;          ///< G: indices of a pixel
  int64_t lookupsPerFlush = 0; ///< lookups in an aligned part of a run whose sum fits into a byte, whatever the codes
  bool fitsWords = false;      ///< whether 16 bits hold every accumulator

  LookupGeometry(Window window, ImageShape in, ImageShape out) : ReadRows{window, out}, in(in) {}

  int64_t fieldBits() const { return 6 / perIndex; }
  int64_t top() const { return (int64_t(1) << fieldBits()) - 1; }

  /// Taps whose indices lie side by side: those of a window's row unless it is dilated.
  int64_t runTaps() const { return window.dilations[1] == 1 ? window.kernel[1] : 1; }
  /// Parts of a run of at most `lookupsPerFlush` lookups.
  int64_t partsOfRun() const { return ceilDiv(runTaps() * groups, lookupsPerFlush); }

  // Scratch memory: indices of pixels, 16 bits each, then sums.
  int64_t pixelBytes() const { return groups * 2; }
  int64_t indexBytes(int64_t outputRows) const {
    return roundUp(rows(outputRows) * columns() * pixelBytes() + 64, 64); // a whole vector behind the last index
  }
  int64_t scratchBytes(int64_t outputRows) const { return indexBytes(outputRows) + sumBytes(outputRows); }
};

/// The geometry of `root`, an n2uq.conv2d or n2uq.packed_lookup_conv2d; none, and the reason in `why`, where it cannot
/// be computed by lookups.
std::optional<LookupGeometry> lookupGeometryOf(mlir::Operation *root, std::string &why);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_LOOKUPGEOMETRY_H
