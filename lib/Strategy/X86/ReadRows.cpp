// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ReadRows.h"

using namespace mlir;

namespace n2uq {

Cover coverOf(int64_t width, int64_t m) {
  for (int64_t narrow = 0; narrow < m && narrow * (m - 1) <= width; ++narrow)
    if ((width - narrow * (m - 1)) % m == 0)
      return {(width - narrow * (m - 1)) / m, narrow};
  return {ceilDiv(width, m), 0};
}

/// Blocks of a work item are an extent of the strategy's tile, which has its bounds (Families.cpp).
static constexpr int64_t maxBlocks = 32;

ItemSplit splitItems(int64_t height, int64_t blocks, double weightBytes, const CpuPorts &ports,
                     llvm::function_ref<double(int64_t)> preparing, llvm::function_ref<bool(int64_t)> fits) {
  ItemSplit best;
  for (int64_t chunks = 1; chunks <= height; ++chunks) {
    int64_t count = ceilDiv(height, chunks);
    if (ceilDiv(height, count) != chunks || !fits(count))
      continue;
    for (int64_t perItem = std::min(blocks, maxBlocks); perItem >= 1; --perItem) {
      int64_t parts = ceilDiv(blocks, perItem);
      bool finest = count == 1 && perItem == 1;
      if (chunks * parts < itemsWanted && !finest)
        continue;
      double far = weightBytes / ports.farBytes * (weightBytes / parts > ports.nearBytes ? chunks : 1);
      double cycles = chunks * parts * preparing(count) + far;
      if (best.rows == 0 || cycles < best.cycles)
        best = {count, perItem, cycles};
    }
  }
  return best;
}

void ReadRows::forEachPixel(ItemEmitter &e, const Access &in, Value first, Value last,
                            llvm::function_ref<void(Value, Value)> prepare) const {
  Value outputRows = arith::SubIOp::create(e.b, last, first);
  Value count = e.add(e.mul(e.add(outputRows, -1), step(0)), rows(1));
  Value corner = e.at(in.base, e.add(e.mul(first, window.strides[0] * in.row),
                                     -window.before[0] * in.row - window.before[1] * in.pixel));
  e.loop(e.number(0), count, [&](Value row) {
    Value from = e.at(corner, e.mul(row, inputStep(0) * in.row)), number = e.mul(row, columns());
    e.loop(e.number(0), e.number(columns()),
           [&](Value column) { prepare(e.at(from, e.mul(column, inputStep(1) * in.pixel)), e.add(number, column)); });
  });
}

Value ReadRows::corner(ItemEmitter &e, Value row, Value x) const {
  return e.add(e.mul(row, step(0) * columns()), e.mul(x, step(1)));
}

void ReadRows::emitWindowSums(ItemEmitter &e, Value sums, Value windowSums, Value outputRows, int32_t factor) const {
  auto number32 = [&](int32_t value) { return arith::ConstantOp::create(e.b, e.b.getI32IntegerAttr(value)); };
  e.loop(e.number(0), outputRows, [&](Value y) {
    e.loop(e.number(0), e.number(out.width), [&](Value x) {
      Value first = e.at(sums, e.mul(corner(e, y, x), 4)), total;
      for (int64_t kh = 0; kh < window.kernel[0]; ++kh)
        for (int64_t kw = 0; kw < window.kernel[1]; ++kw) {
          int64_t tap = kh * window.dilations[0] * columns() + kw * window.dilations[1];
          Value sum = e.load(e.b.getI32Type(), e.at(first, tap * 4), 4);
          total = total ? arith::AddIOp::create(e.b, total, sum).getResult() : sum;
        }
      if (factor != 1)
        total = arith::MulIOp::create(e.b, total, number32(factor));
      e.store(total, e.at(windowSums, e.mul(e.add(e.mul(y, out.width), x), 4)), 4);
    });
  });
}

} // namespace n2uq
