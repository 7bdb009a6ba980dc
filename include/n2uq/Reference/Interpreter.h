// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The meaning of the n2uq dialect: a slow, plain interpreter of its network ops and kernel ops. Everything optimised is
// compared with it, so nothing optimised is included here: it depends on the dialect and on Support only.
#ifndef N2UQ_REFERENCE_INTERPRETER_H
#define N2UQ_REFERENCE_INTERPRETER_H

#include "n2uq/Reference/Array.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>

namespace n2uq {

class Interpreter {
public:
  /// Is called behind every op but constants, in the order of the IR and from the calling thread, with each result. An
  /// op inside a kernel reports as well.
  using Observer = llvm::function_ref<void(mlir::OpResult result, const Array &value)>;

  /// Checks that every op of `function` has a meaning here and reads its constants; the function must not change as
  /// long as the interpreter lives. Returns null and one sentence in `error` where it cannot be interpreted.
  static std::unique_ptr<Interpreter> create(mlir::func::FuncOp function, std::string &error);

  /// Threads of a run, 0 for all cores. Results do not depend on it.
  void setThreads(unsigned count) { threads = count; }

  /// Evaluates the function on `arguments`. Returns an empty string, or one sentence that says why not; `results` are
  /// then untouched.
  std::string run(llvm::ArrayRef<Array> arguments, std::vector<Array> &results, Observer observer);
  std::string run(llvm::ArrayRef<Array> arguments, std::vector<Array> &results) {
    return run(arguments, results, [](mlir::OpResult, const Array &) {});
  }

  mlir::func::FuncOp getFunction() const { return function; }

  /// Names of arguments and results: the attribute `n2uq.name`, or `input` / `output` of a single one, or with a number
  /// behind (`input0`, `output1`).
  std::string argumentName(unsigned index) const;
  std::string resultName(unsigned index) const;

  /// The most bytes that values of a run hold at a time, the constants left out.
  double peakBytes(int64_t batch) const;

  /// Images that a caller with a long input best hands over at once: bounded memory, all threads busy.
  int64_t chunkImages() const;

private:
  explicit Interpreter(mlir::func::FuncOp function) : function(function) {}
  std::string readConstants();

  mlir::func::FuncOp function;
  unsigned threads = 0;
  llvm::DenseMap<mlir::Value, std::shared_ptr<const Array>> constants;
  /// Operands of ops that name a value: it is dropped behind the last one.
  llvm::DenseMap<mlir::Value, unsigned> useCounts;
};

} // namespace n2uq

#endif // N2UQ_REFERENCE_INTERPRETER_H
