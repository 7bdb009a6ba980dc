// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models in files, for every tool that reads or writes one: `.mlir` text and `.mlirbc` bytecode of the n2uq dialect,
// and
// `.onnx`, which is imported.
#ifndef N2UQ_MODELFILE_MODELFILE_H
#define N2UQ_MODELFILE_MODELFILE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>
#include <string>

namespace n2uq {

/// The dialects that a model may consist of.
void registerModelDialects(mlir::DialectRegistry &registry);

enum class ModelKind { ByContent, Onnx };

/// Reads a model, whose kind is told by its content, and verifies it. "-" is standard input. On failure returns null
/// and one sentence in `error`, which a list follows where nodes of an ONNX model cannot be imported (failWith prints
/// it).
///
/// The file may come from anybody. Where upstream's parser crashes on it, that ends in a sentence like any other
/// damage; but `context` is then in an unknown state and must neither be used nor destroyed. So tools keep theirs to
/// the end of the process, `static auto &context = *new mlir::MLIRContext(registry)`, or abandon it where this fails.
mlir::OwningOpRef<mlir::ModuleOp> loadModel(llvm::StringRef path, mlir::MLIRContext &context, std::string &error,
                                            ModelKind kind = ModelKind::ByContent);

/// Keeps a context that must not be destroyed to the process's end.
void abandon(mlir::MLIRContext *context);

enum class ModelFormat { Text, Bytecode };

/// Bytecode for `.mlirbc`, else text.
ModelFormat modelFormatOf(llvm::StringRef path);

/// Writes a model with its locations, which are the names of its layers. Returns an empty string or one sentence.
std::string saveModel(mlir::ModuleOp module, llvm::StringRef path, ModelFormat format);

/// Writes a file whole or not at all: a temporary file beside it takes its place. "-" is standard output; what is no
/// ordinary file (a device, a pipe) is written in place. Returns an empty string or one sentence.
std::string writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Hands over what the reading of models warns of, a sentence each.
void reportWarnings(mlir::MLIRContext &context, std::function<void(const std::string &)> take);

/// Prints what the reading of models warns of to stderr, a line each, as `tool: warning: sentence`.
void printWarnings(mlir::MLIRContext &context, std::string tool);

/// The function of a model that tools work on: the one called `name`; without a name `main`, or the only one there is.
/// Null and one sentence in `error` where there is none.
mlir::func::FuncOp findFunction(mlir::ModuleOp module, llvm::StringRef name, std::string &error);

} // namespace n2uq

#endif // N2UQ_MODELFILE_MODELFILE_H
