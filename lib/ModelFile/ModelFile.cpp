// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/ModelFile/ModelFile.h"

#include "Guard.h"
#include "ReadModule.h"
#include "Rehearsal.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Import/Onnx.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace n2uq {

void registerModelDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, math::MathDialect, N2UQDialect, tosa::TosaDialect>();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Text of MLIR cannot begin with the byte that opens an ONNX file (the tag of its first field, the format's version),
/// nor can bytecode. A file that is damaged there is still taken for what its name says.
static bool isOnnx(StringRef path, StringRef bytes) { return path.ends_with(".onnx") || bytes.starts_with("\x08"); }

OwningOpRef<ModuleOp> loadModel(StringRef path, MLIRContext &context, std::string &error, ModelKind kind) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer) {
    error = "cannot open '" + path.str() + "': " + buffer.getError().message();
    return nullptr;
  }
  std::string name = "'" + path.str() + "'";
  if (kind == ModelKind::Onnx || isOnnx(path, (*buffer)->getBuffer()))
    return importOnnx((*buffer)->getBuffer(), name, context, error);

  OwningOpRef<ModuleOp> module;
  std::string problem;
  // A crash is caught in the thread that it happens in, so the parser gets no others.
  bool hadThreads = context.isMultithreadingEnabled();
  context.disableMultithreading();
  auto parse = [&] { module = readModule((*buffer)->getMemBufferRef(), context, problem); };
  // Upstream's reader of bytecode takes the numbers of a damaged file at their word and may corrupt the heap, which no
  // guard in this process can put right.
  size_t size = (*buffer)->getBufferSize();
  if ((isBytecode((*buffer)->getMemBufferRef()) && !survivesRehearsal(parse, size)) || !runGuarded(size, parse)) {
    (void)module.release();
    error = name + " is damaged: MLIR's parser cannot cope with it; make the file again";
    return nullptr;
  }
  context.enableMultithreading(hadThreads);
  if (!problem.empty()) {
    error = name + " is not a model that can be read: " + problem;
    return nullptr;
  }
  return module;
}

void abandon(MLIRContext *context) {
  static auto &abandoned = *new std::vector<MLIRContext *>();
  abandoned.push_back(context);
}

void reportWarnings(MLIRContext &context, std::function<void(const std::string &)> take) {
  context.getDiagEngine().registerHandler([take = std::move(take)](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Warning)
      return failure();
    take(diagnostic.str());
    return success();
  });
}

void printWarnings(MLIRContext &context, std::string tool) {
  reportWarnings(context, [tool = std::move(tool)](const std::string &sentence) {
    llvm::errs() << tool << ": warning: " << sentence << '\n';
  });
}

func::FuncOp findFunction(ModuleOp module, StringRef name, std::string &error) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions)
    if (function.getSymName() == (name.empty() ? "main" : name))
      return function;
  if (name.empty() && functions.size() == 1)
    return functions.front();
  error = name.empty() ? "the model has no function 'main'" : "the model has no function '" + name.str() + "'";
  for (auto [index, function] : llvm::enumerate(functions))
    error += (index ? ", '" : "; it has '") + function.getSymName().str() + "'";
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string writeFile(StringRef path, StringRef bytes) {
  auto failed = [&](const std::string &reason) { return "cannot write '" + path.str() + "': " + reason; };
  llvm::sys::fs::file_status status;
  bool ordinary = llvm::sys::fs::status(path, status) || llvm::sys::fs::is_regular_file(status);
  if (llvm::sys::fs::is_directory(status))
    return failed("it is a folder");
  if (path == "-" || !ordinary) {
    std::error_code code;
    llvm::raw_fd_ostream stream(path, code);
    if (code)
      return failed(code.message());
    stream << bytes;
    stream.flush();
    code = stream.error();
    stream.clear_error();
    return code ? failed(code.message()) : "";
  }
  if (llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &stream) {
        stream << bytes;
        return llvm::Error::success();
      }))
    return failed(llvm::toString(std::move(error)));
  return "";
}

ModelFormat modelFormatOf(StringRef path) {
  return path.ends_with(".mlirbc") ? ModelFormat::Bytecode : ModelFormat::Text;
}

std::string saveModel(ModuleOp module, StringRef path, ModelFormat format) {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (format == ModelFormat::Bytecode) {
    if (failed(writeBytecodeToFile(module, stream)))
      return "cannot write '" + path.str() + "': the model has no form in bytecode";
  } else {
    module->print(stream, OpPrintingFlags().enableDebugInfo().printNameLocAsPrefix());
    stream << '\n';
  }
  return writeFile(path, bytes);
}

} // namespace n2uq
