// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The direct convolution for families that differ in where its weights come from or in how products are summed.
#ifndef N2UQ_LIB_STRATEGY_X86_DIRECTDOT_H
#define N2UQ_LIB_STRATEGY_X86_DIRECTDOT_H

#include "../Contraction.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace n2uq {

/// The plans of direct_dot.
void offerDirectDot(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take);
/// Packs an n2uq.conv2d to the n2uq.packed_conv2d that the kernel's strategy says.
mlir::LogicalResult packDirectDot(KernelOp kernel, mlir::RewriterBase &rewriter);
int64_t directDotItems(KernelOp kernel);
/// Bytes of one block of output channels of the filter of an n2uq.packed_conv2d.
int64_t packedBlockBytes(mlir::Value packed);

/// acc[lane] + the dot product of the lane's four codes and four weights.
using Dot = mlir::Value (*)(ItemEmitter &e, mlir::Value acc, mlir::Value codes, mlir::Value weights, int64_t codeBits);
mlir::Value emitDot4(ItemEmitter &e, mlir::Value acc, mlir::Value codes, mlir::Value weights, int64_t codeBits);

/// Emits one work item of an n2uq.packed_conv2d. `blockWeights` gives the address of the packed weights of its block of
/// output channels.
void emitDirect(KernelOp kernel, ItemEmitter &e, Dot dot,
                llvm::function_ref<mlir::Value(const ItemPart &)> blockWeights);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_DIRECTDOT_H
