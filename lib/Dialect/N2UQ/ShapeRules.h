// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shape rules that verifiers share. Each returns failure after an error on `op`.
#ifndef N2UQ_LIB_DIALECT_N2UQ_SHAPERULES_H
#define N2UQ_LIB_DIALECT_N2UQ_SHAPERULES_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"

namespace n2uq {

/// No extent is larger than this, so that products of four extents, checked one after the other, cannot overflow.
constexpr int64_t maxExtent = int64_t(1) << 24;
/// No tensor of one image has more elements than this.
constexpr int64_t maxElements = int64_t(1) << 32;
/// No parameter has more elements than this, so that one splat in a file cannot ask for all memory.
constexpr int64_t maxParameterElements = int64_t(1) << 28;

/// All extents static but the first, positive and within bounds.
mlir::LogicalResult verifyExtents(mlir::Operation *op, llvm::StringRef what, mlir::Value tensor);
/// Static extents only: a parameter.
mlir::LogicalResult verifyParameter(mlir::Operation *op, llvm::StringRef what, mlir::Value tensor);
mlir::LogicalResult verifySameShape(mlir::Operation *op, mlir::Value input, mlir::Value result);
mlir::LogicalResult verifyChannelVector(mlir::Operation *op, llvm::StringRef what, mlir::Value vector,
                                        int64_t channels);
mlir::LogicalResult verifyThresholdRows(mlir::Operation *op, llvm::StringRef what, mlir::Value thresholds,
                                        int64_t channels, bool onePerChannel);
mlir::LogicalResult verifyWindowAttributes(mlir::Operation *op, llvm::ArrayRef<int64_t> strides,
                                           llvm::ArrayRef<int64_t> padding, llvm::ArrayRef<int64_t> dilations);
/// The result's batch, height and width are what `window` makes of those of `input`.
mlir::LogicalResult verifyWindowResult(mlir::Operation *op, const Window &window, mlir::Value input,
                                       mlir::Value result);

/// What `n2uq.image_conv2d` and its packed form share: parameters per channel and class, an accumulator of 32 bits.
mlir::LogicalResult verifyImageConv(mlir::Operation *op, const Window &window, mlir::Value input, int64_t limbs,
                                    mlir::Value scale, mlir::Value offset, mlir::Value result);

Window makeWindow(int64_t kernelHeight, int64_t kernelWidth, llvm::ArrayRef<int64_t> strides,
                  llvm::ArrayRef<int64_t> padding, llvm::ArrayRef<int64_t> dilations, int64_t groups = 1);

} // namespace n2uq

#endif // N2UQ_LIB_DIALECT_N2UQ_SHAPERULES_H
