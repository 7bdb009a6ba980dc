// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which exact Winograd algorithms stay inside bytes, decided by a layer's real weights.
#ifndef N2UQ_ANALYSIS_WINOGRADFORM_H
#define N2UQ_ANALYSIS_WINOGRADFORM_H

#include "n2uq/Support/CookToom.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace n2uq {

/// What transformed weights of a layer can be, at each position of F(4, 3) x F(4, 3). The points of a smaller algorithm
/// are among those of F(4, 3), so this one pass over the weights answers for all of them.
class TransformedWeights {
public:
  /// \p filter is [outputs, 3, 3, inputs].
  TransformedWeights(llvm::ArrayRef<int8_t> filter, int64_t outputs, int64_t inputs);

  struct Range {
    int64_t smallest = 0, largest = 0;
    bool allOdd = true;
  };
  /// Of position (\p row, \p column) of F(outputsY, 3) x F(outputsX, 3).
  const Range &range(int64_t outputsY, int64_t outputsX, int64_t row, int64_t column) const;

private:
  static constexpr int64_t points = maxCookToomOutputs + 2;
  Range ranges[points][points];
};

/// Smallest and largest transformed code of a position of F(outputsY, 3) x F(outputsX, 3) for codes up to \p top, also
/// in tiles that have an output less in one direction or in both: their points are among these.
std::pair<int64_t, int64_t> winogradCodeRange(int64_t top, int64_t outputsY, int64_t outputsX, int64_t position);

/// What is multiplied at a position: codes with weights, or, by the inner-product identity, sums of both, which need
/// more room.
enum class WinogradFactors { Plain, Sums };

/// The positions of F(outputsY, 3) x F(outputsX, 3) at which weights must be halved so that all factors fit into signed
/// bytes, for codes up to \p top. A weight u that does not fit is stored as (u - 1) / 2 where all weights of its
/// position are odd, which is how layers of odd weights are: every row of G has an odd sum of coefficients. False, and
/// the reason in \p why, where there is no such form or where a transformed code leaves [-128, 127].
bool winogradForm(const TransformedWeights &weights, int64_t top, int64_t outputsY, int64_t outputsX,
                  WinogradFactors factors, llvm::SmallVectorImpl<int64_t> &halved, std::string &why);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_WINOGRADFORM_H
