// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AbsorbedThresholds.h"
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-absorb-float-tail"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_ABSORBFLOATTAILPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Folds rising float steps into the float thresholds behind them, for each channel on its own:
///
///   scale > 0, offset, prelu of slope >= 0, clamp:   quantize(g(x), T) = quantize(x, T'),   T' = min { x : g(x) >= T }
///   scale < 0, slope < 0:                            falls; stays
///   unreachable threshold, NaN:                      stays
///   a long row for all channels becomes one each:    stays
///
/// The last is no question of exactness: one row of 7 thresholds or more lies in a register, and a permutation finds
/// the next one to compare with; rows of channels are loads for every element, which take longer than the steps do.
///
/// Exact for every float32 x, see AbsorbedThresholds.h. Takes as many steps next to the quantizer as rise in every
/// channel, and only those that nobody else reads: others are computed anyway.
namespace {
struct AbsorbFloatTailPass final : impl::AbsorbFloatTailPassBase<AbsorbFloatTailPass> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// The thresholds of every channel through `ops`, row by row; none where some channel has none.
static std::optional<std::vector<std::vector<float>>> absorb(QuantizeOp quantize, ArrayRef<Operation *> ops) {
  std::optional<std::vector<ChannelTail>> tails = channelTails(ops, quantize);
  if (!tails)
    return std::nullopt;
  std::vector<std::vector<float>> rows;
  for (const ChannelTail &tail : *tails) {
    std::optional<std::vector<float>> row = absorbedThresholds(tail);
    if (!row)
      return std::nullopt;
    rows.push_back(std::move(*row));
  }
  return rows;
}

/// More than any layer has (semantics, section 4); keeps the search for the longest tail that can be absorbed short.
static constexpr size_t mostOps = 16;

/// The shortest row that is searched, not counted; a register of 8 lanes holds it.
static constexpr int64_t longRow = 7;

static void absorbInto(QuantizeOp quantize) {
  SmallVector<Operation *> tail = tailOpsBefore(quantize.getInput()), ops;
  for (Operation *op : llvm::reverse(tail)) {
    // Conversion from an integer is a step of its own that thresholds on floats cannot take.
    if (!op->hasOneUse() || !getElementTypeOrSelf(op->getOperand(0)).isF32() || ops.size() == mostOps)
      break;
    ops.insert(ops.begin(), op);
  }
  std::optional<std::vector<std::vector<float>>> rows;
  bool isLongRow = cast<ShapedType>(quantize.getThresholds().getType()).getDimSize(0) == 1 &&
                   cast<ShapedType>(quantize.getThresholds().getType()).getDimSize(1) >= longRow;
  for (; !ops.empty(); ops.erase(ops.begin()))
    if ((rows = absorb(quantize, ops)) && (!isLongRow || llvm::all_equal(*rows)))
      break;
  if (ops.empty())
    return;

  // Rows that are all the same are one row for all channels, as in the model.
  if (llvm::all_equal(*rows))
    rows->resize(1);
  std::vector<float> thresholds;
  for (const std::vector<float> &row : *rows)
    thresholds.insert(thresholds.end(), row.begin(), row.end());
  OpBuilder builder(quantize);
  int64_t columns = rows->front().size();
  quantize.getThresholdsMutable().assign(createFloats(
      builder, quantize.getLoc(), {static_cast<int64_t>(rows->size()), columns}, thresholds, "thresholds"));
  quantize.getInputMutable().assign(ops.front()->getOperand(0));
  remark::passed(quantize.getLoc(), remark::RemarkOpts::name("Absorbed").category(DEBUG_TYPE))
      << remark::metric("ops", ops.size());
  for (Operation *op : llvm::reverse(ops))
    op->erase();
}

void AbsorbFloatTailPass::runOnOperation() {
  SmallVector<QuantizeOp> quantizers;
  getOperation().walk([&](QuantizeOp op) { quantizers.push_back(op); });
  for (QuantizeOp quantize : quantizers)
    absorbInto(quantize);
}

} // namespace n2uq
