// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CookToom.h"

#include "gtest/gtest.h"
#include <cstdlib>
#include <random>

using namespace n2uq;

namespace {

IntMatrix product(const IntMatrix &x, const IntMatrix &y) {
  IntMatrix result(x.size(), std::vector<int64_t>(y.front().size(), 0));
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t k = 0; k < y.size(); ++k)
      for (size_t j = 0; j < y.front().size(); ++j)
        result[i][j] += x[i][k] * y[k][j];
  return result;
}

IntMatrix transposed(const IntMatrix &x) {
  IntMatrix result(x.front().size(), std::vector<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < x.front().size(); ++j)
      result[j][i] = x[i][j];
  return result;
}

} // namespace

TEST(CookToom, IsExact) {
  const int64_t scales[] = {2, 6, 24};
  for (int64_t outputs = minCookToomOutputs; outputs <= maxCookToomOutputs; ++outputs) {
    CookToom algorithm = cookToom(outputs);
    EXPECT_TRUE(isExact(algorithm)) << outputs;
    EXPECT_EQ(algorithm.scale, scales[outputs - 2]);
    EXPECT_EQ(algorithm.points, outputs + 2);
  }
}

TEST(CookToom, AChangedCoefficientIsSeen) {
  for (int64_t outputs = minCookToomOutputs; outputs <= maxCookToomOutputs; ++outputs)
    for (IntMatrix CookToom::*matrix : {&CookToom::a, &CookToom::g, &CookToom::b})
      for (size_t i = 0; i < (cookToom(outputs).*matrix).size(); ++i) {
        CookToom algorithm = cookToom(outputs);
        ++(algorithm.*matrix)[i].back();
        EXPECT_FALSE(isExact(algorithm)) << outputs << " row " << i;
      }
}

TEST(CookToom, PointsOfSmallerAlgorithmsAreAmongThoseOfLarger) {
  CookToom largest = cookToom(maxCookToomOutputs);
  for (int64_t outputs = minCookToomOutputs; outputs < maxCookToomOutputs; ++outputs) {
    CookToom smaller = cookToom(outputs);
    for (int64_t row = 0; row < smaller.points; ++row)
      EXPECT_EQ(smaller.g[row], row == smaller.points - 1 ? largest.g.back() : largest.g[row]);
  }
}

TEST(Winograd, ComputesTheConvolution) {
  std::mt19937 random(1);
  for (int64_t my = 2; my <= 4; ++my)
    for (int64_t mx = 2; mx <= 4; ++mx) {
      Winograd algorithm(my, mx);
      IntMatrix codes(my + 2, std::vector<int64_t>(mx + 2));
      for (auto &row : codes)
        for (int64_t &code : row)
          code = random() % 16;
      std::array<int64_t, 9> filter;
      for (int64_t &weight : filter)
        weight = int64_t(random() % 256) - 128;
      std::vector<int64_t> weights = algorithm.transformFilter(filter);
      EXPECT_EQ(algorithm.recoverFilter(weights), filter);
      IntMatrix transformed = product(product(algorithm.y.b, codes), transposed(algorithm.x.b));
      for (int64_t i = 0; i < my + 2; ++i)
        for (int64_t j = 0; j < mx + 2; ++j)
          transformed[i][j] *= weights[i * (mx + 2) + j];
      IntMatrix result = product(product(algorithm.y.a, transformed), transposed(algorithm.x.a));
      for (int64_t i = 0; i < my; ++i)
        for (int64_t j = 0; j < mx; ++j) {
          int64_t sum = 0;
          for (int64_t k = 0; k < 3; ++k)
            for (int64_t l = 0; l < 3; ++l)
              sum += codes[i + k][j + l] * filter[3 * k + l];
          EXPECT_EQ(result[i][j], algorithm.y.scale * algorithm.x.scale * sum);
        }
    }
}

// Codes at the bounds reach what inputRange says, and the figures of W2A2's F(4,3) x F(3,3) and F(4,3) x F(4,3).
TEST(Winograd, InputRangeIsReached) {
  auto f43 = Winograd(4, 3).inputRange(3), f44 = Winograd(4, 4).inputRange(3);
  EXPECT_EQ(f43, std::make_pair(int64_t(-90), int64_t(90)));
  EXPECT_EQ(f44, std::make_pair(int64_t(-150), int64_t(204)));
  for (int64_t top : {1, 3, 7, 15})
    for (int64_t my = 2; my <= 4; ++my) {
      Winograd algorithm(my, 3);
      int64_t smallest = 0, largest = 0;
      for (const auto &row : algorithm.y.b)
        for (const auto &column : algorithm.x.b)
          for (bool forLargest : {false, true}) {
            int64_t sum = 0; // of the codes that are best for this position
            for (int64_t r : row)
              for (int64_t c : column)
                sum += (r * c > 0) == forLargest ? top * r * c : 0;
            smallest = std::min(smallest, sum);
            largest = std::max(largest, sum);
          }
      EXPECT_EQ(algorithm.inputRange(top), std::make_pair(smallest, largest));
    }
}

TEST(Winograd, PowersOfTwoInTheScale) {
  EXPECT_EQ(Winograd(4, 3).scaleShift(), 4);
  EXPECT_EQ(Winograd(3, 3).scaleShift(), 2);
  EXPECT_EQ(Winograd(2, 2).scaleShift(), 2);
}
