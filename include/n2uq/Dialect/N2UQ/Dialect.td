// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_DIALECT_TD
#define N2UQ_DIALECT_TD

include "mlir/IR/OpBase.td"

def N2UQ_Dialect : Dialect {
  let name = "n2uq";
  let cppNamespace = "::n2uq";
  let summary = "networks with learned thresholds and uniform integer weights";
  let description = [{
    A network of N2UQ (Liu et al., CVPR 2022) alternates two things: a *threshold quantizer*, whose unevenly spaced
    thresholds turn a float32 number into a code of 1 to 8 bits, and a *uniform-integer convolution* of codes with small
    integer weights. The dialect has one op for each thing that a layer computes (network ops), and one for each thing
    that a kernel computes (kernel ops).

    Conventions that hold for every op:

    * Images are `[batch, height, width, channels]`; only the batch may be dynamic.
    * Codes have element type `ui1` to `ui8`, accumulators `i32`, everything else `f32`.
    * Every float step is one IEEE-754 binary32 rounding to nearest, ties to even; nothing is contracted to a fused
      multiply-add unless the op says `fma`. Subnormal numbers are kept.
    * Parameters are operands, usually `arith.constant`, so that large ones can be resource blobs.
    * The location of a network op is the name of the module that it came from; it names dumps, reports and profiles.

    The interpreter in `lib/Reference` is the meaning of every op; the formulas here say the same in one line.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let useDefaultAttributePrinterParser = 1;
}

class N2UQ_Op<string mnemonic, list<Trait> traits = []> : Op<N2UQ_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

#endif // N2UQ_DIALECT_TD
