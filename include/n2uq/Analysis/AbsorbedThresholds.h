// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A quantizer's thresholds seen through rising float steps in front of it. Plain C++, no IR.
#ifndef N2UQ_ANALYSIS_ABSORBEDTHRESHOLDS_H
#define N2UQ_ANALYSIS_ABSORBEDTHRESHOLDS_H

#include "n2uq/Analysis/FloatTail.h"

#include <optional>
#include <vector>

namespace n2uq {

/// Thresholds T' with `tail.code(x) = |{ k : x >= T'_k }|` for every float32 x (a NaN as `nanIsTop` says), or none
/// where there are no such numbers or the steps do not all rise.
///
/// Each step rises, so f(x) = tail.value(x) does, and T'_k is the smallest x with f(x) >= T_k: found by bisection over
/// the float32 numbers in their order, evaluating f itself. What could break the order is a NaN that f makes of a
/// number:
///   finite x:     a finite factor makes one of an infinity only (0 * inf), as an offset does (inf - inf); as all steps
///                 before rise, the numbers of largest magnitude lead to that infinity too, so f is free of NaN when it
///                 is at both of them. An infinite factor (inf * 0) is refused
///   infinite x:   codes are compared there, one by one
std::optional<std::vector<float>> absorbedThresholds(const ChannelTail &tail);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_ABSORBEDTHRESHOLDS_H
