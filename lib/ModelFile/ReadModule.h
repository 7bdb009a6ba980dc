// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_LIB_MODELFILE_READMODULE_H
#define N2UQ_LIB_MODELFILE_READMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBufferRef.h"
#include <string>

namespace n2uq {

/// Parses text or bytecode of MLIR, verifies it, and checks that every blob has the size that its type says. Where
/// `problem` is not empty afterwards, it is one sentence and the module is not to be used.
///
/// Upstream's readers may crash on damaged bytes: loadModel rehearses and guards this call. `context` must have no
/// threads, since a crash is caught in the thread that it happens in.
mlir::OwningOpRef<mlir::ModuleOp> readModule(llvm::MemoryBufferRef bytes, mlir::MLIRContext &context,
                                             std::string &problem);

} // namespace n2uq

#endif // N2UQ_LIB_MODELFILE_READMODULE_H
