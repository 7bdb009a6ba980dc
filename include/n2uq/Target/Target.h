// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the llvm dialect to a shared library: LLVM IR with the model's descriptor, optimized; an object; a link by lld
// inside of this process; the trailer that the runtime checks. No compiler and no linker of the machine is used.
#ifndef N2UQ_TARGET_TARGET_H
#define N2UQ_TARGET_TARGET_H

#include "n2uq/Support/CpuTarget.h"
#include "n2uq/Support/GpuTarget.h"
#include "n2uq/model.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace n2uq {

struct TargetOptions {
  CpuTarget cpu;                               ///< what the library itself is for
  const GpuTarget *gpu = nullptr;              ///< what its kernels are for, where that is no CPU
  std::string ptx;                             ///< of all kernels, where there is a `gpu`
  int optLevel = 3;                            ///< 0 to 3
  std::string modelName;                       ///< for the descriptor
  std::vector<std::string> labels;             ///< names of the classes, one for each, or none
  std::optional<n2uq_pictures> pictures;       ///< how pictures become the input, where that is known
  std::string symbol = N2UQ_DESCRIPTOR_SYMBOL; ///< the descriptor's
};

/// A header for an object of the module: its descriptor's symbol, its sizes, and a call. `object` is the object's name.
std::string describeObject(mlir::ModuleOp module, const TargetOptions &options, llvm::StringRef object);

/// Initializes LLVM's x86 back end; a null result comes with one sentence in `error`.
std::unique_ptr<llvm::TargetMachine> makeTargetMachine(const TargetOptions &options, std::string &error);

/// LLVM IR of a lowered module, with the descriptor, optimized for `machine`.
std::unique_ptr<llvm::Module> translateModel(mlir::ModuleOp module, llvm::LLVMContext &context,
                                             llvm::TargetMachine &machine, const TargetOptions &options,
                                             std::string &error);

/// PTX of the module's gpu.module, or its optimized LLVM IR, which it takes out of the module. Returns an empty string
/// or one sentence.
std::string takeDeviceCode(mlir::ModuleOp module, const TargetOptions &options, bool asLlvm, std::string &text);

/// Runs LLVM's optimizer for `machine`.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, int optLevel);

/// LLVM's options for exact arithmetic and its effort for `optLevel`.
llvm::TargetOptions exactOptions();
llvm::CodeGenOptLevel codeGenLevel(int optLevel);

/// Adds `n2uq_model_descriptor` for what n2uq-lower-kernels left in `n2uq.model`. Returns an empty string or one
/// sentence.
std::string addDescriptor(mlir::ModuleOp module, llvm::Module &llvmModule, const TargetOptions &options);

/// Object code, or assembly. Returns an empty string or one sentence.
std::string emitObject(llvm::Module &module, llvm::TargetMachine &machine, bool assembly,
                       llvm::SmallVectorImpl<char> &bytes);

/// Links an object to a shared library and appends the trailer; `path` is written whole or not at all. lld resets
/// LLVM's command line options to their defaults. Returns an empty string or one sentence.
std::string linkModel(llvm::ArrayRef<char> object, const std::string &path);

} // namespace n2uq

#endif // N2UQ_TARGET_TARGET_H
