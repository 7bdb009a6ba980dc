// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_CONVERSION_PASSES_TD
#define N2UQ_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertN2UQToX86Pass : Pass<"convert-n2uq-to-x86"> {
  let summary = "Turn our ops on registers into the x86 instructions that the target has for them";
  let description = [{
    `n2uq.dot4`: one `vpdpbusd` where there is VNNI; else `pmaddubsw` and `pmaddwd` where two products of codes and weights fit into 16
    bits; else two `pmaddwd` on bytes widened to 16 bits, which every 64-bit CPU has.
    `n2uq.dot2_words`: one `vpdpwssd` where there is VNNI, else `pmaddwd` and an addition.

    `n2uq.cell_codes`: two permutations of 16-bit or four of 32-bit numbers for 64 codes, with AVX-512. `n2uq.permute`: one
    permutation, with AVX2 or AVX-512.
  }];
  let options = [Option<"targetCpu", "target-cpu", "std::string", "\"host\"", "CPU that the code is for, as LLVM names it">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

def ExpandFmaPass : Pass<"n2uq-expand-fma"> {
  let summary = "Compute math.fma exactly in double precision, for CPUs without the instruction";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // N2UQ_CONVERSION_PASSES_TD
