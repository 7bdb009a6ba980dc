// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random channels for the proofs: ordinary ones, and ones made of edge values only. The seed is printed where a test
// fails, and N2UQ_TEST_SEED sets it.
#ifndef N2UQ_TEST_UNIT_ANALYSIS_RANDOMTAILS_H
#define N2UQ_TEST_UNIT_ANALYSIS_RANDOMTAILS_H

#include "n2uq/Analysis/FloatTail.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace n2uq::test {

inline uint64_t seed() {
  const char *given = std::getenv("N2UQ_TEST_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 20260101;
}

class RandomTails {
public:
  explicit RandomTails(uint64_t seed) : engine(seed) {}

  int64_t integer(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(engine); }
  bool chance(double p) { return std::bernoulli_distribution(p)(engine); }
  float normal(float deviation) { return std::normal_distribution<float>(0.0f, deviation)(engine); }

  /// Numbers at which float32 arithmetic changes its ways.
  float edge() {
    constexpr float inf = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
    static const float edges[] = {0.0f,
                                  -0.0f,
                                  1.0f,
                                  -1.0f,
                                  0.5f,
                                  -0.5f,
                                  2.0f,
                                  -3.0f,
                                  1e-45f,
                                  -1e-45f,
                                  1e-38f,
                                  -1e-38f,
                                  3e38f,
                                  -3e38f,
                                  largest,
                                  -largest,
                                  inf,
                                  -inf,
                                  std::numeric_limits<float>::quiet_NaN(),
                                  16777216.0f,
                                  8388607.5f};
    return edges[integer(0, std::size(edges) - 1)];
  }

  /// `wild` numbers are edges half of the time.
  float number(float deviation, bool wild) { return wild && chance(0.5) ? edge() : normal(deviation); }

  /// A slope as PReLUs have them after training, and beyond: negative, zero, above 1.
  float slope(bool wild) {
    static const float slopes[] = {0.25f, 0.0f, -0.0f, -0.25f, -1.0f, 1.5f, 1.0f, -2.0f};
    return chance(0.5) ? number(0.5f, wild) : slopes[integer(0, std::size(slopes) - 1)];
  }

  /// The chain of a layer (semantics, section 4) over accumulators of about `size`; zero normalisation weights,
  /// negative scales; thresholds that some value hits exactly.
  ChannelTail layer(unsigned bits, float size, bool wild) {
    ChannelTail tail;
    auto scale = [&](float s) { tail.steps.push_back(TailStep::scale(s)); };
    auto offset = [&](float o) { tail.steps.push_back(TailStep::offset(o)); };
    scale(number(2.0f / size, wild));
    scale(chance(0.1) ? 0.0f : number(1.0f, wild));
    offset(number(0.5f, wild));
    if (chance(0.2)) // MobileNetV2's and plain networks' activations
      tail.steps.push_back(TailStep::clamp(0.0f, chance(0.5) ? 6.0f : std::numeric_limits<float>::infinity()));
    if (chance(0.9)) {
      offset(number(0.5f, wild));
      tail.steps.push_back(TailStep::prelu(slope(wild)));
      offset(number(0.5f, wild));
    }
    scale(chance(0.3) ? (chance(0.5) ? 1.0f : -1.0f) : number(1.0f, wild));
    thresholds(tail, bits, size, wild);
    return tail;
  }

  /// Any few steps in any order.
  ChannelTail anything(unsigned bits, float size, bool wild) {
    ChannelTail tail;
    for (int64_t n = integer(0, 7); n > 0; --n) {
      switch (integer(0, 3)) {
      case 0:
        tail.steps.push_back(TailStep::scale(number(chance(0.5) ? 1.0f : 1.0f / size, wild)));
        break;
      case 1:
        tail.steps.push_back(TailStep::offset(number(chance(0.5) ? 1.0f : size, wild)));
        break;
      case 2:
        tail.steps.push_back(TailStep::prelu(slope(wild)));
        break;
      case 3: {
        float a = number(2.0f, wild), b = number(2.0f, wild);
        tail.steps.push_back(TailStep::clamp(std::min(a == a ? a : 0.0f, b == b ? b : 0.0f),
                                             std::max(a == a ? a : 0.0f, b == b ? b : 0.0f)));
      }
      }
    }
    thresholds(tail, bits, size, wild);
    return tail;
  }

private:
  /// Learned thresholds, all of them rising; some are replaced by values that the chain takes exactly.
  void thresholds(ChannelTail &tail, unsigned bits, float size, bool wild) {
    unsigned count = (1u << bits) - 1;
    float t = normal(0.5f);
    for (unsigned k = 0; k < count; ++k) {
      tail.thresholds.push_back(t);
      t += std::max(1e-3f, std::abs(normal(2.0f / static_cast<float>(count))));
    }
    for (float &threshold : tail.thresholds)
      if (chance(0.2)) {
        float tie = tail.value(static_cast<float>(integer(-static_cast<int64_t>(size), static_cast<int64_t>(size))));
        threshold = chance(0.5) ? tie : std::nextafter(tie, std::numeric_limits<float>::infinity());
      } else if (wild && chance(0.1)) {
        threshold = edge();
      }
    if (chance(0.8))
      std::sort(tail.thresholds.begin(), tail.thresholds.end(),
                [](float a, float b) { return !(a != a) && ((b != b) || a < b); });
    tail.nanIsTop = chance(0.3);
  }

  std::mt19937_64 engine;
};

} // namespace n2uq::test

#endif // N2UQ_TEST_UNIT_ANALYSIS_RANDOMTAILS_H
