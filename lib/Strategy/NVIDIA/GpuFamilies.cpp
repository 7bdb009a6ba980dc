// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/Layout.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace n2uq {

/// Units are counted in 32 bits, a batch of them too; a block may reach behind the last one.
static constexpr int64_t maxUnits = (int64_t(1) << 31) - (int64_t(1) << 16);

/// What a strategy that stands in the IR is checked against: a chip that has everything. The one that it is for is
/// known to n2uq-select-strategy.
static constexpr GpuTarget anyGpu = {"any", "any", INT32_MAX, 1, 1, 1, 1, 1, 1, 227 << 10, 65536};

#define N2UQ_GPU_KERNEL(definition, name) extern const GpuFamily definition;
#include "n2uq/Strategy/GpuKernels.def"
#undef N2UQ_GPU_KERNEL

ArrayRef<const GpuFamily *> gpuFamilies() {
  static const GpuFamily *const families[] = {
#define N2UQ_GPU_KERNEL(definition, name) &definition,
#include "n2uq/Strategy/GpuKernels.def"
#undef N2UQ_GPU_KERNEL
  };
  return families;
}

const GpuFamily *findGpuFamily(StringRef name) {
  for (const GpuFamily *family : gpuFamilies())
    if (name == family->name)
      return family;
  return nullptr;
}

bool isForGpu(KernelOp kernel) {
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  return strategy && findGpuFamily(strategy->getKernel());
}

/// A family puts weights into its order when it emits: they are constants, and with what fills them up to whole tiles
/// not more than anybody has memory for.
static LogicalResult checkWeights(Operation *root) {
  constexpr int64_t limit = int64_t(1) << 30, unit = 128; // codes of 16 bytes, and outputs that they have room for
  if (!isa_and_nonnull<Conv2DOp, FloatConv2DOp, ImageConv2DOp, FullyConnectedOp>(root))
    return success();
  for (Value operand : llvm::drop_begin(root->getOperands()))
    if (!matchPattern(operand, m_Constant()))
      return root->emitOpError() << "expects constant weights";
  int64_t elements = cast<ShapedType>(root->getOperand(1).getType()).getNumElements();
  int64_t outputs = channelsOf(root->getResult(0)), perOutput = elements / outputs;
  if (auto conv = dyn_cast<Conv2DOp>(root); conv && conv.getGroups() == 1) {
    int64_t channels = channelsOf(conv.getInput());
    perOutput = perOutput / channels * roundUp(channels, unit);
  }
  if (perOutput > limit / roundUp(outputs, unit))
    return root->emitOpError() << "has weights that take more than " << limit << " elements in whole tiles";
  return success();
}

const GpuFamily *checkedGpuFamily(KernelOp kernel) {
  const GpuFamily *family = findGpuFamily(kernel.getStrategy()->getKernel());
  size_t rank = kernel.getStrategy()->getTile().size();
  std::string why;
  if (!family->mayRun(kernel, anyGpu, why)) {
    kernel.emitOpError() << "cannot be computed by '" << family->name << "': " << why;
    return nullptr;
  }
  if (rank != family->tileRank) {
    kernel.emitOpError() << "expects a tile of " << family->tileRank << " numbers for '" << family->name
                         << "', but got " << rank;
    return nullptr;
  }
  if (!family->checkTile(kernel, why)) {
    kernel.emitOpError() << "has a tile that '" << family->name << "' does not have: " << why;
    return nullptr;
  }
  if (failed(checkWeights(kernel.getRoot())))
    return nullptr;
  if (int64_t units = family->launch(kernel).unitsPerImage; units > maxUnits) {
    kernel.emitOpError() << "has " << units << " pieces of work an image, more than the " << maxUnits
                         << " that a GPU can be given";
    return nullptr;
  }
  return family;
}

} // namespace n2uq
