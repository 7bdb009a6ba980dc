// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AbsorbedThresholds.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace n2uq {

/// Numbers in their order, -0 just below +0: rank r >= 0 has the bits r, rank r < 0 the bits of -(-1 - r).
static float floatOfRank(int64_t rank) {
  uint32_t bits = rank >= 0 ? static_cast<uint32_t>(rank) : 0x80000000u | static_cast<uint32_t>(-1 - rank);
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

static constexpr int64_t rankOfInfinity = 0x7F800000;

/// The smallest number whose value reaches `threshold`; none where even +inf does not.
static std::optional<float> smallestReaching(const ChannelTail &tail, float threshold) {
  int64_t below = -1 - rankOfInfinity - 1, reaching = rankOfInfinity; // `below` is one before -inf
  if (!(tail.value(floatOfRank(reaching)) >= threshold))
    return std::nullopt;
  while (reaching - below > 1) {
    int64_t middle = below + (reaching - below) / 2;
    (tail.value(floatOfRank(middle)) >= threshold ? reaching : below) = middle;
  }
  float x = floatOfRank(reaching);
  return x == 0.0f ? 0.0f : x; // x >= -0 is x >= 0
}

std::optional<std::vector<float>> absorbedThresholds(const ChannelTail &tail) {
  constexpr float largest = std::numeric_limits<float>::max(), infinity = std::numeric_limits<float>::infinity();
  for (const TailStep &step : tail.steps) {
    bool isFactor = step.kind == TailStep::Kind::Scale || step.kind == TailStep::Kind::PReLU;
    if (!isRising(step) || (isFactor && std::isinf(step.a)))
      return std::nullopt;
  }
  for (float x : {-largest, largest})
    if (float value = tail.value(x); value != value)
      return std::nullopt;
  ChannelTail absorbed{{}, {}, tail.nanIsTop};
  for (float threshold : tail.thresholds) {
    std::optional<float> x = smallestReaching(tail, threshold);
    if (!x)
      return std::nullopt;
    absorbed.thresholds.push_back(*x);
  }
  for (float x : {-infinity, -largest, -0.0f, 0.0f, largest, infinity})
    if (tail.code(x) != absorbed.code(x))
      return std::nullopt;
  return absorbed.thresholds;
}

} // namespace n2uq
