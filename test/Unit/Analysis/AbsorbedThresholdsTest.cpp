// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thresholds behind rising float steps, against the steps themselves, over all kinds of float32 numbers.
#include "n2uq/Analysis/AbsorbedThresholds.h"

#include "RandomTails.h"
#include "gtest/gtest.h"
#include <cstring>

using namespace n2uq;
using namespace n2uq::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

float floatOfBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// A channel whose steps all rise, as behind a residual add: bias, slope, bias, scale.
ChannelTail risingTail(RandomTails &random, bool wild) {
  ChannelTail tail = random.layer(random.integer(2, 4), 4.0f, wild);
  for (TailStep &step : tail.steps)
    if (step.kind == TailStep::Kind::Scale || step.kind == TailStep::Kind::PReLU)
      step.a = std::abs(step.a);
  return tail;
}

} // namespace

TEST(AbsorbedThresholds, EqualOnAllKindsOfNumbers) {
  SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()));
  RandomTails random(seed());
  int absorbed = 0;
  constexpr int channels = 3000;
  for (int i = 0; i < channels; ++i) {
    ChannelTail tail = risingTail(random, /*wild=*/i % 2 == 1);
    std::optional<std::vector<float>> thresholds = absorbedThresholds(tail);
    if (!thresholds)
      continue;
    ++absorbed;
    ChannelTail folded{{}, *thresholds, tail.nanIsTop};
    auto check = [&](float x) { ASSERT_EQ(folded.code(x), tail.code(x)) << "channel " << i << ", x = " << x; };
    // Around each threshold, at every power of two, edges, and anywhere.
    for (float threshold : *thresholds)
      for (float x : {threshold, std::nextafter(threshold, -infinity), std::nextafter(threshold, infinity)})
        check(x);
    for (uint32_t exponent = 0; exponent < 512; ++exponent)
      for (uint32_t mantissa : {0u, 1u, 0x7FFFFFu})
        check(floatOfBits(exponent << 23 | mantissa));
    for (int n = 0; n < 30; ++n)
      check(random.edge());
    for (int n = 0; n < 1000; ++n)
      check(floatOfBits(static_cast<uint32_t>(random.integer(0, 0xFFFFFFFF))));
    for (int n = 0; n < 1000; ++n)
      check(random.normal(2.0f));
    if (HasFatalFailure())
      return;
  }
  printf("%d of %d channels absorbed\n", absorbed, channels);
  EXPECT_GT(absorbed, channels / 3);
}

TEST(AbsorbedThresholds, RefusesWhatDoesNotRise) {
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(-1.0f)}, {0.5f}, false}));
  EXPECT_FALSE(absorbedThresholds({{TailStep::prelu(-0.5f)}, {0.5f}, false}));
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(std::numeric_limits<float>::quiet_NaN())}, {0.5f}, false}));
}

TEST(AbsorbedThresholds, RefusesThresholdsThatNothingReaches) {
  EXPECT_FALSE(absorbedThresholds({{TailStep::clamp(0.0f, 3.0f)}, {1.0f, 5.0f}, false}));
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(2.0f)}, {std::numeric_limits<float>::quiet_NaN()}, false}));
}

TEST(AbsorbedThresholds, NaNOfAnInfinityIsNotLost) {
  // 0 * inf is a NaN, code 0, where every number gives code 1.
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(0.0f)}, {-1.0f}, false}));
  // The same inside: -1e30 * 1e30 is -inf, and a slope of 0 makes a NaN of it.
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(1e30f), TailStep::prelu(0.0f)}, {0.0f}, false}));
  EXPECT_TRUE(absorbedThresholds({{TailStep::scale(1e30f), TailStep::prelu(0.25f)}, {0.0f}, false}));
}

TEST(AbsorbedThresholds, NaNOfZeroIsNotLost) {
  // inf * 0 is a NaN between -inf and +inf.
  EXPECT_FALSE(absorbedThresholds({{TailStep::scale(infinity)}, {1.0f}, true}));
}

TEST(AbsorbedThresholds, ZeroHasOneThreshold) {
  std::optional<std::vector<float>> thresholds = absorbedThresholds({{TailStep::scale(2.0f)}, {0.0f}, false});
  ASSERT_TRUE(thresholds);
  EXPECT_EQ((*thresholds)[0], 0.0f);
  EXPECT_FALSE(std::signbit((*thresholds)[0]));
}
