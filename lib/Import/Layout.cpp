// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that move or name tensors, and constants.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

static int64_t featuresOf(ArrayRef<int64_t> shape) {
  int64_t features = 1;
  for (int64_t extent : shape.drop_front())
    features *= extent;
  return features;
}

/// The tensor as [batch, features], still as integers where it is integers that stand for it.
static void createFlatten(NodeImport &node) {
  Known *known = node.integers(0);
  Value input = known ? known->integers : node.floats(0);
  if (!input)
    return;
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() == 2)
    return node.result(*node.input(0));
  RankedTensorType flatType = node.typeOf({featuresOf(type.getShape())}, type.getElementType());
  if (!flatType)
    return;
  Value flat = FlattenOp::create(node.builder, node.loc, flatType, input);
  Known result;
  (known ? result.integers : result.floats) = flat;
  if (known)
    result.scale = known->scale;
  node.result(std::move(result));
}

/// Rank of the first input where it is a known tensor, else 0.
static int64_t rankOf(NodeImport &node) {
  Known *known = node.input(0);
  if (!known || known->constant)
    return 0;
  Value value = known->integers ? known->integers : known->floats;
  return value ? cast<ShapedType>(value.getType()).getRank() : 0;
}

static void importFlatten(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 1);
  if (!node.attributesAreFine())
    return;
  int64_t rank = rankOf(node);
  if (axis != 1 && (rank == 0 || axis != 1 - rank))
    return void(node.refuse("flattens from axis " + std::to_string(axis) +
                            ", but only all dimensions behind the batch (axis "
                            "1) can be flattened"));
  createFlatten(node);
}

static void importReshape(NodeImport &node) {
  bool allowsZero = node.attributes.integer("allowzero", 0) != 0;
  if (!node.attributesAreFine())
    return;
  std::optional<std::vector<int64_t>> shape = node.integerConstant(1, "its shape");
  if (!shape)
    return;
  Known *known = node.input(0);
  Value input = !known ? Value() : known->integers ? known->integers : node.floats(0);
  if (!input)
    return;
  int64_t features = featuresOf(cast<ShapedType>(input.getType()).getShape());
  // [batch, features] in its spellings: a zero copies the batch, a -1 stands for what is left.
  int64_t batch = node.importer.model.inputShape[0];
  bool isBatch =
      shape->size() == 2 && (((*shape)[0] == 0 && !allowsZero) || ((*shape)[0] == -1 && (*shape)[1] == features) ||
                             (batch > 0 && (*shape)[0] == batch));
  if (!isBatch || ((*shape)[1] != -1 && (*shape)[1] != features))
    return void(node.refuse("reshapes to " + shapeText(*shape) + ", but only [batch, " + std::to_string(features) +
                            "] is supported here"));
  createFlatten(node);
}

bool namesHeightAndWidth(NodeImport &node, StringRef does) {
  std::optional<std::vector<int64_t>> axes = node.attributes.integers("axes");
  if (!node.attributesAreFine())
    return false;
  if (node.hasInput(1)) {
    axes = node.integerConstant(1, "its axes");
    if (!axes)
      return false;
  }
  if (axes)
    for (int64_t &axis : *axes)
      axis += axis < 0 ? 4 : 0;
  if (axes && (*axes == std::vector<int64_t>{2, 3} || *axes == std::vector<int64_t>{3, 2}))
    return true;
  return node.refuse(does + " other dimensions than height and width, which is not supported") != nullptr;
}

/// Without height and width, which are 1 behind a global pool.
static void importSqueeze(NodeImport &node) {
  if (!namesHeightAndWidth(node, "drops"))
    return;
  Known *known = node.input(0);
  Value input = !known ? Value() : known->integers ? known->integers : node.floats(0);
  if (!input)
    return;
  ArrayRef<int64_t> image = cast<ShapedType>(input.getType()).getShape();
  if (image.size() != 4 || image[1] != 1 || image[2] != 1)
    return void(node.refuse("drops height and width, which are not 1"));
  createFlatten(node);
}

static void importIdentity(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (Known *known = node.input(0))
    node.result(*known);
}

static void importDropout(NodeImport &node) {
  node.attributes.ignore("ratio"); // of training, as is the seed
  node.attributes.ignore("seed");
  if (!node.attributesAreFine() || !node.hasOnlyOutputs(1))
    return;
  if (node.hasInput(2)) {
    std::optional<std::vector<int64_t>> isTraining = node.integerConstant(2, "its training_mode");
    if (!isTraining)
      return;
    if (isTraining->size() != 1 || isTraining->front() != 0)
      return void(node.refuse("is in training mode; export the model after model.eval()"));
  }
  if (Known *known = node.input(0))
    node.result(*known);
}

static void importConstant(NodeImport &node) {
  auto tensor = std::make_shared<Tensor>();
  Attributes &attributes = node.attributes;
  if (const TensorProto *proto = attributes.tensor("value")) {
    if (std::string problem = decodeTensor(*proto, *tensor); !problem.empty())
      node.refuse("holds a tensor that " + problem);
  } else if (attributes.has("value_float")) {
    tensor->floats = {attributes.number("value_float", 0)};
  } else if (std::optional<std::vector<float>> numbers = attributes.numbers("value_floats")) {
    tensor->shape = {static_cast<int64_t>(numbers->size())};
    tensor->floats = *numbers;
  } else if (attributes.has("value_int")) {
    tensor->isFloat = false;
    tensor->ints = {attributes.integer("value_int", 0)};
  } else if (std::optional<std::vector<int64_t>> numbers = attributes.integers("value_ints")) {
    tensor->isFloat = false;
    tensor->shape = {static_cast<int64_t>(numbers->size())};
    tensor->ints = *numbers;
  } else {
    node.refuse("holds no value of a supported kind");
  }
  if (!node.attributesAreFine())
    return;
  Known known;
  known.constant = std::move(tensor);
  node.result(std::move(known));
}

Handler layoutHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Flatten", importFlatten)
      .Case("Reshape", importReshape)
      .Case("Squeeze", importSqueeze)
      .Case("Identity", importIdentity)
      .Case("Dropout", importDropout)
      .Case("Constant", importConstant)
      .Default(nullptr);
}

} // namespace n2uq::onnx
