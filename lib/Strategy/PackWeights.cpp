// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrueWidth.h"
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/Passes.h"

#define DEBUG_TYPE "n2uq-pack-weights"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

namespace {
/// Every family packs its own weights; a kernel whose root is packed already is left alone.
struct PackWeights final : n2uq::impl::PackWeightsPassBase<PackWeights> {
  void runOnOperation() override {
    SmallVector<KernelOp> kernels;
    getOperation().walk([&](KernelOp kernel) { kernels.push_back(kernel); });
    IRRewriter rewriter(&getContext());
    for (KernelOp kernel : kernels) {
      if (!isa_and_nonnull<Conv2DOp, FloatConv2DOp, ImageConv2DOp, FullyConnectedOp>(kernel.getRoot()))
        continue;
      if (isForGpu(kernel))
        continue; // its family puts weights into order when it emits
      const KernelFamily *family = checkedFamily(kernel);
      if (!family)
        return signalPassFailure();
      // Packed weights do not tell how large they would have to be.
      int64_t bytes = 0;
      for (Operation *root : kernel.getRoots())
        bytes += trueWidthBytes(root).value_or(0);
      if (bytes > 0)
        kernel->setAttr(trueWidthBytesName, rewriter.getI64IntegerAttr(bytes));
      if (failed(family->pack(kernel, rewriter)))
        return signalPassFailure();
    }
  }
};
} // namespace
