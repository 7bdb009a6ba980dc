// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// QONNX's own ops: quantizers of weights and of activations.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

/// Codes have at most this many bits.
static constexpr int maxCodeBits = 8;

static void createQuantize(NodeImport &node, ArrayRef<float> thresholds, int64_t rows, int bits, bool nanIsTop,
                           float scale) {
  Value input = node.floats(0);
  if (!input)
    return;
  if (rows != 1 && rows != channelsOf(input))
    return void(node.refuse("has " + std::to_string(rows) + " rows of thresholds, but its input has " +
                            std::to_string(channelsOf(input)) + " channels"));
  Value table = createFloats(node.builder, parameterLocation(node.loc, "thresholds"),
                             {rows, static_cast<int64_t>(thresholds.size()) / rows}, thresholds);
  auto type = cast<RankedTensorType>(input.getType()).clone(node.builder.getIntegerType(bits, /*isSigned=*/false));
  Known result;
  result.integers = QuantizeOp::create(node.builder, node.loc, type, input, table, nanIsTop);
  result.scale = scale;
  node.result(std::move(result));
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
  int bits = 1;
  while (top >= (int64_t(1) << bits))
    ++bits;
  return bits;
}

static void importMultiThreshold(NodeImport &node) {
  std::string dtype = node.attributes.text("out_dtype", ""), layout = node.attributes.text("data_layout", "NCHW");
  float scale = node.attributes.number("out_scale", 1.0f), bias = node.attributes.number("out_bias", 0.0f);
  int64_t nanCode = node.attributes.integer("nan_code", 0);
  if (layout != "NCHW" && layout != "NC")
    node.refuse("has data_layout " + quoted(layout) +
                ", but only 'NCHW' and 'NC' are read; convert the model to channels first");
  if (bias != 0.0f)
    node.refuse(
        "has an out_bias that is not 0 (signed levels), which is not supported; use unsigned levels that start at 0");
  if (!std::isfinite(scale))
    node.refuse("has an out_scale that is infinite or not a number");
  const Tensor *table = node.attributesAreFine() ? node.floatConstant(1, "its thresholds") : nullptr;
  if (!table)
    return;
  if (table->shape.size() != 2 || table->elements() == 0)
    return void(node.refuse("has thresholds of shape " + shapeText(table->shape) +
                            ", but [channels, thresholds] or [1, thresholds] is expected"));
  int64_t rows = table->shape[0], count = table->shape[1];
  if (count >= (int64_t(1) << maxCodeBits))
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
  createQuantize(node, thresholds, rows, codeBits(dtype, count), nanCode != 0, scale);
}

//===----------------------------------------------------------------------===//
// Quant, BipolarQuant
//===----------------------------------------------------------------------===//

static void resultConstant(NodeImport &node, std::shared_ptr<QuantizedTensor> quantized) {
  Known known;
  known.constant = std::shared_ptr<const Tensor>(quantized, &quantized->value);
  known.quantized = std::move(quantized);
  node.result(std::move(known));
}

/// A quantizer of activations: evenly spaced thresholds, each where the op's own arithmetic has its edge.
static void importActivationQuant(NodeImport &node, const QuantGrid &grid, const Tensor &scale,
                                  const Tensor &zeroPoint) {
  if (grid.isSigned)
    return void(
        node.refuse("quantizes activations to signed levels, which is not supported; use an unsigned quantizer behind "
                    "a ReLU"));
  if (scale.elements() != 1 || zeroPoint.elements() != 1)
    return void(
        node.refuse("quantizes activations with a scale or zero point per channel, which is not supported; use one "
                    "for all channels"));
  float step = scale.floats[0];
  if (zeroPoint.floats[0] != 0.0f)
    return void(node.refuse("quantizes activations with a zero point that is not 0, which is not supported"));
  if (!(step > 0) || !std::isfinite(step))
    return void(node.refuse("quantizes activations with a scale that is not positive and finite"));
  if (grid.bits > maxCodeBits)
    return void(node.refuse("quantizes activations to " + std::to_string(grid.bits) + " bits, but at most " +
                            std::to_string(maxCodeBits) + " are supported"));
  if (grid.highest() < 1.0f)
    return void(node.refuse("quantizes activations to one level only"));
  createQuantize(node, thresholdsOf(grid, step), 1, grid.bits, /*nanIsTop=*/false, step);
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
  constexpr float maxBits = 24; // every level is a float32 number
  if (*bits < 1 || *bits > maxBits || *bits != std::floor(*bits))
    return void(node.refuse("has a bit width that is not a whole number between 1 and 24"));
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
  if (!node.isConstant(0))
    return void(
        node.refuse("quantizes activations to -1 and 1, which is not supported; use unsigned levels that start at 0"));
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
