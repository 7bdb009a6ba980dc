// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq.shared_threshold on registers. Lines are computed vector by vector, as everything else behind a root; codes are
// made of several vectors at once, for they are bytes and a place is a 32-bit number.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Emit.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cstring>

using namespace mlir;

namespace n2uq {

/// Forms of constants (ItemEmitter::data): 0 and 1 are those of thresholds; lines have one for each, and its negative.
static constexpr int64_t signForm = 1, lineForm = 2, negatedForm = 8;

/// Number j of every channel's row, for a vector of channels; times -1 where `negated`.
static Value lineVector(ItemEmitter &e, Value rows, int64_t j, bool negated, Value channel) {
  auto type = cast<ShapedType>(rows.getType());
  int64_t channels = type.getDimSize(0), lines = type.getDimSize(1);
  Value from = e.data(
      rows,
      [&] {
        std::vector<float> numbers = *constantFloats(rows), column(memoryChannels(channels), 0.0f);
        for (int64_t c = 0; c < channels; ++c)
          column[c] = negated ? -numbers[c * lines + j] : numbers[c * lines + j];
        std::vector<char> bytes(column.size() * sizeof(float));
        std::memcpy(bytes.data(), column.data(), bytes.size());
        return bytes;
      },
      (negated ? negatedForm : lineForm) + j);
  return e.load(e.floats(), e.at(from, e.mul(channel, 4)), e.lanes * 4);
}

/// Signs of a vector of channels as what their floats have in the uppermost bit.
static Value signVector(ItemEmitter &e, Value sign, Value channel) {
  Value from = e.data(
      sign,
      [&] {
        std::vector<float> signs = *constantFloats(sign);
        std::vector<uint32_t> bits(memoryChannels(signs.size()), 0);
        for (auto [number, bit] : llvm::zip(signs, bits))
          bit = number < 0 ? uint32_t(1) << 31 : 0;
        std::vector<char> bytes(bits.size() * sizeof(uint32_t));
        std::memcpy(bytes.data(), bits.data(), bytes.size());
        return bytes;
      },
      signForm);
  return e.load(e.ints(), e.at(from, e.mul(channel, 4)), e.lanes * 4);
}

Column ItemEmitter::places(SharedThresholdOp op, ArrayRef<Value> accumulators, Value channel) {
  int64_t lines = cast<ShapedType>(op.getScale().getType()).getDimSize(1);
  std::vector<float> signs = op.getSign() ? *constantFloats(op.getSign()) : std::vector<float>{1.0f};
  // One sign for all channels costs nothing: minus the highest is the lowest of the negated lines, roundings included.
  bool sameSign = llvm::all_equal(signs), negated = sameSign && signs.front() < 0;
  auto order = negated ? arith::CmpFPredicate::OLT : arith::CmpFPredicate::OGT;
  Column outermost(accumulators.size());
  for (int64_t j = 0; j < lines; ++j) {
    Value scale = lineVector(*this, op.getScale(), j, negated, channel),
          offset = lineVector(*this, op.getOffset(), j, negated, channel);
    for (auto [accumulator, place] : llvm::zip_equal(accumulators, outermost)) {
      Value x = arith::SIToFPOp::create(b, floats(), accumulator);
      Value line = math::FmaOp::create(b, x, scale, offset);
      if (!place) {
        place = line;
        continue;
      }
      Value beyond = arith::CmpFOp::create(b, order, place, line);
      place = arith::SelectOp::create(b, beyond, place, line);
    }
  }
  if (!sameSign) {
    Value sign = signVector(*this, op.getSign(), channel);
    for (Value &place : outermost)
      place = arith::BitcastOp::create(b, floats(),
                                       arith::XOrIOp::create(b, arith::BitcastOp::create(b, ints(), place), sign));
  }
  return outermost;
}

Value ItemEmitter::cellCodes(SharedThresholdOp op, ArrayRef<Value> places) {
  VectorType type = vector(b.getI8Type(), lanes * static_cast<int64_t>(places.size()));
  return CellCodesOp::create(b, type, places, op.getWidth(), *constantInts(op.getTable()));
}

/// Vectors whose codes fill the widest register.
static constexpr int64_t vectorsAtOnce = 4;

void ItemEmitter::storeCodes(SharedThresholdOp op, const Access &access, Value y, Value x, Value channel,
                             ArrayRef<Value> places, int64_t vectors) {
  Value base = at(pixelAddress(access, y, x), channel);
  bool whole = access.wholeVectors || access.channels % channelUnit == 0;
  // A group is one pixel's vectors or, where those are few, several pixels'.
  int64_t pixels = static_cast<int64_t>(places.size()) / vectors;
  int64_t width = std::min(vectors, vectorsAtOnce), height = vectorsAtOnce / width;
  for (int64_t pixel = 0; pixel < pixels; pixel += height)
    for (int64_t j = 0; j < vectors; j += width) {
      int64_t rows = std::min(height, pixels - pixel), columns = std::min(width, vectors - j);
      SmallVector<Value> group;
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
          group.push_back(places[(pixel + row) * vectors + j + column]);
      Value codes = cellCodes(op, group);
      // What is stored in one piece: a pixel's codes, or a vector's where the last may be cut.
      int64_t pieces = whole ? rows : rows * columns, bytes = rows * columns * lanes / pieces;
      for (int64_t piece = 0; piece < pieces; ++piece) {
        Value part = codes;
        if (pieces > 1) {
          SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(piece * bytes, (piece + 1) * bytes));
          part = vector::ShuffleOp::create(b, codes, codes, order);
        }
        int64_t row = whole ? piece : piece / columns, column = j + (whole ? 0 : piece % columns);
        Value to = at(at(base, (pixel + row) * access.pixel), column * lanes);
        storePart(part, to, access, add(channel, column * lanes));
      }
    }
}

} // namespace n2uq
