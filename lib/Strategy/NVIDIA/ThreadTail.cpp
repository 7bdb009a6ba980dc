// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands behind a kernel's root, on the scalars of a thread: one op a network op and channel, in the order and
// with the roundings of the network. Nothing is contracted: no op carries a fast-math flag, and PTX has `.rn` on every
// float op.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/ThreadEmit.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <cstring>

using namespace mlir;
namespace LLVM = mlir::LLVM;

namespace n2uq {

/// Numbers of a constant of floats or of 32-bit integers, as their bits.
static std::vector<int32_t> constantWords(Value constant) {
  if (std::optional<std::vector<int32_t>> ints = constantInts(constant))
    return *ints;
  std::vector<float> floats = *constantFloats(constant);
  std::vector<int32_t> words(floats.size());
  std::memcpy(words.data(), floats.data(), floats.size() * sizeof(float));
  return words;
}

/// A constant with these bits, of the element type of `like`.
static Value wordOf(ThreadEmitter &e, Value like, int32_t word) {
  if (!getElementTypeOrSelf(like).isF32())
    return e.number(word);
  return arith::ConstantOp::create(
      e.b, e.b.getFloatAttr(e.b.getF32Type(), APFloat(APFloat::IEEEsingle(), APInt(32, uint32_t(word)))));
}

/// Threads take up to this many channels at once; parameters have room for that.
static constexpr int64_t parameterUnit = 16;
/// The form of a constant whose rows, one for each channel, lie transposed.
static constexpr int64_t transposedForm = 1;
/// More thresholds than this are a loop.
static constexpr int64_t maxUnrolledThresholds = 16;

Channels ThreadEmitter::loadParameters(Value constant, Value channel, int64_t count) {
  auto type = cast<ShapedType>(constant.getType());
  if (type.getNumElements() == 1)
    return Channels(count, wordOf(*this, constant, constantWords(constant).front()));
  Value from = data(constant, 0, [&] {
    std::vector<int32_t> words = constantWords(constant);
    words.resize(roundUp(words.size(), parameterUnit), 0);
    return bytesOf(words);
  });
  return loadWords(type.getElementType(), at(from, mul(channel, 4)), count, /*isConstant=*/true);
}

void ThreadEmitter::countReached(ArrayRef<Value> values, Value rows, Value channel, bool nanIsTop, bool subtract,
                                 Channels &counts) {
  auto type = cast<ShapedType>(rows.getType());
  int64_t channels = type.getDimSize(0), thresholds = type.getDimSize(1), count = values.size();
  int64_t stride = channels == 1 ? 1 : roundUp(channels, parameterUnit);
  Type element = type.getElementType();
  // Rows are stored transposed, so that the thresholds of neighbouring channels are one load.
  auto edgesAt = [&](Value k) -> Channels {
    IntegerAttr known;
    if (channels == 1 && matchPattern(k, m_Constant(&known)))
      return Channels(count, wordOf(*this, rows, constantWords(rows)[known.getInt()]));
    Value from = data(rows, transposedForm, [&] {
      std::vector<int32_t> words = constantWords(rows), transposed(thresholds * stride, 0);
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t t = 0; t < thresholds; ++t)
          transposed[t * stride + c] = words[c * thresholds + t];
      return bytesOf(transposed);
    });
    Value row = at(from, mul(k, stride * 4));
    if (channels == 1)
      return Channels(count, load(element, row, 4, /*isConstant=*/true));
    return loadWords(element, at(row, mul(channel, 4)), count, /*isConstant=*/true);
  };
  auto countOne = [&](Value k, Channels &into) {
    Channels edges = edgesAt(k);
    for (auto [value, edge, sum] : llvm::zip_equal(values, edges, into)) {
      Value reached =
          element.isF32()
              ? arith::CmpFOp::create(b, nanIsTop ? arith::CmpFPredicate::UGE : arith::CmpFPredicate::OGE, value, edge)
                    .getResult()
              : arith::CmpIOp::create(b, arith::CmpIPredicate::sge, value, edge).getResult();
      Value one = arith::ExtUIOp::create(b, b.getI32Type(), reached);
      sum = subtract ? arith::SubIOp::create(b, sum, one).getResult() : arith::AddIOp::create(b, sum, one).getResult();
    }
  };
  if (thresholds <= maxUnrolledThresholds) {
    for (int64_t k = 0; k < thresholds; ++k)
      countOne(number(k), counts);
    return;
  }
  counts = loop(number(0), number(thresholds), counts, [&](Value k, ValueRange carried) {
    Channels next(carried);
    countOne(k, next);
    return next;
  });
}

Channels ThreadEmitter::columnOf(Value value, Value image, Value y, Value x, Value channel, int64_t count,
                                 Columns &columns) {
  auto known = columns.find(value);
  if (known != columns.end())
    return known->second;
  DeviceAccess access = read(value);
  return columns[value] = loadChannels(access, pixelAddress(access, image, y, x), channel, count);
}

Channels ThreadEmitter::apply(Operation *op, Value image, Value y, Value x, Value channel, int64_t count,
                              Columns &columns) {
  auto operand = [&](Value value) { return columnOf(value, image, y, x, channel, count, columns); };
  auto map = [](Channels column, auto function) {
    for (Value &value : column)
      value = function(value);
    return column;
  };
  return llvm::TypeSwitch<Operation *, Channels>(op)
      .Case([&](AffineOp affine) {
        Channels column = operand(affine.getInput());
        if (!getElementTypeOrSelf(affine.getInput()).isF32())
          column = map(column, [&](Value v) { return arith::SIToFPOp::create(b, b.getF32Type(), v).getResult(); });
        if (affine.getScale())
          for (auto [v, scale] : llvm::zip_equal(column, loadParameters(affine.getScale(), channel, count)))
            v = arith::MulFOp::create(b, v, scale);
        if (affine.getOffset())
          for (auto [v, offset] : llvm::zip_equal(column, loadParameters(affine.getOffset(), channel, count)))
            v = arith::AddFOp::create(b, v, offset);
        return column;
      })
      .Case([&](PReLUOp prelu) {
        Channels column = operand(prelu.getInput());
        for (auto [v, slope] : llvm::zip_equal(column, loadParameters(prelu.getSlope(), channel, count))) {
          Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, v, real(0));
          v = arith::SelectOp::create(b, positive, v, arith::MulFOp::create(b, slope, v));
        }
        return column;
      })
      .Case([&](ClampOp clamp) {
        Channels column = operand(clamp.getInput());
        auto hold = [&](arith::CmpFPredicate outside, APFloat bound) {
          Value edge = real(bound.convertToFloat());
          column = map(column, [&](Value v) {
            return arith::SelectOp::create(b, arith::CmpFOp::create(b, outside, v, edge), edge, v).getResult();
          });
        };
        // min first: where min <= max, a number below min is not above max.
        hold(arith::CmpFPredicate::OLT, clamp.getMin());
        hold(arith::CmpFPredicate::OGT, clamp.getMax());
        return column;
      })
      .Case([&](AddOp addition) {
        Channels lhs = operand(addition.getLhs()), rhs = operand(addition.getRhs());
        for (auto [left, right] : llvm::zip_equal(lhs, rhs))
          left = arith::AddFOp::create(b, left, right);
        return lhs;
      })
      .Case([&](QuantizeOp quantize) {
        Channels counts(count, number(0));
        countReached(operand(quantize.getInput()), quantize.getThresholds(), channel, quantize.getNanIsTop(),
                     /*subtract=*/false, counts);
        return counts;
      })
      .Case([&](ThresholdOp threshold) {
        Channels counts(count, number(0));
        countReached(operand(threshold.getInput()), threshold.getThresholds(), channel, false, /*subtract=*/false,
                     counts);
        return counts;
      })
      .Case([&](TwoSidedThresholdOp threshold) {
        Channels input = operand(threshold.getInput()), counts = loadParameters(threshold.getBase(), channel, count);
        countReached(input, threshold.getUp(), channel, false, /*subtract=*/false, counts);
        countReached(input, threshold.getDown(), channel, false, /*subtract=*/true, counts);
        uint32_t top = (1u << codeBitsOf(threshold.getType())) - 1;
        return map(counts, [&](Value v) { return mask(v, top); });
      })
      .Default([](Operation *) -> Channels { llvm_unreachable("the families' mayRun lets only these through"); });
}

void ThreadEmitter::finish(Channels root, Value image, Value y, Value x, Value channel, int64_t count) {
  Columns columns;
  if (kernel.getRoot())
    columns[kernel.getRoot()->getResult(0)] = root;
  for (Operation &op : kernel.getBody().front())
    if (isElementwise(&op)) {
      Channels column = apply(&op, image, y, x, channel, count, columns);
      columns[op.getResult(0)] = column;
    }
  for (auto [index, access] : llvm::enumerate(results)) {
    Channels values = columnOf(kernel.getYielded(index), image, y, x, channel, count, columns);
    storeChannels(access, pixelAddress(access, image, y, x), channel, values);
  }
}

void ThreadEmitter::clear(Value image, Value y, Value x, Value channel, int64_t count) {
  for (const DeviceAccess &access : results)
    if (access.room > roundUp(access.channels, count))
      when(isLess(channel, access.room), [&, &access = access] {
        DeviceAccess all = access;
        all.channels = all.room; // nothing to mask: all are zeros
        storeChannels(all, pixelAddress(access, image, y, x), channel,
                      Channels(count, access.isFloat ? real(0) : number(0)));
      });
}

} // namespace n2uq
