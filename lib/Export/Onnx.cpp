// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How import and export are each other's inverse: a code tensor is written as a MultiThreshold of out_scale 1, so the
// value of a code is its number and the scales S of a convolution's accumulators go, unrounded, into the scales of its
// weights (import makes fl(1 * S) of them). An affine with both steps is written as `x.scale` and `x.offset`, which
// import joins.
#include "n2uq/Export/Onnx.h"
#include "OnnxWriter.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using llvm::StringRef;

namespace n2uq {
namespace {

using onnx::NodeWriter;
using onnx::OnnxWriter;

ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// ONNX's order: top, left, bottom, right.
SmallVector<int64_t, 4> padsOf(ArrayRef<int64_t> padding) { return {padding[0], padding[2], padding[1], padding[3]}; }

/// [O, KH, KW, C] to [O, C, KH, KW].
template <typename T>
std::vector<T> channelsSecond(ArrayRef<T> data, ArrayRef<int64_t> shape) {
  std::vector<T> result(data.size());
  int64_t taps = shape[1] * shape[2], channels = shape[3];
  for (int64_t o = 0; o < shape[0]; ++o)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c)
        result[(o * channels + c) * taps + tap] = data[(o * taps + tap) * channels + c];
  return result;
}

/// Integer weights as levels of a Quant: w = factor * (level - zeroPoint).
struct WeightGrid {
  int bits;
  bool isSigned;
  float zeroPoint, factor;
};

/// Odd weights are levels around a half-integer zero point, the form of N2UQ's own quantizer; others are signed levels.
WeightGrid gridOf(ArrayRef<int8_t> weights) {
  int largest = 0, smallest = 0;
  bool allOdd = true;
  for (int8_t w : weights) {
    largest = std::max<int>(largest, w);
    smallest = std::min<int>(smallest, w);
    allOdd &= w % 2 != 0;
  }
  int bits = 1;
  if (allOdd) {
    while ((1 << bits) - 1 < std::max(largest, -smallest))
      ++bits;
    return {bits, /*isSigned=*/false, ((1 << bits) - 1) / 2.0f, 2.0f};
  }
  // One signed bit means -1 and 1 in QONNX, so zeros need two.
  for (bits = 2; largest > (1 << (bits - 1)) - 1 || smallest < -(1 << (bits - 1));)
    ++bits;
  return {bits, /*isSigned=*/true, 0.0f, 1.0f};
}

class Exporter {
public:
  explicit Exporter(func::FuncOp function) : function(function) {}
  std::string run(std::string &bytes);

private:
  void exportOp(Operation *op);
  void exportConv(Conv2DOp op);
  void exportFloatConv(FloatConv2DOp op);
  void exportFullyConnected(FullyConnectedOp op);
  void exportAffine(AffineOp op);
  void exportPRelu(PReLUOp op);
  void exportClamp(ClampOp op);
  void exportQuantize(QuantizeOp op);
  void exportMaxPool(MaxPoolOp op);
  void exportAvgPool(AvgPoolOp op);
  void exportToNHWC(ToNHWCOp op);
  void exportGather(GatherOp op);
  void exportConcat(ConcatOp op);
  void exportUnflatten(UnflattenOp op);
  void exportReturn(func::ReturnOp op);

  void refuse(Operation *op, const Twine &why) {
    StringRef name = nameOf(op);
    problems.push_back(
        ("op '" + op->getName().getStringRef() + "'" + (name.empty() ? "" : " of '" + name.str() + "'") + " " + why)
            .str());
  }
  std::string nameFor(Operation *op, ArrayRef<StringRef> suffixes = {""}) {
    StringRef name = nameOf(op);
    std::string made = op->getName().stripDialect().str() + "_" + std::to_string(unnamed);
    unnamed += name.empty();
    return writer.uniqueName(name.empty() ? StringRef(made) : name, suffixes);
  }
  /// A constant parameter's numbers; none after `refuse`. No numbers for a null value.
  std::optional<std::vector<float>> floatsOf(Operation *op, Value value, StringRef what);
  /// One number, or one per channel in the place of ONNX's channel.
  std::string channelConstant(const std::string &name, Value like, ArrayRef<float> numbers);
  /// The only reader of `op`: an affine of an offset alone that came from the same node, a bias.
  AffineOp biasBehind(Operation *op);
  NodeWriter writeConv(Operation *op, const std::string &name, const std::string &input, const std::string &weights,
                       const std::string &bias, const Window &window);

  func::FuncOp function;
  OnnxWriter writer;
  DenseMap<Value, std::string> tensors;
  llvm::SmallPtrSet<Operation *, 16> written; // together with the op before
  std::vector<std::string> problems;
  int unnamed = 0;
};

std::optional<std::vector<float>> Exporter::floatsOf(Operation *op, Value value, StringRef what) {
  if (!value)
    return std::vector<float>();
  std::optional<std::vector<float>> numbers = constantFloats(value);
  if (!numbers)
    refuse(op, "has " + what + " that is not constant");
  return numbers;
}

std::string Exporter::channelConstant(const std::string &name, Value like, ArrayRef<float> numbers) {
  int64_t count = numbers.size();
  if (count == 1)
    return writer.constant(name, {1}, numbers);
  if (shapeOf(like).size() == 2)
    return writer.constant(name, {1, count}, numbers);
  return writer.constant(name, {1, count, 1, 1}, numbers);
}

AffineOp Exporter::biasBehind(Operation *op) {
  Value result = op->getResult(0);
  if (!result.hasOneUse() || nameOf(op).empty())
    return nullptr;
  auto affine = dyn_cast<AffineOp>(*result.user_begin());
  if (!affine || affine.getScale() || !affine.getOffset() || affine.getInput() != result ||
      nameOf(affine) != nameOf(op))
    return nullptr;
  return affine;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

NodeWriter Exporter::writeConv(Operation *op, const std::string &name, const std::string &input,
                               const std::string &weights, const std::string &bias, const Window &window) {
  SmallVector<std::string, 3> inputs = {input, weights};
  if (!bias.empty())
    inputs.push_back(bias);
  return writer.node("Conv", name, inputs)
      .integers("dilations", window.dilations)
      .integer("group", window.groups)
      .integers("kernel_shape", window.kernel)
      .integers("pads", {window.before[0], window.before[1], window.after[0], window.after[1]})
      .integers("strides", window.strides);
}

/// Whether `scale` and the weights that it multiplies stay normal float32 numbers with room to spare, so that Quant
/// finds the levels again.
static bool isExpressible(float scale) {
  return std::fabs(scale) > std::ldexp(1.0f, -100) && std::fabs(scale) < std::ldexp(1.0f, 100);
}

void Exporter::exportConv(Conv2DOp op) {
  auto affine = op.getResult().hasOneUse() ? dyn_cast<AffineOp>(*op.getResult().user_begin()) : AffineOp();
  if (!affine)
    return refuse(
        op, "has accumulators that are not read by one n2uq.affine alone, which has no ONNX form; export the model "
            "before it is simplified");
  std::optional<std::vector<int8_t>> filter = constantBytes(op.getFilter());
  if (!filter)
    return refuse(op, "has weights that are not constant");
  std::optional<std::vector<float>> scale = floatsOf(affine, affine.getScale(), "a scale");
  std::optional<std::vector<float>> offset = floatsOf(affine, affine.getOffset(), "an offset");
  if (!scale || !offset)
    return;
  int64_t outputs = shapeOf(op.getFilter())[0];
  // Scales that the weights cannot carry (zero, infinite, tiny) and an offset for all channels follow as nodes of their
  // own.
  bool isCarried = llvm::all_of(*scale, isExpressible) && (offset->empty() || int64_t(offset->size()) == outputs);
  std::vector<float> carried = isCarried && !scale->empty() ? *scale : std::vector<float>{1.0f};

  std::string name = nameFor(op, {"", ".weight_quant", ".scale", ".offset"});
  WeightGrid grid = gridOf(*filter);
  std::vector<int8_t> weights = channelsSecond<int8_t>(*filter, shapeOf(op.getFilter()));
  std::vector<float> values(weights.size()), quantScale;
  for (float s : carried)
    quantScale.push_back(grid.factor * s);
  size_t perOutput = weights.size() / outputs;
  for (size_t i = 0; i < weights.size(); ++i)
    values[i] = weights[i] / grid.factor * quantScale[quantScale.size() == 1 ? 0 : i / perOutput];
  ArrayRef<int64_t> shape = shapeOf(op.getFilter());
  std::string quantName = name + ".weight_quant";
  std::string weightTensor = writer.constant(name + ".weight", {shape[0], shape[3], shape[1], shape[2]}, values);
  std::string scaleTensor = writer.constant(quantName + ".scale", {int64_t(quantScale.size()), 1, 1, 1}, quantScale);
  std::string zeroTensor = writer.constant(quantName + ".zeropt", {}, {grid.zeroPoint});
  std::string bitsTensor = writer.constant(quantName + ".bitwidth", {}, {static_cast<float>(grid.bits)});
  std::string quant = writer.qonnxNode("Quant", quantName, {weightTensor, scaleTensor, zeroTensor, bitsTensor})
                          .integer("narrow", 0)
                          .text("rounding_mode", "ROUND")
                          .integer("signed", grid.isSigned)
                          .output();
  std::string bias;
  if (isCarried && !offset->empty())
    bias = writer.constant(name + ".bias", {outputs}, *offset);
  std::string tensor = writeConv(op, name, tensors[op.getInput()], quant, bias, op.getWindow()).output();
  if (!isCarried) {
    if (!scale->empty())
      tensor =
          writer.node("Mul", name + ".scale", {tensor, channelConstant(name + ".scale.value", op.getResult(), *scale)})
              .output();
    if (!offset->empty())
      tensor =
          writer
              .node("Add", name + ".offset", {tensor, channelConstant(name + ".offset.value", op.getResult(), *offset)})
              .output();
  }
  tensors[affine.getResult()] = tensor;
  written.insert(affine);
}

void Exporter::exportFloatConv(FloatConv2DOp op) {
  std::optional<std::vector<float>> filter = floatsOf(op, op.getFilter(), "weights");
  AffineOp affine = biasBehind(op);
  int64_t outputs = shapeOf(op.getFilter())[0];
  if (affine && shapeOf(affine.getOffset())[0] != outputs)
    affine = nullptr;
  std::optional<std::vector<float>> offset = floatsOf(op, affine ? affine.getOffset() : Value(), "a bias");
  if (!filter || !offset)
    return;
  std::string name = nameFor(op);
  ArrayRef<int64_t> shape = shapeOf(op.getFilter());
  std::string weights = writer.constant(name + ".weight", {shape[0], shape[3], shape[1], shape[2]},
                                        channelsSecond<float>(*filter, shape));
  std::string bias = affine ? writer.constant(name + ".bias", {outputs}, *offset) : "";
  std::string tensor = writeConv(op, name, tensors[op.getInput()], weights, bias, op.getWindow()).output();
  tensors[affine ? affine.getResult() : op.getResult()] = tensor;
  if (affine)
    written.insert(affine);
}

void Exporter::exportFullyConnected(FullyConnectedOp op) {
  std::optional<std::vector<float>> rows = floatsOf(op, op.getWeights(), "weights");
  AffineOp affine = biasBehind(op);
  std::optional<std::vector<float>> offset = floatsOf(op, affine ? affine.getOffset() : Value(), "a bias");
  if (!rows || !offset)
    return;
  std::string name = nameFor(op);
  SmallVector<std::string, 3> inputs = {tensors[op.getInput()],
                                        writer.constant(name + ".weight", shapeOf(op.getWeights()), *rows)};
  if (affine)
    inputs.push_back(writer.constant(name + ".bias", {int64_t(offset->size())}, *offset));
  tensors[affine ? affine.getResult() : op.getResult()] = writer.node("Gemm", name, inputs)
                                                              .number("alpha", 1.0f)
                                                              .number("beta", 1.0f)
                                                              .integer("transA", 0)
                                                              .integer("transB", 1)
                                                              .output();
  if (affine)
    written.insert(affine);
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

void Exporter::exportAffine(AffineOp op) {
  if (getElementTypeOrSelf(op.getInput()).isSignlessInteger())
    return refuse(op, "reads accumulators that no n2uq.conv2d of this model makes, which has no ONNX form");
  std::optional<std::vector<float>> scale = floatsOf(op, op.getScale(), "a scale");
  std::optional<std::vector<float>> offset = floatsOf(op, op.getOffset(), "an offset");
  if (!scale || !offset)
    return;
  std::string tensor = tensors[op.getInput()];
  bool hasBoth = !scale->empty() && !offset->empty();
  std::string name = scale->empty() && offset->empty() ? ""
                     : hasBoth                         ? nameFor(op, {".scale", ".offset"})
                                                       : nameFor(op);
  if (!scale->empty()) {
    std::string node = hasBoth ? name + ".scale" : name;
    tensor = writer.node("Mul", node, {tensor, channelConstant(node + ".value", op.getInput(), *scale)}).output();
  }
  if (!offset->empty()) {
    std::string node = hasBoth ? name + ".offset" : name;
    tensor = writer.node("Add", node, {tensor, channelConstant(node + ".value", op.getInput(), *offset)}).output();
  }
  tensors[op.getResult()] = tensor;
}

void Exporter::exportPRelu(PReLUOp op) {
  std::optional<std::vector<float>> slope = floatsOf(op, op.getSlope(), "a slope");
  if (!slope)
    return;
  std::string name = nameFor(op);
  int64_t count = slope->size();
  SmallVector<int64_t, 3> shape = {count};
  if (count != 1 && shapeOf(op.getInput()).size() == 4)
    shape = {count, 1, 1};
  std::string slopes = writer.constant(name + ".slope", shape, *slope);
  tensors[op.getResult()] = writer.node("PRelu", name, {tensors[op.getInput()], slopes}).output();
}

void Exporter::exportClamp(ClampOp op) {
  std::string name = nameFor(op);
  const llvm::APFloat &min = op.getMin(), &max = op.getMax();
  if (min.isPosZero() && max.isInfinity()) {
    tensors[op.getResult()] = writer.node("Relu", name, {tensors[op.getInput()]}).output();
    return;
  }
  // An absent bound is no bound.
  std::string bounds[2];
  if (!min.isInfinity())
    bounds[0] = writer.constant(name + ".min", {}, {min.convertToFloat()});
  if (!max.isInfinity())
    bounds[1] = writer.constant(name + ".max", {}, {max.convertToFloat()});
  if ((min.isInfinity() && !min.isNegative()) || (max.isInfinity() && max.isNegative()))
    return refuse(op, "is a constant, which has no ONNX form");
  tensors[op.getResult()] = writer.node("Clip", name, {tensors[op.getInput()], bounds[0], bounds[1]}).output();
}

void Exporter::exportQuantize(QuantizeOp op) {
  std::optional<std::vector<float>> thresholds = floatsOf(op, op.getThresholds(), "thresholds");
  if (!thresholds)
    return;
  std::string name = nameFor(op);
  std::string table = writer.constant(name + ".thresholds", shapeOf(op.getThresholds()), *thresholds);
  NodeWriter node = writer.qonnxNode("MultiThreshold", name, {tensors[op.getInput()], table})
                        .text("data_layout", "NCHW")
                        .number("out_bias", 0.0f)
                        .text("out_dtype", "UINT" + std::to_string(codeBitsOf(op.getType())))
                        .number("out_scale", 1.0f);
  if (op.getNanIsTop())
    node.integer("nan_code", shapeOf(op.getThresholds())[1]);
  tensors[op.getResult()] = node.output();
}

//===----------------------------------------------------------------------===//
// Pools and layout
//===----------------------------------------------------------------------===//

void Exporter::exportMaxPool(MaxPoolOp op) {
  if (getElementTypeOrSelf(op.getInput()).isSignlessInteger())
    return refuse(op, "pools accumulators, which has no ONNX form; export the model before it is simplified");
  tensors[op.getResult()] = writer.node("MaxPool", nameFor(op), {tensors[op.getInput()]})
                                .integers("kernel_shape", op.getKernel())
                                .integers("pads", padsOf(op.getPadding()))
                                .integers("strides", op.getStrides())
                                .output();
}

void Exporter::exportAvgPool(AvgPoolOp op) {
  std::string input = tensors[op.getInput()], name = nameFor(op);
  bool isGlobal = op.getKernel() == shapeOf(op.getInput()).slice(1, 2) && op.getStrides() == ArrayRef<int64_t>{1, 1};
  if (isGlobal)
    tensors[op.getResult()] = writer.node("GlobalAveragePool", name, {input}).output();
  else
    tensors[op.getResult()] = writer.node("AveragePool", name, {input})
                                  .integers("kernel_shape", op.getKernel())
                                  .integers("strides", op.getStrides())
                                  .output();
}

void Exporter::exportToNHWC(ToNHWCOp op) {
  if (!isa<BlockArgument>(op.getInput()))
    return refuse(op, "moves the channels of a tensor that is not the model's input, which has no ONNX form");
  tensors[op.getResult()] = tensors[op.getInput()];
}

/// Pad for places that are filled, then a Gather for each list that names others than all in their order; import makes
/// one op of neighbours. A place outside of the image is one that Pad made behind it.
void Exporter::exportGather(GatherOp op) {
  std::string name = nameFor(op, {"", ".pad", ".rows", ".columns"}), tensor = tensors[op.getInput()];
  ArrayRef<int64_t> in = shapeOf(op.getInput());
  struct Axis {
    StringRef suffix;
    int64_t number, extent; // ONNX's number
    ArrayRef<int64_t> places;
    std::vector<int64_t> rest; // behind the Pad; empty where nothing is left to do
    int64_t before = 0, after = 0;
  } axes[] = {{".rows", 2, in[1], op.getRows(), {}},
              {".columns", 3, in[2], op.getColumns(), {}},
              {"", 1, in[3], op.getChannels(), {}}};
  SmallVector<int64_t> pads(8, 0);
  Axis *last = nullptr;
  for (Axis &axis : axes) {
    // Padding in front and behind of a whole image is what Pad says; any other -1 reads a place behind the image.
    size_t first = 0, count = axis.places.size();
    while (first < count && axis.places[first] == -1)
      ++first;
    bool isWhole = first + axis.extent <= count;
    for (size_t i = 0; isWhole && i < count - first; ++i)
      isWhole = axis.places[first + i] == (static_cast<int64_t>(i) < axis.extent ? static_cast<int64_t>(i) : -1);
    if (isWhole && count > 0) {
      axis.before = first;
      axis.after = count - first - axis.extent;
    } else if (count > 0) {
      axis.after = llvm::is_contained(axis.places, -1);
      for (int64_t place : axis.places)
        axis.rest.push_back(place < 0 ? axis.extent : place);
      last = &axis;
    }
    pads[axis.number] = axis.before;
    pads[4 + axis.number] = axis.after;
  }
  if (llvm::any_of(pads, [](int64_t pad) { return pad != 0; }) || !last) {
    std::string node = last ? name + ".pad" : name;
    tensor = writer
                 .node("Pad", node,
                       {tensor, writer.integerList(node + ".pads", pads),
                        writer.constant(node + ".value", {}, {op.getFill().convertToFloat()})})
                 .text("mode", "constant")
                 .output();
  }
  for (Axis &axis : axes) {
    if (axis.rest.empty())
      continue;
    std::string node = &axis == last ? name : name + axis.suffix.str();
    tensor = writer.node("Gather", node, {tensor, writer.integerList(node + ".indices", axis.rest)})
                 .integer("axis", axis.number)
                 .output();
  }
  tensors[op.getResult()] = tensor;
}

void Exporter::exportConcat(ConcatOp op) {
  SmallVector<std::string> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(tensors[input]);
  tensors[op.getResult()] = writer.node("Concat", nameFor(op), inputs).integer("axis", 1).output();
}

void Exporter::exportUnflatten(UnflattenOp op) {
  std::string name = nameFor(op);
  ArrayRef<int64_t> shape = shapeOf(op.getResult());
  std::string extents = writer.integerList(name + ".shape", {-1, shape[3], shape[1], shape[2]});
  tensors[op.getResult()] = writer.node("Reshape", name, {tensors[op.getInput()], extents}).output();
}

void Exporter::exportReturn(func::ReturnOp op) {
  Value value = op.getOperand(0);
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() != 2 || !type.getElementType().isF32())
    return refuse(op, "returns other than [batch, classes] of f32, which has no ONNX form here");
  if (std::string tensor = tensors[value]; !tensor.empty())
    writer.setOutput(type.getShape(), tensor);
}

void Exporter::exportOp(Operation *op) {
  if (written.contains(op))
    return;
  // Behind a refused op everything else can still be refused, but not written.
  auto simple = [&](StringRef opType, Value input) {
    NodeWriter node = writer.node(opType, nameFor(op), {tensors[input]});
    tensors[op->getResult(0)] = node.output();
    return node;
  };
  auto pair = [&](StringRef opType, Operation *op) {
    Value lhs = op->getOperand(0), rhs = op->getOperand(1);
    tensors[op->getResult(0)] = writer.node(opType, nameFor(op), {tensors[lhs], tensors[rhs]}).output();
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](arith::ConstantOp) {})
      .Case([&](Conv2DOp op) { exportConv(op); })
      .Case([&](FloatConv2DOp op) { exportFloatConv(op); })
      .Case([&](FullyConnectedOp op) { exportFullyConnected(op); })
      .Case([&](AffineOp op) { exportAffine(op); })
      .Case([&](PReLUOp op) { exportPRelu(op); })
      .Case([&](ClampOp op) { exportClamp(op); })
      .Case<AddOp, arith::AddFOp>([&](auto op) { pair("Add", op); })
      .Case([&](QuantizeOp op) { exportQuantize(op); })
      .Case([&](MaxPoolOp op) { exportMaxPool(op); })
      .Case([&](AvgPoolOp op) { exportAvgPool(op); })
      .Case([&](FlattenOp op) { simple("Flatten", op.getInput()).integer("axis", 1); })
      .Case([&](ToNHWCOp op) { exportToNHWC(op); })
      .Case([&](GatherOp op) { exportGather(op); })
      .Case([&](ConcatOp op) { exportConcat(op); })
      .Case([&](UnflattenOp op) { exportUnflatten(op); })
      .Case([&](SigmoidOp op) { simple("Sigmoid", op.getInput()); })
      .Case([&](arith::NegFOp op) { simple("Neg", op.getOperand()); })
      .Case([&](math::AbsFOp op) { simple("Abs", op.getOperand()); })
      .Case([&](math::SqrtOp op) { simple("Sqrt", op.getOperand()); })
      .Case([&](arith::SubFOp op) { pair("Sub", op); })
      .Case([&](arith::MulFOp op) { pair("Mul", op); })
      .Case([&](arith::DivFOp op) { pair("Div", op); })
      .Case([&](arith::MaximumFOp op) { pair("Max", op); })
      .Case([&](arith::MinimumFOp op) { pair("Min", op); })
      .Case([&](func::ReturnOp op) { exportReturn(op); })
      .Default(
          [&](Operation *op) { refuse(op, "has no ONNX form; export the model before it is simplified or lowered"); });
}

/// The model's function: `main`, or the only one.
func::FuncOp modelFunction(ModuleOp module) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions)
    if (function.getSymName() == "main")
      return function;
  return functions.size() == 1 ? functions.front() : nullptr;
}

std::string Exporter::run(std::string &bytes) {
  if (!function.getBody().hasOneBlock())
    return "the function '" + function.getSymName().str() + "' is not one straight line of ops";
  if (function.getNumArguments() != 1 || function.getNumResults() != 1)
    return "the function '" + function.getSymName().str() + "' has " + std::to_string(function.getNumArguments()) +
           " inputs and " + std::to_string(function.getNumResults()) + " outputs, but one of each is expected";
  BlockArgument input = function.getArgument(0);
  auto type = dyn_cast<RankedTensorType>(input.getType());
  if (!type || !type.getElementType().isF32() || (type.getRank() != 4 && type.getRank() != 2))
    return "the function '" + function.getSymName().str() + "' has an input that is no f32 tensor of 4 or 2 dimensions";
  auto nameOr = [](StringAttr name, StringRef absent) {
    return name && !name.getValue().empty() ? name.getValue() : absent;
  };
  writer.setNames(nameOr(function.getArgAttrOfType<StringAttr>(0, "n2uq.name"), "input"),
                  nameOr(function.getResultAttrOfType<StringAttr>(0, "n2uq.name"), "output"));
  writer.setInput(type.getShape());
  tensors[input] = writer.input();
  for (Operation *user : input.getUsers())
    if (type.getRank() == 4 && !isa<ToNHWCOp>(user))
      refuse(user, "reads the input before n2uq.to_nhwc, which has no ONNX form");

  for (Operation &op : function.getBody().front())
    exportOp(&op);
  if (problems.size() == 1)
    return problems.front();
  if (!problems.empty()) {
    std::string error = std::to_string(problems.size()) + " ops cannot be exported:";
    for (const std::string &problem : problems)
      error += "\n  " + problem;
    return error;
  }
  return writer.finish(bytes);
}

} // namespace

std::string exportOnnx(ModuleOp module, std::string &bytes) {
  func::FuncOp function = modelFunction(module);
  if (!function)
    return "the model has no function 'main'";
  return Exporter(function).run(bytes);
}

} // namespace n2uq
