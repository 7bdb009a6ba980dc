// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/Layout.h"
#include "n2uq/Strategy/Passes.h"

#include "mlir/IR/Matchers.h"
#include <cmath>

#define DEBUG_TYPE "n2uq-verify-strategy"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_VERIFYSTRATEGYPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

/// A code of 8 bits rises or falls at most 255 times on each side of a PReLU's point.
static constexpr int64_t maxEdges = 2 * 255;

/// What the instructions of a shared axis rely on and the op alone does not show.
static LogicalResult verifyShared(SharedThresholdOp op, int64_t lanes) {
  if (lanes != 16)
    return op.emitOpError() << "expects a kernel of 16 lanes, but its strategy has " << lanes;
  for (Value lines : {op.getScale(), op.getOffset()})
    if (std::optional<std::vector<float>> numbers = constantFloats(lines);
        numbers && !llvm::all_of(*numbers, [](float number) { return std::isfinite(number); }))
      return op.emitOpError() << "expects lines of finite numbers";
  if (op.getSign())
    if (std::optional<std::vector<float>> signs = constantFloats(op.getSign());
        signs && !llvm::all_of(*signs, [](float sign) { return std::fabs(sign) == 1.0f; }))
      return op.emitOpError() << "expects signs of 1 and -1";
  return success();
}

/// The packed block is what the strategy's tile says, and whole blocks fit into a row of memory.
static LogicalResult verifyBlocks(KernelOp kernel) {
  StrategyAttr strategy = *kernel.getStrategy();
  int64_t block = strategy.getLanes() * (strategy.getTile().size() >= 3 ? strategy.getTile()[2] : 1);
  for (Operation *root : kernel.getRoots()) {
    auto packed = dyn_cast<PackedWeightsOpInterface>(root);
    if (!packed)
      continue;
    int64_t rowChannels = memoryChannels(channelsOf(root->getOperand(0)));
    if (packed.getPackedRowChannels() != 0 && packed.getPackedRowChannels() != rowChannels)
      return root->emitOpError() << "expects a filter packed for rows of " << rowChannels << " channels";
    if (packed.getPackedBlock() != 0 && packed.getPackedBlock() != block)
      return root->emitOpError() << "expects weights packed in blocks of " << block << " outputs, but got "
                                 << packed.getPackedBlock();
  }
  // Lookups leave out what their last block has too much.
  if (strategy.getLanes() > 1 && !isa_and_nonnull<PackedLookupConv2DOp>(kernel.getRoot()) &&
      memoryChannels(channelsOf(kernel.getResult(0))) % block != 0)
    return kernel.emitOpError() << "expects blocks of outputs that divide "
                                << memoryChannels(channelsOf(kernel.getResult(0))) << " channels of memory, but got "
                                << block;
  return success();
}

/// What only a CPU's kernels have: packed weights, and thresholds on a shared axis.
static LogicalResult verifyCpuKernel(KernelOp kernel) {
  const KernelFamily *family = checkedFamily(kernel);
  if (!family)
    return failure();
  for (Operation *root : kernel.getRoots())
    if (isa<Conv2DOp, FloatConv2DOp, ImageConv2DOp, FullyConnectedOp>(root))
      return root->emitOpError() << "has weights that are not packed; run n2uq-pack-weights before";
  if (failed(family->verify ? family->verify(kernel) : verifyBlocks(kernel)))
    return failure();

  for (auto shared : kernel.getBody().front().getOps<SharedThresholdOp>())
    if (failed(verifyShared(shared, kernel.getStrategy()->getLanes())))
      return failure();
  return success();
}

static LogicalResult verifyKernel(KernelOp kernel) {
  if (isForGpu(kernel) ? !checkedGpuFamily(kernel) : failed(verifyCpuKernel(kernel)))
    return failure();
  // Every column is a comparison in the code.
  for (Operation &op : kernel.getBody().front())
    if (auto threshold = dyn_cast<TwoSidedThresholdOp>(op))
      for (Value rows : {threshold.getUp(), threshold.getDown()})
        if (cast<ShapedType>(rows.getType()).getDimSize(1) > maxEdges)
          return op.emitOpError() << "expects at most " << maxEdges << " rising or falling thresholds a channel";
  for (Value result : kernel.getResults())
    if (getElementTypeOrSelf(result).isSignlessInteger(32))
      return kernel.emitOpError() << "yields an accumulator, which must not be written to memory";
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && !isa<KernelOp>(producer) && producer->getBlock() != op.getBlock() &&
          (!matchPattern(operand, m_Constant()) ||
           (!constantFloats(operand) && !constantInts(operand) && !constantBytes(operand))))
        return op.emitOpError() << "expects operands that are constants of sound size or results of kernels";
      if (auto move = dyn_cast<ToNHWCOp>(op); move && !isa<BlockArgument>(operand))
        return op.emitOpError() << "can be lowered only at the network's input";
    }
  return success();
}

namespace {
struct VerifyStrategy final : n2uq::impl::VerifyStrategyPassBase<VerifyStrategy> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    for (Operation &op : function.getBody().front()) {
      if (auto kernel = dyn_cast<KernelOp>(op)) {
        if (failed(verifyKernel(kernel)))
          return signalPassFailure();
      } else if (isa_and_nonnull<N2UQDialect>(op.getDialect())) {
        op.emitOpError() << "stands outside of a kernel; run n2uq-form-kernels before";
        return signalPassFailure();
      } else if (!isa<func::ReturnOp>(op) && !matchPattern(&op, m_Constant())) {
        op.emitOpError() << "is not an op of a network that can be lowered";
        return signalPassFailure();
      }
    }
  }
};
} // namespace
