// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// QONNX's own ops: quantizers of weights and of activations. What any quantizer of activations becomes: an
// n2uq.quantize whose codes stand for `(code - zero) * scale`.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

/// Codes have at most this many bits.
static constexpr int maxCodeBits = 8;
static constexpr int64_t topCode = (1 << maxCodeBits) - 1;
/// A zero beyond this is no float32 number that differences with codes are exact with.
static constexpr double maxZero = 1 << 23;

static int bitsFor(int64_t top) {
  int bits = 1;
  while (top >= (int64_t(1) << bits))
    ++bits;
  return bits;
}

static Value createQuantize(NodeImport &node, Value input, ArrayRef<float> thresholds, int64_t rows, int bits,
                            bool nanIsTop) {
  if (rows != 1 && rows != channelsOf(input))
    return node.refuse("has " + std::to_string(rows) + " rows of thresholds, but its input has " +
                       std::to_string(channelsOf(input)) + " channels"),
           nullptr;
  Value table = createFloats(node.builder, parameterLocation(node.loc, "thresholds"),
                             {rows, static_cast<int64_t>(thresholds.size()) / rows}, thresholds);
  auto type = cast<RankedTensorType>(input.getType()).clone(node.builder.getIntegerType(bits, /*isSigned=*/false));
  return QuantizeOp::create(node.builder, node.loc, type, input, table, nanIsTop);
}

/// Each threshold `times` times: codes are then multiples of it.
static std::vector<float> repeated(ArrayRef<float> thresholds, int64_t times) {
  std::vector<float> result;
  for (float threshold : thresholds)
    result.insert(result.end(), times, threshold);
  return result;
}

void resultConstant(NodeImport &node, std::shared_ptr<QuantizedTensor> quantized) {
  Known known;
  known.constant = std::shared_ptr<const Tensor>(quantized, &quantized->value);
  known.quantized = std::move(quantized);
  node.result(std::move(known));
}

/// A level is worth (level - zeroPoint) * scale and has the code level - lo, so with z = zeroPoint - lo
///
///   z whole:    codes as they are, worth (code - z) * scale
///   2z whole:   codes of twice the levels, worth (code - 2z) * (scale / 2): a bipolar -1, 1 is such a one
///   otherwise:  no integers stand for the values; floats
void importLevels(NodeImport &node, Value input, const Levels &levels, double zeroPoint, ArrayRef<float> scale) {
  if (!input)
    return;
  double zero = zeroPoint - double(levels.lo);
  bool isWhole = zero == std::floor(zero) && std::fabs(zero) < maxZero;
  bool isHalf = !isWhole && 2 * zero == std::floor(2 * zero) && std::fabs(zero) < maxZero;
  int64_t steps = levels.hi - levels.lo;
  if (steps < 1)
    return void(node.refuse("quantizes activations to one level only"));
  if (steps > topCode)
    return void(node.refuse("quantizes activations to " + std::to_string(steps + 1) + " levels, but at most " +
                            std::to_string(topCode + 1) + " (" + std::to_string(maxCodeBits) + " bits) are supported"));
  if (!llvm::all_of(scale, [](float s) { return std::isfinite(s) && s != 0; }))
    return void(node.refuse("quantizes activations with a scale that is zero, infinite or not a number"));
  std::vector<float> thresholds = thresholdsOf(levels);
  isHalf &= 2 * steps <= topCode && llvm::all_of(scale, [](float s) { return s / 2 * 2 == s; });
  int64_t times = isHalf ? 2 : 1;
  Value codes = createQuantize(node, input, repeated(thresholds, times), levels.rows, bitsFor(steps * times),
                               /*nanIsTop=*/false);
  if (!codes)
    return;
  Known result;
  if (isWhole || isHalf) {
    result.integers = codes;
    result.zero = static_cast<int64_t>(zero * times);
    result.scale.assign(scale.begin(), scale.end());
    for (float &s : result.scale)
      s /= times;
    return node.result(std::move(result));
  }
  auto offset = static_cast<float>(-zero);
  for (int64_t code = 0; code <= steps; ++code)
    if (code + offset != float(levels.lo + code) - static_cast<float>(zeroPoint))
      return void(node.refuse("quantizes activations with a zero point that differences with its levels round on; use "
                              "a whole or half-integer one"));
  node.result(
      createAffine(node.builder, node.loc, createAffine(node.builder, node.loc, codes, {}, {offset}), scale, {}));
}

//===----------------------------------------------------------------------===//
// MultiThreshold
//===----------------------------------------------------------------------===//

/// Bits of the annotation "UINT<n>" where they hold `top`, else as few bits as do.
static int codeBits(StringRef dtype, int64_t top) {
  int annotated;
  if (dtype.consume_front("UINT") && !dtype.getAsInteger(10, annotated) && annotated >= 1 && annotated <= maxCodeBits &&
      top < (int64_t(1) << annotated))
    return annotated;
  return bitsFor(top);
}

/// `count * scale + bias` as `(code - zero) * s`, code = count * times: with zero = -bias / scale whole or half-integer
/// that is the same but for the rounding of the product; where all values agree, there is none either.
static Known withBias(Value codes, int64_t count, float scale, float bias, int64_t &times) {
  Known result;
  result.integers = codes;
  result.scale = {scale};
  times = 1;
  if (bias == 0)
    return result;
  double twice = std::round(-2.0 * bias / scale);
  times = std::fmod(twice, 2) == 0 ? 1 : 2;
  result.offset = bias;
  bool isOnGrid = std::fabs(twice) < maxZero && static_cast<float>(twice / 2 * double(scale)) == -bias &&
                  count * times <= topCode && scale / times * times == scale;
  if (!isOnGrid) {
    times = 1;
    result.integers = nullptr;
    return result;
  }
  result.zero = static_cast<int64_t>(twice / 2 * times);
  result.scale = {scale / times};
  bool agrees = true;
  for (int64_t k = 0; k <= count; ++k)
    agrees &= float(k) * scale + bias == float(k * times - result.zero) * result.scale[0];
  if (agrees)
    result.offset.reset();
  return result;
}

static void importMultiThreshold(NodeImport &node) {
  std::string dtype = node.attributes.text("out_dtype", ""), layout = node.attributes.text("data_layout", "NCHW");
  float scale = node.attributes.number("out_scale", 1.0f), bias = node.attributes.number("out_bias", 0.0f);
  int64_t nanCode = node.attributes.integer("nan_code", 0);
  if (layout != "NCHW" && layout != "NHWC" && layout != "NC")
    node.refuse("has data_layout " + quoted(layout) + ", but only 'NCHW', 'NHWC' and 'NC' are known");
  if (!std::isfinite(scale) || !std::isfinite(bias))
    node.refuse("has an out_scale or out_bias that is infinite or not a number");
  const Tensor *table = node.attributesAreFine() ? node.floatConstant(1, "its thresholds") : nullptr;
  if (!table)
    return;
  if (table->shape.size() != 2 || table->elements() == 0)
    return void(node.refuse("has thresholds of shape " + shapeText(table->shape) +
                            ", but [channels, thresholds] or [1, thresholds] is expected"));
  int64_t rows = table->shape[0], count = table->shape[1];
  if (count > topCode)
    return void(node.refuse("has " + std::to_string(count) + " thresholds, but codes of at most " +
                            std::to_string(maxCodeBits) + " bits (255 thresholds) are supported"));
  if (nanCode != 0 && nanCode != count)
    return void(node.refuse("has a nan_code of " + std::to_string(nanCode) +
                            ", but only 0 and its number of thresholds, " + std::to_string(count) + ", are supported"));
  if (llvm::any_of(table->floats, [](float t) { return std::isnan(t); }))
    return void(node.refuse("has a threshold that is not a number"));
  // Counting does not ask for an order; the op's rows are read by people and bisected by passes.
  std::vector<float> thresholds = table->floats;
  auto before = [](float a, float b) { return a != b ? a < b : std::signbit(a) && !std::signbit(b); };
  for (int64_t row = 0; row < rows; ++row)
    std::sort(thresholds.begin() + row * count, thresholds.begin() + (row + 1) * count, before);

  node.takesAnyLayout = true;
  Known *known = node.tensor(0);
  if (!known)
    return;
  if (known->rank() == 4 && known->isChannelsLast != (layout == "NHWC"))
    return void(node.refuse("has data_layout " + quoted(layout) + ", but its input has channels " +
                            (known->isChannelsLast ? "last" : "first")));
  int64_t times;
  withBias(Value(), count, scale, bias, times);
  Value codes = createQuantize(node, node.floats(0), repeated(thresholds, times), rows,
                               times == 1 ? codeBits(dtype, count) : bitsFor(count * times), /*nanIsTop=*/nanCode != 0);
  if (!codes)
    return;
  Known result = withBias(codes, count, scale, bias, times);
  if (!result.integers)
    result.floats = createAffine(node.builder, node.loc, codes, result.scale, {bias});
  node.result(std::move(result));
}

//===----------------------------------------------------------------------===//
// Quant, BipolarQuant
//===----------------------------------------------------------------------===//

/// One number for all channels or one for each, of the tensor that the node quantizes; empty after `refuse`.
static std::vector<float> activationNumbers(NodeImport &node, const Tensor &constant, StringRef what) {
  node.takesAnyLayout = constant.elements() == 1;
  Known *known = node.tensor(0);
  if (!known)
    return {};
  if (auto numbers = channelNumbers(constant, known->rank(), channelsOf(known->tensor())))
    return *numbers;
  node.refuse("quantizes activations with " + what.str() + " of shape " + shapeText(constant.shape) +
              ", but one number for all or one per channel (1x" + std::to_string(channelsOf(known->tensor())) +
              "x1x1) is expected");
  return {};
}

/// A quantizer of activations: thresholds where the op's own arithmetic has its edges.
static void importActivationQuant(NodeImport &node, const QuantGrid &grid, const Tensor &scale,
                                  const Tensor &zeroPoint) {
  std::vector<float> scales = activationNumbers(node, scale, "a scale");
  std::vector<float> zeros = scales.empty() ? scales : activationNumbers(node, zeroPoint, "a zero point");
  if (zeros.empty())
    return;
  node.takesAnyLayout = scales.size() == 1;
  float zero = zeros.front();
  if (!llvm::all_equal(zeros) || !std::isfinite(zero))
    return void(node.refuse("quantizes activations with zero points that are not one finite number for all channels"));
  if (!llvm::all_of(scales, [](float s) { return s > 0 && std::isfinite(s); }))
    return void(node.refuse("quantizes activations with a scale that is not positive and finite"));
  // A bipolar one has the levels -1 and 1 and no 0.
  bool isBipolar = grid.isSigned && grid.bits == 1;
  if (grid.bits > maxCodeBits)
    return void(node.refuse("quantizes activations to " + std::to_string(grid.bits) + " bits, but at most " +
                            std::to_string(maxCodeBits) + " are supported"));
  Levels levels{isBipolar ? -1 : static_cast<int64_t>(grid.lowest()),
                isBipolar ? 1 : static_cast<int64_t>(grid.highest()), static_cast<int64_t>(scales.size()),
                [&](float x, int64_t row) { return grid.level(x, scales[row], zero); }};
  importLevels(node, node.floats(0), levels, zero, scales);
}

static void importQuant(NodeImport &node) {
  QuantGrid grid;
  for (const char *name : {"signed", "narrow"})
    if (!node.attributes.has(name))
      ++node.importer.quantsWithout[name];
  grid.isSigned = node.attributes.integer("signed", 1) != 0;
  grid.isNarrow = node.attributes.integer("narrow", 0) != 0;
  std::string rounding = node.attributes.text("rounding_mode", "ROUND");
  if (std::optional<Rounding> mode = roundingNamed(rounding))
    grid.rounding = *mode;
  else
    node.refuse("has a rounding_mode of " + quoted(rounding) + ", which is not known");
  if (!node.attributesAreFine())
    return;
  const Tensor *scale = node.floatConstant(1, "its scale");
  const Tensor *zeroPoint = scale ? node.floatConstant(2, "its zero point") : nullptr;
  std::optional<float> bits = zeroPoint ? node.scalarConstant(3, "its bit width") : std::nullopt;
  if (!bits)
    return;
  constexpr float maxBits = 32; // of a bias
  if (*bits < 1 || *bits > maxBits || *bits != std::floor(*bits))
    return void(node.refuse("has a bit width that is not a whole number between 1 and 32"));
  grid.bits = static_cast<int>(*bits);
  if (!node.isConstant(0))
    return importActivationQuant(node, grid, *scale, *zeroPoint);

  const Tensor *constant = node.floatConstant(0, "weights");
  if (!constant)
    return;
  auto quantized = std::make_shared<QuantizedTensor>();
  if (std::string problem = quantizeConstant(*constant, *scale, *zeroPoint, grid, *quantized); !problem.empty())
    return void(node.refuse(problem));
  resultConstant(node, std::move(quantized));
}

static void importBipolarQuant(NodeImport &node) {
  const Tensor *scale = node.attributesAreFine() ? node.floatConstant(1, "its scale") : nullptr;
  if (!scale)
    return;
  if (!node.isConstant(0)) {
    std::vector<float> scales = activationNumbers(node, *scale, "a scale");
    if (scales.empty())
      return;
    return importLevels(node, node.floats(0), {-1, 1, 1, [](float x, int64_t) { return x >= 0 ? 1.0f : -1.0f; }}, 0,
                        scales);
  }
  const Tensor *constant = node.floatConstant(0, "weights");
  if (!constant)
    return;
  auto quantized = std::make_shared<QuantizedTensor>();
  if (std::string problem = bipolarConstant(*constant, *scale, *quantized); !problem.empty())
    return void(node.refuse(problem));
  resultConstant(node, std::move(quantized));
}

Handler quantHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("MultiThreshold", importMultiThreshold)
      .Case("Quant", importQuant)
      .Case("IntQuant", importQuant)
      .Case("BipolarQuant", importBipolarQuant)
      .Default(nullptr);
}

} // namespace n2uq::onnx
