// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters of ops as plain numbers. A constant may be dense, splat or a resource blob of a file that somebody else
// wrote, so every access is checked here and nowhere else.
#ifndef N2UQ_DIALECT_N2UQ_CONSTANTS_H
#define N2UQ_DIALECT_N2UQ_CONSTANTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <vector>

namespace n2uq {

/// Elements of a constant tensor in row-major order; none where `value` is not a constant of that element type, or
/// where its resource blob is missing or has another size than its type says.
std::optional<std::vector<float>> constantFloats(mlir::Value value);
std::optional<std::vector<int8_t>> constantBytes(mlir::Value value);
std::optional<std::vector<int32_t>> constantInts(mlir::Value value);

/// An `arith.constant` of the given shape; large ones become resource blobs, so that files stay readable and small.
mlir::Value createFloats(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<float> data, llvm::StringRef name = "float");
mlir::Value createBytes(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int8_t> data, llvm::StringRef name = "weights");
mlir::Value createInts(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int32_t> data, llvm::StringRef name = "thresholds");

/// Whether the attribute's blob is there and has the size that its type says (true for attributes without a blob).
bool hasSoundBlob(mlir::Attribute attribute);

} // namespace n2uq

#endif // N2UQ_DIALECT_N2UQ_CONSTANTS_H
