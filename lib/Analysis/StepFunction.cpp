// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/StepFunction.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace n2uq {

/// Accumulators evaluated at once; their values stay in the first-level cache.
static constexpr int64_t chunk = 2048;
/// Independent minima and maxima, so that the search for them becomes vector code.
static constexpr int64_t lanes = 16;

bool StepFunction::isNonDecreasing() const {
  return std::is_sorted(steps.begin(), steps.end(), [](const Step &a, const Step &b) { return a.code < b.code; });
}

/// The one code of all `count` values (a multiple of `lanes`), or -1 where they may differ.
///
/// `codeOf` never decreases with its argument, whatever the thresholds are, so the codes of the smallest and of the
/// largest value bound all others. A NaN has no place in that order: it leads to -1.
static int64_t sharedCode(const ChannelTail &tail, const float *values, int64_t count) {
  float least[lanes], most[lanes];
  uint32_t unordered[lanes] = {};
  std::copy(values, values + lanes, least);
  std::copy(values, values + lanes, most);
  for (int64_t i = 0; i < count; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) {
      float v = values[i + j];
      least[j] = v < least[j] ? v : least[j];
      most[j] = v > most[j] ? v : most[j];
      unordered[j] |= v != v;
    }
  for (uint32_t isUnordered : unordered)
    if (isUnordered)
      return -1;
  unsigned low = tail.codeOf(*std::min_element(least, least + lanes));
  unsigned high = tail.codeOf(*std::max_element(most, most + lanes));
  return low == high ? static_cast<int64_t>(low) : -1;
}

/// Calls `check(values, count)` for chunk after chunk of the values behind `steps`, as long as it returns true.
template <typename Check>
static bool forAllValues(const std::vector<TailStep> &steps, AccumulatorBounds bounds, Check check) {
  float values[chunk];
  for (int64_t first = bounds.lo; first <= bounds.hi; first += chunk) {
    int64_t count = std::min(chunk, bounds.hi - first + 1);
    evaluateTail(steps, static_cast<int32_t>(first), count, values);
    if (!check(values, count))
      return false;
  }
  return true;
}

bool neverNaN(const std::vector<TailStep> &steps, AccumulatorBounds bounds) {
  return forAllValues(steps, bounds, [](const float *values, int64_t count) {
    bool unordered = false;
    for (int64_t i = 0; i < count; ++i)
      unordered |= values[i] != values[i];
    return !unordered;
  });
}

bool neverFalls(const std::vector<TailStep> &steps, AccumulatorBounds bounds) {
  float last = -std::numeric_limits<float>::infinity();
  return forAllValues(steps, bounds, [&](const float *values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      bool follows = last < values[i] || (last == values[i] && std::signbit(last) >= std::signbit(values[i]));
      if (!follows)
        return false;
      last = values[i];
    }
    return true;
  });
}

StepFunction enumerateCodes(const ChannelTail &tail, AccumulatorBounds bounds) {
  assert(bounds.lo <= bounds.hi && bounds.fitsInt32() && "accumulators of 32 bits");
  StepFunction function;
  function.bounds = bounds;
  auto extend = [&](int64_t from, unsigned code) {
    if (function.steps.empty() || function.steps.back().code != code)
      function.steps.push_back({static_cast<int32_t>(from), code});
  };
  float values[chunk];
  for (int64_t first = bounds.lo; first <= bounds.hi; first += chunk) {
    int64_t count = std::min(chunk, bounds.hi - first + 1);
    evaluateTail(tail.steps, static_cast<int32_t>(first), count, values);
    int64_t padded = (count + lanes - 1) / lanes * lanes;
    std::fill(values + count, values + padded, values[count - 1]);
    if (int64_t code = sharedCode(tail, values, padded); code >= 0) {
      extend(first, static_cast<unsigned>(code));
      continue;
    }
    for (int64_t i = 0; i < count; ++i)
      extend(first + i, tail.codeOf(values[i]));
  }
  return function;
}

std::vector<int32_t> risingThresholds(const StepFunction &function, unsigned columns) {
  assert(function.isNonDecreasing() && function.steps.back().code <= columns);
  std::vector<int32_t> thresholds(function.steps.front().code, alwaysReached);
  for (const Step &step : function.steps)
    thresholds.resize(step.code, step.from);
  thresholds.resize(columns, neverReached);
  return thresholds;
}

TwoSidedRow twoSidedThresholds(const StepFunction &function) {
  TwoSidedRow row;
  row.base = static_cast<int32_t>(function.steps.front().code);
  int64_t code = row.base;
  for (const Step &step : function.steps) {
    for (; code < step.code; ++code)
      row.up.push_back(step.from);
    for (; code > step.code; --code)
      row.down.push_back(step.from);
  }
  return row;
}

static int64_t reached(const std::vector<int32_t> &thresholds, int64_t accumulator) {
  return std::count_if(thresholds.begin(), thresholds.end(), [&](int32_t t) { return accumulator >= t; });
}

int64_t risingCode(const std::vector<int32_t> &thresholds, int64_t accumulator) {
  return reached(thresholds, accumulator);
}

int64_t twoSidedCode(const TwoSidedRow &row, int64_t accumulator) {
  return row.base + reached(row.up, accumulator) - reached(row.down, accumulator);
}

static unsigned codeAt(const StepFunction &function, int64_t accumulator) {
  auto next = std::upper_bound(function.steps.begin(), function.steps.end(), accumulator,
                               [](int64_t value, const Step &step) { return value < step.from; });
  return std::prev(next)->code;
}

/// Compares at every place in bounds where `edges` or the function itself may change.
template <typename Code>
static bool provesAt(const StepFunction &function, std::vector<int32_t> edges, Code code) {
  for (const Step &step : function.steps)
    edges.push_back(step.from);
  return std::all_of(edges.begin(), edges.end(), [&](int32_t edge) {
    return edge < function.bounds.lo || edge > function.bounds.hi || code(edge) == codeAt(function, edge);
  });
}

bool provesRising(const StepFunction &function, const std::vector<int32_t> &thresholds) {
  return provesAt(function, thresholds, [&](int64_t acc) { return risingCode(thresholds, acc); });
}

bool provesTwoSided(const StepFunction &function, const TwoSidedRow &row) {
  std::vector<int32_t> edges = row.up;
  edges.insert(edges.end(), row.down.begin(), row.down.end());
  return provesAt(function, edges, [&](int64_t acc) { return twoSidedCode(row, acc); });
}

} // namespace n2uq
