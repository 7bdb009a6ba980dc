// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX models.
#include "Fuzz.h"

#include "n2uq/Import/Onnx.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

using namespace n2uq::fuzz;

/// A context keeps every name that it has seen, so each is used for a while only.
static mlir::MLIRContext &contextForNow() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static int uses = 0;
  if (uses++ % 1000 == 0) {
    context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
      require(diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error, "an import makes only ops that are sound");
    });
  }
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string error;
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  mlir::OwningOpRef<mlir::ModuleOp> module = n2uq::importOnnx(bytes, "'model.onnx'", contextForNow(), error);
  require(static_cast<bool>(module) == error.empty(), "there is a module or an error");
  if (module) {
    require(mlir::succeeded(mlir::verify(*module)), "an imported module is sound");
    return 0;
  }
  // A list of nodes may follow the sentence, an indented line each.
  for (size_t at = error.find('\n'); at != std::string::npos; at = error.find('\n', at + 1))
    require(error.compare(at, 3, "\n  ") == 0, "what follows a sentence is a list");
  requireSentence(error.substr(0, error.find('\n')));
  return 0;
}
