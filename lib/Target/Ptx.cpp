// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX by LLVM's back end for NVIDIA GPUs. It needs nothing of CUDA; the driver makes machine code of it.
#include "n2uq/Target/Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

namespace n2uq {

static constexpr const char *tripleName = "nvptx64-nvidia-cuda";

static std::unique_ptr<TargetMachine> makeGpuMachine(const TargetOptions &options, std::string &error) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  Triple triple(tripleName);
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  // No version of PTX is asked for: LLVM takes the first one that knows the chip, which most drivers read.
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(triple, options.gpu->name, /*Features=*/"",
                                                                     exactOptions(), std::nullopt, std::nullopt,
                                                                     codeGenLevel(options.optLevel)));
  if (!machine)
    error = std::string("LLVM cannot make code for ") + options.gpu->name;
  return machine;
}

std::string takeDeviceCode(mlir::ModuleOp module, const TargetOptions &options, bool asLlvm, std::string &text) {
  auto devices = to_vector(module.getOps<mlir::gpu::GPUModuleOp>());
  if (devices.size() != 1)
    return "the module has no kernels for a GPU; lower it with n2uq-lower-kernels-to-gpu";
  std::string error;
  std::unique_ptr<TargetMachine> machine = makeGpuMachine(options, error);
  if (!machine)
    return error;
  mlir::MLIRContext &mlirContext = *module.getContext();
  mlir::registerBuiltinDialectTranslation(mlirContext);
  mlir::registerGPUDialectTranslation(mlirContext);
  mlir::registerLLVMDialectTranslation(mlirContext);
  mlir::registerNVVMDialectTranslation(mlirContext);
  LLVMContext context;
  std::unique_ptr<Module> device = mlir::translateModuleToLLVMIR(devices.front(), context, options.modelName);
  if (!device)
    return "the lowered kernels cannot be translated to LLVM IR";
  devices.front().erase();
  device->setTargetTriple(machine->getTargetTriple());
  device->setDataLayout(machine->createDataLayout());
  std::string problem;
  raw_string_ostream problemStream(problem);
  if (verifyModule(*device, &problemStream))
    return "the lowered kernels are not sound LLVM IR: " + problem;
  optimize(*device, *machine, options.optLevel);
  if (asLlvm) {
    raw_string_ostream(text) << *device;
    return "";
  }
  SmallVector<char, 0> bytes;
  error = emitObject(*device, *machine, /*assembly=*/true, bytes);
  text.assign(bytes.begin(), bytes.end());
  return error;
}

} // namespace n2uq
