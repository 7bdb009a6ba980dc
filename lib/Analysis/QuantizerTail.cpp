// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/QuantizerTail.h"

#include "n2uq/Dialect/N2UQ/Constants.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace n2uq {

bool isTailOp(Operation *op) { return op && isa<AffineOp, PReLUOp, ClampOp>(op); }

SmallVector<Operation *> tailOpsBefore(Value value) {
  SmallVector<Operation *> ops;
  while (value.getType() && getElementTypeOrSelf(value.getType()).isF32() && isTailOp(value.getDefiningOp())) {
    ops.push_back(value.getDefiningOp());
    value = ops.back()->getOperand(0);
  }
  std::reverse(ops.begin(), ops.end());
  return ops;
}

bool startsAtAccumulator(ArrayRef<Operation *> tail) {
  return !tail.empty() && getElementTypeOrSelf(tail.front()->getOperand(0)).isSignlessInteger(32);
}

// A list of what is left to visit instead of recursion: a tail may be as long as its file is large.
bool leadsOnlyToQuantizers(Value value) {
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Value read = pending.pop_back_val();
    for (Operation *user : read.getUsers()) {
      if (isa<QuantizeOp>(user))
        continue;
      bool isFloatPool = isa<MaxPoolOp>(user) && getElementTypeOrSelf(read).isF32();
      if (!isTailOp(user) && !isFloatPool)
        return false;
      pending.push_back(user->getResult(0));
    }
  }
  return true;
}

/// A parameter's numbers by channel, one for all channels being repeated.
static std::optional<std::vector<float>> perChannel(Value parameter, int64_t channels) {
  std::optional<std::vector<float>> numbers = constantFloats(parameter);
  if (numbers && numbers->size() == 1)
    numbers->assign(channels, numbers->front());
  return numbers;
}

std::optional<std::vector<std::vector<TailStep>>> channelSteps(ArrayRef<Operation *> ops, int64_t channels) {
  std::vector<std::vector<TailStep>> steps(channels);
  /// False where the parameter is there but not constant.
  auto append = [&](Value parameter, TailStep (*step)(float)) {
    if (!parameter)
      return true;
    std::optional<std::vector<float>> numbers = perChannel(parameter, channels);
    for (int64_t c = 0; numbers && c < channels; ++c)
      steps[c].push_back(step((*numbers)[c]));
    return numbers.has_value();
  };
  for (Operation *op : ops) {
    if (auto affine = dyn_cast<AffineOp>(op)) {
      if (!append(affine.getScale(), TailStep::scale) || !append(affine.getOffset(), TailStep::offset))
        return std::nullopt;
    } else if (auto prelu = dyn_cast<PReLUOp>(op)) {
      if (!append(prelu.getSlope(), TailStep::prelu))
        return std::nullopt;
    } else {
      auto clamp = cast<ClampOp>(op);
      for (std::vector<TailStep> &channel : steps)
        channel.push_back(TailStep::clamp(clamp.getMin().convertToFloat(), clamp.getMax().convertToFloat()));
    }
  }
  return steps;
}

FailureOr<AccumulatorTail> readAccumulatorTail(ArrayRef<Operation *> ops, int64_t maxEvaluations, std::string &reason) {
  auto refuse = [&](const Twine &why) {
    reason = why.str();
    return failure();
  };
  Value acc = ops.front()->getOperand(0);
  std::optional<std::vector<AccumulatorBounds>> bounds = accumulatorBoundsOf(acc);
  if (!bounds)
    return refuse("the accumulator's range is unknown: it does not come from a convolution with constant weights");
  // Conversion to float32 is an operation, too.
  int64_t operations = 1, evaluations = evaluationsOf(*bounds);
  for (Operation *op : ops)
    operations += isa<ClampOp>(op) ? 1 : op->getNumOperands() - 1;
  if (operations > maxEvaluations / evaluations)
    return refuse("the proof would evaluate " + Twine(operations) + " operations for " + Twine(evaluations) +
                  " accumulators, and max-evaluations is " + Twine(maxEvaluations));
  auto steps = channelSteps(ops, channelsOf(acc));
  if (!steps)
    return refuse("a parameter of the tail is not constant");
  return AccumulatorTail{acc, std::move(*bounds), std::move(*steps)};
}

std::optional<std::vector<ChannelTail>> channelTails(ArrayRef<Operation *> ops, QuantizeOp quantize) {
  int64_t channels = channelsOf(quantize.getInput());
  auto steps = channelSteps(ops, channels);
  std::optional<std::vector<float>> thresholds = constantFloats(quantize.getThresholds());
  if (!steps || !thresholds)
    return std::nullopt;
  auto shape = cast<ShapedType>(quantize.getThresholds().getType()).getShape();
  std::vector<ChannelTail> tails(channels);
  for (int64_t c = 0; c < channels; ++c) {
    auto row = ArrayRef(*thresholds).slice(shape[0] == 1 ? 0 : c * shape[1], shape[1]);
    tails[c] = {std::move((*steps)[c]), std::vector<float>(row.begin(), row.end()), quantize.getNanIsTop()};
  }
  return tails;
}

Value cloneTailOp(OpBuilder &builder, Operation *op, Value input) {
  IRMapping mapping;
  mapping.map(op->getOperand(0), input);
  Operation *clone = builder.clone(*op, mapping);
  Value result = clone->getResult(0);
  auto shape = cast<RankedTensorType>(input.getType()).getShape();
  result.setType(RankedTensorType::get(shape, getElementTypeOrSelf(result.getType())));
  return result;
}

} // namespace n2uq
