// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Pipelines/Pipelines.h"

#include "n2uq/Codegen/Passes.h"
#include "n2uq/Conversion/Passes.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/Passes.h"
#include "n2uq/Support/CpuTarget.h"
#include "n2uq/Support/GpuTarget.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace n2uq {

void buildSimplifyPipeline(OpPassManager &pm) {
  OpPassManager &network = pm.nest<func::FuncOp>();
  // No CSE here: two quantizers with equal thresholds are two names in dumps and reports.
  network.addPass(createCanonicalizerPass());
  network.addPass(createSinkMaxPoolPass());
  network.addPass(createNormalizeSignsPass());
  network.addPass(createHoistMaxPoolPass());
  network.addPass(createIntegerizeThresholdsPass());
  network.addPass(createAbsorbFloatTailPass());
  network.addPass(createCanonicalizerPass());
  network.addPass(createVerifySimplifiedPass());
}

void buildStrategyPipeline(OpPassManager &pm, const StrategyOptions &options) {
  buildFormPipeline(pm, options);
  buildChoicePipeline(pm, options);
}

void buildFormPipeline(OpPassManager &pm, const StrategyOptions &options) {
  bool forGpu = isGpuName(options.targetCpu);
  pm.addNestedPass<func::FuncOp>(
      createFormKernelsPass(FormKernelsPassOptions{options.keepCodes, /*poolsBehindRoots=*/!forGpu}));
  // A forced family is asked for every layer, and a file's bytes are the same either way.
  if (!forGpu && options.forceKernel.empty())
    pm.addNestedPass<func::FuncOp>(createJoinKernelsPass(JoinKernelsPassOptions{options.targetCpu}));
  if (!forGpu)
    pm.addNestedPass<func::FuncOp>(createShareThresholdsPass(ShareThresholdsPassOptions{options.targetCpu}));
}

void buildChoicePipeline(OpPassManager &pm, const StrategyOptions &options) {
  pm.addNestedPass<func::FuncOp>(
      createSelectStrategyPass(SelectStrategyPassOptions{options.targetCpu, options.forceKernel, options.optimizeFor}));
  pm.addNestedPass<func::FuncOp>(createPackWeightsPass());
  pm.addNestedPass<func::FuncOp>(createVerifyStrategyPass());
}

void buildLowerPipeline(OpPassManager &pm, const LowerOptions &options) {
  pm.addNestedPass<func::FuncOp>(createPlanMemoryPass(PlanMemoryPassOptions{options.keepCodes}));
  if (isGpuName(options.targetCpu))
    pm.addPass(createLowerKernelsToGpuPass());
  else
    pm.addPass(createLowerKernelsPass());
  // What the emitters write is plain; this takes away what is written twice.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
}

void buildConvertPipeline(OpPassManager &pm, const ConvertOptions &options) {
  if (isGpuName(options.targetCpu)) {
    OpPassManager &device = pm.nest<gpu::GPUModuleOp>();
    device.addPass(createSCFToControlFlowPass());
    device.addPass(createConvertGpuOpsToNVVMOps());
    device.addPass(createCanonicalizerPass());
    device.addPass(createCSEPass());
    device.addPass(createReconcileUnrealizedCastsPass());
    return;
  }
  pm.addPass(createConvertN2UQToX86Pass(ConvertN2UQToX86PassOptions{options.targetCpu}));
  CpuTarget target;
  // A CPU that nobody knows is reported by the pass before this one.
  if (findCpu(options.targetCpu, target).empty() && !target.hasFma())
    pm.addPass(createExpandFmaPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void registerPasses() {
  registerTransformsPasses();
  registerN2UQStrategyPasses();
  registerN2UQCodegenPasses();
  registerN2UQConversionPasses();
  PassPipelineRegistration<>("n2uq-simplify", "Fold everything into integer thresholds that can be, exactly",
                             buildSimplifyPipeline);
  PassPipelineRegistration<StrategyOptions>("n2uq-strategy", "Form kernels, choose how each is computed, pack weights",
                                            buildStrategyPipeline);
  PassPipelineRegistration<LowerOptions>("n2uq-lower", "Turn kernels into tiled loops over vectors",
                                         buildLowerPipeline);
  PassPipelineRegistration<ConvertOptions>("n2uq-convert", "Turn tiled loops over vectors into the llvm dialect",
                                           buildConvertPipeline);
}

void registerDialects(DialectRegistry &registry) {
  registry.insert<N2UQDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect,
                  LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect, vector::VectorDialect>();
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  ub::registerConvertUBToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

} // namespace n2uq
