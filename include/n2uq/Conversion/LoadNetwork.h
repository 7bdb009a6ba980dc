// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A network from a file, whatever dialect or format it is written in.
#ifndef N2UQ_CONVERSION_LOADNETWORK_H
#define N2UQ_CONVERSION_LOADNETWORK_H

#include "n2uq/ModelFile/ModelFile.h"

namespace n2uq {

/// What loadModel gives, with tosa ops converted to network ops. Null with `error` set: one sentence, or one with a
/// list of everything that cannot be converted.
mlir::OwningOpRef<mlir::ModuleOp> loadNetwork(llvm::StringRef path, mlir::MLIRContext &context, std::string &error,
                                              ModelKind kind = ModelKind::ByContent);

} // namespace n2uq

#endif // N2UQ_CONVERSION_LOADNETWORK_H
