// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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
  SmallVector<Value> pending{value};
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (isa<QuantizeOp>(user))
        return true;
      if (isTailOp(user))
        pending.push_back(user->getResult(0));
    }
  return false;
}

void HoistMaxPoolPass::hoist(MaxPoolOp pool) {
  SmallVector<Operation *> before = tailOpsBefore(pool.getInput());
  if (!startsAtAccumulator(before) || !leadsToQuantizer(pool))
    return;
  auto refuse = [&](StringRef why) {
    remark::missed(pool.getLoc(), remark::RemarkOpts::name("FloatPool").category(DEBUG_TYPE)) << why;
  };
  std::string reason;
  FailureOr<AccumulatorTail> tail = readAccumulatorTail(before, maxEvaluations, reason);
  if (failed(tail))
    return refuse(reason);
  for (size_t c = 0; c < tail->steps.size(); ++c)
    if (!neverFalls(tail->steps[c], tail->bounds[c]))
      return refuse("a channel falls with its accumulator or leads to a NaN");

  OpBuilder builder(pool);
  auto type = RankedTensorType::get(cast<RankedTensorType>(pool.getType()).getShape(), builder.getI32Type());
  Value value = MaxPoolOp::create(builder, pool.getLoc(), type, tail->acc, pool.getKernel(), pool.getStrides(),
                                  pool.getPadding());
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
