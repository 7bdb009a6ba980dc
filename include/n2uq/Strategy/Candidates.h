// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is worth measuring for a kernel.
#ifndef N2UQ_STRATEGY_CANDIDATES_H
#define N2UQ_STRATEGY_CANDIDATES_H

#include "n2uq/Strategy/Family.h"

namespace n2uq {

struct Candidate {
  StrategyAttr strategy;
  double cycles = 0; ///< as the family predicts
};

/// The plans of all families that may compute `kernel`, the cheapest first: of each family at most the three cheapest,
/// and none that should take more than twice as long as the cheapest of all. At most `most`.
llvm::SmallVector<Candidate> candidatesOf(KernelOp kernel, const CpuTarget &target, size_t most);

/// "direct_dot lanes=16 tile=1x7x2"
std::string describe(StrategyAttr strategy, bool withLanes = true);

/// Attribute of a kernel whose strategy was measured: nanoseconds of an image.
constexpr llvm::StringLiteral measuredName = "n2uq.measured_nanoseconds";

} // namespace n2uq

#endif // N2UQ_STRATEGY_CANDIDATES_H
