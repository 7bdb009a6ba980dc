// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Network ops to ONNX in its QONNX form: the inverse of importOnnx.
#ifndef N2UQ_EXPORT_ONNX_H
#define N2UQ_EXPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace n2uq {

/// Writes the model (its function `main`, or its only one) as the bytes of an ONNX file. importOnnx reads from them the
/// same ops with the same numbers: nothing is rounded on the way. Returns an empty string, or what is in the way: all
/// ops without an ONNX form at once, a line each behind a summary.
std::string exportOnnx(mlir::ModuleOp module, std::string &bytes);

} // namespace n2uq

#endif // N2UQ_EXPORT_ONNX_H
