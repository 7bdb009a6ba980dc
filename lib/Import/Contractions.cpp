// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../Dialect/N2UQ/ShapeRules.h"
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

static bool allFinite(ArrayRef<float> numbers) {
  return llvm::all_of(numbers, [](float number) { return std::isfinite(number); });
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// [O, C, KH, KW] to [O, KH, KW, C].
template <typename T>
static std::vector<T> channelsLast(ArrayRef<T> data, ArrayRef<int64_t> shape) {
  std::vector<T> result(data.size());
  int64_t channels = shape[1], taps = shape[2] * shape[3];
  for (int64_t o = 0; o < shape[0]; ++o)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t tap = 0; tap < taps; ++tap)
        result[(o * taps + tap) * channels + c] = data[(o * channels + c) * taps + tap];
  return result;
}

namespace {
/// A convolution whose attributes and constants are read and whose shapes are checked.
struct Convolution {
  WindowAttributes window;
  int64_t groups = 1;
  const Tensor *weights = nullptr;
  std::shared_ptr<const QuantizedTensor> quantized;
  std::vector<float> bias;

  bool read(NodeImport &node);
  /// Height, width and channels of the result for that input; none after `refuse`.
  std::optional<SmallVector<int64_t>> resultFor(NodeImport &node, Value input);
  SmallVector<int64_t> filterShape() const {
    return {weights->shape[0], weights->shape[2], weights->shape[3], weights->shape[1]};
  }
};
} // namespace

bool Convolution::read(NodeImport &node) {
  if (!window.read(node, /*isPool=*/false))
    return false;
  std::optional<std::vector<int64_t>> kernel = node.attributes.integers("kernel_shape");
  groups = node.attributes.integer("group", 1);
  if (!node.attributesAreFine())
    return false;
  weights = node.floatConstant(1, "its weights");
  if (!weights)
    return false;
  quantized = node.input(1)->quantized;
  auto refuse = [&](const Twine &why) { return node.refuse(why) != nullptr; };
  if (weights->shape.size() != 4 || weights->elements() == 0)
    return refuse("has weights of shape " + shapeText(weights->shape) +
                  ", but [outputs, channels, height, width] of a two-dimensional convolution is expected");
  if (kernel && *kernel != std::vector<int64_t>{weights->shape[2], weights->shape[3]})
    return refuse("has a kernel_shape other than that of its weights, " + shapeText(weights->shape));
  if (groups <= 0 || weights->shape[0] % groups != 0)
    return refuse("has " + std::to_string(groups) + " groups, which do not divide its " +
                  std::to_string(weights->shape[0]) + " outputs");
  if (!node.hasInput(2))
    return true;
  const Tensor *biasTensor = node.floatConstant(2, "its bias");
  if (!biasTensor)
    return false;
  if (biasTensor->shape != std::vector<int64_t>{weights->shape[0]} || !allFinite(biasTensor->floats))
    return refuse("has a bias that is not one finite number per output");
  bias = biasTensor->floats;
  return true;
}

std::optional<SmallVector<int64_t>> Convolution::resultFor(NodeImport &node, Value input) {
  ArrayRef<int64_t> image = cast<ShapedType>(input.getType()).getShape();
  if (image[3] != weights->shape[1] * groups) {
    node.refuse("has weights for " + std::to_string(weights->shape[1] * groups) + " channels, but its input has " +
                std::to_string(image[3]));
    return std::nullopt;
  }
  std::optional<SmallVector<int64_t, 2>> extents =
      window.resultExtents(node, {weights->shape[2], weights->shape[3]}, {image[1], image[2]});
  if (!extents)
    return std::nullopt;
  return SmallVector<int64_t>{(*extents)[0], (*extents)[1], weights->shape[0]};
}

/// Codes times integer weights: exact accumulators, worth fl(s_a * s_w) each.
static void importIntegerConvolution(NodeImport &node, Convolution &conv, const Known &codes) {
  const QuantizedTensor &quantized = *conv.quantized;
  if (!quantized.reason.empty())
    return void(
        node.refuse("convolves codes with quantized weights that stand for no small integers: " + quantized.reason +
                    "; quantize its weights to at most 8 bits with one scale per output channel"));
  std::optional<SmallVector<int64_t>> extents = conv.resultFor(node, codes.integers);
  RankedTensorType type = extents ? node.typeOf(*extents, node.builder.getI32Type()) : RankedTensorType();
  if (!type)
    return;
  int64_t taps = conv.weights->elements() / conv.weights->shape[0];
  int64_t top = (int64_t(1) << codeBitsOf(codes.integers.getType())) - 1;
  if (taps > std::numeric_limits<int32_t>::max() / (top * 128))
    return void(node.refuse("sums " + std::to_string(taps) + " products, which may not fit into 32 bits"));
  std::vector<float> scale;
  for (float s : quantized.scale)
    scale.push_back(codes.scale * s);
  if (!allFinite(scale))
    return void(node.refuse("has scales of codes and weights whose product is not finite"));

  Value filter = createBytes(node.builder, parameterLocation(node.loc, "weight"), conv.filterShape(),
                             channelsLast<int8_t>(quantized.weights, conv.weights->shape));
  Known result;
  result.integers = Conv2DOp::create(node.builder, node.loc, type, codes.integers, filter, conv.window.strides,
                                     conv.window.padding, conv.window.dilations, conv.groups);
  if (llvm::all_of(scale, [](float s) { return s == 1.0f; }))
    scale.clear();
  if (!scale.empty() || !conv.bias.empty()) {
    result.floats = createAffine(node.builder, node.loc, result.integers, scale, conv.bias);
    result.integers = nullptr;
  }
  node.result(std::move(result));
}

static void importConv(NodeImport &node) {
  Convolution conv;
  if (!conv.read(node))
    return;
  if (Known *codes = node.integers(0); codes && conv.quantized && codeBitsOf(codes->integers.getType()) > 0 &&
                                       cast<ShapedType>(codes->integers.getType()).getRank() == 4)
    return importIntegerConvolution(node, conv, *codes);

  if (!allFinite(conv.weights->floats))
    return void(
        node.refuse("has weights that are infinite or not a number; check the model that it was exported from"));
  Value input = node.image(0);
  std::optional<SmallVector<int64_t>> extents = input ? conv.resultFor(node, input) : std::nullopt;
  RankedTensorType type = extents ? node.typeOf(*extents, node.builder.getF32Type()) : RankedTensorType();
  if (!type)
    return;
  Value filter = createFloats(node.builder, parameterLocation(node.loc, "weight"), conv.filterShape(),
                              channelsLast<float>(conv.weights->floats, conv.weights->shape));
  Value result = FloatConv2DOp::create(node.builder, node.loc, type, input, filter, conv.window.strides,
                                       conv.window.padding, conv.window.dilations, conv.groups);
  if (!conv.bias.empty())
    result = createAffine(node.builder, node.loc, result, {}, conv.bias);
  node.result(result);
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

static void importProduct(NodeImport &node, const Tensor &weights, bool areTransposed, const Tensor *bias) {
  auto refuse = [&](const Twine &why) { node.refuse(why); };
  if (weights.shape.size() != 2 || weights.elements() == 0)
    return refuse("has weights of shape " + shapeText(weights.shape) + ", but two dimensions are expected");
  if (!allFinite(weights.floats) || (bias && !allFinite(bias->floats)))
    return refuse("has parameters that are infinite or not a number; check the model that it was exported from");
  int64_t outputs = weights.shape[areTransposed ? 0 : 1], features = weights.shape[areTransposed ? 1 : 0];
  std::vector<float> offset;
  if (bias) {
    std::optional<std::vector<float>> numbers = channelNumbers(*bias, 2, outputs);
    if (!numbers)
      return refuse("has a bias of shape " + shapeText(bias->shape) + ", but one number per output is expected");
    offset = *numbers;
  }
  Value input = node.floats(0);
  if (!input)
    return;
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() != 2)
    return refuse("has an image as input, but [batch, features] is expected; put Flatten before it");
  if (type.getDimSize(1) != features)
    return refuse("has weights for " + std::to_string(features) + " features, but its input has " +
                  std::to_string(type.getDimSize(1)));
  RankedTensorType resultType = node.typeOf({outputs}, node.builder.getF32Type());
  if (!resultType)
    return;
  std::vector<float> rows = weights.floats;
  if (!areTransposed)
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t k = 0; k < features; ++k)
        rows[o * features + k] = weights.floats[k * outputs + o];
  Value filter = createFloats(node.builder, parameterLocation(node.loc, "weight"), {outputs, features}, rows);
  Value result = FullyConnectedOp::create(node.builder, node.loc, resultType, input, filter);
  if (bias)
    result = createAffine(node.builder, node.loc, result, {}, offset);
  node.result(result);
}

static void importGemm(NodeImport &node) {
  if (node.attributes.number("alpha", 1.0f) != 1.0f || node.attributes.number("beta", 1.0f) != 1.0f)
    node.refuse("has an alpha or beta other than 1; fold them into its weights and bias");
  if (node.attributes.integer("transA", 0) != 0)
    node.refuse("transposes its input, which is not supported");
  bool areTransposed = node.attributes.integer("transB", 0) != 0;
  node.attributes.ignore("broadcast"); // of opset 6
  const Tensor *weights = node.attributesAreFine() ? node.floatConstant(1, "its weights") : nullptr;
  if (!weights)
    return;
  const Tensor *bias = node.hasInput(2) ? node.floatConstant(2, "its bias") : nullptr;
  if (bias || !node.hasInput(2))
    importProduct(node, *weights, areTransposed, bias);
}

static void importMatMul(NodeImport &node) {
  const Tensor *weights = node.attributesAreFine() ? node.floatConstant(1, "its second operand") : nullptr;
  if (weights)
    importProduct(node, *weights, /*areTransposed=*/false, nullptr);
}

Handler contractionHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Conv", importConv)
      .Case("Gemm", importGemm)
      .Case("MatMul", importMatMul)
      .Default(nullptr);
}

} // namespace n2uq::onnx
