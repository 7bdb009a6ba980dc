// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "common/ImageOptions.h"

#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include <cstdlib>

using namespace mlir;

namespace n2uq {

void ImageOptions::addTo(CommandLine &line) {
  line.flag("image-input", imageInput);
  line.number("stem-bits", stemBits, 8, 24);
  line.text("mean", mean);
  line.text("std", deviation);
}

/// Reads `0.5,0.25`. False where something else stands there.
static bool readNumbers(const std::string &text, SmallVector<float> &numbers) {
  if (text.empty())
    return true;
  const char *at = text.c_str();
  for (;;) {
    char *end = nullptr;
    numbers.push_back(std::strtof(at, &end));
    if (end == at || (*end != ',' && *end != '\0'))
      return false;
    if (*end == '\0')
      return true;
    at = end + 1;
  }
}

std::string ImageOptions::apply(ModuleOp module) const {
  if (!imageInput)
    return stemBits || !mean.empty() || !deviation.empty() ? "--stem-bits, --mean and --std go with --image-input" : "";
  ImageInputPassOptions options;
  if (stemBits)
    options.stemBits = stemBits;
  if (!readNumbers(mean, options.mean) || !readNumbers(deviation, options.deviation))
    return "--mean and --std take numbers with commas between them";

  // The pass's own error is the sentence.
  std::string sentence;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure();
    if (sentence.empty())
      sentence = diagnostic.str();
    return success();
  });
  PassManager manager(module.getContext());
  manager.addNestedPass<func::FuncOp>(createImageInputPass(options));
  if (failed(manager.run(module)))
    return sentence.empty() ? "the network cannot be rewritten to take images" : sentence;
  return "";
}

} // namespace n2uq
