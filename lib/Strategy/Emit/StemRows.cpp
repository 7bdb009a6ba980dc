// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution, its tail, max-pool and what follows in one loop nest. Between the convolution and the pool only as many
// rows of floats exist as the pool's window has: a ring in scratch memory.
//
// Rows of the padded image are numbered from 0, so row q is row q - top of the image and lies in slot q mod KH. Row p
// of the pool reads rows p*S .. p*S + KH - 1; of those the item before left the first KH - S behind, unless another
// thread computed it. Rows and columns of the padding are minus infinity: the maximum is that of the taps inside of the
// image, of which every window has one, so nothing is clipped.
#include "../StemRows.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;

namespace n2uq {

/// Columns of a slot: the image with its padding, and what the last window reaches.
static int64_t slotColumns(MaxPoolOp pool) {
  Window window = pool.getWindow();
  ImageShape in(pool.getInput().getType()), out(pool.getType());
  return std::max(window.before[1] + in.width, window.origin(1, out.width - 1) + window.before[1] + window.reach(1));
}

int64_t pooledRowsBytes(MaxPoolOp pool) {
  int64_t pixel = memoryChannels(channelsOf(pool)) * 4, columns = slotColumns(pool), rows = pool.getWindow().kernel[0];
  constexpr int64_t enormous = std::numeric_limits<int64_t>::max();
  // Extents are at most 2^24, so two of them fit together.
  return rows > (int64_t(1) << 36) / pixel || columns > enormous / (rows * pixel) ? enormous : rows * columns * pixel;
}

bool fitsPool(KernelOp kernel, std::string &why) {
  MaxPoolOp pool = kernel.getPool();
  if (!pool || pooledRowsBytes(pool) <= maxPooledRowsBytes)
    return true;
  why = "the rows between its convolution and its pool need more than " + std::to_string(maxPooledRowsBytes) + " bytes";
  return false;
}

ImageShape rowsOf(KernelOp kernel) {
  MaxPoolOp pool = kernel.getPool();
  return ImageShape(pool ? pool.getType() : kernel.getRoot()->getResult(0).getType());
}

int64_t stemRowsPerItem(KernelOp kernel) {
  constexpr int64_t pooledItemsWanted = 8;
  int64_t rows = rowsOf(kernel).height;
  return kernel.getPool() ? ceilDiv(rows, std::min(rows, pooledItemsWanted)) : rowsPerItem(rows, 1);
}

/// Whether what the pool reads is never below +0 nor -0: it ends in a clamp at 0 behind a step that adds an offset, and
/// a sum is -0 only where both terms are. Without their sign bits (a NaN may have one) such numbers are in order as
/// integers, NaN above all, and their maximum is one instruction.
static bool isNonNegative(Value value) {
  auto clamp = value.getDefiningOp<ClampOp>();
  auto affine = clamp ? clamp.getInput().getDefiningOp<AffineOp>() : AffineOp();
  if (!affine || !affine.getOffset() || !clamp.getMin().isPosZero())
    return false;
  std::optional<std::vector<float>> offsets = constantFloats(affine.getOffset());
  return offsets && llvm::none_of(*offsets, [](float x) { return x == 0 && std::signbit(x); });
}

namespace {
struct PooledRows {
  ItemEmitter &e;
  MaxPoolOp pool;
  Window window;
  ImageShape in, out;
  int64_t pixelBytes, columns, rowBytes;
  bool nonNegative;
  Value ring;

  PooledRows(KernelOp kernel, ItemEmitter &e, Value ring)
      : e(e), pool(kernel.getPool()), window(pool.getWindow()), in(pool.getInput().getType()), out(pool.getType()),
        pixelBytes(memoryChannels(in.channels) * 4), columns(slotColumns(pool)), rowBytes(columns * pixelBytes),
        nonNegative(isNonNegative(pool.getInput())), ring(ring) {}

  Value slot(Value row) { return e.at(ring, e.mul(e.modulo(row, window.kernel[0]), rowBytes)); }

  /// What is below every number, in the form in which rows are kept.
  Value lowest() {
    if (nonNegative)
      return e.splat(std::numeric_limits<int32_t>::min());
    return e.splat(-std::numeric_limits<float>::infinity());
  }

  /// Columns [first, last) of a slot become padding.
  void clear(Value slot, int64_t first, int64_t last) {
    if (first >= last)
      return;
    Value low = lowest();
    e.loop(e.number(first), e.number(last), [&](Value x) {
      Value pixel = e.at(slot, e.mul(x, pixelBytes));
      e.loop(e.number(0), e.number(pixelBytes / 4 / e.lanes),
             [&](Value v) { e.store(low, e.at(pixel, e.mul(v, e.lanes * 4)), e.lanes * 4); });
    });
  }

  void put(Value slot, ArrayRef<Value> tile, int64_t vectors, Value y, Value x, int64_t pixels, Value channel) {
    Value to = e.at(e.at(slot, e.mul(e.add(x, window.before[1]), pixelBytes)), e.mul(channel, 4));
    for (int64_t j = 0; j < vectors; ++j) {
      Column column;
      for (int64_t i = 0; i < pixels; ++i)
        column.push_back(tile[i * vectors + j]);
      column = e.beforePool(column, y, x, pixels, e.add(channel, j * e.lanes));
      for (auto [i, value] : llvm::enumerate(column)) {
        if (nonNegative) {
          value = arith::BitcastOp::create(e.b, e.ints(), value);
          value = arith::AndIOp::create(e.b, value, e.splat(std::numeric_limits<int32_t>::max()));
        }
        e.store(value, e.at(to, i * pixelBytes + j * e.lanes * 4), e.lanes * 4);
      }
    }
  }

  Value maximum(Value a, Value b) {
    if (!a)
      return b;
    return nonNegative ? arith::MaxSIOp::create(e.b, a, b).getResult() : arith::MaximumFOp::create(e.b, a, b);
  }

  /// Row `y` of the pool. Windows overlap, so the maxima of the columns that the next one shares are kept.
  void emitPool(Value y) {
    SmallVector<Value> slots;
    for (int64_t j = 0; j < window.kernel[0]; ++j)
      slots.push_back(slot(e.add(e.mul(y, window.strides[0]), j)));
    int64_t shared = std::max<int64_t>(window.kernel[1] - window.strides[1], 0);
    // As many vectors of channels at a time as hide each other's latency.
    int64_t vectors = ceilDiv(out.channels, e.lanes), together = vectors % 4 == 0 ? 4 : vectors % 2 == 0 ? 2 : 1;
    e.loop(e.number(0), e.number(vectors / together), [&](Value group) {
      Value channel = e.mul(group, together * e.lanes), channelBytes = e.mul(channel, 4);
      /// The maxima of a column, one of each vector.
      auto addColumn = [&](Value x, SmallVector<Value> &maxima) {
        Value offset = e.add(e.mul(x, pixelBytes), channelBytes);
        for (int64_t j = 0; j < together; ++j) {
          Value result;
          for (Value slot : slots) {
            Value from = e.at(e.at(slot, offset), j * e.lanes * 4);
            result = maximum(result, e.load(nonNegative ? e.ints() : e.floats(), from, e.lanes * 4));
          }
          maxima.push_back(result);
        }
      };
      SmallVector<Value> first;
      for (int64_t c = 0; c < shared; ++c)
        addColumn(e.number(c), first);
      e.loop(e.number(0), e.number(out.width), first, [&](Value x, ValueRange carried) {
        SmallVector<Value> maxima(carried.begin(), carried.end()), tile;
        for (int64_t c = shared; c < window.kernel[1]; ++c)
          addColumn(e.add(e.mul(x, window.strides[1]), c), maxima);
        for (int64_t j = 0; j < together; ++j) {
          Value result;
          for (size_t at = j; at < maxima.size(); at += together)
            result = maximum(result, maxima[at]);
          tile.push_back(nonNegative ? arith::BitcastOp::create(e.b, e.floats(), result) : result);
        }
        e.finishTile(tile, together, y, x, 1, channel);
        return SmallVector<Value>(maxima.end() - shared * together, maxima.end());
      });
    });
  }

  void emit(const ItemPart &part, RowEmitter emitRow) {
    int64_t height = window.kernel[0], stride = window.strides[0];
    e.loop(part.firstRow, part.lastRow, [&](Value y) {
      Value isFirst = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, y, part.firstRow);
      Value alone = arith::AndIOp::create(
          e.b, isFirst, arith::XOrIOp::create(e.b, e.continues, arith::ConstantOp::create(e.b, e.b.getBoolAttr(true))));
      auto ifOp = scf::IfOp::create(e.b, alone, /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToStart(ifOp.thenBlock());
        e.loop(e.number(0), e.number(height), [&](Value row) {
          clear(slot(row), 0, window.before[1]);
          clear(slot(row), window.before[1] + in.width, columns);
        });
      }
      Value begin = e.mul(y, stride), end = e.add(begin, height);
      int64_t kept = std::max<int64_t>(height - stride, 0);
      Value first = arith::SelectOp::create(e.b, alone, begin, e.add(begin, kept));
      e.loop(first, end, [&](Value padded) {
        Value row = e.add(padded, -window.before[0]), to = slot(padded);
        // As an unsigned number a negative row is beyond any image.
        Value inside = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, row, e.number(in.height));
        auto rowOp = scf::IfOp::create(e.b, inside, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToStart(rowOp.thenBlock());
        emitRow(row, [&](ArrayRef<Value> tile, int64_t vectors, Value x, int64_t pixels, Value channel) {
          put(to, tile, vectors, row, x, pixels, channel);
        });
        e.b.setInsertionPointToStart(rowOp.elseBlock());
        clear(to, 0, columns);
      });
      emitPool(y);
    });
  }
};
} // namespace

void emitStemRows(KernelOp kernel, ItemEmitter &e, const ItemPart &part, Value scratch, RowEmitter emitRow) {
  if (kernel.getPool())
    return PooledRows(kernel, e, scratch).emit(part, emitRow);
  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    emitRow(y, [&](ArrayRef<Value> tile, int64_t vectors, Value x, int64_t pixels, Value channel) {
      e.finishTile(tile, vectors, y, x, pixels, channel);
    });
  });
}

} // namespace n2uq
