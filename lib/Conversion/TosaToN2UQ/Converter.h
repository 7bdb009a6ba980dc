// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From tosa ops to network ops, one op after the other. A handler reads its constants first and its tensors last:
// behind an op that cannot be converted tensors are unknown, and the ops there are still checked as far as they go.
#ifndef N2UQ_LIB_CONVERSION_TOSATON2UQ_CONVERTER_H
#define N2UQ_LIB_CONVERSION_TOSATON2UQ_CONVERTER_H

#include "n2uq/Dialect/N2UQ/Build.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace n2uq::fromtosa {

/// How a tosa tensor counts what is an image [N,H,W,C] or a row [N,F] here.
enum class Form {
  Same,          // [N,H,W,C] or [N,F]
  ChannelsFirst, // [N,C,H,W]
  Matrix         // [1,N,F], the operand of a tosa.matmul
};

/// What a tosa tensor has become; no value at all behind an op that cannot be converted.
struct Converted {
  mlir::Value floats;
  /// Codes that are worth `code * step`; `floats` is made of them when somebody asks.
  mlir::Value codes;
  float step = 1.0f;
  Form form = Form::Same;

  mlir::Value tensor() const { return codes ? codes : floats; }
};

/// Weights of a convolution: floats, or integers worth `integer * scale` of their output (or one scale for all).
struct Weights {
  llvm::SmallVector<int64_t> shape;
  std::vector<float> floats;
  std::vector<int8_t> integers;
  std::vector<float> scale;

  bool areIntegers() const { return !integers.empty(); }
};

class Converter {
public:
  explicit Converter(mlir::func::FuncOp function) : function(function), builder(function.getContext()) {}

  /// Replaces the body and the type of the function. Failure with all errors reported, each at its op.
  llvm::LogicalResult run();

  /// Reports why `op` cannot be converted: the rest of a sentence that begins with its name. Always returns null.
  std::nullptr_t refuse(mlir::Operation *op, const llvm::Twine &why);

  /// What an operand has become; null where it is unknown (silently) or a constant (after `refuse`).
  Converted *tensor(mlir::Operation *op, unsigned operand);
  /// The same as floats of any form that the result then has as well.
  mlir::Value floats(mlir::Operation *op, unsigned operand, Form &form);
  /// The same as floats of an image that is one in tosa as well.
  mlir::Value image(mlir::Operation *op, unsigned operand);
  mlir::Value floatsOf(Converted &converted);

  /// Constants, behind reshapes and transpositions of constants too; none where the value is no constant of that type.
  std::optional<std::vector<float>> constant(mlir::Value value);
  /// The numbers of a tosa.const_shape.
  std::optional<std::vector<int64_t>> shapeConstant(mlir::Value value);
  /// A constant that broadcasts to `like` as one number for all or one per channel.
  std::optional<std::vector<float>> channelNumbers(mlir::Value constant, const Converted &like);
  /// False after `refuse` where a zero point is not zero.
  bool hasNoZeroPoints(mlir::Operation *op, mlir::ValueRange zeroPoints);

  /// The type here of an f32 result of `op`, whose extents but the batch are known; null after `refuse`.
  mlir::RankedTensorType typeOf(mlir::Operation *op, Form form = Form::Same);

  void define(mlir::Value value, Converted converted) { known[value] = std::move(converted); }
  void define(mlir::Value value, mlir::Value floats, Form form = Form::Same) {
    Converted converted;
    converted.floats = floats;
    converted.form = form;
    known[value] = converted;
  }
  void define(mlir::Value value, Weights weights) { knownWeights[value] = std::move(weights); }
  const Weights *weightsOf(mlir::Value value);

  /// The op's own name, or one that is made of its kind and number.
  mlir::Location locationOf(mlir::Operation *op);

  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  mlir::Location loc = builder.getUnknownLoc();

private:
  bool takeArgument();
  void finish(mlir::func::ReturnOp op);

  llvm::DenseMap<mlir::Value, Converted> known;
  llvm::DenseMap<mlir::Value, Weights> knownWeights;
  llvm::StringMap<unsigned> unnamed;
  bool failed = false;
};

/// Handlers of one topic, each true where the op is of its kinds.
bool convertLayer(Converter &converter, mlir::Operation *op);
bool convertElementwise(Converter &converter, mlir::Operation *op);
bool convertMove(Converter &converter, mlir::Operation *op);
bool convertCustom(Converter &converter, mlir::Operation *op);

} // namespace n2uq::fromtosa

#endif // N2UQ_LIB_CONVERSION_TOSATON2UQ_CONVERTER_H
