// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "common/AllDialectsAndPasses.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Pipelines/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

void n2uq::registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<N2UQDialect>();
}

void n2uq::registerAllPasses() {
  mlir::registerAllPasses();
  registerPasses();
}
