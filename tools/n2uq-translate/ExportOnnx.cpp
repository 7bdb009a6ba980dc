// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#include "n2uq/Export/Onnx.h"

#include "llvm/Support/Process.h"

std::string exportModel(mlir::ModuleOp module, const std::string &output) {
  if (output == "-" && llvm::sys::Process::StandardOutIsDisplayed())
    return "ONNX is not for a terminal: name a file with -o";
  std::string bytes;
  if (std::string error = n2uq::exportOnnx(module, bytes); !error.empty())
    return error;
  return n2uq::writeFile(output, bytes);
}
