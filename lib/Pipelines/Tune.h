// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategies by measurement on this machine.
#ifndef N2UQ_LIB_PIPELINES_TUNE_H
#define N2UQ_LIB_PIPELINES_TUNE_H

#include "n2uq/Support/CpuTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <string>
#include <vector>

namespace n2uq {

/// What was measured for layers that are computed alike.
struct TunedLayer {
  struct Row {
    std::string strategy;
    double predictedCycles, measuredCycles; ///< an image
    bool isTaken;
  };
  std::vector<std::string> layers;
  std::vector<Row> rows; ///< as the prediction orders them
};

struct TuneOptions {
  double seconds = 0;                                ///< after which no further variant is compiled
  std::function<void(const std::string &)> progress; ///< takes a line for the user
  /// Compiles a module whose kernels have strategies to a library. Returns an empty string or one sentence.
  std::function<std::string(mlir::ModuleOp module, const std::string &path)> compile;
};

/// Writes on the kernels of `module`, which are formed and have no strategies yet, the strategies that are fastest on
/// this machine, and appends what was measured to `layers`. Returns an empty string or one sentence.
std::string tuneStrategies(mlir::ModuleOp module, const CpuTarget &cpu, const TuneOptions &options,
                           std::vector<TunedLayer> &layers);

} // namespace n2uq

#endif // N2UQ_LIB_PIPELINES_TUNE_H
