// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact integer Cook-Toom algorithms F(m, 3): m outputs of a filter of three taps from m + 2 multiplications.
//
//   scale * y = A [ (G g) . (B d) ]        y[i] = sum over k < 3 of d[i + k] * g[k]
//
// All entries are integers. The points are 0, 1, -1, 2, -2 (the first m + 1 of them) and infinity, so that the rows of
// G of a smaller m are rows of those of a larger one. Two dimensions by nesting: y = Ay [ (Gy g Gx^T) . (By d Bx^T) ]
// Ax^T.
//
// Reference: S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for
// Convolutional Neural Networks, CVPR 2016 (with fractions in G).
#ifndef N2UQ_SUPPORT_COOKTOOM_H
#define N2UQ_SUPPORT_COOKTOOM_H

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace n2uq {

using IntMatrix = std::vector<std::vector<int64_t>>;

struct CookToom {
  int64_t outputs; ///< m
  int64_t points;  ///< m + 2
  int64_t scale;
  IntMatrix a; ///< outputs x points
  IntMatrix g; ///< points x 3
  IntMatrix b; ///< points x points
};

constexpr int64_t minCookToomOutputs = 2, maxCookToomOutputs = 4;

/// F(outputs, 3), derived by Lagrange interpolation; \p outputs from 2 to 4.
CookToom cookToom(int64_t outputs);

/// Whether the identity above holds for every input: both sides are bilinear, so it is enough to compare them on all
/// pairs of unit vectors.
bool isExact(const CookToom &algorithm);

/// A two-dimensional algorithm on filters of 3x3 taps and codes.
struct Winograd {
  CookToom y, x;

  Winograd(int64_t outputsY, int64_t outputsX) : y(cookToom(outputsY)), x(cookToom(outputsX)) {}
  int64_t positions() const { return y.points * x.points; }
  /// Gy g Gx^T, row by row.
  std::vector<int64_t> transformFilter(const std::array<int64_t, 9> &filter) const;
  /// The filter whose transform has the values of \p transformed at the points 0, 1 and infinity. Where the values at
  /// the other points are not those of its transform, \p transformed is no filter's.
  std::array<int64_t, 9> recoverFilter(const std::vector<int64_t> &transformed) const;
  /// Smallest and largest number in By d Bx^T over all positions, for elements of d between 0 and \p top; both are
  /// reached.
  std::pair<int64_t, int64_t> inputRange(int64_t top) const;
  /// The same of one position.
  std::pair<int64_t, int64_t> inputRange(int64_t top, int64_t row, int64_t column) const;
  /// The power of two in the product of the scales: what is left after the odd factors were divided out.
  int64_t scaleShift() const;
};

} // namespace n2uq

#endif // N2UQ_SUPPORT_COOKTOOM_H
