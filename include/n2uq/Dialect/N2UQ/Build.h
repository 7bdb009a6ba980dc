// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What importers of every format build of more than one op.
#ifndef N2UQ_DIALECT_N2UQ_BUILD_H
#define N2UQ_DIALECT_N2UQ_BUILD_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"

namespace n2uq {

/// Where a parameter of the op at `loc` is said to be: `conv1.weight` of `conv1`. Text then shows each under its own
/// name.
mlir::Location parameterLocation(mlir::Location loc, llvm::StringRef role);

/// `scale` and `offset` as an `n2uq.affine`; an empty one leaves its step out.
mlir::Value createAffine(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input, llvm::ArrayRef<float> scale,
                         llvm::ArrayRef<float> offset);

/// A tensor of the type of `like`, of floats, with `numbers` in its channels (one for all, or one for each): what a
/// constant is whose batch is known at run time only.
mlir::Value createNumbers(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value like,
                          llvm::ArrayRef<float> numbers);

/// The mean of what a window has inside of the image: padding is not counted. The sum is that of `n2uq.avg_pool`, in
/// its order.
mlir::Value createInnerMean(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value image,
                            llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> strides,
                            llvm::ArrayRef<int64_t> padding, mlir::RankedTensorType type);

} // namespace n2uq

#endif // N2UQ_DIALECT_N2UQ_BUILD_H
