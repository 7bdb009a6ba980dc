// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A channel's code as a step function of its accumulator: found and proven by evaluating the float32 chain for every
// accumulator that can occur. Plain C++, no IR.
#ifndef N2UQ_ANALYSIS_STEPFUNCTION_H
#define N2UQ_ANALYSIS_STEPFUNCTION_H

#include "n2uq/Analysis/FloatTail.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace n2uq {

/// Accumulators that a channel can reach, both ends included.
struct AccumulatorBounds {
  int64_t lo = 0;
  int64_t hi = 0;

  int64_t count() const { return hi - lo + 1; }
  bool fitsInt32() const {
    return lo >= std::numeric_limits<int32_t>::min() && hi <= std::numeric_limits<int32_t>::max();
  }
};

/// Thresholds that no accumulator (of 32 bits) fails, and none of a reachable channel meets.
constexpr int32_t alwaysReached = std::numeric_limits<int32_t>::min();
constexpr int32_t neverReached = std::numeric_limits<int32_t>::max();

/// `code` holds from accumulator `from` up to the next step.
struct Step {
  int32_t from;
  unsigned code;
};

/// Successive steps; the first begins at the lowest accumulator, and neighbours differ in their code.
struct StepFunction {
  AccumulatorBounds bounds;
  std::vector<Step> steps;

  bool isNonDecreasing() const;
};

/// The code of every accumulator in `bounds` (which fit into 32 bits), by evaluating the chain for each of them.
StepFunction enumerateCodes(const ChannelTail &tail, AccumulatorBounds bounds);

/// Whether no accumulator in `bounds` leads to a NaN behind `steps`. (A NaN in between stays one to the end.)
bool neverNaN(const std::vector<TailStep> &steps, AccumulatorBounds bounds);

/// Whether the value behind `steps` is never a NaN and never decreases from one accumulator in `bounds` to the next, in
/// the order of `n2uq.max_pool`, where -0 is less than +0.
bool neverFalls(const std::vector<TailStep> &steps, AccumulatorBounds bounds);

/// A row of `n2uq.threshold`: the first accumulator that reaches code 1, 2, ..., `columns`. The function must not
/// decrease.
std::vector<int32_t> risingThresholds(const StepFunction &function, unsigned columns);

/// A row of `n2uq.two_sided_threshold`; `up` and `down` as short as the function allows.
struct TwoSidedRow {
  int32_t base = 0;
  std::vector<int32_t> up, down;
};
TwoSidedRow twoSidedThresholds(const StepFunction &function);

/// Whether the integers say the same as the function for every accumulator in its bounds. Both sides are constant
/// between their edges, so it is enough to compare at every edge of either; an edge is where a comparison changes its
/// answer.
bool provesRising(const StepFunction &function, const std::vector<int32_t> &thresholds);
bool provesTwoSided(const StepFunction &function, const TwoSidedRow &row);

/// What the ops compute, for one accumulator.
int64_t risingCode(const std::vector<int32_t> &thresholds, int64_t accumulator);
int64_t twoSidedCode(const TwoSidedRow &row, int64_t accumulator);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_STEPFUNCTION_H
