// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-sink-max-pool"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_SINKMAXPOOLPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Moves a max-pool between an integer convolution and its quantizer behind the quantizer:
///
///   quantize(g(max_pool(f(acc))))  =  max_pool(quantize(g(f(acc))))
///
/// when q = quantize . g never decreases: the largest value v of a window has the largest code, q(max v) = max q(v).
///   scale, prelu:              rise where the factor is not negative
///   offset, clamp, quantize:   rise always
/// And when no v is a NaN: a NaN wins a window of floats, but its code may lose a window of codes. Shown by evaluating
/// g(f(acc)) for every reachable accumulator; a NaN in between would still be one at the end. f may be anything.
///
/// The pool of codes has the value that the model's quantizer had, so it takes the quantizer's name.
namespace {
struct SinkMaxPoolPass final : impl::SinkMaxPoolPassBase<SinkMaxPoolPass> {
  using Base::Base;
  void runOnOperation() override;

private:
  void sink(QuantizeOp quantize);
};
} // namespace

static Location withSuffix(Operation *op, StringRef suffix) {
  StringRef name = nameOf(op);
  return name.empty() ? op->getLoc() : NameLoc::get(StringAttr::get(op->getContext(), name + suffix));
}

void SinkMaxPoolPass::sink(QuantizeOp quantize) {
  SmallVector<Operation *> behind = tailOpsBefore(quantize.getInput());
  Value pooled = behind.empty() ? quantize.getInput() : behind.front()->getOperand(0);
  auto pool = pooled.getDefiningOp<MaxPoolOp>();
  if (!pool)
    return;
  SmallVector<Operation *> before = tailOpsBefore(pool.getInput());
  if (!startsAtAccumulator(before))
    return;
  auto refuse = [&](StringRef why) {
    remark::missed(pool.getLoc(), remark::RemarkOpts::name("FloatPool").category(DEBUG_TYPE)) << why;
  };
  if (!leadsOnlyToQuantizers(pool))
    return refuse("the pool's floats are needed anyway");
  SmallVector<Operation *> ops(before);
  ops.append(behind);
  std::string reason;
  FailureOr<AccumulatorTail> tail = readAccumulatorTail(ops, maxEvaluations, reason);
  if (failed(tail))
    return refuse(reason);
  auto stepsBehind = channelSteps(behind, channelsOf(pool));
  for (const std::vector<TailStep> &steps : *stepsBehind)
    if (!llvm::all_of(steps, isRising))
      return refuse("a step behind the pool falls");
  for (size_t c = 0; c < tail->steps.size(); ++c)
    if (!neverNaN(tail->steps[c], tail->bounds[c]))
      return refuse("an accumulator leads to a NaN");

  OpBuilder builder(quantize);
  Value value = pool.getInput();
  for (Operation *op : behind)
    value = cloneTailOp(builder, op, value);
  auto unpooledShape = cast<RankedTensorType>(value.getType()).getShape();
  auto codes = QuantizeOp::create(builder, withSuffix(quantize, unpooledSuffix),
                                  RankedTensorType::get(unpooledShape, getElementTypeOrSelf(quantize.getType())), value,
                                  quantize.getThresholds(), quantize.getNanIsTop());
  auto pooledCodes = MaxPoolOp::create(builder, quantize.getLoc(), quantize.getType(), codes, pool.getKernel(),
                                       pool.getStrides(), pool.getPadding());
  pooledCodes->setAttr(pooledQuantizerAttrName, builder.getUnitAttr());
  quantize.replaceAllUsesWith(pooledCodes.getResult());
  remark::passed(pool.getLoc(), remark::RemarkOpts::name("PooledCodes").category(DEBUG_TYPE))
      << "codes are pooled behind the quantizer";
  quantize.erase();
  for (Operation *op : llvm::reverse(behind))
    if (op->use_empty())
      op->erase();
  if (pool.use_empty())
    pool.erase();
}

void SinkMaxPoolPass::runOnOperation() {
  SmallVector<QuantizeOp> quantizers;
  getOperation().walk([&](QuantizeOp op) { quantizers.push_back(op); });
  for (QuantizeOp quantize : quantizers)
    sink(quantize);
}

} // namespace n2uq
