// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_CODEGEN_PASSES_TD
#define N2UQ_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanMemoryPass : Pass<"n2uq-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Give every kernel's result its place in one arena";
  let description = [{
    Writes `buffers` on every kernel and `n2uq.arena_bytes` (per image) on the function. Images have room around them for the
    padding that their readers need. Two buffers share memory only if one is dead before the other is written.
  }];
  let options = [Option<"keepCodes", "keep-codes", "bool", "false",
                        "Give every quantizer's codes memory of their own until the end of a run">];
}

def LowerKernelsPass : Pass<"n2uq-lower-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn each kernel into one function of tiled loops over vectors, and the network into calls of them";
  let description = [{
    A function computes work items `[begin, end)` of its kernel; `@n2uq_run` runs the kernels in order, through the caller's
    `parallel_for` where there is one. Constants become read-only globals. What the descriptor says about the model is left
    on the module as `n2uq.model`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::math::MathDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerKernelsToGpuPass : Pass<"n2uq-lower-kernels-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Turn each kernel into one entry of a GPU module";
  let description = [{
    Every entry has the parameters that `n2uq_cuda_module` of `n2uq/model.h` promises; how it is launched is part of what the
    descriptor says about the model, which is left on the module as `n2uq.model`. Constants, in the form in which kernels read
    them, become one read-only global of the library, which the runtime brings to the device.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // N2UQ_CODEGEN_PASSES_TD
