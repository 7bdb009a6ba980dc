// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes of the simplify phase; Passes.td says what each does and in which order they make sense.
#ifndef N2UQ_TRANSFORMS_PASSES_H
#define N2UQ_TRANSFORMS_PASSES_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace n2uq {

/// On a quantizer whose tail begins at an accumulator: why it did not become integer thresholds.
constexpr llvm::StringLiteral floatTailAttrName = "n2uq.float_tail";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "n2uq/Transforms/Passes.h.inc"

} // namespace n2uq

#endif // N2UQ_TRANSFORMS_PASSES_H
