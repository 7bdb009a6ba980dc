// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CookToom.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace n2uq {

/// a(x) * (x - point), coefficients from the constant one on.
static std::vector<int64_t> timesRoot(const std::vector<int64_t> &a, int64_t point) {
  std::vector<int64_t> product(a.size() + 1, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    product[i] -= point * a[i];
    product[i + 1] += a[i];
  }
  return product;
}

CookToom cookToom(int64_t outputs) {
  static constexpr int64_t allPoints[] = {0, 1, -1, 2, -2};
  // The product of two polynomials of degrees outputs - 1 and 2 is interpolated from its values at outputs + 1 points
  // and its leading coefficient; transposed, that is the filter. N_j = product over k != j of (x - p_k) is 0 at every
  // other point, and v_j = N_j(p_j) is what it has to be divided by: scale / v_j goes into A.
  CookToom result;
  result.outputs = outputs;
  result.points = outputs + 2;
  int64_t finite = outputs + 1;
  std::vector<int64_t> values;
  result.scale = 1;
  for (int64_t j = 0; j <= finite; ++j) { // the last one is the point at infinity: the product over all points
    std::vector<int64_t> polynomial = {1};
    int64_t value = 1;
    for (int64_t k = 0; k < finite; ++k)
      if (k != j) {
        polynomial = timesRoot(polynomial, allPoints[k]);
        if (j < finite)
          value *= allPoints[j] - allPoints[k];
      }
    polynomial.resize(result.points, 0);
    result.b.push_back(polynomial);
    values.push_back(value);
    result.scale = std::lcm(result.scale, std::abs(value));
  }
  for (int64_t j = 0; j < finite; ++j)
    result.g.push_back({1, allPoints[j], allPoints[j] * allPoints[j]});
  result.g.push_back({0, 0, 1});
  for (int64_t i = 0; i < outputs; ++i) {
    std::vector<int64_t> row;
    for (int64_t j = 0; j < finite; ++j) {
      int64_t power = 1;
      for (int64_t k = 0; k < i; ++k)
        power *= allPoints[j];
      row.push_back(power * (result.scale / values[j]));
    }
    row.push_back(i == outputs - 1 ? result.scale : 0);
    result.a.push_back(row);
  }
  return result;
}

bool isExact(const CookToom &f) {
  for (int64_t i = 0; i < f.outputs; ++i)
    for (int64_t k = 0; k < 3; ++k)
      for (int64_t l = 0; l < f.points; ++l) {
        int64_t sum = 0;
        for (int64_t j = 0; j < f.points; ++j)
          sum += f.a[i][j] * f.g[j][k] * f.b[j][l];
        if (sum != (l == i + k ? f.scale : 0))
          return false;
      }
  return true;
}

std::vector<int64_t> Winograd::transformFilter(const std::array<int64_t, 9> &filter) const {
  std::vector<int64_t> transformed;
  transformed.reserve(positions());
  for (const std::vector<int64_t> &row : y.g) {
    int64_t taps[3] = {0, 0, 0};
    for (int64_t k = 0; k < 3; ++k)
      for (int64_t l = 0; l < 3; ++l)
        taps[l] += row[k] * filter[3 * k + l];
    for (const std::vector<int64_t> &column : x.g)
      transformed.push_back(column[0] * taps[0] + column[1] * taps[1] + column[2] * taps[2]);
  }
  return transformed;
}

std::array<int64_t, 9> Winograd::recoverFilter(const std::vector<int64_t> &transformed) const {
  // The values at 0 and infinity are the outer taps, that at 1 the sum of all three.
  auto taps = [](int64_t atZero, int64_t atOne, int64_t atInfinity) {
    return std::array<int64_t, 3>{atZero, atOne - atZero - atInfinity, atInfinity};
  };
  std::vector<std::array<int64_t, 3>> rows;
  for (int64_t row : {int64_t(0), int64_t(1), y.points - 1}) {
    const int64_t *values = transformed.data() + row * x.points;
    rows.push_back(taps(values[0], values[1], values[x.points - 1]));
  }
  std::array<int64_t, 9> filter;
  for (int64_t l = 0; l < 3; ++l) {
    std::array<int64_t, 3> column = taps(rows[0][l], rows[1][l], rows[2][l]);
    for (int64_t k = 0; k < 3; ++k)
      filter[3 * k + l] = column[k];
  }
  return filter;
}

std::pair<int64_t, int64_t> Winograd::inputRange(int64_t top) const {
  int64_t smallest = 0, largest = 0;
  for (int64_t row = 0; row < y.points; ++row)
    for (int64_t column = 0; column < x.points; ++column) {
      auto [lo, hi] = inputRange(top, row, column);
      smallest = std::min(smallest, lo);
      largest = std::max(largest, hi);
    }
  return {smallest, largest};
}

std::pair<int64_t, int64_t> Winograd::inputRange(int64_t top, int64_t row, int64_t column) const {
  int64_t lo = 0, hi = 0;
  for (int64_t r : y.b[row])
    for (int64_t c : x.b[column])
      (r * c < 0 ? lo : hi) += top * r * c;
  return {lo, hi};
}

int64_t Winograd::scaleShift() const {
  int64_t shift = 0;
  for (int64_t scale = y.scale * x.scale; scale % 2 == 0; scale /= 2)
    ++shift;
  return shift;
}

} // namespace n2uq
