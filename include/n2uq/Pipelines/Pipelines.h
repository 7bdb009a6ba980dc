// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The phases of the compiler, each one function and one option struct. This is the only place that knows the order of
// passes.
#ifndef N2UQ_PIPELINES_PIPELINES_H
#define N2UQ_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include <string>

namespace n2uq {

struct StrategyOptions : mlir::PassPipelineOptions<StrategyOptions> {
  Option<std::string> targetCpu{*this, "target-cpu", llvm::cl::desc("CPU or GPU that the code is for"),
                                llvm::cl::init("host")};
  Option<std::string> forceKernel{*this, "force-kernel", llvm::cl::desc("kernel family to take wherever it may run"),
                                  llvm::cl::init("")};
  Option<std::string> optimizeFor{*this, "optimize-for", llvm::cl::desc("speed or size"), llvm::cl::init("speed")};
  Option<bool> keepCodes{*this, "keep-codes", llvm::cl::desc("write every quantizer's codes to memory"),
                         llvm::cl::init(false)};
};

struct LowerOptions : mlir::PassPipelineOptions<LowerOptions> {
  Option<std::string> targetCpu{*this, "target-cpu", llvm::cl::desc("CPU or GPU that the code is for"),
                                llvm::cl::init("host")};
  Option<bool> keepCodes{*this, "keep-codes", llvm::cl::desc("keep every quantizer's codes until the end of a run"),
                         llvm::cl::init(false)};
};

struct ConvertOptions : mlir::PassPipelineOptions<ConvertOptions> {
  Option<std::string> targetCpu{*this, "target-cpu", llvm::cl::desc("CPU or GPU that the code is for"),
                                llvm::cl::init("host")};
};

/// n2uq network ops, float scales and thresholds   ->   integer thresholds where exact, float tails elsewhere
void buildSimplifyPipeline(mlir::OpPassManager &pm);
/// network ops   ->   n2uq.kernel with #n2uq.strategy on every one, weights packed: the next two, one behind the other
void buildStrategyPipeline(mlir::OpPassManager &pm, const StrategyOptions &options);
/// network ops   ->   n2uq.kernel without strategies
void buildFormPipeline(mlir::OpPassManager &pm, const StrategyOptions &options);
/// n2uq.kernel   ->   n2uq.kernel with #n2uq.strategy on every one, weights packed
void buildChoicePipeline(mlir::OpPassManager &pm, const StrategyOptions &options);
/// n2uq.kernel   ->   func, scf, arith, vector, math, n2uq.dot4, llvm pointers; for a GPU a gpu.module of scf, arith,
/// llvm
void buildLowerPipeline(mlir::OpPassManager &pm, const LowerOptions &options);
/// func, scf, arith, vector, math, n2uq.dot4   ->   llvm; a gpu.module's   ->   nvvm, llvm
void buildConvertPipeline(mlir::OpPassManager &pm, const ConvertOptions &options);

/// Our passes and pipelines, under their flags.
void registerPasses();
/// Our dialect, the upstream dialects that the phases use, and their conversions to llvm.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace n2uq

#endif // N2UQ_PIPELINES_PIPELINES_H
