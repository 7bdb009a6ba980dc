// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/Candidates.h"

using namespace mlir;

namespace n2uq {

/// Predictions are wrong by less than this factor (README.md).
static constexpr double worthMeasuring = 2;
/// Tiles of one family that differ little in cost differ little in time.
static constexpr size_t mostOfFamily = 3;

static bool isCheaper(const Candidate &a, const Candidate &b) { return a.cycles < b.cycles; }

SmallVector<Candidate> candidatesOf(KernelOp kernel, const CpuTarget &target, size_t most) {
  SmallVector<Candidate> all;
  for (const KernelFamily *family : kernelFamilies()) {
    std::string why;
    if (!mayCompute(*family, kernel, target, why))
      continue;
    SmallVector<Candidate> offered;
    auto take = [&](const Plan &plan) {
      offered.push_back({StrategyAttr::get(kernel.getContext(), family->name, plan.lanes, plan.tile), plan.cycles});
    };
    if (family->offer)
      family->offer(kernel, target, take);
    else
      take(family->plan(kernel, target));
    llvm::stable_sort(offered, isCheaper);
    all.append(offered.begin(), offered.begin() + std::min(offered.size(), mostOfFamily));
  }
  llvm::stable_sort(all, isCheaper);
  llvm::erase_if(all,
                 [&](const Candidate &candidate) { return candidate.cycles > worthMeasuring * all.front().cycles; });
  all.resize(std::min(all.size(), most));
  return all;
}

std::string describe(StrategyAttr strategy, bool withLanes) {
  std::string text = strategy.getKernel().str();
  if (withLanes)
    text += " lanes=" + std::to_string(strategy.getLanes());
  text += " tile=";
  for (auto [index, extent] : llvm::enumerate(strategy.getTile()))
    text += (index ? "x" : "") + std::to_string(extent);
  return text;
}

} // namespace n2uq
