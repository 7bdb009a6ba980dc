// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler says about a compiled model: for each layer its kernel and its bytes.
#ifndef N2UQ_LIB_PIPELINES_REPORT_H
#define N2UQ_LIB_PIPELINES_REPORT_H

#include "Tune.h"

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace n2uq {

/// JSON of a lowered module: target, arena, weights, a row for each kernel, and what was measured.
std::string describeModel(mlir::ModuleOp module, const std::string &cpu, const std::string &name,
                          llvm::ArrayRef<TunedLayer> tuned);

/// One sentence that names the layers which run on the portable kernel, after the strategy phase; empty where none
/// does.
std::string findFallback(mlir::ModuleOp module);

} // namespace n2uq

#endif // N2UQ_LIB_PIPELINES_REPORT_H
