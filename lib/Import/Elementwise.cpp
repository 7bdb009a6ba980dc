// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

/// x and a constant, or two tensors.
enum class Arithmetic { Add, Sub, Mul, Div };

/// 1/c where that is a float32 number, so that x * (1/c) rounds the same exact value as x / c does: a power of two.
static std::optional<float> exactReciprocal(float c) {
  int exponent;
  float reciprocal = 1.0f / c;
  if (!std::isfinite(c) || std::fabs(std::frexp(c, &exponent)) != 0.5f || !std::isfinite(reciprocal))
    return std::nullopt;
  return reciprocal;
}

/// Completes `x.scale` with its only reader `x.offset` to the one op that both came from, at `x`: what a batch norm is
/// written as. Null where `input` is not such a scale.
static Value completeAffine(NodeImport &node, int index, Value input, ArrayRef<float> offset) {
  StringRef base = node.node.name, tensor = node.node.proto->input(index);
  auto affine = input.getDefiningOp<AffineOp>();
  if (!affine || !affine.getScale() || affine.getOffset() || !base.consume_back(".offset") || base.empty())
    return nullptr;
  // By the node as well as by the op: an Identity in between is the only reader of a tensor that may have others.
  const Model &model = node.importer.model;
  std::string scaleName = (base + ".scale").str();
  auto producer = model.producers.find(tensor);
  if (nameOf(affine) != scaleName || producer == model.producers.end() ||
      model.nodes[producer->second].name != scaleName || model.readers.lookup(tensor) != 1)
    return nullptr;
  Location loc = node.importer.locationOf(base);
  OpBuilder::InsertionGuard guard(node.builder);
  node.builder.setInsertionPoint(affine);
  affine.getOffsetMutable().assign(
      createFloats(node.builder, parameterLocation(loc, "offset"), {static_cast<int64_t>(offset.size())}, offset));
  affine.getScale().setLoc(parameterLocation(loc, "scale"));
  affine->setLoc(loc);
  return affine;
}

static void importWithConstant(NodeImport &node, Arithmetic kind, bool constantFirst) {
  const Tensor *constant = node.floatConstant(constantFirst ? 0 : 1, "an operand");
  if (!constant)
    return;
  if (kind == Arithmetic::Div && constantFirst)
    return void(node.refuse("divides a constant by a tensor, which is not supported"));
  std::vector<float> reciprocals;
  if (kind == Arithmetic::Div)
    for (float c : constant->floats) {
      std::optional<float> reciprocal = exactReciprocal(c);
      if (!reciprocal)
        return void(
            node.refuse("divides by a constant that is no power of two, which a product would not repeat to the "
                        "bit; write it as Mul by the reciprocal"));
      reciprocals.push_back(*reciprocal);
    }

  int index = constantFirst ? 1 : 0;
  // Integers times 1 times c are integers times c: no float tensor in between.
  Known *integers = node.integers(index);
  Value input = integers && integers->scale == 1.0f ? integers->integers : node.floats(index);
  if (!input)
    return;
  std::optional<std::vector<float>> numbers =
      channelNumbers(*constant, cast<ShapedType>(input.getType()).getRank(), channelsOf(input));
  if (!numbers)
    return void(node.refuse("has a constant operand of shape " + shapeText(constant->shape) +
                            ", but one number for all or one per channel (1x" + std::to_string(channelsOf(input)) +
                            "x1x1) is expected"));
  auto affine = [&](ArrayRef<float> scale, ArrayRef<float> offset) {
    node.result(createAffine(node.builder, node.loc, input, scale, offset));
  };
  switch (kind) {
  case Arithmetic::Mul:
    return affine(*numbers, {});
  case Arithmetic::Div:
    return affine(reciprocals, {});
  case Arithmetic::Add:
    if (Value completed = completeAffine(node, index, input, *numbers))
      return node.result(completed);
    return affine({}, *numbers);
  case Arithmetic::Sub: // c - x = -1 * x + c and x - c = x + -c, both exactly
    if (constantFirst)
      return affine({-1.0f}, *numbers);
    for (float &number : *numbers)
      number = -number;
    return affine({}, *numbers);
  }
}

template <Arithmetic kind>
static void importArithmetic(NodeImport &node) {
  if (node.inputCount() != 2)
    return void(node.refuse("has " + std::to_string(node.inputCount()) + " inputs, but two are expected"));
  if (!node.attributesAreFine())
    return;
  bool constantFirst = node.isConstant(0), constantSecond = node.isConstant(1);
  if (constantFirst && constantSecond)
    return void(node.refuse("computes on constants only; fold constants first (for example with qonnx-cleanup)"));
  if (constantFirst || constantSecond)
    return importWithConstant(node, kind, constantFirst);
  if (kind != Arithmetic::Add)
    return void(node.refuse("combines two tensors, which is supported for Add only"));
  Value lhs = node.floats(0), rhs = node.floats(1);
  if (!lhs || !rhs)
    return;
  if (lhs.getType() != rhs.getType())
    return void(
        node.refuse("adds tensors of different shapes, which is not supported; give both branches the same shape"));
  node.result(AddOp::create(node.builder, node.loc, lhs.getType(), lhs, rhs));
}

static Value createClamp(NodeImport &node, Value input, float min, float max) {
  return ClampOp::create(node.builder, node.loc, input.getType(), input, llvm::APFloat(min), llvm::APFloat(max));
}

static void importRelu(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    node.result(createClamp(node, input, 0.0f, std::numeric_limits<float>::infinity()));
}

/// Bounds are attributes before opset 11 and inputs from there on.
static void importClip(NodeImport &node) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::optional<float> min = node.attributes.number("min", -infinity), max = node.attributes.number("max", infinity);
  if (!node.attributesAreFine())
    return;
  if (node.hasInput(1))
    min = node.scalarConstant(1, "a lower bound");
  if (node.hasInput(2))
    max = node.scalarConstant(2, "an upper bound");
  if (!min || !max)
    return;
  if (!(*min <= *max))
    return void(node.refuse("has a lower bound that is greater than the upper one, or one that is not a number"));
  if (Value input = node.floats(0))
    node.result(createClamp(node, input, *min, *max));
}

static void createPRelu(NodeImport &node, Value input, ArrayRef<float> slope) {
  Value slopes =
      createFloats(node.builder, parameterLocation(node.loc, "slope"), {static_cast<int64_t>(slope.size())}, slope);
  node.result(PReLUOp::create(node.builder, node.loc, input.getType(), input, slopes));
}

static void importPRelu(NodeImport &node) {
  const Tensor *slope = node.attributesAreFine() ? node.floatConstant(1, "its slope") : nullptr;
  Value input = slope ? node.floats(0) : nullptr;
  if (!input)
    return;
  std::optional<std::vector<float>> numbers =
      channelNumbers(*slope, cast<ShapedType>(input.getType()).getRank(), channelsOf(input));
  if (!numbers)
    return void(node.refuse("has a slope of shape " + shapeText(slope->shape) +
                            ", but one number for all or one per channel (" + std::to_string(channelsOf(input)) +
                            "x1x1) is expected"));
  createPRelu(node, input, *numbers);
}

static void importLeakyRelu(NodeImport &node) {
  float slope = node.attributes.number("alpha", 0.01f);
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    createPRelu(node, input, {slope});
}

/// scale = fl(gamma / sqrt(var + eps)) and offset = fl(bias - mean * gamma / sqrt(var + eps)), in float64 inside.
static void importBatchNormalization(NodeImport &node) {
  double epsilon = node.attributes.number("epsilon", 1e-5f);
  node.attributes.ignore("momentum"); // of training
  if (node.attributes.integer("training_mode", 0) != 0)
    node.refuse("is in training mode; export the model after model.eval()");
  if (node.attributes.integer("spatial", 1) != 1)
    node.refuse("normalizes every pixel by itself (spatial = 0), which is not supported");
  if (!node.attributesAreFine() || !node.hasOnlyOutputs(1))
    return;
  const Tensor *parameters[4];
  StringRef names[4] = {"its scale", "its bias", "its mean", "its variance"};
  for (int i = 0; i < 4; ++i) {
    parameters[i] = node.floatConstant(1 + i, names[i]);
    if (!parameters[i])
      return;
    if (parameters[i]->shape.size() != 1 || parameters[i]->elements() != parameters[0]->elements())
      return void(node.refuse("has " + names[i].str() + " of shape " + shapeText(parameters[i]->shape) +
                              ", but one number per channel is expected"));
  }
  size_t channels = parameters[0]->elements();
  std::vector<float> scale(channels), offset(channels);
  for (size_t c = 0; c < channels; ++c) {
    double gamma = parameters[0]->floats[c], bias = parameters[1]->floats[c], mean = parameters[2]->floats[c];
    double quotient = gamma / std::sqrt(parameters[3]->floats[c] + epsilon);
    scale[c] = static_cast<float>(quotient);
    offset[c] = static_cast<float>(bias - mean * quotient);
    if (!std::isfinite(scale[c]) || !std::isfinite(offset[c]))
      return void(node.refuse("normalizes channel " + std::to_string(c) +
                              " by a number that is not finite; check its variance and its other parameters"));
  }
  Value input = node.floats(0);
  if (!input)
    return;
  if (channelsOf(input) != static_cast<int64_t>(channels))
    return void(node.refuse("normalizes " + std::to_string(channels) + " channels, but its input has " +
                            std::to_string(channelsOf(input))));
  node.result(createAffine(node.builder, node.loc, input, scale, offset));
}

Handler elementwiseHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Add", importArithmetic<Arithmetic::Add>)
      .Case("Sub", importArithmetic<Arithmetic::Sub>)
      .Case("Mul", importArithmetic<Arithmetic::Mul>)
      .Case("Div", importArithmetic<Arithmetic::Div>)
      .Case("Relu", importRelu)
      .Case("Clip", importClip)
      .Case("PRelu", importPRelu)
      .Case("LeakyRelu", importLeakyRelu)
      .Case("BatchNormalization", importBatchNormalization)
      .Default(nullptr);
}

} // namespace n2uq::onnx
