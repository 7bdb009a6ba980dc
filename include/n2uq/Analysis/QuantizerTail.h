// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-by-element ops in front of a quantizer, read from the IR into plain numbers.
#ifndef N2UQ_ANALYSIS_QUANTIZERTAIL_H
#define N2UQ_ANALYSIS_QUANTIZERTAIL_H

#include "n2uq/Analysis/AccumulatorRange.h"
#include "n2uq/Analysis/FloatTail.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>
#include <vector>

namespace n2uq {

/// Whether `op` maps each number by itself and by constants only: an affine, PReLU or clamp.
bool isTailOp(mlir::Operation *op);

/// The tail ops that lead to `value`, first computed first. They end where something else produces the number, or
/// behind an affine of integers.
llvm::SmallVector<mlir::Operation *> tailOpsBefore(mlir::Value value);

/// Whether the tail begins at an accumulator: its first op reads integers of 32 bits.
bool startsAtAccumulator(llvm::ArrayRef<mlir::Operation *> tail);

/// Whether all that reads `value`, directly or behind tail ops (and float max-pools), are quantizers.
bool leadsOnlyToQuantizers(mlir::Value value);

/// The steps of channel after channel that `ops`, one behind the other, perform. None where a parameter is not
/// constant.
std::optional<std::vector<std::vector<TailStep>>> channelSteps(llvm::ArrayRef<mlir::Operation *> ops, int64_t channels);

/// A tail that begins at an accumulator, as plain numbers: what a proof by evaluation needs.
struct AccumulatorTail {
  mlir::Value acc;
  std::vector<AccumulatorBounds> bounds;
  std::vector<std::vector<TailStep>> steps;
};

/// Reads `ops`, whose first op reads an accumulator. Fails with a `reason` where the bounds are unknown, a parameter is
/// not constant, or the proof would take more than `maxEvaluations` float32 operations.
mlir::FailureOr<AccumulatorTail> readAccumulatorTail(llvm::ArrayRef<mlir::Operation *> ops, int64_t maxEvaluations,
                                                     std::string &reason);

/// The steps of `ops` with the quantizer behind them. None where a parameter is not constant.
std::optional<std::vector<ChannelTail>> channelTails(llvm::ArrayRef<mlir::Operation *> ops, QuantizeOp quantize);

/// Writes `op` again with `input` in place of its own and the extents of `input`: an op that works element by element
/// moved to the other side of a pool.
mlir::Value cloneTailOp(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value input);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_QUANTIZERTAIL_H
