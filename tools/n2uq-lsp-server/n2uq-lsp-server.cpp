// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The language server for .mlir files: errors, definitions and documentation of ops while one types.
#include "common/AllDialectsAndPasses.h"
#include "common/CommonOptions.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  n2uq::registerCommonOptions();
  mlir::DialectRegistry registry;
  n2uq::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
