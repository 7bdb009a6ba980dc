// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole way of one model: from network ops to a shared library or any form on the way.
#ifndef N2UQ_PIPELINES_COMPILE_H
#define N2UQ_PIPELINES_COMPILE_H

#include "n2uq/model.h"

#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace n2uq {

struct CompileOptions {
  std::string targetCpu = "host";
  std::string modelName = "model";   ///< for the descriptor
  std::string emit = "lib";          ///< lib, obj, asm, llvm or mlir; for a GPU lib, ptx, llvm or mlir
  std::string until;                 ///< phase after which to stop, with emit = mlir; empty for all of them
  std::string dumpPhasesTo;          ///< folder for the module after every phase, or empty
  std::string report;                ///< file for the report, or empty
  std::string forceKernel;           ///< kernel family to take wherever it may run, or empty
  std::string optimizeFor = "speed"; ///< speed or size
  double tuneSeconds = 0;            ///< how long candidates are compiled and measured; 0: choose by prediction
  std::function<void(const std::string &)> progress = [](const std::string &) {}; ///< takes lines for the user
  int64_t optLevel = 3;
  std::vector<std::string> labels;             ///< names of the classes, or none
  std::optional<n2uq_pictures> pictures;       ///< how pictures become the input; its resize may be usualResize
  std::string symbol = N2UQ_DESCRIPTOR_SYMBOL; ///< of an object's descriptor
  bool keepCodes = false;
  bool errorOnFallback = false;
};

/// The phases in order, as `until` names them.
inline constexpr const char *phaseNames[] = {"import", "simplify", "strategy", "lower", "convert"};

/// Compiles `module`, which is changed on the way, to `output` ("-" for standard output where that makes sense). An
/// object comes with a C header beside it, of the same name but for its ending `.h`.
/// Returns an empty string or one sentence; then no file has been written.
std::string compileModel(mlir::ModuleOp module, const CompileOptions &options, const std::string &output);

} // namespace n2uq

#endif // N2UQ_PIPELINES_COMPILE_H
