// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Conversion/LoadNetwork.h"
#include "n2uq/Conversion/Passes.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace n2uq {

OwningOpRef<ModuleOp> loadNetwork(StringRef path, MLIRContext &context, std::string &error, ModelKind kind) {
  OwningOpRef<ModuleOp> module = loadModel(path, context, error, kind);
  bool hasTosa = false;
  if (module)
    module->walk([&](Operation *op) { hasTosa |= isa_and_nonnull<tosa::TosaDialect>(op->getDialect()); });
  if (!hasTosa)
    return module;
  std::vector<std::string> problems;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure();
    std::string place;
    llvm::raw_string_ostream stream(place);
    if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
      stream << "op '" << name.getName().getValue() << "': ";
    else if (auto file = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
      stream << "line " << file.getLine() << ": ";
    problems.push_back(place + diagnostic.str());
    return success();
  });
  PassManager pm(&context);
  pm.addNestedPass<func::FuncOp>(createConvertTosaToN2UQPass());
  if (succeeded(pm.run(*module)))
    return module;
  error = "'" + path.str() + "': ";
  if (problems.size() == 1)
    error += problems.front();
  else
    error += std::to_string(problems.size()) + " ops cannot be converted:";
  for (const std::string &problem : problems)
    if (problems.size() > 1)
      error += "\n  " + problem;
  return nullptr;
}

} // namespace n2uq
