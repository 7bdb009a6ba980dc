// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each op does to arrays. One function an op, its formula that of the op's description.
#ifndef N2UQ_LIB_REFERENCE_EVALUATE_H
#define N2UQ_LIB_REFERENCE_EVALUATE_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Reference/Array.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace n2uq {

/// Runs body(begin, end) over disjoint ranges that cover [0, count). Every result element is computed by one call
/// alone, so the number of threads cannot change it.
void parallelFor(int64_t count, unsigned threads, llvm::function_ref<void(int64_t begin, int64_t end)> body);

// Moves and contractions (Contractions.cpp, Moves.cpp). `result` comes in zeroed, with its shape.
void evaluate(ToNHWCOp op, const Array &input, Array &result, unsigned threads);
void evaluate(FlattenOp op, const Array &input, Array &result, unsigned threads);
void evaluate(UnflattenOp op, const Array &input, Array &result, unsigned threads);
void evaluate(GatherOp op, const Array &input, Array &result, unsigned threads);
void evaluate(ConcatOp op, llvm::ArrayRef<const Array *> inputs, Array &result, unsigned threads);
void evaluate(MaxPoolOp op, const Array &input, Array &result, unsigned threads);
void evaluate(AvgPoolOp op, const Array &input, Array &result, unsigned threads);
void evaluate(Conv2DOp op, const Array &input, const Array &filter, Array &result, unsigned threads);
void evaluate(FloatConv2DOp op, const Array &input, const Array &filter, Array &result, unsigned threads);
void evaluate(ImageConv2DOp op, const Array &input, const Array &limbs, const Array &scale, const Array &offset,
              Array &result, unsigned threads);
void evaluate(FullyConnectedOp op, const Array &input, const Array &weights, Array &result, unsigned threads);
void evaluate(PackedConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedLookupConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedInnerProductConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedWinogradConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedDepthwiseConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedFloatConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(PackedImageConv2DOp op, const Array &input, const Array &packed, const Array &scale, const Array &offset,
              Array &result, unsigned threads);
void evaluate(PackedFullyConnectedOp op, const Array &input, const Array &packed, Array &result, unsigned threads);
void evaluate(Dot2Op op, const Array &codes, const Array &weights, Array &result);
void evaluate(Dot2WordsOp op, const Array &acc, const Array &lhs, const Array &rhs, Array &result);
void evaluate(Dot4Op op, const Array &acc, const Array &codes, const Array &weights, Array &result);
void evaluate(TableLookupOp op, const Array &table, const Array &indices, Array &result);

// Element by element (Elementwise.cpp). A null `scale` or `offset` leaves its step out.
void evaluate(AffineOp op, const Array &input, const Array *scale, const Array *offset, Array &result,
              unsigned threads);
void evaluate(PReLUOp op, const Array &input, const Array &slope, Array &result, unsigned threads);
void evaluate(ClampOp op, const Array &input, Array &result, unsigned threads);
void evaluate(SigmoidOp op, const Array &input, Array &result, unsigned threads);
void evaluate(AddOp op, const Array &lhs, const Array &rhs, Array &result, unsigned threads);
void evaluate(QuantizeOp op, const Array &input, const Array &thresholds, Array &result, unsigned threads);
void evaluate(ThresholdOp op, const Array &input, const Array &thresholds, Array &result, unsigned threads);
void evaluate(TwoSidedThresholdOp op, const Array &input, const Array &base, const Array &up, const Array &down,
              Array &result, unsigned threads);

/// An op of upstream's (Upstream.cpp).
void evaluateUpstream(mlir::Operation *op, llvm::ArrayRef<const Array *> inputs, Array &result, unsigned threads);

// Codes on a shared axis (SharedThresholds.cpp).
void evaluate(SharedThresholdOp op, const Array &input, const Array &scale, const Array &offset, const Array &table,
              const Array *sign, Array &result, unsigned threads);
void evaluate(CellCodesOp op, llvm::ArrayRef<const Array *> values, Array &result);
void evaluate(PermuteOp op, const Array &table, const Array &index, Array &result);

} // namespace n2uq

#endif // N2UQ_LIB_REFERENCE_EVALUATE_H
