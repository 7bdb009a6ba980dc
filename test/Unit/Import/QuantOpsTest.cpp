// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "QuantOps.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace n2uq::onnx;

constexpr float infinity = std::numeric_limits<float>::infinity();

static const Rounding everyRounding[] = {Rounding::Round, Rounding::HalfUp, Rounding::HalfDown, Rounding::Up,
                                         Rounding::Down,  Rounding::Ceil,   Rounding::Floor};

static int64_t countReached(const std::vector<float> &thresholds, float x) {
  int64_t count = 0;
  for (float t : thresholds)
    count += x >= t;
  return count;
}

TEST(QuantOps, RoundingOfHalvesAndSigns) {
  QuantGrid grid;
  auto levels = [&](Rounding rounding) {
    grid.rounding = rounding;
    std::vector<float> result;
    for (float x : {-2.5f, -1.5f, -0.25f, 0.25f, 0.5f, 1.5f, 1.75f})
      result.push_back(grid.level(x, 1.0f, 0.0f));
    return result;
  };
  EXPECT_EQ(levels(Rounding::Round), (std::vector<float>{-2, -2, 0, 0, 0, 2, 2}));
  EXPECT_EQ(levels(Rounding::HalfUp), (std::vector<float>{-3, -2, 0, 0, 1, 2, 2}));
  EXPECT_EQ(levels(Rounding::HalfDown), (std::vector<float>{-2, -1, 0, 0, 0, 1, 2}));
  EXPECT_EQ(levels(Rounding::Up), (std::vector<float>{-3, -2, -1, 1, 1, 2, 2}));
  EXPECT_EQ(levels(Rounding::Down), (std::vector<float>{-2, -1, 0, 0, 0, 1, 1}));
  EXPECT_EQ(levels(Rounding::Ceil), (std::vector<float>{-2, -1, 0, 1, 1, 2, 2}));
  EXPECT_EQ(levels(Rounding::Floor), (std::vector<float>{-3, -2, -1, 0, 0, 1, 1}));
}

TEST(QuantOps, BoundsOfGrids) {
  QuantGrid grid;
  grid.bits = 3;
  EXPECT_EQ(std::make_pair(grid.lowest(), grid.highest()), std::make_pair(-4.0f, 3.0f));
  grid.isNarrow = true;
  EXPECT_EQ(std::make_pair(grid.lowest(), grid.highest()), std::make_pair(-3.0f, 3.0f));
  grid.isSigned = false;
  EXPECT_EQ(std::make_pair(grid.lowest(), grid.highest()), std::make_pair(0.0f, 6.0f));
  grid.isNarrow = false;
  EXPECT_EQ(std::make_pair(grid.lowest(), grid.highest()), std::make_pair(0.0f, 7.0f));
  grid = QuantGrid();
  grid.bits = 1;
  EXPECT_EQ(grid.level(0.0f, 1.0f, 0.0f), 1.0f);
  EXPECT_EQ(grid.level(-1e-30f, 1.0f, 0.0f), -1.0f);
}

/// Thresholds say what the op says: on both sides of every threshold and on random numbers.
TEST(QuantOps, ThresholdsAreTheOp) {
  constexpr unsigned seed = 1;
  std::mt19937 random(seed);
  std::vector<float> scales = {1.0f, 0.1f, 1e-38f, 1e-45f, 3e38f, 1e30f};
  std::uniform_real_distribution<float> exponents(-20, 20), unit(-1.5f, 1.5f);
  for (int i = 0; i < 20; ++i)
    scales.push_back(std::exp2(exponents(random)));
  for (int bits = 1; bits <= 8; ++bits)
    for (bool isSigned : {false, true})
      for (bool isNarrow : {false, true})
        for (Rounding rounding : everyRounding) {
          QuantGrid grid{bits, isSigned, isNarrow, rounding};
          if (grid.lowest() >= grid.highest())
            continue; // a narrow grid of one bit has one level
          int64_t lo = grid.lowest(), hi = isSigned && bits == 1 ? 1 : grid.highest();
          Levels levels{lo, hi, int64_t(scales.size()),
                        [&](float x, int64_t row) { return grid.level(x, scales[row], 0.0f); }};
          std::vector<float> all = thresholdsOf(levels);
          ASSERT_EQ(int64_t(all.size()), levels.rows * (hi - lo));
          for (auto [row, scale] : llvm::enumerate(scales)) {
            std::vector<float> thresholds(all.begin() + row * (hi - lo), all.begin() + (row + 1) * (hi - lo));
            std::vector<float> points = {-infinity, infinity, 0.0f, -0.0f};
            for (float t : thresholds)
              points.insert(points.end(), {t, std::nextafter(t, -infinity), std::nextafter(t, infinity)});
            for (int i = 0; i < 8; ++i)
              points.push_back(unit(random) * scale * hi);
            for (float x : points)
              if (!std::isnan(x))
                ASSERT_EQ(static_cast<float>(lo + countReached(thresholds, x)), grid.level(x, scale, 0.0f))
                    << "x = " << x << ", scale = " << scale << ", bits = " << bits << ", seed " << seed;
          }
        }
}

static Tensor tensor(std::vector<int64_t> shape, std::vector<float> data) {
  Tensor result;
  result.shape = std::move(shape);
  result.floats = std::move(data);
  return result;
}

/// N2UQ's weights: k levels around L/2, a scale of 2 s_w, give 2k - L and s_w for every scale of a wide range.
TEST(QuantOps, OddWeightsOfHalfIntegerZeroPoint) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> exponents(-60, 60);
  for (int bits = 1; bits <= 7; ++bits)
    for (int round = 0; round < 200; ++round) {
      float step = std::exp2(exponents(random)) * (round % 2 ? 1 : -1);
      int top = (1 << bits) - 1;
      Tensor weights = tensor({1, top + 1, 1, 1}, {});
      for (int k = 0; k <= top; ++k)
        weights.floats.push_back((k - top / 2.0f) * (2 * step));
      QuantGrid grid{bits, /*isSigned=*/false, /*isNarrow=*/false, Rounding::Round};
      QuantizedTensor result;
      ASSERT_EQ(quantizeConstant(weights, tensor({1, 1, 1, 1}, {2 * step}), tensor({}, {top / 2.0f}), grid, result),
                "");
      ASSERT_EQ(result.reason, "");
      ASSERT_EQ(result.scale.floats, std::vector<float>{step});
      ASSERT_EQ(int64_t(result.integers.size()), top + 1);
      for (int k = 0; k <= top; ++k)
        ASSERT_EQ(result.integers[k], 2 * k - top) << "step " << step;
    }
}

TEST(QuantOps, WeightsWithoutIntegers) {
  QuantGrid grid{4, /*isSigned=*/true, /*isNarrow=*/false, Rounding::Round};
  Tensor weights = tensor({2, 2}, {1, 2, 3, 4});
  auto reason = [&](const Tensor &scale, const Tensor &zero) {
    QuantizedTensor result;
    EXPECT_EQ(quantizeConstant(weights, scale, zero, grid, result), "");
    EXPECT_EQ(result.value.floats.size(), 4u);
    return result.reason;
  };
  EXPECT_EQ(reason(tensor({2, 1}, {1, 2}), tensor({}, {0})), "");
  EXPECT_EQ(reason(tensor({}, {1}), tensor({}, {0.25f})), "its zero point is neither whole nor half-integer");
  EXPECT_EQ(reason(tensor({}, {1}), tensor({2, 1}, {0, 0.5f})), "its zero point is neither whole nor half-integer");
  EXPECT_EQ(reason(tensor({}, {1e-45f}), tensor({}, {0.5f})), "half of its scale is no float32 number");
  EXPECT_EQ(reason(tensor({}, {1}), tensor({}, {1 << 25})), "its integers have more than 24 bits");
}

TEST(QuantOps, ScalesAlongAnAxis) {
  Tensor weights = tensor({2, 2}, {1, 2, 3, 4});
  auto along = [&](const Tensor &scale, size_t axis) {
    QuantizedTensor result;
    EXPECT_EQ(quantizeConstant(weights, scale, tensor({}, {0}), QuantGrid(), result), "");
    return result.scalesAlong(axis);
  };
  EXPECT_EQ(along(tensor({}, {3}), 0), (std::vector<float>{3}));
  EXPECT_EQ(along(tensor({2, 1}, {1, 2}), 0), (std::vector<float>{1, 2}));
  EXPECT_EQ(along(tensor({2, 1}, {1, 2}), 1), (std::vector<float>{}));
  EXPECT_EQ(along(tensor({2}, {1, 2}), 0), (std::vector<float>{}));
}

TEST(QuantOps, RefusedParameters) {
  QuantGrid grid;
  QuantizedTensor result;
  Tensor weights = tensor({2, 2}, {1, 2, 3, 4}), one = tensor({}, {1});
  EXPECT_NE(quantizeConstant(weights, tensor({}, {0}), one, grid, result), "");
  EXPECT_NE(quantizeConstant(weights, tensor({}, {infinity}), one, grid, result), "");
  EXPECT_NE(quantizeConstant(weights, one, tensor({}, {NAN}), grid, result), "");
  EXPECT_NE(quantizeConstant(weights, tensor({3, 1}, {1, 1, 1}), one, grid, result), "");
  EXPECT_NE(quantizeConstant(weights, tensor({1, 1, 1}, {1}), one, grid, result), "");
  EXPECT_NE(quantizeConstant(tensor({1}, {NAN}), one, one, grid, result), "");
  EXPECT_NE(quantizeConstant(tensor({3, 0}, {}), one, one, grid, result), "");
  EXPECT_NE(bipolarConstant(weights, tensor({}, {-1}), result), "");
}
