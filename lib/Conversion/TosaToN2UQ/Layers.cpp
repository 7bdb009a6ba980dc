// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions, matrix products and pools.
#include "Converter.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace n2uq::fromtosa {

/// acc * step * scale[o] + bias[o], with `step * scale[o]` rounded once, as the network says it.
static void defineConvolution(Converter &c, Operation *op, Converted &input, const Weights &weights,
                              ArrayRef<float> bias, ArrayRef<int64_t> strides, ArrayRef<int64_t> padding,
                              ArrayRef<int64_t> dilations, int64_t groups) {
  RankedTensorType type = c.typeOf(op);
  if (!type)
    return;
  int64_t outputs = weights.shape[0];
  std::vector<float> offset;
  if (llvm::any_of(bias, [](float b) { return b != 0; }))
    offset.assign(bias.begin(), bias.end());
  Value result;
  if (weights.areIntegers() && input.codes) {
    std::vector<float> scale;
    for (float s : weights.scale)
      scale.push_back(input.step * s);
    if (!llvm::all_of(scale, [](float s) { return std::isfinite(s); }))
      return void(c.refuse(op, "has scales whose product is not finite"));
    Value filter = createBytes(c.builder, parameterLocation(c.loc, "weight"), weights.shape, weights.integers);
    Value acc = Conv2DOp::create(c.builder, c.loc, type.clone(c.builder.getI32Type()), input.codes, filter, strides,
                                 padding, dilations, groups);
    result = createAffine(c.builder, c.loc, acc, scale, offset);
  } else {
    std::vector<float> floats = weights.floats;
    int64_t perOutput = ShapedType::getNumElements(weights.shape) / outputs;
    for (size_t i = 0; i < weights.integers.size(); ++i)
      floats.push_back(float(weights.integers[i]) * weights.scale[weights.scale.size() == 1 ? 0 : i / perOutput]);
    Value filter = createFloats(c.builder, parameterLocation(c.loc, "weight"), weights.shape, floats);
    result =
        FloatConv2DOp::create(c.builder, c.loc, type, c.floatsOf(input), filter, strides, padding, dilations, groups);
    if (!offset.empty())
      result = createAffine(c.builder, parameterLocation(c.loc, "bias"), result, {}, offset);
  }
  c.define(op->getResult(0), result);
}

/// [KH,KW,C,M] to [C * M,KH,KW,1].
static Weights depthwiseWeights(const Weights &weights) {
  int64_t taps = weights.shape[0] * weights.shape[1], outputs = weights.shape[2] * weights.shape[3];
  auto moved = [&](const auto &from) {
    auto to = from;
    for (size_t i = 0; i < from.size(); ++i)
      to[i % outputs * taps + i / outputs] = from[i];
    return to;
  };
  Weights result;
  result.shape = {outputs, weights.shape[0], weights.shape[1], 1};
  result.floats = moved(weights.floats);
  result.integers = moved(weights.integers);
  result.scale = weights.scale;
  return result;
}

template <typename Op>
static void convertConv(Converter &c, Op op) {
  constexpr bool isDepthwise = std::is_same_v<Op, tosa::DepthwiseConv2DOp>;
  if (!c.hasNoZeroPoints(op, {op.getInputZp(), op.getWeightZp()}))
    return;
  std::optional<std::vector<float>> bias = c.constant(op.getBias());
  const Weights *found = c.weightsOf(op.getWeight());
  if (!bias || !found)
    return void(c.refuse(op, "expects weights and a bias that are constants of f32"));
  Weights weights = isDepthwise ? depthwiseWeights(*found) : *found;
  int64_t outputs = weights.shape[0];
  if (bias->size() == 1)
    bias->assign(outputs, bias->front());
  Converted *input = c.tensor(op, 0);
  if (!input)
    return;
  if (input->form != Form::Same || cast<ShapedType>(input->tensor().getType()).getRank() != 4)
    return void(c.refuse(op, "expects an image with channels last (NHWC)"));
  int64_t channels = channelsOf(input->tensor());
  if (weights.scale.size() > 1 && static_cast<int64_t>(weights.scale.size()) != outputs)
    return void(c.refuse(op, "has " + llvm::Twine(weights.scale.size()) + " scales of weights for " +
                                 llvm::Twine(outputs) + " outputs"));
  defineConvolution(c, op, *input, weights, *bias, op.getStride(), op.getPad(), op.getDilation(),
                    isDepthwise ? channels : 1);
}

/// [1,N,C] times a constant [1,C,O]: a fully connected layer.
static void convertMatMul(Converter &c, tosa::MatMulOp op) {
  if (!c.hasNoZeroPoints(op, {op.getAZp(), op.getBZp()}))
    return;
  auto shape = cast<ShapedType>(op.getB().getType()).getShape();
  std::optional<std::vector<float>> matrix = c.constant(op.getB());
  if (!matrix || shape[0] != 1)
    return void(c.refuse(op, "expects a second operand that is one constant matrix of f32"));
  Converted *input = c.tensor(op, 0);
  RankedTensorType type = input ? c.typeOf(op, Form::Matrix) : RankedTensorType();
  if (!type)
    return;
  if (input->form != Form::Matrix)
    return void(c.refuse(op, "expects a first operand [1, batch, features]"));
  int64_t features = shape[1], outputs = shape[2];
  std::vector<float> weights(matrix->size());
  for (int64_t k = 0; k < features; ++k)
    for (int64_t o = 0; o < outputs; ++o)
      weights[o * features + k] = (*matrix)[k * outputs + o];
  Value filter = createFloats(c.builder, parameterLocation(c.loc, "weight"), {outputs, features}, weights);
  c.define(op.getResult(), FullyConnectedOp::create(c.builder, c.loc, type, c.floatsOf(*input), filter), Form::Matrix);
}

static bool isPropagating(Converter &c, Operation *op, tosa::NanPropagationMode mode) {
  return mode == tosa::NanPropagationMode::PROPAGATE ||
         c.refuse(op, "ignores numbers that are none (nan_mode), which is not supported") != nullptr;
}

static void convertMaxPool(Converter &c, tosa::MaxPool2dOp op) {
  if (!isPropagating(c, op, op.getNanMode()))
    return;
  Converted *input = c.tensor(op, 0);
  RankedTensorType type = input ? c.typeOf(op) : RankedTensorType();
  if (!type)
    return;
  if (input->form != Form::Same)
    return void(c.refuse(op, "expects an image with channels last (NHWC)"));
  // Codes of a positive step have the order of their values.
  Converted result;
  bool onCodes = input->codes && input->step > 0;
  Value from = onCodes ? input->codes : c.floatsOf(*input);
  Value pooled = MaxPoolOp::create(c.builder, c.loc, type.clone(getElementTypeOrSelf(from.getType())), from,
                                   op.getKernel(), op.getStride(), op.getPad());
  (onCodes ? result.codes : result.floats) = pooled;
  result.step = input->step;
  c.define(op.getResult(), result);
}

static void convertAvgPool(Converter &c, tosa::AvgPool2dOp op) {
  if (!c.hasNoZeroPoints(op, {op.getInputZp(), op.getOutputZp()}))
    return;
  Value image = c.image(op, 0);
  RankedTensorType type = image ? c.typeOf(op) : RankedTensorType();
  if (!type)
    return;
  bool isPadded = llvm::any_of(op.getPad(), [](int64_t pad) { return pad != 0; });
  Value mean = isPadded ? createInnerMean(c.builder, c.loc, image, op.getKernel(), op.getStride(), op.getPad(), type)
                        : AvgPoolOp::create(c.builder, c.loc, type, image, op.getKernel(), op.getStride()).getResult();
  c.define(op.getResult(), mean);
}

bool convertLayer(Converter &c, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<tosa::Conv2DOp, tosa::DepthwiseConv2DOp>([&](auto conv) { return convertConv(c, conv), true; })
      .Case([&](tosa::MatMulOp product) { return convertMatMul(c, product), true; })
      .Case([&](tosa::MaxPool2dOp pool) { return convertMaxPool(c, pool), true; })
      .Case([&](tosa::AvgPool2dOp pool) { return convertAvgPool(c, pool), true; })
      .Default(false);
}

} // namespace n2uq::fromtosa
