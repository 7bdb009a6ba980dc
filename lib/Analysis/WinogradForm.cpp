// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/WinogradForm.h"

#include <algorithm>
#include <tuple>

namespace n2uq {

TransformedWeights::TransformedWeights(llvm::ArrayRef<int8_t> filter, int64_t outputs, int64_t inputs) {
  CookToom largest = cookToom(maxCookToomOutputs);
  int32_t g[points][3];
  for (int64_t j = 0; j < points; ++j)
    std::copy(largest.g[j].begin(), largest.g[j].end(), g[j]);
  int32_t smallest[points][points] = {}, biggest[points][points] = {};
  bool even[points][points] = {};
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < inputs; ++c) {
      int32_t taps[9];
      for (int64_t tap = 0; tap < 9; ++tap)
        taps[tap] = filter[(o * 9 + tap) * inputs + c];
      for (int64_t j = 0; j < points; ++j) {
        int32_t row[3];
        for (int64_t l = 0; l < 3; ++l)
          row[l] = g[j][0] * taps[l] + g[j][1] * taps[3 + l] + g[j][2] * taps[6 + l];
        for (int64_t i = 0; i < points; ++i) {
          int32_t u = g[i][0] * row[0] + g[i][1] * row[1] + g[i][2] * row[2];
          smallest[j][i] = std::min(smallest[j][i], u);
          biggest[j][i] = std::max(biggest[j][i], u);
          even[j][i] |= (u & 1) == 0;
        }
      }
    }
  for (int64_t j = 0; j < points; ++j)
    for (int64_t i = 0; i < points; ++i)
      ranges[j][i] = {smallest[j][i], biggest[j][i], !even[j][i]};
}

const TransformedWeights::Range &TransformedWeights::range(int64_t outputsY, int64_t outputsX, int64_t row,
                                                           int64_t column) const {
  // The last row is the point at infinity, whatever the algorithm.
  return ranges[row == outputsY + 1 ? points - 1 : row][column == outputsX + 1 ? points - 1 : column];
}

std::pair<int64_t, int64_t> winogradCodeRange(int64_t top, int64_t outputsY, int64_t outputsX, int64_t position) {
  int64_t row = position / (outputsX + 2), column = position % (outputsX + 2), smallest = 0, largest = 0;
  for (int64_t my = std::max(outputsY - 1, minCookToomOutputs); my <= outputsY; ++my)
    for (int64_t mx = std::max(outputsX - 1, minCookToomOutputs); mx <= outputsX; ++mx) {
      // An algorithm with an output less lacks the last finite point, and its point at infinity is its last one.
      if ((my < outputsY && row == outputsY) || (mx < outputsX && column == outputsX))
        continue;
      auto [lo, hi] = Winograd(my, mx).inputRange(top, row > my ? my + 1 : row, column > mx ? mx + 1 : column);
      smallest = std::min(smallest, lo);
      largest = std::max(largest, hi);
    }
  return {smallest, largest};
}

bool winogradForm(const TransformedWeights &weights, int64_t top, int64_t outputsY, int64_t outputsX,
                  WinogradFactors factors, llvm::SmallVectorImpl<int64_t> &halved, std::string &why) {
  std::string name = "F(" + std::to_string(outputsY) + ",3)xF(" + std::to_string(outputsX) + ",3)";
  Winograd algorithm(outputsY, outputsX);
  auto [lo, hi] = algorithm.inputRange(top);
  if (lo < -128 || hi > 127) {
    why = name + ": transformed codes reach [" + std::to_string(lo) + ", " + std::to_string(hi) + "]";
    return false;
  }
  halved.clear();
  for (int64_t row = 0; row < outputsY + 2; ++row)
    for (int64_t column = 0; column < outputsX + 2; ++column) {
      const TransformedWeights::Range &range = weights.range(outputsY, outputsX, row, column);
      int64_t position = row * (outputsX + 2) + column, least = 0, most = 0; // of what is added to a weight
      if (factors == WinogradFactors::Sums)
        std::tie(least, most) = winogradCodeRange(top, outputsY, outputsX, position);
      if (range.smallest + least >= -128 && range.largest + most <= 127)
        continue;
      if (!range.allOdd || (range.smallest - 1) / 2 + least < -128 || (range.largest - 1) / 2 + most > 127) {
        why = name + ": transformed weights reach [" + std::to_string(range.smallest) + ", " +
              std::to_string(range.largest) + "]" + (range.allOdd ? "" : " and are not all odd");
        if (factors == WinogradFactors::Sums)
          why += ", codes of their position [" + std::to_string(least) + ", " + std::to_string(most) + "]";
        return false;
      }
      halved.push_back(position);
    }
  return true;
}

} // namespace n2uq
