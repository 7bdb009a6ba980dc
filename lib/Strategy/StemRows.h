// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rows of a convolution that a pool may stand behind. A family gives the code of one row; where the rows go, and
// which of them a work item needs, is decided here.
#ifndef N2UQ_LIB_STRATEGY_STEMROWS_H
#define N2UQ_LIB_STRATEGY_STEMROWS_H

#include "Contraction.h"

namespace n2uq {

/// Takes a register tile of the root's result: tile[pixel * vectors + j] is pixel x + pixel of a row and channels from
/// channel + j*lanes on.
using RowSink = std::function<void(llvm::ArrayRef<mlir::Value> tile, int64_t vectors, mlir::Value x, int64_t pixels,
                                   mlir::Value channel)>;
/// Emits row `y` of the convolution.
using RowEmitter = std::function<void(mlir::Value y, RowSink sink)>;

/// Bytes of the rows of floats that lie between a convolution and \p pool at a time.
int64_t pooledRowsBytes(MaxPoolOp pool);
/// What they may take: half of the scratch memory, so that the convolution has the other half.
constexpr int64_t maxPooledRowsBytes = maxScratchBytes / 2;

/// Whether \p kernel has no pool behind its root or one whose rows fit; else `why` is filled with the reason.
bool fitsPool(KernelOp kernel, std::string &why);

/// The image of rows that work items share: of the pool behind the root, else of the root.
ImageShape rowsOf(KernelOp kernel);
/// Rows of a work item that computes all channels. Behind a pool each run of items computes a few rows of the
/// convolution twice, so there are fewer of them.
int64_t stemRowsPerItem(KernelOp kernel);

/// Emits the rows that \p part needs: one after the other into what follows the root, or through \p scratch and the
/// pool. \p scratch holds pooledRowsBytes where there is a pool and keeps its content from item to item.
void emitStemRows(KernelOp kernel, ItemEmitter &e, const ItemPart &part, mlir::Value scratch, RowEmitter emitRow);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_STEMROWS_H
