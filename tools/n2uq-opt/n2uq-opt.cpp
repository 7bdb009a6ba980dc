// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every pass and pipeline, ours and upstream's, on a file.
#include "common/AllDialectsAndPasses.h"
#include "common/CommonOptions.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  n2uq::registerCommonOptions();
  n2uq::registerAllPasses();
  mlir::DialectRegistry registry;
  n2uq::registerAllDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "N2UQ: passes on a file\n", registry));
}
