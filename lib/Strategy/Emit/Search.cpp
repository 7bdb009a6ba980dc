// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Thresholds by bisection. How many thresholds of a row a number reaches does not depend on their order; in a sorted
// row they are the first ones, so with 2^n - 1 of them
//
//   code = 0;  for s = 2^(n-1), ..., 2, 1:  code += s where number >= row[code + s - 1]
//
// A NaN reaches all or none of them, as the comparison is made. A threshold that is a NaN has no place in the order,
// and such rows are left to counting.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Emit.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace n2uq {

/// Rows of fewer thresholds are counted; rows of more do not fit into one register.
static constexpr int64_t leastLevels = 7, mostLevels = 15;
/// Narrower vectors have no instruction for a permutation, and some of them none to select lanes.
static constexpr int64_t leastLanes = 8;

static Value addWhere(ItemEmitter &e, Value code, Value condition, int32_t step) {
  Value more = arith::AddIOp::create(e.b, code, e.splat(step));
  return arith::SelectOp::create(e.b, condition, more, code);
}

/// One row for all channels: the row, or every second, fourth, ... of its numbers, is in a register, and the code found
/// so far says which of them is next.
static Column searchRow(ItemEmitter &e, ArrayRef<Value> column, std::vector<float> row, bool nanIsTop) {
  std::sort(row.begin(), row.end());
  int64_t levels = row.size();
  Column codes;
  for (int64_t step = (levels + 1) / 2; step >= 1; step /= 2) {
    if (codes.empty()) {
      Value edge = e.splat(row[step - 1]), zero = e.splat(int32_t(0));
      for (Value value : column)
        codes.push_back(arith::SelectOp::create(e.b, e.reaches(value, edge, nanIsTop), e.splat(int32_t(step)), zero));
      continue;
    }
    // Codes so far are multiples of 2*step. They index the register where it is wide enough for them; else their
    // quotients do, which are less than half of the row.
    int64_t stride = levels + 1 <= e.lanes ? 1 : 2 * step;
    std::vector<float> entries(e.lanes);
    for (int64_t i = 0; i < e.lanes; ++i)
      entries[i] = row[std::min(i * stride + step, levels) - 1];
    Value table = arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.floats(), ArrayRef<float>(entries)));
    for (auto [value, code] : llvm::zip_equal(column, codes)) {
      Value index = code;
      if (stride > 1)
        index = arith::ShRUIOp::create(e.b, code, e.splat(int32_t(llvm::Log2_64(stride))));
      Value edge = PermuteOp::create(e.b, e.floats(), table, index);
      code = addWhere(e, code, e.reaches(value, edge, nanIsTop), step);
    }
  }
  return codes;
}

/// A row per channel: all of its thresholds are at hand, and every comparison halves those that are left.
static Column searchRows(ItemEmitter &e, ArrayRef<Value> column, ArrayRef<Value> row, bool nanIsTop) {
  Column codes;
  for (Value value : column) {
    SmallVector<Value> left(row);
    Value code;
    while (!left.empty()) {
      size_t half = left.size() / 2;
      Value reached = e.reaches(value, left[half], nanIsTop);
      for (size_t i = 0; i < half; ++i)
        left[i] = arith::SelectOp::create(e.b, reached, left[half + 1 + i], left[i]);
      left.resize(half);
      auto step = static_cast<int32_t>(half + 1);
      code = code ? addWhere(e, code, reached, step)
                  : arith::SelectOp::create(e.b, reached, e.splat(step), e.splat(int32_t(0)));
    }
    codes.push_back(code);
  }
  return codes;
}

Column ItemEmitter::searchReached(ArrayRef<Value> column, Value rows, Value channel, bool nanIsTop) {
  auto type = cast<ShapedType>(rows.getType());
  int64_t channels = type.getDimSize(0), levels = type.getDimSize(1);
  if (lanes < leastLanes || levels < leastLevels || levels > mostLevels)
    return {};
  bool isFloat = type.getElementType().isF32();
  if (isFloat) {
    std::vector<float> numbers = *constantFloats(rows);
    // Numbers are not filled up to 2^n - 1 here: a NaN would not reach what fills them up.
    if (!llvm::isPowerOf2_64(levels + 1) || llvm::any_of(numbers, [](float t) { return std::isnan(t); }))
      return {};
    if (channels == 1)
      return searchRow(*this, column, numbers, nanIsTop);
  }

  // Rows, sorted and transposed. What fills them up is reached by every integer and subtracted again.
  int64_t full = levels > leastLevels ? mostLevels : leastLevels, filled = full - levels;
  int64_t stride = channels == 1 ? channelUnit : memoryChannels(channels);
  constexpr int64_t sortedForm = 1;
  Value from = data(
      rows,
      [&] {
        std::vector<char> bytes(full * stride * 4, 0);
        auto transpose = [&](auto numbers) {
          for (int64_t c = 0; c < stride; ++c) {
            auto *first = numbers.data() + (channels == 1 ? 0 : std::min(c, channels - 1) * levels);
            if (c < channels)
              std::sort(first, first + levels);
            for (int64_t k = 0; k < levels; ++k)
              std::memcpy(bytes.data() + ((filled + k) * stride + c) * 4, first + k, 4);
            constexpr int32_t least = std::numeric_limits<int32_t>::min();
            for (int64_t k = 0; k < filled; ++k)
              std::memcpy(bytes.data() + (k * stride + c) * 4, &least, 4);
          }
        };
        isFloat ? transpose(*constantFloats(rows)) : transpose(*constantInts(rows));
        return bytes;
      },
      sortedForm);
  SmallVector<Value> row;
  Value first = at(from, mul(channels == 1 ? number(0) : channel, 4));
  for (int64_t k = 0; k < full; ++k)
    row.push_back(load(vector(type.getElementType(), lanes), at(first, k * stride * 4), lanes * 4));
  Column codes = searchRows(*this, column, row, nanIsTop);
  if (filled != 0)
    for (Value &code : codes)
      code = arith::SubIOp::create(b, code, splat(int32_t(filled)));
  return codes;
}

} // namespace n2uq
