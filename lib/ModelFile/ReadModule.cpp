// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ReadModule.h"

#include "n2uq/Dialect/N2UQ/Constants.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace n2uq {

/// The first error among diagnostics, as one sentence.
static std::string sentenceOf(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    stream << place.getFilename().getValue() << ':' << place.getLine() << ':' << place.getColumn() << ": ";
  else if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
    stream << "at '" << name.getName().getValue() << "': ";
  stream << diagnostic.str();
  for (char &c : text)
    if (c == '\n')
      c = ' ';
  return text;
}

/// The first resource of the module that has no blob or one of another size than its type says.
static std::string findUnsoundBlob(ModuleOp module) {
  std::string found;
  module.walk([&](Operation *op) {
    op->getAttrDictionary().walk([&](DenseResourceElementsAttr resource) {
      if (found.empty() && !hasSoundBlob(resource))
        found = "its resource '" + resource.getRawHandle().getKey().str() +
                "' is missing or has another size than its type says";
    });
    return found.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return found;
}

OwningOpRef<ModuleOp> readModule(llvm::MemoryBufferRef bytes, MLIRContext &context, std::string &problem) {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (problem.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      problem = sentenceOf(diagnostic);
    return success();
  });
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(bytes), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context, /*verifyAfterParse=*/true));
  if (module)
    problem = findUnsoundBlob(*module);
  else if (problem.empty())
    problem = "it holds no module";
  return module;
}

} // namespace n2uq
