// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-by-element ops in front of a quantizer, read from the IR into plain numbers.
#ifndef N2UQ_ANALYSIS_QUANTIZERTAIL_H
#define N2UQ_ANALYSIS_QUANTIZERTAIL_H

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

/// Whether all that reads `value`, directly or behind tail ops (and float max-pools), are quantizers.
bool leadsOnlyToQuantizers(mlir::Value value);

/// The steps of channel after channel that `ops`, one behind the other, perform. None where a parameter is not
/// constant.
std::optional<std::vector<std::vector<TailStep>>> channelSteps(llvm::ArrayRef<mlir::Operation *> ops, int64_t channels);

/// The same with the quantizer behind `ops`.
std::optional<std::vector<ChannelTail>> channelTails(llvm::ArrayRef<mlir::Operation *> ops, QuantizeOp quantize);

/// Writes `op` again with `input` in place of its own and the extents of `input`: an op that works element by element
/// moved to the other side of a pool.
mlir::Value cloneTailOp(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value input);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_QUANTIZERTAIL_H
