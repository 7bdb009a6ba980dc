// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of vectors with small constant matrices, by shifts and additions.
#ifndef N2UQ_LIB_STRATEGY_EMIT_LINEARFORMS_H
#define N2UQ_LIB_STRATEGY_EMIT_LINEARFORMS_H

#include "n2uq/Support/CookToom.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace n2uq {

/// matrix * inputs, modulo 2^w for inputs of w bits. Rows that differ in signs only share their parts.
llvm::SmallVector<mlir::Value> emitProduct(mlir::ImplicitLocOpBuilder &b, const IntMatrix &matrix,
                                           mlir::ValueRange inputs);

/// matrix * inputs / divisor, modulo 2^w, where every result is known to be a multiple of the odd \p divisor: a
/// multiplication with its inverse modulo 2^w. Columns that differ in signs only share their multiplication, those that
/// are multiples of the divisor need none.
llvm::SmallVector<mlir::Value> emitExactQuotient(mlir::ImplicitLocOpBuilder &b, const IntMatrix &matrix,
                                                 int64_t divisor, mlir::ValueRange inputs);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_EMIT_LINEARFORMS_H
