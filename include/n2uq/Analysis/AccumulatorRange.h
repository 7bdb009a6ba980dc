// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact bounds of integer accumulators.
#ifndef N2UQ_ANALYSIS_ACCUMULATORRANGE_H
#define N2UQ_ANALYSIS_ACCUMULATORRANGE_H

#include "n2uq/Analysis/StepFunction.h"

#include "mlir/IR/Value.h"
#include <optional>
#include <vector>

namespace n2uq {

/// Per channel, the bounds of the accumulators in `value`: the result of an `n2uq.conv2d` with a constant filter, or of
/// max-pools of one; none for anything else.
///
///   lo = top · Σ(negative weights)     hi = top · Σ(positive weights)     top = largest code of the input's type
///
/// Exact: both are reached by codes 0 and `top` where a weight's sign asks for them, and by nothing beyond, for no
/// product is smaller or larger. Taps outside of the image count as code 0, which is among these. A max-pool yields one
/// of its inputs. They fit into 32 bits, and the sums here into 64: (C5) of the op.
std::optional<std::vector<AccumulatorBounds>> accumulatorBoundsOf(mlir::Value value);

/// How many accumulators there are, all channels together: the price of a proof by evaluation.
int64_t evaluationsOf(llvm::ArrayRef<AccumulatorBounds> bounds);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_ACCUMULATORRANGE_H
