// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float matrix product: vectors run over outputs, every output adds its products in order. N vectors at a time hide the
// latency of a multiply-add; beyond that the weights' way from memory is the limit.
#include "../Contraction.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<FullyConnectedOp, PackedFullyConnectedOp>(kernel.getRoot()))
    return true;
  why = "its root is not a fully connected layer";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Plan plan;
  plan.lanes = target.lanes();
  int64_t vectors = memoryChannels(channelsOf(kernel.getRoot()->getResult(0))) / plan.lanes;
  int64_t n = 8;
  while (vectors % n != 0)
    --n;
  plan.tile = {1, 1, n};
  plan.cycles = macsOf(kernel) / double(plan.lanes) * (target.hasFma() ? 2 : 16);
  return plan;
}

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  auto op = cast<FullyConnectedOp>(kernel.getRoot());
  std::optional<std::vector<float>> weights = constantFloats(op.getWeights());
  if (!weights)
    return op.emitOpError() << "expects constant weights";
  int64_t block = kernel.getStrategy()->getLanes() * kernel.getStrategy()->getTile()[2];
  int64_t outputs = channelsOf(op.getResult()), inputs = channelsOf(op.getInput()), blocks = ceilDiv(outputs, block);
  FailureOr<int64_t> elements = packedElements(op, {blocks, inputs, block});
  if (failed(elements))
    return failure();
  std::vector<float> packed(*elements, 0.0f);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < inputs; ++k)
      packed[(o / block * inputs + k) * block + o % block] = (*weights)[o * inputs + k];
  rewriter.setInsertionPoint(kernel);
  Value constant = createFloats(rewriter, op.getLoc(), {blocks, inputs, block}, packed, "packed");
  rewriter.setInsertionPoint(op);
  rewriter.replaceOpWithNewOp<PackedFullyConnectedOp>(op, op.getType(), op.getInput(), constant);
  return success();
}

int64_t items(KernelOp kernel) {
  return ceilDiv(channelsOf(kernel.getRoot()->getResult(0)),
                 kernel.getStrategy()->getLanes() * kernel.getStrategy()->getTile()[2]);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto op = cast<PackedFullyConnectedOp>(kernel.getRoot());
  int64_t n = kernel.getStrategy()->getTile()[2], block = n * e.lanes, inputs = channelsOf(op.getInput());
  Access input = e.read(op.getInput());
  Value weights = e.at(weightData(e, op.getPacked()), e.mul(e.item, inputs * block * 4));
  Value channel = e.mul(e.item, block);
  SmallVector<Value> accumulators(n, e.splat(0.0f));
  accumulators = e.loop(e.number(0), e.number(inputs), accumulators, [&](Value k, ValueRange accs) {
    Value scalar = e.load(e.b.getF32Type(), e.at(input.base, e.mul(k, input.channel)), 4);
    Value number = vector::BroadcastOp::create(e.b, e.floats(), scalar);
    Value from = e.at(weights, e.mul(k, block * 4));
    SmallVector<Value> next(accs.begin(), accs.end());
    for (int64_t j = 0; j < n; ++j)
      next[j] = math::FmaOp::create(e.b, number, e.load(e.floats(), e.at(from, j * e.lanes * 4), e.lanes * 4), next[j]);
    return next;
  });
  e.finishTile(accumulators, n, e.number(0), e.number(0), 1, channel);
}

} // namespace

namespace n2uq {
extern const KernelFamily fullyConnected = {"fully_connected", 3, mayRun, plan, pack, items, emit};
} // namespace n2uq
