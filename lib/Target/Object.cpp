// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Target/Target.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

namespace n2uq {

static constexpr const char *tripleName = "x86_64-unknown-linux-gnu";

llvm::TargetOptions exactOptions() {
  llvm::TargetOptions options;
  // One rounding per operation: LLVM must not make one instruction of a product and a sum.
  options.AllowFPOpFusion = FPOpFusion::Strict;
  return options;
}

CodeGenOptLevel codeGenLevel(int optLevel) {
  return optLevel == 0   ? CodeGenOptLevel::None
         : optLevel == 1 ? CodeGenOptLevel::Less
         : optLevel == 2 ? CodeGenOptLevel::Default
                         : CodeGenOptLevel::Aggressive;
}

std::unique_ptr<TargetMachine> makeTargetMachine(const TargetOptions &options, std::string &error) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  Triple triple(tripleName);
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, options.cpu.name, options.cpu.featureString(), exactOptions(), Reloc::PIC_,
                                  std::nullopt, codeGenLevel(options.optLevel)));
  if (!machine)
    error = "LLVM cannot make code for " + options.cpu.name;
  return machine;
}

std::unique_ptr<Module> translateModel(mlir::ModuleOp mlirModule, LLVMContext &context, TargetMachine &machine,
                                       const TargetOptions &options, std::string &error) {
  mlir::registerBuiltinDialectTranslation(*mlirModule.getContext());
  mlir::registerLLVMDialectTranslation(*mlirModule.getContext());
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(mlirModule, context, options.modelName);
  if (!module) {
    error = "the lowered module cannot be translated to LLVM IR";
    return nullptr;
  }
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  error = addDescriptor(mlirModule, *module, options);
  if (!error.empty())
    return nullptr;
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    function.addFnAttr(Attribute::NoUnwind);
    // 512-bit types come from us alone, where the target has them; without these LLVM would split them on CPUs that
    // prefer 256.
    if (options.cpu.lanes() == 16) {
      function.addFnAttr("prefer-vector-width", "512");
      function.addFnAttr("min-legal-vector-width", "512");
    }
    // Spill slots of whole vectors must not cross cache lines.
    function.addFnAttr("stackrealign");
  }
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(*module, &stream)) {
    error = "the lowered module is not sound LLVM IR: " + problem;
    return nullptr;
  }

  optimize(*module, machine, options.optLevel);
  return module;
}

void optimize(Module &module, TargetMachine &machine, int optLevel) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  // Everything worth a vector is one already; what the vectorizers would find are address computations.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  OptimizationLevel level = optLevel == 0   ? OptimizationLevel::O0
                            : optLevel == 1 ? OptimizationLevel::O1
                            : optLevel == 2 ? OptimizationLevel::O2
                                            : OptimizationLevel::O3;
  ModulePassManager passes =
      optLevel == 0 ? builder.buildO0DefaultPipeline(level) : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

std::string emitObject(Module &module, TargetMachine &machine, bool assembly, SmallVectorImpl<char> &bytes) {
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr,
                                  assembly ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile))
    return "LLVM cannot emit code for " + machine.getTargetCPU().str();
  passes.run(module);
  return "";
}

} // namespace n2uq
