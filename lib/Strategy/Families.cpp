// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/Family.h"
#include "n2uq/Strategy/Layout.h"

using namespace mlir;

namespace n2uq {

static constexpr int64_t maxTileExtent = 32;

#define N2UQ_KERNEL(definition, name) extern const KernelFamily definition;
#include "n2uq/Strategy/Kernels.def"
#undef N2UQ_KERNEL

ArrayRef<const KernelFamily *> kernelFamilies() {
  static const KernelFamily *const families[] = {
#define N2UQ_KERNEL(definition, name) &definition,
#include "n2uq/Strategy/Kernels.def"
#undef N2UQ_KERNEL
  };
  return families;
}

const KernelFamily *findFamily(StringRef name) {
  for (const KernelFamily *family : kernelFamilies())
    if (name == family->name)
      return family;
  return nullptr;
}

bool mayCompute(const KernelFamily &family, KernelOp kernel, const CpuTarget &target, std::string &why) {
  if (kernel.getRoots().size() > family.mostRoots) {
    why = "it computes one convolution at a time";
    return false;
  }
  return family.mayRun(kernel, target, why);
}

const KernelFamily *checkedFamily(KernelOp kernel) {
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  if (!strategy) {
    kernel.emitOpError() << "has no strategy; run n2uq-select-strategy before";
    return nullptr;
  }
  const KernelFamily *family = findFamily(strategy->getKernel());
  if (!family) {
    kernel.emitOpError() << "has a strategy of an unknown kernel, '" << strategy->getKernel() << "'";
    return nullptr;
  }
  std::string why;
  if (!mayCompute(*family, kernel, CpuTarget(), why)) {
    kernel.emitOpError() << "cannot be computed by '" << family->name << "': " << why;
    return nullptr;
  }
  if (strategy->getTile().size() != family->tileRank) {
    kernel.emitOpError() << "expects a tile of " << family->tileRank << " numbers for '" << family->name
                         << "', but got " << strategy->getTile().size();
    return nullptr;
  }
  // A register tile that no registers hold is a slip of the hand, and its code would be enormous.
  for (int64_t extent : strategy->getTile().drop_front())
    if (extent > maxTileExtent) {
      kernel.emitOpError() << "expects register tiles of at most " << maxTileExtent << " pixels and vectors, but got "
                           << extent;
      return nullptr;
    }
  return family;
}

Plan cheapestPlan(llvm::function_ref<void(llvm::function_ref<void(const Plan &)>)> offer) {
  std::optional<Plan> best;
  offer([&](const Plan &plan) {
    if (!best || plan.cycles < best->cycles)
      best = plan;
  });
  return *best;
}

int64_t macsOf(KernelOp kernel) {
  int64_t macs = 0;
  for (Operation *root : kernel.getRoots()) {
    ImageShape out(root->getResult(0).getType());
    macs += out.height * out.width * out.channels * cast<KernelRootOpInterface>(root).getMacsPerOutput();
  }
  return macs;
}

} // namespace n2uq
