// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-normalize-signs"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_NORMALIZESIGNSPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Negates the weights of a channel and the scales that its accumulator meets first:
///
///   positive:   the product of the channel's factors up to a quantizer or pool is positive; stays
///   negative:   it is negative towards one of them and positive towards none; negated
///   zero:       a factor is zero or NaN, so neither direction is better; stays
///   slope:      a channel with a negative slope rises and falls whatever is done; its steeper side shall rise, so that
///               few falling thresholds are needed: a slope below -1 counts as a negative factor, any other not at all
///   -128:       the channel has a weight whose negative is not an i8; stays
///
/// Exact up to the sign of a zero: float(-acc) * -s = float(acc) * s, for rounding is symmetric, but 0 * -s = -(0 * s).
/// All that reads the accumulator ends in quantizers, whose comparisons do not see that sign, and no op in between
/// turns it into anything else. Where floats leave for elsewhere, the channel stays.
namespace {
struct NormalizeSignsPass final : impl::NormalizeSignsPassBase<NormalizeSignsPass> {
  using Base::Base;
  void runOnOperation() override;
};

/// Which channels rise towards some reader, and which fall.
struct Directions {
  std::vector<bool> rises, falls;
};
} // namespace

static int signOf(float x) { return (x > 0.0f) - (x < 0.0f); }

/// Multiplies the sign of every channel by that of the op's factor; false where the factor is not constant.
static bool multiplySigns(Operation *op, std::vector<int> &signs) {
  auto affine = dyn_cast<AffineOp>(op);
  auto prelu = dyn_cast<PReLUOp>(op);
  Value factor = affine ? affine.getScale() : prelu ? prelu.getSlope() : Value();
  if (!factor)
    return true;
  std::optional<std::vector<float>> factors = constantFloats(factor);
  if (!factors)
    return false;
  for (size_t c = 0; c < signs.size(); ++c) {
    float f = factors->size() == 1 ? factors->front() : (*factors)[c];
    signs[c] *= affine ? signOf(f) : f < -1.0f ? -1 : f == f ? 1 : 0;
  }
  return true;
}

/// Follows the tails of `conv` to their quantizers and pools. None where something else reads the accumulator.
static std::optional<Directions> directionsOf(Conv2DOp conv) {
  size_t channels = channelsOf(conv);
  Directions directions{std::vector<bool>(channels), std::vector<bool>(channels)};
  SmallVector<std::pair<Value, std::vector<int>>> pending;
  pending.emplace_back(conv.getResult(), std::vector<int>(channels, 1));
  while (!pending.empty()) {
    auto [value, signs] = pending.pop_back_val();
    for (Operation *user : value.getUsers()) {
      bool isPool = isa<MaxPoolOp>(user) && value != conv.getResult() && leadsOnlyToQuantizers(user->getResult(0));
      if (isPool || isa<QuantizeOp>(user)) {
        for (size_t c = 0; c < channels; ++c) {
          directions.rises[c] = directions.rises[c] || signs[c] > 0;
          directions.falls[c] = directions.falls[c] || signs[c] < 0;
        }
        continue;
      }
      std::vector<int> behind = signs;
      if (!isTailOp(user) || !multiplySigns(user, behind))
        return std::nullopt;
      pending.emplace_back(user->getResult(0), std::move(behind));
    }
  }
  return directions;
}

static void normalize(Conv2DOp conv) {
  std::optional<std::vector<int8_t>> weights = constantBytes(conv.getFilter());
  std::optional<Directions> directions = directionsOf(conv);
  if (!weights || !directions)
    return;
  size_t channels = channelsOf(conv);
  std::vector<bool> negated(channels);
  size_t taps = weights->size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    MutableArrayRef<int8_t> row = MutableArrayRef(*weights).slice(c * taps, taps);
    negated[c] = directions->falls[c] && !directions->rises[c] && !llvm::is_contained(row, -128);
    if (negated[c])
      for (int8_t &weight : row)
        weight = static_cast<int8_t>(-weight);
  }
  size_t count = llvm::count(negated, true);
  if (count == 0)
    return;

  OpBuilder builder(conv);
  conv.getFilterMutable().assign(createBytes(builder, conv.getFilter().getLoc(),
                                             cast<ShapedType>(conv.getFilter().getType()).getShape(), *weights));
  // A copy: adding an operand moves the uses.
  for (Operation *user : llvm::to_vector(conv->getUsers())) {
    auto affine = cast<AffineOp>(user);
    builder.setInsertionPoint(affine);
    std::vector<float> scales = affine.getScale() ? *constantFloats(affine.getScale()) : std::vector<float>{1.0f};
    if (scales.size() == 1)
      scales.assign(channels, scales.front());
    for (size_t c = 0; c < channels; ++c)
      if (negated[c])
        scales[c] = -scales[c];
    affine.getScaleMutable().assign(
        createFloats(builder, affine.getLoc(), {static_cast<int64_t>(channels)}, scales, "scale"));
  }
  remark::passed(conv.getLoc(), remark::RemarkOpts::name("NegatedChannels").category(DEBUG_TYPE))
      << remark::metric("channels", count);
}

void NormalizeSignsPass::runOnOperation() {
  getOperation().walk([](Conv2DOp conv) { normalize(conv); });
}

} // namespace n2uq
