// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The exactness proof of integer thresholds: random channels of every sign against a reading of the semantics of its
// own.
#include "n2uq/Analysis/StepFunction.h"

#include "RandomTails.h"
#include "gtest/gtest.h"

using namespace n2uq;
using namespace n2uq::test;

namespace {

/// The chain once more, one number at a time, in the words of the semantics; `volatile` keeps each rounding apart.
unsigned plainCode(const ChannelTail &tail, int32_t acc) {
  volatile float y = static_cast<float>(acc);
  for (const TailStep &step : tail.steps) {
    switch (step.kind) {
    case TailStep::Kind::Scale:
      y = y * step.a;
      break;
    case TailStep::Kind::Offset:
      y = y + step.a;
      break;
    case TailStep::Kind::PReLU:
      if (!(y > 0.0f))
        y = step.a * y;
      break;
    case TailStep::Kind::Clamp:
      if (y < step.a)
        y = step.a;
      else if (y > step.b)
        y = step.b;
      break;
    }
  }
  unsigned code = 0;
  for (float threshold : tail.thresholds)
    if (y >= threshold || (tail.nanIsTop && std::isnan(y)))
      ++code;
  return code;
}

struct Tally {
  int64_t channels = 0, accumulators = 0, rising = 0, falling = 0, mixed = 0, constant = 0;
};

/// Compares the integers of one channel with the chain for every accumulator in `bounds`.
void proveChannel(const ChannelTail &tail, AccumulatorBounds bounds, Tally &tally) {
  StepFunction function = enumerateCodes(tail, bounds);
  TwoSidedRow row = twoSidedThresholds(function);
  ASSERT_TRUE(provesTwoSided(function, row));
  bool oneSided = function.isNonDecreasing();
  std::vector<int32_t> rising;
  if (oneSided) {
    rising = risingThresholds(function, tail.top());
    ASSERT_EQ(rising.size(), tail.top());
    ASSERT_TRUE(std::is_sorted(rising.begin(), rising.end()));
    ASSERT_TRUE(provesRising(function, rising));
  }
  for (int64_t acc = bounds.lo; acc <= bounds.hi; ++acc) {
    int64_t expected = plainCode(tail, static_cast<int32_t>(acc));
    ASSERT_EQ(twoSidedCode(row, acc), expected) << "accumulator " << acc << ", channel " << tally.channels;
    if (oneSided)
      ASSERT_EQ(risingCode(rising, acc), expected) << "accumulator " << acc << ", channel " << tally.channels;
  }
  ++tally.channels;
  tally.accumulators += bounds.count();
  tally.constant += row.up.empty() && row.down.empty();
  tally.rising += !row.up.empty() && row.down.empty();
  tally.falling += row.up.empty() && !row.down.empty();
  tally.mixed += !row.up.empty() && !row.down.empty();
}

void report(const Tally &tally) {
  printf("%lld channels (%lld rising, %lld falling, %lld both, %lld constant), %lld accumulators\n",
         static_cast<long long>(tally.channels), static_cast<long long>(tally.rising),
         static_cast<long long>(tally.falling), static_cast<long long>(tally.mixed),
         static_cast<long long>(tally.constant), static_cast<long long>(tally.accumulators));
}

} // namespace

TEST(StepFunction, OrdinaryChannels) {
  SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()));
  RandomTails random(seed());
  Tally tally;
  for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) {
    int64_t size = random.integer(1, 6000);
    ChannelTail tail = random.layer(random.integer(2, 4), size, /*wild=*/false);
    proveChannel(tail, {-random.integer(0, size), random.integer(0, size)}, tally);
  }
  report(tally);
  // Every shape is met many times, or the test would show little.
  EXPECT_GT(tally.rising, 100);
  EXPECT_GT(tally.falling, 100);
  EXPECT_GT(tally.mixed, 100);
  EXPECT_GT(tally.constant, 100);
}

TEST(StepFunction, EdgeValues) {
  SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()));
  RandomTails random(seed() + 1);
  Tally tally;
  for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) {
    int64_t size = random.integer(1, 3000);
    ChannelTail tail = random.chance(0.5) ? random.layer(random.integer(1, 4), size, /*wild=*/true)
                                          : random.anything(random.integer(1, 8), size, /*wild=*/true);
    proveChannel(tail, {-random.integer(0, size), random.integer(0, size)}, tally);
  }
  report(tally);
}

TEST(StepFunction, AccumulatorsThatFloatsRound) {
  SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()));
  RandomTails random(seed() + 2);
  Tally tally;
  constexpr int64_t exact = int64_t(1) << 24, most = std::numeric_limits<int32_t>::max();
  for (int i = 0; i < 300 && !HasFatalFailure(); ++i) {
    // Around 2^24, where float32 begins to skip integers, around 2^30, and at both ends.
    int64_t centre[] = {exact, -exact, int64_t(1) << 30, most - 5000, -most + 5000};
    int64_t c = centre[random.integer(0, 4)];
    ChannelTail tail = random.layer(2, std::abs(static_cast<float>(c)), /*wild=*/false);
    for (float &threshold : tail.thresholds)
      threshold = tail.value(static_cast<float>(c + random.integer(-3000, 3000)));
    proveChannel(tail, {c - 5000, c + 5000}, tally);
  }
  report(tally);
}

TEST(StepFunction, OneAccumulator) {
  // A filter of zeros: the only accumulator is 0.
  ChannelTail tail{{TailStep::offset(1.0f)}, {0.5f, 1.0f, 2.0f}, false};
  StepFunction function = enumerateCodes(tail, {0, 0});
  ASSERT_EQ(function.steps.size(), 1u);
  EXPECT_EQ(function.steps[0].code, 2u);
  EXPECT_EQ(risingThresholds(function, 3), (std::vector<int32_t>{alwaysReached, alwaysReached, neverReached}));
}

TEST(StepFunction, TiesCount) {
  // u = 0.5 * acc meets the threshold 1 at acc = 2 exactly; the strict form of the semantics is the next number.
  ChannelTail tail{{TailStep::scale(0.5f)}, {1.0f}, false};
  EXPECT_EQ(risingThresholds(enumerateCodes(tail, {-5, 5}), 1), std::vector<int32_t>{2});
  tail.thresholds[0] = std::nextafter(1.0f, 2.0f);
  EXPECT_EQ(risingThresholds(enumerateCodes(tail, {-5, 5}), 1), std::vector<int32_t>{3});
}

TEST(StepFunction, ProofFindsWrongIntegers) {
  ChannelTail tail{{TailStep::scale(0.5f)}, {-1.0f, 1.0f}, false};
  StepFunction function = enumerateCodes(tail, {-5000, 5000});
  std::vector<int32_t> rising = risingThresholds(function, 2);
  ASSERT_TRUE(provesRising(function, rising));
  for (int32_t wrong : {-1, 1}) {
    std::vector<int32_t> moved = rising;
    moved[1] += wrong;
    EXPECT_FALSE(provesRising(function, moved));
    TwoSidedRow row = twoSidedThresholds(function);
    row.up[0] += wrong;
    EXPECT_FALSE(provesTwoSided(function, row));
    row = twoSidedThresholds(function);
    row.base += wrong;
    EXPECT_FALSE(provesTwoSided(function, row));
  }
}

TEST(StepFunction, NeverFallsSeesZerosAndNaN) {
  EXPECT_TRUE(neverFalls({TailStep::scale(0.5f)}, {-3000, 3000}));
  EXPECT_FALSE(neverFalls({TailStep::scale(-0.5f)}, {-3000, 3000}));
  EXPECT_TRUE(neverFalls({TailStep::scale(0.0f)}, {-3000, 3000}));   // -0 … -0, +0 … +0
  EXPECT_FALSE(neverFalls({TailStep::scale(-0.0f)}, {-3000, 3000})); // +0 … +0, -0 … -0
  EXPECT_TRUE(neverFalls({TailStep::prelu(0.0f)}, {-3000, 3000}));
  EXPECT_FALSE(neverFalls({TailStep::prelu(-0.25f)}, {-3000, 3000}));
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(neverFalls({TailStep::scale(infinity)}, {-3000, 3000})); // 0 * inf
  EXPECT_TRUE(neverFalls({TailStep::scale(infinity)}, {1, 3000}));
  EXPECT_FALSE(neverNaN({TailStep::scale(infinity)}, {-3000, 3000}));
  EXPECT_TRUE(neverNaN({TailStep::scale(infinity)}, {1, 3000}));
}
