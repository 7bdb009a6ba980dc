// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tosa.custom of the domain "n2uq"; Passes.td says what each computes.
#include "Converter.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include <cmath>

using namespace mlir;

namespace n2uq::fromtosa {

/// `implementation_attrs` as what stands between the braces of a dictionary of attributes; null after `refuse`.
static DictionaryAttr attributesOf(Converter &c, tosa::CustomOp op, ArrayRef<StringRef> names) {
  std::string problem;
  DictionaryAttr attributes;
  {
    ScopedDiagnosticHandler handler(op.getContext(), [&](Diagnostic &diagnostic) {
      problem = diagnostic.str();
      return success();
    });
    attributes = dyn_cast_or_null<DictionaryAttr>(
        parseAttribute("{" + op.getImplementationAttrs().str() + "}", op.getContext()));
  }
  if (!attributes)
    return c.refuse(op, "has implementation_attrs that are no list like 'bits = 2, scale = 0.5': " + problem);
  for (NamedAttribute attribute : attributes)
    if (!llvm::is_contained(names, attribute.getName()))
      return c.refuse(op, "has an attribute '" + attribute.getName().getValue() +
                              "' in its implementation_attrs that "
                              "is not known here");
  return attributes;
}

static std::optional<float> numberOf(DictionaryAttr attributes, StringRef name, float absent) {
  Attribute attribute = attributes.get(name);
  if (!attribute)
    return absent;
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return static_cast<float>(number.getValueAsDouble());
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return static_cast<float>(number.getInt());
  return std::nullopt;
}

/// code * scale, code = |{ k : x >= thresholds[c,k] }|
static void convertQuantize(Converter &c, tosa::CustomOp op) {
  DictionaryAttr attributes = attributesOf(c, op, {"bits", "scale", "nan_is_top"});
  if (!attributes)
    return;
  std::optional<float> bits = numberOf(attributes, "bits", 0), scale = numberOf(attributes, "scale", 1);
  if (op->getNumOperands() != 2 || op->getNumResults() != 1)
    return void(c.refuse(op, "expects a tensor and its thresholds, and one result"));
  std::optional<std::vector<float>> thresholds = c.constant(op->getOperand(1));
  ArrayRef<int64_t> shape = cast<ShapedType>(op->getOperand(1).getType()).getShape();
  if (!thresholds || thresholds->empty() || shape.size() != 2 || shape[1] > 255 ||
      llvm::any_of(*thresholds, [](float t) { return std::isnan(t); }))
    return void(
        c.refuse(op, "expects thresholds that are a constant [channels, 1 to 255] or [1, 1 to 255] of numbers"));
  int64_t steps = shape[1];
  for (int64_t i = 0; i < static_cast<int64_t>(thresholds->size()); ++i)
    if (i % steps != 0 && (*thresholds)[i] < (*thresholds)[i - 1])
      return void(c.refuse(op, "expects thresholds in ascending order"));
  if (!bits || *bits < 1 || *bits > 8 || *bits != std::floor(*bits) || steps >= (int64_t(1) << int(*bits)))
    return void(c.refuse(op, "expects 'bits' between 1 and 8 that hold the number of its thresholds"));
  if (!scale || !std::isfinite(*scale) || *scale == 0)
    return void(c.refuse(op, "expects a 'scale' that is a finite number other than 0"));
  Form form;
  Value input = c.floats(op, 0, form);
  if (!input)
    return;
  if (shape[0] != 1 && shape[0] != channelsOf(input))
    return void(c.refuse(op, "has " + llvm::Twine(shape[0]) + " rows of thresholds for " +
                                 llvm::Twine(channelsOf(input)) + " channels"));
  Value table = createFloats(c.builder, parameterLocation(c.loc, "thresholds"), shape, *thresholds);
  Type codes = c.builder.getIntegerType(static_cast<unsigned>(*bits), /*isSigned=*/false);
  Converted result;
  result.codes = QuantizeOp::create(c.builder, c.loc, cast<RankedTensorType>(input.getType()).clone(codes), input,
                                    table, attributes.contains("nan_is_top"));
  result.step = *scale;
  result.form = form;
  c.define(op->getResult(0), result);
}

/// integers[o,...] * scale[o]
static void convertDequantize(Converter &c, tosa::CustomOp op) {
  if (!attributesOf(c, op, {}))
    return;
  if (op->getNumOperands() != 2 || op->getNumResults() != 1)
    return void(c.refuse(op, "expects weights and their scale, and one result"));
  std::optional<std::vector<int8_t>> integers = constantBytes(op->getOperand(0));
  std::optional<std::vector<float>> scale = c.constant(op->getOperand(1));
  if (!integers || !scale || scale->empty())
    return void(c.refuse(op, "expects weights that are a constant of i8, and a constant scale of f32"));
  Weights weights;
  weights.shape = SmallVector<int64_t>(cast<ShapedType>(op->getOperand(0).getType()).getShape());
  if (weights.shape.size() != 4)
    return void(c.refuse(op, "expects weights of four dimensions"));
  weights.integers = std::move(*integers);
  weights.scale = std::move(*scale);
  c.define(op->getResult(0), std::move(weights));
}

static void convertPRelu(Converter &c, tosa::CustomOp op) {
  if (!attributesOf(c, op, {}))
    return;
  std::optional<std::vector<float>> slope =
      op->getNumOperands() == 2 && op->getNumResults() == 1 ? c.constant(op->getOperand(1)) : std::nullopt;
  if (!slope)
    return void(c.refuse(op, "expects a tensor and a constant slope of f32, and one result"));
  Form form;
  Value input = c.floats(op, 0, form);
  if (!input)
    return;
  if (slope->size() != 1 && static_cast<int64_t>(slope->size()) != channelsOf(input))
    return void(c.refuse(op, "has " + llvm::Twine(slope->size()) + " slopes for " + llvm::Twine(channelsOf(input)) +
                                 " channels"));
  Value table =
      createFloats(c.builder, parameterLocation(c.loc, "slope"), {static_cast<int64_t>(slope->size())}, *slope);
  c.define(op->getResult(0), PReLUOp::create(c.builder, c.loc, input.getType(), input, table), form);
}

bool convertCustom(Converter &c, Operation *op) {
  auto custom = dyn_cast<tosa::CustomOp>(op);
  if (!custom)
    return false;
  StringRef name = custom.getOperatorName();
  if (custom.getDomainName() != "n2uq")
    c.refuse(op, "'" + name + "' of the domain '" + custom.getDomainName() +
                     "' is not known; the domain of our quantizers is 'n2uq'");
  else if (name == "quantize")
    convertQuantize(c, custom);
  else if (name == "dequantize")
    convertDequantize(c, custom);
  else if (name == "prelu")
    convertPRelu(c, custom);
  else
    c.refuse(op, "'" + name + "' is not known; the domain 'n2uq' has quantize, dequantize and prelu");
  return true;
}

} // namespace n2uq::fromtosa
