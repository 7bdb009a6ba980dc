// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../Dialect/N2UQ/ShapeRules.h"
#include "Importer.h"

#include "mlir/IR/Diagnostics.h"
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

/// The weights of a convolution, or of a matrix product that is one: [O, C, KH, KW] in `shape`, whatever shape the
/// constant has.
struct Weights {
  const Tensor *value;
  std::shared_ptr<const QuantizedTensor> quantized;
  SmallVector<int64_t, 4> shape;

  int64_t outputs() const { return shape[0]; }
  int64_t taps() const { return shape[1] * shape[2] * shape[3]; }
  SmallVector<int64_t> filterShape() const { return {shape[0], shape[2], shape[3], shape[1]}; }
};

/// What the accumulators of codes and integer weights are worth each, one number or one per output; empty, with the
/// reason, where there is no such number.
static std::vector<float> accumulatorScale(const Known &codes, const Weights &weights, int64_t groups,
                                           std::string &reason) {
  const QuantizedTensor &quantized = *weights.quantized;
  reason = quantized.reason;
  std::vector<float> scale = reason.empty() ? quantized.scalesAlong(0) : std::vector<float>();
  if (scale.empty()) {
    reason =
        reason.empty() ? "its weights have a scale that is not one number per output" : "of its weights, " + reason;
    return {};
  }
  int64_t channels = channelsOf(codes.integers);
  bool perChannel = !llvm::all_equal(codes.scale);
  if (perChannel && groups != channels) {
    reason = "its input has a scale per channel";
    return {};
  }
  if (perChannel && scale.size() == 1)
    scale.assign(weights.outputs(), scale.front());
  for (auto [output, s] : llvm::enumerate(scale))
    s = codes.scale[perChannel ? output / (weights.outputs() / groups) : 0] * s;
  return scale;
}

/// The result's floats: `integers` times scale, plus bias.
static Value scaled(NodeImport &node, Location loc, Value integers, ArrayRef<float> scale, ArrayRef<float> bias) {
  if (llvm::all_of(scale, [](float s) { return s == 1.0f; }))
    scale = {};
  return scale.empty() && bias.empty() ? integers : createAffine(node.builder, loc, integers, scale, bias);
}

static void warnOfFloats(NodeImport &node, const Twine &reason) {
  mlir::emitWarning(node.loc) << "node " << quoted(node.node.name)
                              << " multiplies codes as floats, which is slower: " << reason;
}

/// Codes times integer weights, all of them worth `(code - zero) * s_a` and `w * s_w`:
///
///   weights in i8:   acc = sum of code * w, exact; then fl(float(acc) - zero * sum of w) and times fl(s_a * s_w).
///                    Padding is the code `zero`, so that it is worth 0, and is written around the image before
///   other weights:   acc = sum of fma(code - zero, w): the same number, exact in float32 below 2^24
///
/// Null where the codes or weights are no such integers; `reason` says why.
static std::optional<Known> integerProduct(NodeImport &node, Known codes, const Weights &weights,
                                           WindowAttributes window, int64_t groups, ArrayRef<int64_t> extents,
                                           ArrayRef<float> bias, std::string &reason) {
  std::vector<float> scale = accumulatorScale(codes, weights, groups, reason);
  if (scale.empty())
    return std::nullopt;
  if (!allFinite(scale)) {
    node.refuse("has scales of codes and weights whose product is not finite");
    return std::nullopt;
  }
  const std::vector<int32_t> &integers = weights.quantized->integers;
  int64_t top = (int64_t(1) << codeBitsOf(codes.integers.getType())) - 1;
  bool fitsBytes = llvm::all_of(integers, [](int32_t w) { return w >= -128 && w <= 127; });
  bool isPadded = llvm::any_of(window.padding, [](int64_t p) { return p != 0; });
  bool hasPadCode = codes.zero >= 0 && codes.zero <= top;
  Known result;
  if (!fitsBytes || (isPadded && !hasPadCode)) {
    warnOfFloats(node,
                 fitsBytes ? "no code stands for the 0 of its padding" : "its weights leave the range -128 to 127");
    RankedTensorType type = node.typeOf(extents, node.builder.getF32Type());
    if (!type)
      return std::nullopt;
    codes.scale = {1.0f};
    codes.offset.reset();
    codes.floats = nullptr;
    codes.floatsLoc = parameterLocation(node.loc, "codes");
    Value input = node.importer.floatsOf(codes);
    Value filter =
        createFloats(node.builder, parameterLocation(node.loc, "weight"), weights.filterShape(),
                     channelsLast<float>(std::vector<float>(integers.begin(), integers.end()), weights.shape));
    Value product = FloatConv2DOp::create(node.builder, node.loc, type, input, filter, window.strides, window.padding,
                                          window.dilations, groups);
    result.floats = scaled(node, parameterLocation(node.loc, "scaled"), product, scale, bias);
    return result;
  }
  RankedTensorType type = node.typeOf(extents, node.builder.getI32Type());
  if (!type)
    return std::nullopt;
  if (weights.taps() > std::numeric_limits<int32_t>::max() / (top * 128)) {
    node.refuse("sums " + std::to_string(weights.taps()) + " products, which may not fit into 32 bits");
    return std::nullopt;
  }
  if (codes.zero != 0 && isPadded) {
    ArrayRef<int64_t> image = cast<ShapedType>(codes.integers.getType()).getShape();
    Known plain;
    plain.integers = codes.integers;
    std::optional<Known> padded = createGather(
        node, parameterLocation(node.loc, "pad"), plain, paddedPlaces(image[1], window.padding[0], window.padding[1]),
        paddedPlaces(image[2], window.padding[2], window.padding[3]), {}, static_cast<float>(codes.zero));
    if (!padded)
      return std::nullopt;
    codes.integers = padded->integers;
    window.padding = {0, 0, 0, 0};
  }
  Value filter =
      createBytes(node.builder, parameterLocation(node.loc, "weight"), weights.filterShape(),
                  channelsLast<int8_t>(std::vector<int8_t>(integers.begin(), integers.end()), weights.shape));
  result.integers = Conv2DOp::create(node.builder, node.loc, type, codes.integers, filter, window.strides,
                                     window.padding, window.dilations, groups);
  Value sums = result.integers;
  Location scaledLoc = node.loc;
  if (codes.zero != 0) {
    scaledLoc = parameterLocation(node.loc, "scaled");
    std::vector<float> offset(weights.outputs());
    for (int64_t o = 0; o < weights.outputs(); ++o) {
      int64_t sum = 0;
      for (int32_t w : ArrayRef(integers).slice(o * weights.taps(), weights.taps()))
        sum += w;
      offset[o] = static_cast<float>(-codes.zero * sum);
    }
    sums = createAffine(node.builder, node.loc, sums, {}, offset);
  }
  if (Value floats = scaled(node, scaledLoc, sums, scale, bias); floats != result.integers) {
    result.floats = floats;
    result.integers = nullptr;
  }
  return result;
}

static void importConv(NodeImport &node) {
  Convolution conv;
  if (!conv.read(node))
    return;
  Weights weights{conv.weights, conv.quantized, llvm::to_vector<4>(conv.weights->shape)};
  if (Known *codes = node.codes(0); codes && conv.quantized && codes->rank() == 4) {
    std::optional<SmallVector<int64_t>> extents = conv.resultFor(node, codes->integers);
    std::string reason;
    std::optional<Known> result;
    if (extents)
      result = integerProduct(node, *codes, weights, conv.window, conv.groups, *extents, conv.bias, reason);
    if (result)
      return node.result(std::move(*result));
    if (reason.empty())
      return;
    warnOfFloats(node, reason);
  }

  if (!allFinite(conv.weights->floats))
    return void(
        node.refuse("has weights that are infinite or not a number; check the model that it was exported from"));
  Value input = node.image(0);
  std::optional<SmallVector<int64_t>> extents = input ? conv.resultFor(node, input) : std::nullopt;
  RankedTensorType type = extents ? node.typeOf(*extents, node.builder.getF32Type()) : RankedTensorType();
  if (!type)
    return;
  Value filter = createFloats(node.builder, parameterLocation(node.loc, "weight"), weights.filterShape(),
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

/// Codes in rows as an image that a convolution over all of it reads: the one that they were flattened from, or an
/// image of one pixel. `weights` get the shape of its window.
static Value asImage(NodeImport &node, const Known &codes, Weights &weights) {
  Value rows = codes.integers;
  if (codes.isRow)
    return rows;
  if (auto flatten = rows.getDefiningOp<FlattenOp>()) {
    ArrayRef<int64_t> image = cast<ShapedType>(flatten.getInput().getType()).getShape();
    weights.shape = {weights.shape[0], image[3], image[1], image[2]};
    return flatten.getInput();
  }
  RankedTensorType type = node.typeOf({1, 1, channelsOf(rows)}, getElementTypeOrSelf(rows.getType()));
  return type ? UnflattenOp::create(node.builder, parameterLocation(node.loc, "input"), type, rows) : Value();
}

/// A product of codes with integer weights is the convolution of an image with a window of its size. False where it is
/// none, and nothing is wrong.
static bool importIntegerProduct(NodeImport &node, const Known &weights, ArrayRef<float> bias) {
  Known *codes = node.codes(0);
  if (!codes || !weights.quantized || codes->rank() != 2)
    return false;
  ArrayRef<int64_t> shape = weights.constant->shape;
  if (channelsOf(codes->integers) != shape[1])
    return false; // the product of floats complains
  Weights filter{weights.constant.get(), weights.quantized, {shape[0], shape[1], 1, 1}};
  Known image = *codes;
  auto flatten = codes->integers.getDefiningOp<FlattenOp>();
  image.integers = asImage(node, *codes, filter);
  image.isRow = true;
  if (!image.integers)
    return true;
  // Behind a flatten every channel of the image has one scale again.
  int64_t pixels = filter.shape[2] * filter.shape[3];
  if (image.scale.size() > 1 && pixels > 1)
    for (int64_t c = 0; c < filter.shape[1]; ++c)
      image.scale[c] = image.scale[c * pixels];
  if (image.scale.size() > 1)
    image.scale.resize(filter.shape[1]);
  std::string reason;
  std::optional<Known> result =
      integerProduct(node, image, filter, WindowAttributes(), 1, {1, 1, filter.outputs()}, bias, reason);
  if (!result) {
    if (!reason.empty())
      warnOfFloats(node, reason);
    return reason.empty();
  }
  if (flatten && flatten->use_empty() && node.isOnlyReaderOf(0)) {
    *codes = {};
    flatten->erase();
  }
  result->isRow = true;
  node.resultOfOtherForm(std::move(*result));
  return true;
}

/// `weights` are [outputs, features].
static void importProduct(NodeImport &node, const Known &weights, const Tensor *bias) {
  auto refuse = [&](const Twine &why) { node.refuse(why); };
  const Tensor &value = *weights.constant;
  if (!allFinite(value.floats) || (bias && !allFinite(bias->floats)))
    return refuse("has parameters that are infinite or not a number; check the model that it was exported from");
  int64_t outputs = value.shape[0], features = value.shape[1];
  std::vector<float> offset;
  if (bias) {
    std::optional<std::vector<float>> numbers = channelNumbers(*bias, 2, outputs);
    if (!numbers)
      return refuse("has a bias of shape " + shapeText(bias->shape) + ", but one number per output is expected");
    offset = *numbers;
  }
  if (importIntegerProduct(node, weights, offset))
    return;
  Known *known = node.tensor(0);
  if (!known)
    return;
  if (known->rank() != 2)
    return refuse("has an image as input, but [batch, features] is expected; put Flatten before it");
  Value input = node.importer.rowsOf(*known);
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getDimSize(1) != features)
    return refuse("has weights for " + std::to_string(features) + " features, but its input has " +
                  std::to_string(type.getDimSize(1)));
  RankedTensorType resultType = node.typeOf({outputs}, node.builder.getF32Type());
  if (!resultType)
    return;
  Value filter = createFloats(node.builder, parameterLocation(node.loc, "weight"), {outputs, features}, value.floats);
  Value result = FullyConnectedOp::create(node.builder, node.loc, resultType, input, filter);
  if (bias)
    result = createAffine(node.builder, node.loc, result, {}, offset);
  node.result(result);
}

/// The weights as [outputs, features]; none after `refuse`.
static std::optional<Known> readMatrix(NodeImport &node, StringRef what, bool isTransposed) {
  const Tensor *value = node.floatConstant(1, what);
  if (!value)
    return std::nullopt;
  if (value->shape.size() != 2 || value->elements() == 0) {
    node.refuse("has weights of shape " + shapeText(value->shape) + ", but two dimensions are expected");
    return std::nullopt;
  }
  return isTransposed ? *node.input(1) : transposedConstant(*node.input(1), {1, 0});
}

static void importGemm(NodeImport &node) {
  if (node.attributes.number("alpha", 1.0f) != 1.0f || node.attributes.number("beta", 1.0f) != 1.0f)
    node.refuse("has an alpha or beta other than 1; fold them into its weights and bias");
  if (node.attributes.integer("transA", 0) != 0)
    node.refuse("transposes its input, which is not supported");
  bool areTransposed = node.attributes.integer("transB", 0) != 0;
  node.attributes.ignore("broadcast"); // of opset 6
  if (!node.attributesAreFine())
    return;
  std::optional<Known> weights = readMatrix(node, "its weights", areTransposed);
  const Tensor *bias = weights && node.hasInput(2) ? node.floatConstant(2, "its bias") : nullptr;
  if (weights && (bias || !node.hasInput(2)))
    importProduct(node, *weights, bias);
}

static void importMatMul(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (std::optional<Known> weights = readMatrix(node, "its second operand", /*isTransposed=*/false))
    importProduct(node, *weights, nullptr);
}

Handler contractionHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Conv", importConv)
      .Case("Gemm", importGemm)
      .Case("MatMul", importMatMul)
      .Default(nullptr);
}

} // namespace n2uq::onnx
