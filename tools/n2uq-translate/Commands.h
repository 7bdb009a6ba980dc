// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The commands of n2uq-translate, a file each. Each returns an empty string, or one sentence that says what went wrong.
#ifndef N2UQ_TOOLS_N2UQ_TRANSLATE_COMMANDS_H
#define N2UQ_TOOLS_N2UQ_TRANSLATE_COMMANDS_H

#include "n2uq/Conversion/LoadNetwork.h"

#include <string>
#include <vector>

struct InterpretOptions {
  /// NAME=FILE.npy, one an argument of the function.
  std::vector<std::string> inputs;
  std::string outputDir, function;
  bool dumpCodes = false;
  unsigned threads = 0;
};

/// --interpret: evaluates the model with the reference and writes .npy files.
std::string interpretModel(mlir::ModuleOp module, const InterpretOptions &options);

/// Without a command: writes the model that was read, as text or bytecode.
std::string convertModel(mlir::ModuleOp module, const std::string &output, n2uq::ModelFormat format);

/// --export-onnx: writes the model as ONNX in QONNX form.
std::string exportModel(mlir::ModuleOp module, const std::string &output);

#endif // N2UQ_TOOLS_N2UQ_TRANSLATE_COMMANDS_H
