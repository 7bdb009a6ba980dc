// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Strategy/Candidates.h"
#include "n2uq/Strategy/Layout.h"
#include "n2uq/Strategy/Passes.h"
#include "n2uq/Support/CpuPorts.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-join-kernels"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_JOINKERNELSPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

/// The convolution that is a kernel's only root, if it may be one of several.
static Conv2DOp joinableRoot(KernelOp kernel) {
  SmallVector<Operation *> roots = kernel.getRoots();
  auto conv = roots.size() == 1 ? dyn_cast<Conv2DOp>(roots.front()) : nullptr;
  return conv && conv.getGroups() == 1 && !kernel.getStrategy() ? conv : nullptr;
}

/// A kernel before \p reader whose only result is floats that nobody but an element-by-element op of \p reader reads,
/// and whose convolution has the shape of that of \p reader; null where there is none.
static KernelOp joinableProducer(KernelOp reader) {
  Conv2DOp root = joinableRoot(reader);
  if (!root)
    return nullptr;
  for (Operation &op : reader.getBody().front()) {
    if (!isElementwise(&op))
      continue;
    for (Value operand : op.getOperands()) {
      auto producer = operand.getDefiningOp<KernelOp>();
      if (!producer || producer->getNumResults() != 1 || !operand.hasOneUse() || !getElementTypeOrSelf(operand).isF32())
        continue;
      if (Conv2DOp other = joinableRoot(producer); other && other.getType() == root.getType())
        return producer;
    }
  }
  return nullptr;
}

/// One kernel with the bodies of both, in the place of \p reader, which it does not replace yet.
static KernelOp buildJoined(RewriterBase &rewriter, KernelOp producer, KernelOp reader) {
  rewriter.setInsertionPoint(reader);
  std::string name = (nameOf(producer) + "+" + nameOf(reader)).str();
  auto joined = KernelOp::create(rewriter, NameLoc::get(rewriter.getStringAttr(name)), reader.getResultTypes(),
                                 StrategyAttr(), ArrayAttr());
  rewriter.createBlock(&joined.getBody());
  IRMapping mapping;
  for (Operation &op : producer.getBody().front().without_terminator())
    rewriter.clone(op, mapping);
  mapping.map(producer.getResult(0), mapping.lookupOrDefault(producer.getYielded(0)));
  for (Operation &op : reader.getBody().front())
    rewriter.clone(op, mapping);
  return joined;
}

namespace {
struct JoinKernels final : n2uq::impl::JoinKernelsPassBase<JoinKernels> {
  using Base::Base;

  void runOnOperation() override {
    CpuTarget target;
    if (std::string error = findCpu(targetCpu, target); !error.empty()) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    SmallVector<KernelOp> kernels(getOperation().getOps<KernelOp>());
    IRRewriter rewriter(&getContext());
    for (KernelOp reader : kernels)
      if (KernelOp producer = joinableProducer(reader))
        join(rewriter, producer, reader, target);
  }

  /// Cycles of the best plan, or none where no family may compute the kernel.
  static std::optional<double> bestCycles(KernelOp kernel, const CpuTarget &target) {
    SmallVector<Candidate> candidates = candidatesOf(kernel, target, 1);
    return candidates.empty() ? std::nullopt : std::optional(candidates.front().cycles);
  }

  /// What it costs that floats of this type are written and read again, from the L2 cache where they fit.
  static double trafficCycles(Type type, const CpuPorts &ports) {
    ImageShape shape(type);
    double bytes = double(shape.height) * shape.width * memoryChannels(shape.channels) * sizeof(float);
    double vectorBytes = 64;
    return 2 * bytes / (bytes <= ports.nearBytes ? ports.nearLoads * vectorBytes : ports.farBytes);
  }

  void join(RewriterBase &rewriter, KernelOp producer, KernelOp reader, const CpuTarget &target) {
    KernelOp joined = buildJoined(rewriter, producer, reader);
    std::optional<double> together = bestCycles(joined, target), first = bestCycles(producer, target),
                          second = bestCycles(reader, target);
    double traffic = trafficCycles(producer.getResult(0).getType(), portsOf(target));
    if (!together || !first || !second || *together >= *first + *second + traffic) {
      rewriter.eraseOp(joined);
      return;
    }
    remark::passed(joined.getLoc(), remark::RemarkOpts::name("Joined").category(DEBUG_TYPE))
        << remark::metric("cycles", int64_t(*together)) << remark::metric("apart", int64_t(*first + *second + traffic));
    rewriter.replaceOp(reader, joined.getResults());
    rewriter.eraseOp(producer);
  }
};
} // namespace
