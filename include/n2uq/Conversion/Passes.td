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

def ConvertTosaToN2UQPass : Pass<"convert-tosa-to-n2uq", "::mlir::func::FuncOp"> {
  let summary = "Turn a network of tosa ops into network ops";
  let description = [{
    A function of one image or row of float32 and one result, whose body is tosa ops in one block. Its batch, fixed or not,
    becomes one that is known at run time. Images have channels first or last in tosa and last here: transpositions between
    the two cost nothing. Everything that cannot be converted is reported, each op with its reason, and then nothing is changed.

    Quantizers come as `tosa.custom` of the domain `n2uq`:

    | operator_name | operands | result | implementation_attrs |
    |---|---|---|---|
    | `quantize` | x: f32, thresholds: f32 `[C, K]` or `[1, K]`, ascending | `code * scale` with `code = \|{ k : x >= thresholds[c,k] }\|`; a NaN is code 0, with `nan_is_top` code K | `bits = 2, scale = 0.5, nan_is_top` |
    | `dequantize` | weights: i8 as those of the convolution, scale: f32 `[O]` or `[1]` | `weight * scale[o]` | |
    | `prelu` | x: f32, slope: f32 `[C]` or `[1]` | `x > 0 ? x : slope[c] * x` | |

    A convolution of both is one of integers, with `scale * scale[o]` rounded once. Float sums are in the order of
    `n2uq.float_conv2d`, as the specification leaves it open; `tosa.avg_pool2d` leaves padding out. `tosa.mul`, `sub`, `maximum`,
    `minimum`, `abs` and `negate` of tensors become upstream's `arith` and `math` ops, which a network may hold as they are
    (`n2uq/Dialect/N2UQ/Upstream.h`), also where a module of tosa ops has them already.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::n2uq::N2UQDialect",
      "::mlir::tosa::TosaDialect"];
}

#endif // N2UQ_CONVERSION_PASSES_TD
