// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_STRATEGY_PASSES_H
#define N2UQ_STRATEGY_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>
#include <string>

namespace n2uq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "n2uq/Strategy/Passes.h.inc"

} // namespace n2uq

#endif // N2UQ_STRATEGY_PASSES_H
