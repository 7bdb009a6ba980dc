// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/Family.h"
#include "n2uq/Strategy/Layout.h"
#include "n2uq/Strategy/Passes.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/DebugLog.h"

using namespace mlir;
using namespace n2uq;

#define DEBUG_TYPE "n2uq-select-strategy"

namespace n2uq {
#define GEN_PASS_DEF_SELECTSTRATEGYPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

namespace {
/// The one place where a kernel is chosen: every family that may run is asked for its plan, the cheapest plan is taken.
struct SelectStrategy final : n2uq::impl::SelectStrategyPassBase<SelectStrategy> {
  using Base::Base;

  void runOnOperation() override {
    CpuTarget target;
    if (std::string error = findCpu(targetCpu, target); !error.empty()) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    if (!force.empty() && !findFamily(force)) {
      getOperation().emitError() << "'" << force << "' is not a kernel family; n2uq/Strategy/Kernels.def lists them";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](KernelOp kernel) {
      return kernel.getStrategy() || succeeded(select(kernel, target)) ? WalkResult::advance()
                                                                       : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult select(KernelOp kernel, const CpuTarget &target) {
    const KernelFamily *best = nullptr, *second = nullptr;
    Plan bestPlan, secondPlan;
    std::string reasons;
    for (const KernelFamily *family : kernelFamilies()) {
      std::string why;
      if (!family->mayRun(kernel, target, why)) {
        reasons += std::string(reasons.empty() ? "" : "; ") + family->name + ": " + why;
        continue;
      }
      Plan plan = family->plan(kernel, target);
      LDBG() << nameOf(kernel) << ": " << family->name << " would take " << int64_t(plan.cycles) << " cycles";
      bool forced = force == family->name;
      if (!best || forced || (force != best->name && plan.cycles < bestPlan.cycles)) {
        second = best;
        secondPlan = bestPlan;
        best = family;
        bestPlan = plan;
      } else if (!second || plan.cycles < secondPlan.cycles) {
        second = family;
        secondPlan = plan;
      }
    }
    if (!best)
      return kernel.emitOpError() << "has no kernel family that may compute it (" << reasons << ")";
    kernel.setStrategyAttr(StrategyAttr::get(&getContext(), best->name, bestPlan.lanes, bestPlan.tile));
    auto remark = remark::passed(kernel.getLoc(), remark::RemarkOpts::name("SelectStrategy").category("n2uq-strategy"));
    remark << remark::metric("kernel", best->name) << remark::metric("cycles", int64_t(bestPlan.cycles));
    if (second)
      remark << remark::metric("runner-up", second->name)
             << remark::metric("runner-up cycles", int64_t(secondPlan.cycles));
    return success();
  }
};
} // namespace
