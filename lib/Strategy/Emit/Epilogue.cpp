// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands behind a kernel's root, on registers: one vector op a network op, in the order and with the roundings of
// the network. Nothing is contracted: no op carries a fast-math flag.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Emit.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace n2uq {

template <typename T>
static std::vector<char> asBytes(const std::vector<T> &numbers) {
  std::vector<char> bytes(numbers.size() * sizeof(T));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// The form of a constant of which 16-bit numbers are kept (ItemEmitter::data).
static constexpr int64_t narrowForm = 16;

/// Numbers of a constant of floats or of 32-bit integers, as their bits.
static std::vector<int32_t> constantWords(Value constant) {
  if (std::optional<std::vector<int32_t>> ints = constantInts(constant))
    return *ints;
  std::vector<float> floats = *constantFloats(constant);
  std::vector<int32_t> words(floats.size());
  std::memcpy(words.data(), floats.data(), floats.size() * sizeof(float));
  return words;
}

/// Integers as 16-bit ones. What is compared with them has 16 bits itself, so a threshold beyond is reached by all or
/// by none, and so is the largest or smallest number.
static std::vector<int16_t> saturated(const std::vector<int32_t> &words) {
  std::vector<int16_t> narrow(words.size());
  for (auto [from, to] : llvm::zip_equal(words, narrow))
    to = std::clamp<int32_t>(from, INT16_MIN, INT16_MAX);
  return narrow;
}

/// A vector whose lanes all have these bits, as floats or as integers.
static Value splatOfBits(ItemEmitter &e, VectorType type, int32_t word) {
  if (type.getElementType().isInteger(16))
    return arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, saturated({word}).front()));
  if (!type.getElementType().isF32())
    return e.splat(word);
  APFloat number(APFloat::IEEEsingle(), APInt(32, uint32_t(word)));
  return arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, number));
}

/// One number per channel as a vector at `channel`, or one number for all as a splat.
Value ItemEmitter::parameter(Value constant, Value channel, bool narrow) {
  auto type = cast<ShapedType>(constant.getType());
  VectorType vectorType = narrow ? vector(b.getI16Type(), 2 * lanes) : vector(type.getElementType(), lanes);
  if (type.getNumElements() == 1)
    return splatOfBits(*this, vectorType, constantWords(constant).front());
  auto make = [&] {
    std::vector<int32_t> words = constantWords(constant);
    words.resize(memoryChannels(words.size()), 0);
    return narrow ? asBytes(saturated(words)) : asBytes(words);
  };
  Value from = data(constant, make, narrow ? narrowForm : 0);
  return load(vectorType, at(from, mul(channel, narrow ? 2 : 4)), lanes == 1 ? 4 : lanes * 4);
}

/// More thresholds than this are a loop: 255 of them for every pixel of a tile would be more code than any cache holds.
static constexpr size_t maxUnrolledThresholds = 16;
/// With fewer different ones, counting takes no more instructions than bisection.
static constexpr size_t leastSearchedThresholds = 7;

namespace {
/// Thresholds `first` to `first + times - 1` are equal in every row, so one comparison counts `times`.
struct Step {
  int64_t first, times;
};
} // namespace

/// The different thresholds of a table. Levels that are unevenly spaced come as rows in which a threshold stands as
/// often as its level lies above the one before: 255 thresholds of an 8-bit code are then three comparisons of a 2-bit
/// one. Where more are different than are unrolled, each is a step of its own, as a loop wants them.
static SmallVector<Step> stepsOf(Value rows) {
  auto type = cast<ShapedType>(rows.getType());
  int64_t channels = type.getDimSize(0), count = type.getDimSize(1);
  std::vector<int32_t> words = constantWords(rows);
  SmallVector<Step> steps, single;
  for (int64_t k = 0; k < count; ++k) {
    bool same = k > 0;
    for (int64_t c = 0; same && c < channels; ++c)
      same = words[c * count + k] == words[c * count + k - 1];
    if (same)
      ++steps.back().times;
    else
      steps.push_back({k, 1});
    single.push_back({k, 1});
  }
  return steps.size() <= maxUnrolledThresholds ? steps : single;
}

/// Threshold of step k of each channel. Rows are stored transposed, so that a vector of channels is one load; of one
/// row for all channels, a number is broadcast (a constant where k is one).
Value ItemEmitter::threshold(Value rows, Value k, Value channel, bool narrow) {
  auto type = cast<ShapedType>(rows.getType());
  int64_t channels = type.getDimSize(0), count = type.getDimSize(1);
  VectorType vectorType = narrow ? vector(b.getI16Type(), 2 * lanes) : vector(type.getElementType(), lanes);
  int64_t bytes = narrow ? 2 : 4;
  IntegerAttr knownK;
  if (channels == 1 && matchPattern(k, m_Constant(&knownK)))
    return splatOfBits(*this, vectorType, constantWords(rows)[stepsOf(rows)[knownK.getInt()].first]);
  int64_t stride = channels == 1 ? 1 : memoryChannels(channels);
  auto make = [&] {
    SmallVector<Step> steps = stepsOf(rows);
    std::vector<int32_t> words = constantWords(rows), transposed(steps.size() * stride, 0);
    for (int64_t c = 0; c < channels; ++c)
      for (auto [row, step] : llvm::enumerate(steps))
        transposed[row * stride + c] = words[c * count + step.first];
    return narrow ? asBytes(saturated(transposed)) : asBytes(transposed);
  };
  Value from = data(rows, make, narrow ? narrowForm : 0);
  Value row = at(from, mul(k, stride * bytes));
  if (channels == 1)
    return vector::BroadcastOp::create(b, vectorType, load(vectorType.getElementType(), row, bytes));
  return load(vectorType, at(row, mul(channel, bytes)), lanes == 1 ? 4 : lanes * 4);
}

Value ItemEmitter::reaches(Value value, Value edge, bool nanIsTop) {
  if (!getElementTypeOrSelf(value).isF32())
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, value, edge);
  return arith::CmpFOp::create(b, nanIsTop ? arith::CmpFPredicate::UGE : arith::CmpFPredicate::OGE, value, edge);
}

void ItemEmitter::countReached(ArrayRef<Value> column, Value rows, Value channel, bool nanIsTop, bool subtract,
                               Column &counts) {
  bool narrow = getElementTypeOrSelf(column.front()).isInteger(16);
  VectorType countType = narrow ? cast<VectorType>(column.front().getType()) : ints();
  auto addTo = [&](Value &sum, Value more) {
    if (!sum)
      sum = more;
    else if (subtract)
      sum = arith::SubIOp::create(b, sum, more);
    else
      sum = arith::AddIOp::create(b, sum, more);
  };
  SmallVector<Step> steps = stepsOf(rows);
  if (!narrow && steps.size() >= leastSearchedThresholds)
    if (Column found = searchReached(column, rows, channel, nanIsTop); !found.empty()) {
      for (auto [sum, more] : llvm::zip_equal(counts, found))
        addTo(sum, more);
      return;
    }
  auto count = [&](Value k, int64_t times, Column &into) {
    Value edge = threshold(rows, k, channel, narrow);
    for (auto [pixel, value] : llvm::enumerate(column)) {
      Value reached = reaches(value, edge, nanIsTop);
      if (times == 1)
        addTo(into[pixel], arith::ExtUIOp::create(b, countType, reached));
      else
        addTo(into[pixel], arith::SelectOp::create(b, reached, splatOfBits(*this, countType, times),
                                                   splatOfBits(*this, countType, 0)));
    }
  };
  if (steps.size() <= maxUnrolledThresholds) {
    for (auto [k, step] : llvm::enumerate(steps))
      count(number(k), step.times, counts);
    return;
  }
  for (Value &sum : counts)
    if (!sum)
      sum = splatOfBits(*this, countType, 0);
  SmallVector<Value> last = loop(number(0), number(steps.size()), counts, [&](Value k, ValueRange carried) {
    Column next(carried.begin(), carried.end());
    count(k, 1, next);
    return next;
  });
  counts.assign(last.begin(), last.end());
}

Column ItemEmitter::columnOf(Value value, Value y, Value x, int64_t pixels, Value channel, Columns &columns) {
  auto known = columns.find(value);
  if (known != columns.end())
    return known->second;
  Access access = read(value);
  Value address = pixelAddress(access, y, x);
  Column column;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    column.push_back(loadVector(access, at(address, pixel * access.pixel), channel));
  columns[value] = column;
  return column;
}

/// Whether `x > 0 ? x : p*x` is `x > p*x ? x : p*x`, one instruction for two, for all x and the slope p of every
/// channel.
///
///   x > 0:         x > p*x where p < 1; where p = 1 both are x
///   x < 0:         x > p*x would need p > 1; so it is p*x
///   x = 0, NaN:    neither comparison holds
///   x = infinity:  as x > 0, but for p = 0: p*x is a NaN then, and x > NaN does not hold
///
/// Products are rounded, which may make numbers equal but keeps their order; equal numbers that are not 0 are the same.
static bool isLargerOfBoth(PReLUOp prelu) {
  std::optional<std::vector<float>> slopes = constantFloats(prelu.getSlope());
  return slopes && llvm::all_of(*slopes, [](float p) { return std::isfinite(p) && p <= 1 && p != 0; });
}

Column ItemEmitter::apply(Operation *op, Value y, Value x, int64_t pixels, Value channel, Columns &columns) {
  auto operand = [&](Value value) { return columnOf(value, y, x, pixels, channel, columns); };
  auto map = [](Column column, auto function) {
    for (Value &value : column)
      value = function(value);
    return column;
  };
  return llvm::TypeSwitch<Operation *, Column>(op)
      .Case([&](AffineOp affine) {
        Column column = operand(affine.getInput());
        if (!getElementTypeOrSelf(affine.getInput()).isF32())
          column = map(column, [&](Value v) { return arith::SIToFPOp::create(b, floats(), v).getResult(); });
        if (affine.getScale()) {
          Value scale = parameter(affine.getScale(), channel);
          column = map(column, [&](Value v) { return arith::MulFOp::create(b, v, scale).getResult(); });
        }
        if (affine.getOffset()) {
          Value offset = parameter(affine.getOffset(), channel);
          column = map(column, [&](Value v) { return arith::AddFOp::create(b, v, offset).getResult(); });
        }
        return column;
      })
      .Case([&](PReLUOp prelu) {
        Value slope = parameter(prelu.getSlope(), channel), zero = splat(0.0f);
        bool isMaximum = isLargerOfBoth(prelu);
        return map(operand(prelu.getInput()), [&](Value v) {
          Value other = arith::MulFOp::create(b, slope, v);
          Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, v, isMaximum ? other : zero);
          return arith::SelectOp::create(b, positive, v, other).getResult();
        });
      })
      .Case([&](ClampOp clamp) {
        Column column = operand(clamp.getInput());
        // A bound that is infinite on its side holds nothing back.
        auto hold = [&](arith::CmpFPredicate outside, APFloat bound) {
          if (bound.isInfinity() && bound.isNegative() == (outside == arith::CmpFPredicate::OLT))
            return;
          Value edge = splat(bound.convertToFloat());
          column = map(column, [&](Value v) {
            return arith::SelectOp::create(b, arith::CmpFOp::create(b, outside, v, edge), edge, v).getResult();
          });
        };
        // min first: where min <= max, a number below min is not above max.
        hold(arith::CmpFPredicate::OLT, clamp.getMin());
        hold(arith::CmpFPredicate::OGT, clamp.getMax());
        return column;
      })
      .Case([&](SigmoidOp sigmoid) {
        return map(operand(sigmoid.getInput()), [&](Value v) { return emitSigmoid(*this, v); });
      })
      .Case([&](AddOp addition) {
        Column lhs = operand(addition.getLhs()), rhs = operand(addition.getRhs());
        for (auto [left, right] : llvm::zip_equal(lhs, rhs))
          left = arith::AddFOp::create(b, left, right);
        return lhs;
      })
      .Case([&](QuantizeOp quantize) {
        Column counts(pixels);
        countReached(operand(quantize.getInput()), quantize.getThresholds(), channel, quantize.getNanIsTop(),
                     /*subtract=*/false, counts);
        return counts;
      })
      .Case([&](ThresholdOp threshold) {
        Column counts(pixels);
        countReached(operand(threshold.getInput()), threshold.getThresholds(), channel, false, /*subtract=*/false,
                     counts);
        return counts;
      })
      .Case([&](TwoSidedThresholdOp threshold) {
        Column input = operand(threshold.getInput());
        bool narrow = getElementTypeOrSelf(input.front()).isInteger(16);
        Column counts(pixels, parameter(threshold.getBase(), channel, narrow));
        countReached(input, threshold.getUp(), channel, false, /*subtract=*/false, counts);
        countReached(input, threshold.getDown(), channel, false, /*subtract=*/true, counts);
        // The largest code is 2^bits - 1: what the op says about values outside of it costs one instruction.
        Value top = splatOfBits(*this, cast<VectorType>(counts.front().getType()),
                                (int32_t(1) << codeBitsOf(threshold.getType())) - 1);
        return map(counts, [&](Value v) { return arith::AndIOp::create(b, v, top).getResult(); });
      })
      .Case([&](SharedThresholdOp shared) {
        return map(places(shared, operand(shared.getInput()), channel),
                   [&](Value v) { return arith::ExtUIOp::create(b, ints(), cellCodes(shared, v)).getResult(); });
      })
      .Default([&](Operation *other) {
        // One of upstream's, which works on vectors as it does on tensors; upstream's lowerings do the rest.
        SmallVector<Column> operands;
        for (Value value : other->getOperands())
          operands.push_back(operand(value));
        Column results;
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
          OperationState state(b.getLoc(), other->getName());
          for (const Column &column : operands)
            state.addOperands(column[pixel]);
          state.addTypes(floats());
          results.push_back(b.create(state)->getResult(0));
        }
        return results;
      });
}

void ItemEmitter::storePart(Value value, Value to, const Access &access, Value channel) {
  if (access.wholeVectors || access.channels % channelUnit == 0) {
    store(value, to, access.channel);
    return;
  }
  Value left = arith::IndexCastOp::create(b, b.getIndexType(),
                                          arith::SubIOp::create(b, number(access.channels), channel).getResult());
  int64_t elements = cast<VectorType>(value.getType()).getNumElements();
  Value mask = vector::CreateMaskOp::create(b, vector(b.getI1Type(), elements), ValueRange{left});
  LLVM::MaskedStoreOp::create(b, value, to, mask, access.channel);
}

Column ItemEmitter::beforePool(Column root, Value y, Value x, int64_t pixels, Value channel) {
  Columns columns;
  columns[kernel.getRoot()->getResult(0)] = root;
  for (Operation *op : kernel.getOpsBeforePool())
    if (isElementwise(op)) {
      Column column = apply(op, y, x, pixels, channel, columns);
      columns[op->getResult(0)] = column;
    }
  return columns[kernel.getPool().getInput()];
}

void ItemEmitter::finish(Column root, Value y, Value x, int64_t pixels, Value channel) {
  finishTile(root, 1, y, x, pixels, channel);
}

void ItemEmitter::finishTile(ArrayRef<Value> root, int64_t vectors, Value y, Value x, int64_t pixels, Value channel) {
  SmallVector<Column, 1> roots;
  if (!root.empty())
    roots.emplace_back(root.begin(), root.end());
  finishRoots(roots, vectors, y, x, pixels, channel);
}

void ItemEmitter::finishRoots(ArrayRef<Column> roots, int64_t vectors, Value y, Value x, int64_t pixels,
                              Value channel) {
  MaxPoolOp pool = kernel.getPool();
  SmallVector<Operation *> before = kernel.getOpsBeforePool();
  // Places of codes that are only stored: their codes are made together.
  llvm::MapVector<SharedThresholdOp, SmallVector<Value>> pending;
  for (Operation &op : kernel.getBody().front())
    if (auto shared = dyn_cast<SharedThresholdOp>(op); shared && llvm::all_of(op.getUsers(), llvm::IsaPred<YieldOp>))
      pending[shared].resize(pixels * vectors);

  SmallVector<Operation *> rootOps = kernel.getRoots();
  // One vector of channels after the other, so that few parameters are in registers at once.
  for (int64_t j = 0; j < vectors; ++j) {
    Value vectorChannel = add(channel, j * lanes);
    Columns columns;
    for (auto [number, root] : llvm::enumerate(roots)) {
      Column &column = columns[pool ? Value(pool.getResult()) : rootOps[number]->getResult(0)];
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        column.push_back(root[pixel * vectors + j]);
    }
    for (Operation &op : kernel.getBody().front().without_terminator()) {
      if (!isElementwise(&op) || llvm::is_contained(before, &op))
        continue;
      if (auto shared = pending.find(dyn_cast<SharedThresholdOp>(op)); shared != pending.end()) {
        Column input = columnOf(shared->first.getInput(), y, x, pixels, vectorChannel, columns);
        for (auto [pixel, place] : llvm::enumerate(places(shared->first, input, vectorChannel)))
          shared->second[pixel * vectors + j] = place;
        continue;
      }
      Column column = apply(&op, y, x, pixels, vectorChannel, columns);
      columns[op.getResult(0)] = column;
    }
    for (auto [index, access] : llvm::enumerate(results)) {
      Value yielded = kernel.getYielded(index);
      if (pending.contains(yielded.getDefiningOp<SharedThresholdOp>()))
        continue;
      Value address = at(pixelAddress(access, y, x), mul(vectorChannel, access.channel));
      for (auto [pixel, value] : llvm::enumerate(columnOf(yielded, y, x, pixels, vectorChannel, columns))) {
        if (codeBitsOf(yielded.getType()))
          value = arith::TruncIOp::create(b, vector(b.getI8Type(), cast<VectorType>(value.getType()).getNumElements()),
                                          value);
        storePart(value, at(address, pixel * access.pixel), access, vectorChannel);
      }
    }
  }
  for (auto [index, access] : llvm::enumerate(results))
    if (auto shared = pending.find(kernel.getYielded(index).getDefiningOp<SharedThresholdOp>());
        shared != pending.end())
      storeCodes(shared->first, access, y, x, channel, shared->second, vectors);
}

} // namespace n2uq
