// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#include "llvm/Support/Process.h"

std::string convertModel(mlir::ModuleOp module, const std::string &output, n2uq::ModelFormat format) {
  if (format == n2uq::ModelFormat::Bytecode && output == "-" && llvm::sys::Process::StandardOutIsDisplayed())
    return "bytecode is not for a terminal: name a file with -o";
  return n2uq::saveModel(module, output, format);
}
