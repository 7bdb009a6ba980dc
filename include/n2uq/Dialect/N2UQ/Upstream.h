// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which ops of upstream's dialects a network may hold beside ours.
#ifndef N2UQ_DIALECT_N2UQ_UPSTREAM_H
#define N2UQ_DIALECT_N2UQ_UPSTREAM_H

#include "mlir/IR/Operation.h"

namespace n2uq {

/// Whether `op` is one of upstream's that work element by element on float32 and whose every result is one rounding of
/// an exact value, so that all targets agree on its bits:
///
///   arith   addf subf mulf divf negf maximumf minimumf
///   math    absf sqrt
///
/// exp, tanh and their like are not among them: each library of functions rounds them in its own way. No op with
/// fast-math flags is, for flags allow what the bits forbid. Upstream's own lowerings make code of them.
bool isUpstreamElementwise(mlir::Operation *op);

/// The arith and math ops that are meant, as text for messages.
constexpr llvm::StringLiteral upstreamElementwiseOps =
    "arith.addf, subf, mulf, divf, negf, maximumf, minimumf, math.absf and sqrt without fast-math flags";

} // namespace n2uq

#endif // N2UQ_DIALECT_N2UQ_UPSTREAM_H
