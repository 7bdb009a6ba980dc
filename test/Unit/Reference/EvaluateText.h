// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function of a few ops, evaluated by the reference.
#ifndef N2UQ_TEST_UNIT_REFERENCE_EVALUATETEXT_H
#define N2UQ_TEST_UNIT_REFERENCE_EVALUATETEXT_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Reference/Interpreter.h"

#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

namespace n2uq {

/// A module from text, and the interpreter of its one function.
class Program {
public:
  explicit Program(const std::string &text) {
    context.loadDialect<N2UQDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << "cannot parse " << text;
      return;
    }
    std::string error;
    interpreter = Interpreter::create(*module->getOps<mlir::func::FuncOp>().begin(), error);
    EXPECT_TRUE(interpreter) << error;
  }

  /// The function's results; none, and a failed test, where it cannot be evaluated.
  std::vector<Array> run(const std::vector<Array> &arguments, unsigned threads = 1) {
    std::vector<Array> results;
    if (!interpreter)
      return results;
    interpreter->setThreads(threads);
    std::string error = interpreter->run(arguments, results);
    EXPECT_EQ(error, "");
    return results;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Interpreter> interpreter;
};

/// Text of a function that returns `op` on its arguments: `%0 = op : ... -> result`.
inline std::string functionOf(const std::string &arguments, const std::string &op, const std::string &result) {
  return "func.func @main(" + arguments + ") -> " + result + " {\n  %0 = " + op + "\n  return %0 : " + result + "\n}\n";
}

} // namespace n2uq

#endif // N2UQ_TEST_UNIT_REFERENCE_EVALUATETEXT_H
