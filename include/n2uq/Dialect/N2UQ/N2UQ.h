// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The n2uq dialect: ops, attributes and the few helpers that everybody who touches them needs.
#ifndef N2UQ_DIALECT_N2UQ_N2UQ_H
#define N2UQ_DIALECT_N2UQ_N2UQ_H

#include "n2uq/Dialect/N2UQ/Window.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "n2uq/Dialect/N2UQ/Dialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "n2uq/Dialect/N2UQ/Attrs.h.inc"

#include "n2uq/Dialect/N2UQ/Interfaces.h.inc"

#define GET_OP_CLASSES
#include "n2uq/Dialect/N2UQ/Ops.h.inc"

namespace n2uq {

/// Channels of a tensor: the extent of its last dimension.
int64_t channelsOf(mlir::Value tensor);

/// Bits of a code tensor's elements (1 to 8); 0 for any other tensor.
int64_t codeBitsOf(mlir::Type type);

/// Whether `op` works element by element on tensors of one shape (affine, prelu, clamp, sigmoid, add and the
/// quantizers).
bool isElementwise(mlir::Operation *op);

/// What a quantizer's name ends with where its codes are pooled before they are the model's.
constexpr llvm::StringLiteral unpooledSuffix = ".unpooled";

/// On a max_pool whose codes, not those of the quantizer in front of it, are the model's.
constexpr llvm::StringLiteral pooledQuantizerAttrName = "n2uq.quantizer";

/// On a threshold or two_sided_threshold: the one row of float thresholds that all channels had before they were
/// folded, in their order. It says where to look for an axis that the channels share, and nothing about the codes.
constexpr llvm::StringLiteral levelsAttrName = "n2uq.levels";

/// Whether the result of \p op is what dumps and reports know as a quantizer's codes.
bool givesQuantizerCodes(mlir::Operation *op);

/// The name of the module that `op` came from, or an empty string.
llvm::StringRef nameOf(mlir::Operation *op);

} // namespace n2uq

#endif // N2UQ_DIALECT_N2UQ_N2UQ_H
