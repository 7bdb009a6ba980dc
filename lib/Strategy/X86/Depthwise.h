// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_LIB_STRATEGY_X86_DEPTHWISE_H
#define N2UQ_LIB_STRATEGY_X86_DEPTHWISE_H

#include "n2uq/Strategy/Family.h"
#include "n2uq/Strategy/Layout.h"

namespace n2uq {

/// Turns a depthwise n2uq.conv2d into n2uq.packed_depthwise_conv2d, which all families of it read.
mlir::LogicalResult packDepthwise(KernelOp kernel, mlir::RewriterBase &rewriter);

/// Work items of an image: rows of the strategy's tile.
inline int64_t depthwiseItems(KernelOp kernel) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  return ceilDiv(out.height, kernel.getStrategy()->getTile()[0]);
}

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_DEPTHWISE_H
