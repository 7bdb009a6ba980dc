// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/GpuFamily.h"

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
  if (int64_t units = family->launch(kernel).unitsPerImage; units > maxUnits) {
    kernel.emitOpError() << "has " << units << " pieces of work an image, more than the " << maxUnits
                         << " that a GPU can be given";
    return nullptr;
  }
  return family;
}

} // namespace n2uq
