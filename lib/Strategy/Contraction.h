// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the families of contractions share.
#ifndef N2UQ_LIB_STRATEGY_CONTRACTION_H
#define N2UQ_LIB_STRATEGY_CONTRACTION_H

#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Emit.h"
#include "n2uq/Strategy/Family.h"
#include "n2uq/Support/CpuPorts.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cstring>

namespace n2uq {

/// Work items that a kernel should have at least, so that threads get equal shares.
constexpr int64_t itemsWanted = 16;

/// Rows per work item, for a kernel whose rows are split into `blocks` of channels as well: as many as leave enough
/// items, so that a block of weights stays in the cache from row to row.
inline int64_t rowsPerItem(int64_t rows, int64_t blocks) {
  int64_t chunks = std::min(rows, ceilDiv(itemsWanted, blocks));
  return ceilDiv(rows, chunks);
}

/// An estimate of what stands behind a contraction, for each vector of accumulators: thresholds, a code, a store.
inline double finishCycles(const CpuPorts &ports) { return 16 / ports.vectors; }

/// The part of an image that one work item computes: rows [firstRow, lastRow) of the block of channels from \c channel
/// on. Blocks are the outer loop over items, so that neighbouring items read the same weights.
struct ItemPart {
  mlir::Value block, channel, firstRow, lastRow;
};

inline ItemPart partOf(ItemEmitter &e, int64_t height, int64_t rows, int64_t blockChannels) {
  int64_t chunks = ceilDiv(height, rows);
  ItemPart part;
  part.block = e.divide(e.item, chunks);
  part.channel = e.mul(part.block, blockChannels);
  part.firstRow = e.mul(e.modulo(e.item, chunks), rows);
  part.lastRow = e.min(e.add(part.firstRow, rows), e.number(height));
  return part;
}

/// The address of tap (0, 0), channel 0, of output (y, x) of \p window on an image whose memory holds the padding.
inline mlir::Value windowCorner(ItemEmitter &e, const Access &in, const Window &window, mlir::Value y, mlir::Value x) {
  return e.at(in.base, e.add(e.add(e.mul(y, window.strides[0] * in.row), e.mul(x, window.strides[1] * in.pixel)),
                             -window.before[0] * in.row - window.before[1] * in.pixel));
}

/// Elements of a packed filter: the product of \p extents. Failure after an error on \p op where padding to whole
/// blocks and vectors makes more of it than anybody has memory for.
inline mlir::FailureOr<int64_t> packedElements(mlir::Operation *op, llvm::ArrayRef<int64_t> extents) {
  constexpr int64_t limit = int64_t(1) << 30;
  int64_t product = 1;
  for (int64_t extent : extents) {
    if (extent > limit / product)
      return op->emitOpError() << "has a filter that takes more than " << limit << " elements when packed";
    product *= extent;
  }
  return product;
}

/// The address of packed weights, which are stored as they are.
inline mlir::Value weightData(ItemEmitter &e, mlir::Value packed) {
  return e.data(packed, [&] {
    if (std::optional<std::vector<int8_t>> bytes = constantBytes(packed))
      return std::vector<char>(bytes->begin(), bytes->end());
    std::vector<float> floats = *constantFloats(packed);
    std::vector<char> bytes(floats.size() * sizeof(float));
    std::memcpy(bytes.data(), floats.data(), bytes.size());
    return bytes;
  });
}

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_CONTRACTION_H
