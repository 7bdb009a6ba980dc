// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX in its QONNX form to network ops.
#ifndef N2UQ_IMPORT_ONNX_H
#define N2UQ_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace n2uq {

/// Reads a model: `func.func @main` of network ops, images as [batch, height, width, channels] behind one
/// `n2uq.to_nhwc`, the batch dynamic, each op at the location of its node's name, the names of input and output as
/// `n2uq.name`.
///
/// Returns null with `error` set where the bytes are not a model (one sentence), or where nodes cannot be imported (all
/// of them at once: a line each behind a summary, with the node's name, op, domain and what to do about it). `fileName`
/// only opens these texts. Never trusts a size, a shape or a name of the file.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef bytes, llvm::StringRef fileName,
                                             mlir::MLIRContext &context, std::string &error);

} // namespace n2uq

#endif // N2UQ_IMPORT_ONNX_H
