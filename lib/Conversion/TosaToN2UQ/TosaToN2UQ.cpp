// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Converter.h"
#include "n2uq/Conversion/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

#define DEBUG_TYPE "convert-tosa-to-n2uq"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_CONVERTTOSATON2UQPASS
#include "n2uq/Conversion/Passes.h.inc"

namespace fromtosa {

//===----------------------------------------------------------------------===//
// Reading operands
//===----------------------------------------------------------------------===//

std::nullptr_t Converter::refuse(Operation *op, const llvm::Twine &why) {
  op->emitOpError() << why;
  failed = true;
  return nullptr;
}

Converted *Converter::tensor(Operation *op, unsigned operand) {
  Value value = op->getOperand(operand);
  if (knownWeights.count(value))
    return refuse(op, "computes on weights, which only convolutions read");
  auto entry = known.find(value);
  if (entry != known.end())
    return entry->second.tensor() ? &entry->second : nullptr;
  return refuse(op, "computes on constants only; fold them first (tosa-layerwise-constant-fold)");
}

Value Converter::floatsOf(Converted &converted) {
  if (!converted.floats && converted.codes) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(converted.codes);
    ArrayRef<float> scale(converted.step);
    converted.floats = createAffine(builder, converted.codes.getLoc(), converted.codes,
                                    converted.step == 1.0f ? ArrayRef<float>() : scale, {});
  }
  return converted.floats;
}

Value Converter::floats(Operation *op, unsigned operand, Form &form) {
  Converted *converted = tensor(op, operand);
  if (!converted)
    return nullptr;
  form = converted->form;
  return floatsOf(*converted);
}

Value Converter::image(Operation *op, unsigned operand) {
  Converted *converted = tensor(op, operand);
  if (!converted)
    return nullptr;
  auto type = cast<ShapedType>(converted->tensor().getType());
  if (converted->form != Form::Same || type.getRank() != 4)
    return refuse(op, "expects an image with channels last (NHWC)"), nullptr;
  return floatsOf(*converted);
}

std::optional<std::vector<float>> Converter::constant(Value value) {
  if (auto reshape = value.getDefiningOp<tosa::ReshapeOp>())
    return constant(reshape.getInput1());
  auto transpose = value.getDefiningOp<tosa::TransposeOp>();
  if (!transpose)
    return constantFloats(value);
  std::optional<std::vector<float>> data = constant(transpose.getInput1());
  ArrayRef<int64_t> from = cast<ShapedType>(transpose.getInput1().getType()).getShape(),
                    to = cast<ShapedType>(value.getType()).getShape();
  if (!data || data->size() != static_cast<size_t>(ShapedType::getNumElements(to)))
    return std::nullopt;
  SmallVector<int64_t> strides(from.size(), 1), index(from.size(), 0);
  for (size_t axis = from.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * from[axis];
  std::vector<float> result;
  result.reserve(data->size());
  for (size_t i = 0; i < data->size(); ++i) {
    int64_t at = 0;
    for (auto [axis, source] : llvm::enumerate(transpose.getPerms()))
      at += index[axis] * strides[source];
    result.push_back((*data)[at]);
    for (size_t axis = to.size(); axis-- > 0 && ++index[axis] == to[axis];)
      index[axis] = 0;
  }
  return result;
}

std::optional<std::vector<int64_t>> Converter::shapeConstant(Value value) {
  auto op = value.getDefiningOp<tosa::ConstShapeOp>();
  if (!op)
    return std::nullopt;
  auto numbers = cast<DenseIntElementsAttr>(op.getValues());
  std::vector<int64_t> result;
  for (const APInt &number : numbers.getValues<APInt>())
    result.push_back(number.getSExtValue());
  return result;
}

std::optional<std::vector<float>> Converter::channelNumbers(Value value, const Converted &like) {
  std::optional<std::vector<float>> numbers = constant(value);
  if (!numbers || numbers->empty() || numbers->size() == 1)
    return numbers && numbers->empty() ? std::nullopt : numbers;
  ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
  size_t channel = like.form == Form::ChannelsFirst ? 1 : shape.size() - 1;
  for (auto [axis, extent] : llvm::enumerate(shape))
    if (extent != (axis == channel ? channelsOf(like.tensor()) : 1))
      return std::nullopt;
  return numbers;
}

bool Converter::hasNoZeroPoints(Operation *op, ValueRange zeroPoints) {
  for (Value value : zeroPoints) {
    std::optional<std::vector<float>> zero = constant(value);
    if (!zero || llvm::any_of(*zero, [](float z) { return z != 0; }))
      return refuse(op, "has a zero point that is no float of value 0; quantized tosa tensors are not converted, but "
                        "tosa.custom of the domain 'n2uq' is") != nullptr;
  }
  return true;
}

RankedTensorType Converter::typeOf(Operation *op, Form form) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.getElementType().isF32())
    return refuse(op, "has a result that is no ranked tensor of f32"), RankedTensorType();
  SmallVector<int64_t> shape(type.getShape());
  if (form == Form::Matrix)
    shape.erase(shape.begin());
  if (shape.size() != 2 && shape.size() != 4)
    return refuse(op, "has a result of " + llvm::Twine(type.getRank()) + " dimensions"), RankedTensorType();
  if (llvm::any_of(ArrayRef<int64_t>(shape).drop_front(), ShapedType::isDynamic))
    return refuse(op, "has a result whose extents are not known; run tosa-infer-shapes first"), RankedTensorType();
  if (form == Form::ChannelsFirst)
    std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  shape[0] = ShapedType::kDynamic;
  return type.clone(shape);
}

const Weights *Converter::weightsOf(Value value) {
  auto entry = knownWeights.find(value);
  if (entry != knownWeights.end())
    return &entry->second;
  std::optional<std::vector<float>> numbers = constant(value);
  if (!numbers)
    return nullptr;
  Weights weights;
  weights.shape = SmallVector<int64_t>(cast<ShapedType>(value.getType()).getShape());
  weights.floats = std::move(*numbers);
  return &(knownWeights[value] = std::move(weights));
}

Location Converter::locationOf(Operation *op) {
  if (isa<NameLoc>(op->getLoc()))
    return op->getLoc();
  StringRef kind = op->getName().stripDialect();
  if (auto custom = dyn_cast<tosa::CustomOp>(op))
    kind = custom.getOperatorName();
  std::string name = (kind + "_" + llvm::Twine(unnamed[kind]++)).str();
  return NameLoc::get(builder.getStringAttr(name), op->getLoc());
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

/// Whether an image that comes from outside has its channels in front: by what is read of it first, a transposition to
/// channels last or an op that has them last.
static bool readsChannelsFirst(Value image) {
  llvm::SmallSetVector<Value, 8> same; // of the image's shape and layout
  same.insert(image);
  for (size_t i = 0; i < same.size(); ++i)
    for (Operation *user : same[i].getUsers()) {
      if (auto transpose = dyn_cast<tosa::TransposeOp>(user))
        return transpose.getPerms() == ArrayRef<int32_t>{0, 2, 3, 1};
      bool keepsLayout =
          user->getNumResults() == 1 && user->getResult(0).getType() == image.getType() &&
          !isa<tosa::Conv2DOp, tosa::DepthwiseConv2DOp, tosa::MaxPool2dOp, tosa::AvgPool2dOp, tosa::ResizeOp>(user);
      if (keepsLayout)
        same.insert(user->getResult(0));
    }
  return false;
}

bool Converter::takeArgument() {
  auto complain = [&](const llvm::Twine &why) {
    function.emitOpError() << "cannot become a network: " << why;
    return false;
  };
  if (!function.getBody().hasOneBlock())
    return complain("its body is not one block");
  if (function.getNumArguments() != 1 || function.getNumResults() != 1)
    return complain("one input and one output are expected, but it has " + llvm::Twine(function.getNumArguments()) +
                    " and " + llvm::Twine(function.getNumResults()));
  BlockArgument argument = function.getArgument(0);
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type || !type.getElementType().isF32() || (type.getRank() != 2 && type.getRank() != 4) ||
      llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
    return complain("its input is no f32 image or row whose extents behind the batch are known");
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = ShapedType::kDynamic;
  Form form = type.getRank() == 4 && readsChannelsFirst(argument) ? Form::ChannelsFirst : Form::Same;
  Value value = argument;
  argument.setType(type.clone(shape));
  if (form == Form::ChannelsFirst) {
    SmallVector<int64_t> moved = {shape[0], shape[2], shape[3], shape[1]};
    value = ToNHWCOp::create(builder, argument.getLoc(), type.clone(moved), value);
  }
  define(argument, value, form);
  return true;
}

void Converter::finish(func::ReturnOp op) {
  Converted *found = tensor(op, 0);
  if (!found)
    return;
  Converted &result = *found;
  Value output = floatsOf(result);
  auto type = cast<RankedTensorType>(output.getType());
  if (result.form == Form::Matrix || (type.getRank() == 4 && result.form != Form::Same))
    return void(refuse(op, "returns a tensor that is neither [batch, classes] nor an image with channels last"));
  loc = op.getLoc();
  func::ReturnOp::create(builder, loc, output);
  function.setFunctionType(builder.getFunctionType(function.getBody().front().getArgumentTypes(), type));
}

LogicalResult Converter::run() {
  Block &block = function.getBody().front();
  SmallVector<Operation *> old;
  for (Operation &op : block)
    old.push_back(&op);
  builder.setInsertionPointToEnd(&block);
  if (!takeArgument())
    return failure();
  for (Operation *op : old) {
    if (isa<tosa::ConstOp, tosa::ConstShapeOp, arith::ConstantOp>(op))
      continue;
    if (auto end = dyn_cast<func::ReturnOp>(op)) {
      finish(end);
      continue;
    }
    // Of constants only: read through by `constant`.
    if (isa<tosa::ReshapeOp, tosa::TransposeOp>(op) && !known.count(op->getOperand(0)) && constant(op->getResult(0)))
      continue;
    loc = locationOf(op);
    for (Value value : op->getResults())
      known[value] = {}; // unknown until a handler says otherwise
    if (convertLayer(*this, op) || convertElementwise(*this, op) || convertMove(*this, op) || convertCustom(*this, op))
      continue;
    StringRef advice = llvm::StringSwitch<StringRef>(op->getName().getStringRef())
                           .Cases({"tosa.exp", "tosa.log", "tosa.tanh", "tosa.pow", "tosa.erf", "tosa.sin", "tosa.cos"},
                                  "functions that each library rounds in its own way are not; if it is part of a "
                                  "softmax, remove that from the end: the order of the classes stays the same")
                           .Cases({"tosa.rescale", "tosa.table", "tosa.cast"},
                                  "quantized tosa tensors are not; use tosa.custom of the domain 'n2uq'")
                           .Cases({"tosa.while_loop", "tosa.cond_if"}, "networks are one straight line of ops")
                           .Default("networks of convolutions, pools, rectifiers, moves and arithmetic are");
    refuse(op, "is not converted; " + advice);
  }
  if (failed)
    return failure();
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return success();
}

namespace {
struct TosaToN2UQ final : n2uq::impl::ConvertTosaToN2UQPassBase<TosaToN2UQ> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    bool hasTosa = false;
    function.walk([&](Operation *op) { hasTosa |= isa_and_nonnull<tosa::TosaDialect>(op->getDialect()); });
    if (hasTosa && mlir::failed(Converter(function).run()))
      signalPassFailure();
  }
};
} // namespace

} // namespace fromtosa
} // namespace n2uq
