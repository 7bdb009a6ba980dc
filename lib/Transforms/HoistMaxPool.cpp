// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AccumulatorRange.h"
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-hoist-max-pool"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_HOISTMAXPOOLPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Moves a max-pool in front of the float steps behind an integer convolution:
///
///   max_pool(f(acc))  =  f(max_pool(acc))
///
/// when f never decreases and is never a NaN: the largest accumulator of a window then has the largest value. Shown by
/// evaluating f for every reachable accumulator, in the order of the pool, where -0 is less than +0; so even the sign
/// of a zero is the same. The quantizers behind the pool then read accumulators, and their tails may rise or fall as
/// they like.
namespace {
struct HoistMaxPoolPass final : impl::HoistMaxPoolPassBase<HoistMaxPoolPass> {
  using Base::Base;
  void runOnOperation() override;

private:
  void hoist(MaxPoolOp pool);
};
} // namespace

/// Whether a quantizer reads `value` behind nothing but tail ops: nobody else gains from a pool of accumulators.
static bool leadsToQuantizer(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    return isa<QuantizeOp>(user) || (isTailOp(user) && leadsToQuantizer(user->getResult(0)));
  });
}

void HoistMaxPoolPass::hoist(MaxPoolOp pool) {
  SmallVector<Operation *> before = tailOpsBefore(pool.getInput());
  if (before.empty() || !getElementTypeOrSelf(before.front()->getOperand(0)).isSignlessInteger(32) ||
      !leadsToQuantizer(pool))
    return; // not between an integer convolution and a quantizer
  auto refuse = [&](StringRef why) {
    remark::missed(pool.getLoc(), remark::RemarkOpts::name("FloatPool").category(DEBUG_TYPE)) << why;
  };
  Value acc = before.front()->getOperand(0);
  std::optional<std::vector<AccumulatorBounds>> bounds = accumulatorBoundsOf(acc);
  if (!bounds)
    return refuse("the accumulator's range is unknown");
  if (evaluationsOf(*bounds) > maxEvaluations)
    return refuse("the proof would take more evaluations than max-evaluations");
  auto steps = channelSteps(before, channelsOf(pool));
  if (!steps)
    return refuse("a parameter is not constant");
  for (size_t c = 0; c < steps->size(); ++c)
    if (!neverFalls((*steps)[c], (*bounds)[c]))
      return refuse("a channel falls with its accumulator or leads to a NaN");

  OpBuilder builder(pool);
  auto type = RankedTensorType::get(cast<RankedTensorType>(pool.getType()).getShape(), builder.getI32Type());
  Value value =
      MaxPoolOp::create(builder, pool.getLoc(), type, acc, pool.getKernel(), pool.getStrides(), pool.getPadding());
  for (Operation *op : before)
    value = cloneTailOp(builder, op, value);
  pool.replaceAllUsesWith(value);
  remark::passed(pool.getLoc(), remark::RemarkOpts::name("PooledAccumulators").category(DEBUG_TYPE))
      << "accumulators are pooled in front of the float tail";
  pool.erase();
  for (Operation *op : llvm::reverse(before))
    if (op->use_empty())
      op->erase();
}

void HoistMaxPoolPass::runOnOperation() {
  SmallVector<MaxPoolOp> pools;
  getOperation().walk([&](MaxPoolOp op) {
    if (getElementTypeOrSelf(op.getType()).isF32())
      pools.push_back(op);
  });
  for (MaxPoolOp pool : pools)
    hoist(pool);
}

} // namespace n2uq
