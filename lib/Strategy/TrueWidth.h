// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How few bits weights need: those that tell their values apart.
#ifndef N2UQ_LIB_STRATEGY_TRUEWIDTH_H
#define N2UQ_LIB_STRATEGY_TRUEWIDTH_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"

namespace n2uq {

/// Numbers low + (k << shift) with 0 <= k < 2^bits.
struct TrueWidth {
  int64_t low = 0, shift = 0, bits = 1;

  int64_t indexOf(int64_t number) const { return (number - low) >> shift; }
};

/// The form of \p numbers with the fewest bits, 1 to 8; the odd numbers of an N-bit quantizer have N.
TrueWidth trueWidthOf(llvm::ArrayRef<int8_t> numbers);

/// Bytes of a convolution's filter, before it is packed for a family, where each weight takes its true width. None for
/// roots whose weights have one width only.
std::optional<int64_t> trueWidthBytes(mlir::Operation *root);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_TRUEWIDTH_H
