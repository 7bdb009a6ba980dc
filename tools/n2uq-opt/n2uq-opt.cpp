// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every pass and pipeline, ours and upstream's, on a file.
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<n2uq::N2UQDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "N2UQ optimizer driver\n", registry));
}
