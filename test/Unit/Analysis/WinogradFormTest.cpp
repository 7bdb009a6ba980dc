// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/WinogradForm.h"

#include "gtest/gtest.h"
#include <random>

using namespace n2uq;

namespace {

constexpr int64_t outputs = 5, inputs = 7;

std::vector<int8_t> oddFilter(int64_t top, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> filter(outputs * 9 * inputs);
  for (int8_t &weight : filter)
    weight = 2 * int64_t(random() % (top + 1)) - top;
  return filter;
}

bool isLegal(const std::vector<int8_t> &filter, int64_t top, int64_t my, int64_t mx,
             llvm::SmallVectorImpl<int64_t> &halved, std::string &why) {
  return winogradForm(TransformedWeights(filter, outputs, inputs), top, my, mx, WinogradFactors::Plain, halved, why);
}

} // namespace

// The ranges that one pass over the largest algorithm gives are those of every algorithm's own transform.
TEST(WinogradForm, RangesAreThoseOfTheTransform) {
  for (int64_t top : {3, 7, 15}) {
    std::vector<int8_t> filter = oddFilter(top, top);
    TransformedWeights weights(filter, outputs, inputs);
    for (int64_t my = 2; my <= 4; ++my)
      for (int64_t mx = 2; mx <= 4; ++mx) {
        Winograd algorithm(my, mx);
        std::vector<int64_t> smallest(algorithm.positions(), 0), largest(algorithm.positions(), 0);
        for (int64_t o = 0; o < outputs; ++o)
          for (int64_t c = 0; c < inputs; ++c) {
            std::array<int64_t, 9> taps;
            for (int64_t tap = 0; tap < 9; ++tap)
              taps[tap] = filter[(o * 9 + tap) * inputs + c];
            std::vector<int64_t> u = algorithm.transformFilter(taps);
            for (int64_t p = 0; p < algorithm.positions(); ++p) {
              smallest[p] = std::min(smallest[p], u[p]);
              largest[p] = std::max(largest[p], u[p]);
              EXPECT_NE(u[p] % 2, 0) << "weights of odd layers stay odd";
            }
          }
        for (int64_t p = 0; p < algorithm.positions(); ++p) {
          const auto &range = weights.range(my, mx, p / (mx + 2), p % (mx + 2));
          EXPECT_EQ(range.smallest, smallest[p]);
          EXPECT_EQ(range.largest, largest[p]);
          EXPECT_TRUE(range.allOdd);
        }
      }
  }
}

// The table of kernels: which algorithms codes and weights of 2, 3 and 4 bits allow in any case.
TEST(WinogradForm, LegalityByWidth) {
  llvm::SmallVector<int64_t> halved;
  std::string why;
  for (int64_t top : {3, 7, 15}) {
    // Weights of one sign, then with the signs of the point -1: both extremes of every position.
    std::vector<int8_t> filter(outputs * 9 * inputs, top);
    for (int64_t tap = 0; tap < 9; ++tap)
      for (int64_t c = 0; c < inputs; ++c)
        filter[tap * inputs + c] = tap % 2 ? -top : top;
    for (int64_t my = 2; my <= 4; ++my)
      for (int64_t mx = 2; mx <= my; ++mx) {
        bool legal = isLegal(filter, top, my, mx, halved, why);
        bool expected = top == 3 ? my + mx < 8 : top == 7 ? mx == 2 : my == 2;
        EXPECT_EQ(legal, expected) << "F" << my << "xF" << mx << ", codes up to " << top << ": " << why;
      }
  }
  EXPECT_TRUE(isLegal(std::vector<int8_t>(outputs * 9 * inputs, 3), 3, 4, 3, halved, why));
  EXPECT_EQ(halved, (llvm::SmallVector<int64_t>{18})) << "rows of (1,2,4) twice reach 147";
}

TEST(WinogradForm, ReasonsAreGiven) {
  llvm::SmallVector<int64_t> halved;
  std::string why;
  std::vector<int8_t> even(outputs * 9 * inputs, 3);
  even[0] = 2;
  EXPECT_FALSE(isLegal(even, 3, 4, 3, halved, why));
  EXPECT_EQ(why, "F(4,3)xF(3,3): transformed weights reach [0, 147] and are not all odd");
  EXPECT_FALSE(isLegal(even, 3, 4, 4, halved, why));
  EXPECT_EQ(why, "F(4,3)xF(4,3): transformed codes reach [-150, 204]");
  EXPECT_FALSE(isLegal(std::vector<int8_t>(outputs * 9 * inputs, 7), 7, 3, 3, halved, why));
  EXPECT_EQ(why, "F(3,3)xF(3,3): transformed weights reach [0, 343]");
}

// Products of sums: with codes and weights of 2 bits no position needs more room than F(4,3)xF(3,3) leaves, though its
// largest codes and its largest weights do not fit together.
TEST(WinogradForm, SumsOfCodesAndWeightsFit) {
  llvm::SmallVector<int64_t> halved;
  std::string why;
  for (int8_t sign : {1, -1}) {
    std::vector<int8_t> filter(outputs * 9 * inputs, 3 * sign);
    for (int64_t my = 2; my <= 4; ++my)
      for (int64_t mx = 2; mx <= my && my + mx < 8; ++mx)
        EXPECT_TRUE(
            winogradForm(TransformedWeights(filter, outputs, inputs), 3, my, mx, WinogradFactors::Sums, halved, why))
            << "F" << my << "xF" << mx << ": " << why;
  }
  // At (1,2,4) twice weights reach 147 and codes 18; at (1,1,1) twice weights 27 and codes 78, or -48 in tiles of 4x2.
  EXPECT_EQ(winogradCodeRange(3, 4, 3, 3 * 5 + 3), std::make_pair(int64_t(-18), int64_t(18)));
  EXPECT_EQ(winogradCodeRange(3, 4, 3, 1 * 5 + 1), std::make_pair(int64_t(-48), int64_t(78)));
  EXPECT_FALSE(winogradForm(TransformedWeights(std::vector<int8_t>(outputs * 9 * inputs, 10), outputs, inputs), 15, 2,
                            2, WinogradFactors::Sums, halved, why));
  EXPECT_EQ(why,
            "F(2,3)xF(2,3): transformed weights reach [0, 90] and are not all odd, codes of their position [0, 60]");
}
