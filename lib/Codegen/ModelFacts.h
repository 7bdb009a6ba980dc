// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the descriptor and the report say about a model, gathered while its kernels are lowered and left on the module.
#ifndef N2UQ_LIB_CODEGEN_MODELFACTS_H
#define N2UQ_LIB_CODEGEN_MODELFACTS_H

#include "n2uq/Strategy/GpuFamily.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>

namespace n2uq {

/// The one function of `module`, with a plan of its memory; null after an error.
mlir::func::FuncOp plannedNetwork(mlir::ModuleOp module);

/// A kernel's name as a symbol: "layer1.0.conv1" becomes "layer1_0_conv1".
std::string symbolFor(KernelOp kernel);

class ModelFacts {
public:
  explicit ModelFacts(mlir::MLIRContext *context) : builder(context) {}

  /// The next kernel. `items` is how many pieces of work an image has, `weightBytes` what the kernel added to the
  /// constants.
  /// `storedBytes` counts where the weights' true width is known.
  void add(KernelOp kernel, llvm::StringRef function, int64_t items, int64_t weightBytes, int64_t scratchBytes = 0,
           int64_t storedBytes = 0);
  /// How the kernel that was added last is launched on a GPU.
  void addLaunch(const Launch &launch);
  /// Leaves `n2uq.model` on the module.
  void writeTo(mlir::ModuleOp module, mlir::func::FuncOp network, int64_t weightBytes);

private:
  mlir::NamedAttribute number(llvm::StringRef key, int64_t value) {
    return builder.getNamedAttr(key, builder.getI64IntegerAttr(value));
  }

  mlir::Builder builder;
  llvm::SmallVector<mlir::Attribute> kernels, codes;
};

} // namespace n2uq

#endif // N2UQ_LIB_CODEGEN_MODELFACTS_H
