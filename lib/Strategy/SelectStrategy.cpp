// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/Layout.h"
#include "n2uq/Strategy/Passes.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/DebugLog.h"
#include <map>

using namespace mlir;
using namespace n2uq;

#define DEBUG_TYPE "n2uq-select-strategy"

namespace n2uq {
#define GEN_PASS_DEF_SELECTSTRATEGYPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

static bool mayCompute(const GpuFamily &family, KernelOp kernel, const GpuTarget &target, std::string &why) {
  return family.mayRun(kernel, target, why);
}

namespace {
/// The layers that had a choice, but not the forced family, by the reason.
struct Refusals {
  std::map<std::string, std::string> layersOf;

  void add(KernelOp kernel, const std::string &why) {
    std::string &layers = layersOf[why];
    layers += (layers.empty() ? "'" : ", '") + nameOf(kernel).str() + "'";
  }
  std::string text() const {
    std::string text;
    for (const auto &[why, layers] : layersOf)
      text += (text.empty() ? "" : "; ") + layers + " (" + why + ")";
    return text;
  }
};

/// The one place where a kernel is chosen: every family that may run is asked for its plan, the best plan is taken.
struct SelectStrategy final : n2uq::impl::SelectStrategyPassBase<SelectStrategy> {
  using Base::Base;

  template <typename Family>
  struct Candidate {
    const Family *family;
    Plan plan;
  };

  void runOnOperation() override {
    std::string error;
    if (isGpuName(targetCpu)) {
      if (const GpuTarget *target = findGpu(targetCpu, error))
        return selectAll(gpuFamilies(), *target, "GpuKernels.def");
    } else {
      CpuTarget target;
      error = findCpu(targetCpu, target);
      if (error.empty())
        return selectAll(kernelFamilies(), target, "Kernels.def");
    }
    getOperation().emitError() << error;
    signalPassFailure();
  }

  template <typename Family, typename Target>
  void selectAll(ArrayRef<const Family *> families, const Target &target, StringRef list) {
    if (!force.empty() && llvm::none_of(families, [&](const Family *family) { return force == family->name; })) {
      getOperation().emitError() << "'" << force << "' is not a kernel family; n2uq/Strategy/" << list << " lists them";
      return signalPassFailure();
    }
    if (optimizeFor != "speed" && optimizeFor != "size") {
      getOperation().emitError() << "'" << optimizeFor << "' is nothing to optimize for; take speed or size";
      return signalPassFailure();
    }
    Refusals refusals;
    bool forcedSomewhere = false;
    WalkResult result = getOperation().walk([&](KernelOp kernel) {
      if (!kernel.getStrategy() && failed(select(kernel, families, target, refusals)))
        return WalkResult::interrupt();
      forcedSomewhere |= kernel.getStrategy()->getKernel() == force;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    if (force.empty() || refusals.layersOf.empty())
      return;
    if (!forcedSomewhere) {
      getOperation().emitError() << "no layer can be computed by '" << force << "': " << refusals.text();
      return signalPassFailure();
    }
    getOperation().emitWarning() << "these layers cannot be computed by '" << force
                                 << "' and take the best of the others: " << refusals.text();
  }

  /// Whether \p plan is better than \p other.
  bool isBetter(const Plan &plan, const Plan &other) {
    if (optimizeFor == "size" && plan.weightBytes != other.weightBytes)
      return plan.weightBytes < other.weightBytes;
    return plan.cycles < other.cycles;
  }

  template <typename Family, typename Target>
  LogicalResult select(KernelOp kernel, ArrayRef<const Family *> families, const Target &target, Refusals &refusals) {
    SmallVector<Candidate<Family>> candidates;
    std::string reasons, whyNotForced;
    for (const Family *family : families) {
      std::string why;
      if (!mayCompute(*family, kernel, target, why)) {
        reasons += std::string(reasons.empty() ? "" : "; ") + family->name + ": " + why;
        if (force == family->name)
          whyNotForced = why;
        continue;
      }
      candidates.push_back({family, family->plan(kernel, target)});
      LDBG() << nameOf(kernel) << ": " << family->name << " would take " << int64_t(candidates.back().plan.cycles)
             << " cycles";
    }
    if (candidates.empty())
      return kernel.emitOpError() << "has no kernel family that may compute it (" << reasons << ")";
    // At equal cost the first one stays the first.
    llvm::stable_sort(candidates, [&](const Candidate<Family> &a, const Candidate<Family> &b) {
      bool aForced = force == a.family->name, bForced = force == b.family->name;
      return aForced != bForced ? aForced : isBetter(a.plan, b.plan);
    });
    const Candidate<Family> &best = candidates.front();
    if (!whyNotForced.empty() && candidates.size() > 1)
      refusals.add(kernel, whyNotForced);
    kernel.setStrategyAttr(StrategyAttr::get(&getContext(), best.family->name, best.plan.lanes, best.plan.tile));
    auto remark = remark::passed(kernel.getLoc(), remark::RemarkOpts::name("SelectStrategy").category("n2uq-strategy"));
    remark << remark::metric("kernel", best.family->name) << remark::metric("cycles", int64_t(best.plan.cycles));
    if (candidates.size() > 1)
      remark << remark::metric("runner-up", candidates[1].family->name)
             << remark::metric("runner-up cycles", int64_t(candidates[1].plan.cycles));
    return success();
  }
};
} // namespace
