// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a file that shows a failure small: a script says whether a candidate still shows it.
#include "common/AllDialectsAndPasses.h"
#include "common/CommonOptions.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  n2uq::registerCommonOptions();
  n2uq::registerAllPasses();
  mlir::DialectRegistry registry;
  n2uq::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
