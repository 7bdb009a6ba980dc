// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-integerize-thresholds"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_INTEGERIZETHRESHOLDSPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Folds `quantize(f(acc))` into integer comparisons with `acc`, for each channel on its own:
///
///   no channel falls:     `n2uq.threshold`             code = |{ k : acc >= t[c,k] }|
///   some channel falls:   `n2uq.two_sided_threshold`   code = base[c] + |{ k : acc >= up[c,k] }|
///                                                                     - |{ k : acc >= down[c,k] }|
///   a constant channel:   either of them; its thresholds are always or never reached
///
/// Exact: acc is an integer in [lo, hi] (AccumulatorRange.h), and f is evaluated for each of them with the model's own
/// float32 steps, conversion to float32 included (FloatTail.h). Where neighbours' codes differ there is an edge;
/// nothing is solved algebraically and nothing is assumed about f, so the sign of a factor, a PReLU of any slope, an
/// infinity or a NaN needs no case of its own. A bisection would find the same edges with fewer evaluations, but every
/// accumulator has to be evaluated anyway to prove that no edge is missing. The finished integers are compared with the
/// codes once more.
namespace {
struct Folding {
  bool oneSided = true;
  std::vector<std::vector<int32_t>> rising; // oneSided
  std::vector<TwoSidedRow> rows;            // otherwise
};

struct IntegerizeThresholdsPass final : impl::IntegerizeThresholdsPassBase<IntegerizeThresholdsPass> {
  using Base::Base;
  void runOnOperation() override;

private:
  /// The integers, or the reason why the float tail stays.
  FailureOr<Folding> fold(QuantizeOp quantize, ArrayRef<Operation *> ops, std::string &reason);
};
} // namespace

FailureOr<Folding> IntegerizeThresholdsPass::fold(QuantizeOp quantize, ArrayRef<Operation *> ops, std::string &reason) {
  FailureOr<AccumulatorTail> tail = readAccumulatorTail(ops, maxEvaluations, reason);
  if (failed(tail))
    return failure();
  std::optional<std::vector<ChannelTail>> tails = channelTails(ops, quantize);
  if (!tails) {
    reason = "the thresholds are not constant";
    return failure();
  }

  std::vector<StepFunction> functions;
  Folding folding;
  for (size_t c = 0; c < tails->size(); ++c) {
    functions.push_back(enumerateCodes((*tails)[c], tail->bounds[c]));
    folding.oneSided &= functions.back().isNonDecreasing();
  }
  for (size_t c = 0; c < functions.size(); ++c) {
    unsigned top = (*tails)[c].top();
    bool proven;
    if (folding.oneSided) {
      folding.rising.push_back(risingThresholds(functions[c], top));
      proven = provesRising(functions[c], folding.rising.back());
    } else {
      TwoSidedRow &row = folding.rows.emplace_back(twoSidedThresholds(functions[c]));
      // One PReLU makes at most one valley or hill of the codes: `top` edges on either side.
      if (row.up.size() > top || row.down.size() > top) {
        reason = ("the code of channel " + Twine(c) + " rises " + Twine(row.up.size()) + " and falls " +
                  Twine(row.down.size()) + " times, more often than two-sided thresholds hold")
                     .str();
        return failure();
      }
      proven = provesTwoSided(functions[c], row);
    }
    if (!proven) {
      reason = ("the integer thresholds of channel " + Twine(c) + " do not give the codes of the float tail").str();
      return failure();
    }
  }
  return folding;
}

/// Rows of one length, in one array; short ones end in thresholds that are never reached.
static std::vector<int32_t> joinRows(ArrayRef<std::vector<int32_t>> rows, size_t columns) {
  std::vector<int32_t> joined;
  for (const std::vector<int32_t> &row : rows) {
    joined.insert(joined.end(), row.begin(), row.end());
    joined.resize(joined.size() + columns - row.size(), neverReached);
  }
  return joined;
}

static Value createRows(OpBuilder &builder, Location loc, ArrayRef<std::vector<int32_t>> rows) {
  size_t columns = 1; // a tensor has at least one column
  for (const std::vector<int32_t> &row : rows)
    columns = std::max(columns, row.size());
  return createInts(builder, loc, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)},
                    joinRows(rows, columns));
}

static Value createFolded(OpBuilder &builder, QuantizeOp quantize, Value acc, const Folding &folding) {
  Location loc = quantize.getLoc();
  if (folding.oneSided)
    return ThresholdOp::create(builder, loc, quantize.getType(), acc, createRows(builder, loc, folding.rising));
  std::vector<int32_t> base;
  std::vector<std::vector<int32_t>> up, down;
  for (const TwoSidedRow &row : folding.rows) {
    base.push_back(row.base);
    up.push_back(row.up);
    down.push_back(row.down);
  }
  Value baseValue = createInts(builder, loc, {static_cast<int64_t>(base.size())}, base);
  return TwoSidedThresholdOp::create(builder, loc, quantize.getType(), acc, baseValue, createRows(builder, loc, up),
                                     createRows(builder, loc, down));
}

void IntegerizeThresholdsPass::runOnOperation() {
  SmallVector<QuantizeOp> quantizers;
  getOperation().walk([&](QuantizeOp op) { quantizers.push_back(op); });
  for (QuantizeOp quantize : quantizers) {
    SmallVector<Operation *> tail = tailOpsBefore(quantize.getInput());
    if (!startsAtAccumulator(tail))
      continue;
    std::string reason;
    FailureOr<Folding> folding = fold(quantize, tail, reason);
    if (failed(folding)) {
      quantize->setAttr(floatTailAttrName, StringAttr::get(&getContext(), reason));
      remark::missed(quantize.getLoc(), remark::RemarkOpts::name("FloatTail").category(DEBUG_TYPE)) << reason;
      continue;
    }
    OpBuilder builder(quantize);
    Value codes = createFolded(builder, quantize, tail.front()->getOperand(0), *folding);
    remark::passed(quantize.getLoc(), remark::RemarkOpts::name("Folded").category(DEBUG_TYPE))
        << (folding->oneSided ? "one-sided" : "two-sided");
    // One row for all channels, from which a target may find a faster form.
    if (std::optional<std::vector<float>> levels = constantFloats(quantize.getThresholds());
        levels && cast<ShapedType>(quantize.getThresholds().getType()).getDimSize(0) == 1)
      codes.getDefiningOp()->setDiscardableAttr(levelsAttrName, builder.getDenseF32ArrayAttr(*levels));
    quantize.replaceAllUsesWith(codes);
    quantize.erase();
    // What only led to this quantizer goes with it.
    for (Operation *op : llvm::reverse(tail))
      if (op->use_empty())
        op->erase();
  }
}

} // namespace n2uq
