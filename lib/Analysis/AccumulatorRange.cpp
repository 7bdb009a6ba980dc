// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AccumulatorRange.h"

#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

using namespace mlir;

namespace n2uq {

std::optional<std::vector<AccumulatorBounds>> accumulatorBoundsOf(Value value) {
  while (auto pool = value.getDefiningOp<MaxPoolOp>())
    value = pool.getInput();
  auto conv = value.getDefiningOp<Conv2DOp>();
  if (!conv)
    return std::nullopt;
  std::optional<std::vector<int8_t>> weights = constantBytes(conv.getFilter());
  if (!weights)
    return std::nullopt;
  int64_t channels = channelsOf(conv.getResult());
  int64_t taps = static_cast<int64_t>(weights->size()) / channels;
  int64_t top = (int64_t(1) << codeBitsOf(conv.getInput().getType())) - 1;
  std::vector<AccumulatorBounds> bounds(channels);
  for (int64_t c = 0; c < channels; ++c) {
    for (int8_t weight : ArrayRef(*weights).slice(c * taps, taps))
      (weight < 0 ? bounds[c].lo : bounds[c].hi) += top * weight;
  }
  return bounds;
}

int64_t evaluationsOf(ArrayRef<AccumulatorBounds> bounds) {
  int64_t evaluations = 0;
  for (const AccumulatorBounds &channel : bounds)
    evaluations += channel.count();
  return evaluations;
}

} // namespace n2uq
