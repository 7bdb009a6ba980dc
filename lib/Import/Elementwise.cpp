// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Importer.h"

#include "mlir/Dialect/Math/IR/Math.h"
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

/// The name `x` where this node is `x.offset` and alone in reading what a node `x.scale` makes: what a batch norm is
/// written as. Empty otherwise. By the nodes, for an Identity in between may be read by others.
static std::string nameOfPair(NodeImport &node, int index) {
  StringRef base = node.node.name, tensor = node.node.proto->input(index);
  const Model &model = node.importer.model;
  auto producer = model.producers.find(tensor);
  if (!base.consume_back(".offset") || base.empty() || producer == model.producers.end() ||
      model.nodes[producer->second].name != (base + ".scale").str() || !node.isOnlyReaderOf(index))
    return "";
  return base.str();
}

/// Completes `x.scale` with its only reader `x.offset` to the one op that both came from, at `x`. Null where `input` is
/// not such a scale.
static Value completeAffine(NodeImport &node, int index, Value input, ArrayRef<float> offset) {
  std::string base = nameOfPair(node, index);
  auto affine = input.getDefiningOp<AffineOp>();
  if (base.empty() || !affine || !affine.getScale() || affine.getOffset() || nameOf(affine) != base + ".scale")
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

/// Codes whose value is multiplied: still codes where no value of theirs is rounded twice by that.
static std::optional<Known> multiplied(const Known &codes, ArrayRef<float> factors) {
  if (codes.offset)
    return std::nullopt;
  Known result = codes;
  result.floats = nullptr;
  result.scale.assign(std::max(codes.scale.size(), factors.size()), 0.0f);
  int64_t top = (int64_t(1) << codeBitsOf(codes.integers.getType())) - 1;
  for (auto [c, scale] : llvm::enumerate(result.scale)) {
    float own = codes.scale[codes.scale.size() == 1 ? 0 : c], factor = factors[factors.size() == 1 ? 0 : c];
    scale = own * factor;
    if (!std::isfinite(scale) || scale == 0)
      return std::nullopt;
    for (int64_t code = 0; code <= top; ++code)
      if (float(code - codes.zero) * own * factor != float(code - codes.zero) * scale)
        return std::nullopt;
  }
  return result;
}

/// Codes whose value is moved by a number: still codes where that is a whole number of their steps.
///
///   scale 1:   code - zero + number is exact, so it is the code with another zero
///   else:      fl(fl(code * scale) + number), as MultiThreshold has it
static std::optional<Known> moved(const Known &codes, float number) {
  if (codes.offset || !llvm::all_equal(codes.scale))
    return std::nullopt;
  float scale = codes.scale.front();
  double steps = std::round(double(number) / scale);
  if (steps == 0)
    return std::nullopt;
  // What is left of the sum of two zeros is exact as well.
  if (!(std::fabs(steps) < (1 << 20)) || static_cast<float>(steps * scale) != number || (scale != 1.0f && codes.zero))
    return std::nullopt;
  Known result = codes;
  result.floats = nullptr;
  result.zero -= static_cast<int64_t>(steps);
  if (scale != 1.0f)
    result.offset = number;
  return result;
}

/// What an affine reads: integers times 1 times c are integers times c, without a float tensor in between.
static Value affineInput(NodeImport &node, Known &known) {
  bool isPlain =
      known.integers && llvm::all_equal(known.scale) && known.scale.front() == 1.0f && known.zero == 0 && !known.offset;
  return isPlain ? known.integers : node.importer.floatsOf(known);
}

static void importDivision(NodeImport &node, Value tensor, ArrayRef<float> numbers, bool isReversed) {
  Value constant = createNumbers(node.builder, node.loc, tensor, numbers);
  node.result(
      arith::DivFOp::create(node.builder, node.loc, isReversed ? constant : tensor, isReversed ? tensor : constant));
}

static void importWithConstant(NodeImport &node, Arithmetic kind, bool constantFirst) {
  const Tensor *constant = node.floatConstant(constantFirst ? 0 : 1, "an operand");
  if (!constant)
    return;
  // A product repeats a division to the bit where all divisors are powers of two.
  std::vector<float> reciprocals;
  for (float c : constant->floats)
    if (std::optional<float> reciprocal = exactReciprocal(c); reciprocal && kind == Arithmetic::Div && !constantFirst)
      reciprocals.push_back(*reciprocal);
  if (reciprocals.size() < constant->floats.size())
    reciprocals.clear();

  int index = constantFirst ? 1 : 0;
  node.takesAnyLayout = constant->elements() == 1;
  Known *known = node.tensor(index);
  if (!known)
    return;
  int64_t channels = channelsOf(known->tensor());
  std::optional<std::vector<float>> numbers = channelNumbers(*constant, known->rank(), channels);
  if (!numbers)
    return void(node.refuse("has a constant operand of shape " + shapeText(constant->shape) +
                            ", but one number for all or one per channel (1x" + std::to_string(channels) +
                            "x1x1) is expected"));
  if (kind == Arithmetic::Div && reciprocals.empty())
    return importDivision(node, node.importer.floatsOf(*known), *numbers, constantFirst);
  std::vector<float> factors = kind == Arithmetic::Mul ? *numbers : reciprocals;
  // c - x = -1 * x + c and x - c = x + -c, both exactly.
  bool isReversed = kind == Arithmetic::Sub && constantFirst;
  if (kind == Arithmetic::Sub && !constantFirst)
    for (float &number : *numbers)
      number = -number;
  if (known->areCodes() && !isReversed && node.isReadForCodes()) {
    std::optional<Known> codes;
    std::string pair = factors.empty() ? nameOfPair(node, index) : "";
    if (!factors.empty())
      codes = multiplied(*known, factors);
    else if (llvm::all_equal(*numbers))
      codes = moved(*known, numbers->front());
    if (codes) {
      codes->floatsLoc = pair.empty() ? node.loc : node.importer.locationOf(pair);
      return node.result(std::move(*codes));
    }
  }
  Value input = affineInput(node, *known);
  if (isReversed)
    return node.result(createAffine(node.builder, node.loc, input, {-1.0f}, *numbers));
  if (!factors.empty())
    return node.result(createAffine(node.builder, node.loc, input, factors, {}));
  if (Value completed = completeAffine(node, index, input, *numbers))
    return node.result(completed);
  node.result(createAffine(node.builder, node.loc, input, {}, *numbers));
}

/// Two tensors of one type: where the file has rows and only one of them is an image of one pixel here, both as rows.
static bool readPair(NodeImport &node, int first, int second, Value &lhs, Value &rhs) {
  node.takesAnyLayout = true;
  Known *one = node.tensor(first), *two = one ? node.tensor(second) : nullptr;
  if (!two)
    return false;
  if (one->isChannelsLast != two->isChannelsLast)
    return node.refuse("combines a tensor with channels last and one with channels first") != nullptr;
  bool asRows = one->isRow != two->isRow;
  lhs = asRows ? node.importer.rowsOf(*one) : node.importer.floatsOf(*one);
  rhs = asRows ? node.importer.rowsOf(*two) : node.importer.floatsOf(*two);
  if (lhs.getType() != rhs.getType())
    return node.refuse("combines tensors of different shapes, which is not supported; give both branches the same "
                       "shape") != nullptr;
  return true;
}

template <Arithmetic kind>
static void importArithmetic(NodeImport &node) {
  if (node.inputCount() != 2)
    return void(node.refuse("has " + std::to_string(node.inputCount()) + " inputs, but two are expected"));
  if (!node.attributesAreFine())
    return;
  bool constantFirst = node.isConstant(0), constantSecond = node.isConstant(1);
  if (constantFirst || constantSecond)
    return importWithConstant(node, kind, constantFirst);
  Value lhs, rhs;
  if (!readPair(node, 0, 1, lhs, rhs))
    return;
  switch (kind) {
  case Arithmetic::Add:
    return node.result(AddOp::create(node.builder, node.loc, lhs.getType(), lhs, rhs));
  case Arithmetic::Sub:
    return node.result(arith::SubFOp::create(node.builder, node.loc, lhs, rhs));
  case Arithmetic::Mul:
    return node.result(arith::MulFOp::create(node.builder, node.loc, lhs, rhs));
  case Arithmetic::Div:
    return node.result(arith::DivFOp::create(node.builder, node.loc, lhs, rhs));
  }
}

/// A sum of tensors, from the left to the right.
static void importSum(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (node.inputCount() < 2)
    return void(node.refuse("has " + std::to_string(node.inputCount()) + " inputs, but two or more are expected"));
  Value sum, next;
  for (int i = 1; i < static_cast<int>(node.inputCount()); ++i) {
    Value first;
    if (!readPair(node, 0, i, first, next))
      return;
    sum = AddOp::create(node.builder, node.loc, next.getType(), sum ? sum : first, next);
  }
  node.result(sum);
}

static Value createClamp(NodeImport &node, Value input, float min, float max) {
  return ClampOp::create(node.builder, node.loc, input.getType(), input, llvm::APFloat(min), llvm::APFloat(max));
}

/// The greater or the lesser of tensors, from the left to the right; of a number and tensors in one clamp.
template <typename Op, bool isMax>
static void importExtreme(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  Value extreme;
  std::optional<float> bound;
  int first = -1;
  for (int i = 0; i < static_cast<int>(node.inputCount()); ++i) {
    if (node.isConstant(i)) {
      std::optional<float> number = node.scalarConstant(i, "a bound");
      if (!number)
        return;
      bound = !bound ? *number : isMax ? std::max(*bound, *number) : std::min(*bound, *number);
      continue;
    }
    Value lhs, rhs;
    if (first < 0) {
      node.takesAnyLayout = true;
      extreme = node.floats(i);
      if (!extreme)
        return;
      first = i;
    } else {
      if (!readPair(node, first, i, lhs, rhs))
        return;
      extreme = Op::create(node.builder, node.loc, extreme.getType() == rhs.getType() ? extreme : lhs, rhs);
    }
  }
  if (!extreme)
    return void(node.tensor(0)); // says why
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (bound)
    extreme = createClamp(node, extreme, isMax ? *bound : -infinity, isMax ? infinity : *bound);
  node.result(extreme);
}

template <typename Op>
static void importUnary(NodeImport &node) {
  node.takesAnyLayout = true;
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    node.result(Op::create(node.builder, node.loc, input));
}

static void importRelu(NodeImport &node) {
  node.takesAnyLayout = true;
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    node.result(createClamp(node, input, 0.0f, std::numeric_limits<float>::infinity()));
}

/// Bounds are attributes before opset 11 and inputs from there on.
static void importClip(NodeImport &node) {
  if (importClipOfLevels(node))
    return;
  node.takesAnyLayout = true;
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
  std::optional<std::vector<float>> numbers = channelNumbers(*slope, node.input(0)->rank(), channelsOf(input));
  if (!numbers)
    return void(node.refuse("has a slope of shape " + shapeText(slope->shape) +
                            ", but one number for all or one per channel (" + std::to_string(channelsOf(input)) +
                            "x1x1) is expected"));
  createPRelu(node, input, *numbers);
}

static void importLeakyRelu(NodeImport &node) {
  node.takesAnyLayout = true;
  float slope = node.attributes.number("alpha", 0.01f);
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    createPRelu(node, input, {slope});
}

static void importSigmoid(NodeImport &node) {
  node.takesAnyLayout = true;
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    node.result(SigmoidOp::create(node.builder, node.loc, input.getType(), input));
}

/// max(0, min(1, alpha * x + beta)), each step rounded.
static void importHardSigmoid(NodeImport &node) {
  node.takesAnyLayout = true;
  float alpha = node.attributes.number("alpha", 0.2f), beta = node.attributes.number("beta", 0.5f);
  if (!node.attributesAreFine())
    return;
  if (Value input = node.floats(0))
    node.result(createClamp(node, createAffine(node.builder, node.loc, input, {alpha}, {beta}), 0.0f, 1.0f));
}

/// x times the HardSigmoid of alpha = 1/6 and beta = 0.5.
static void importHardSwish(NodeImport &node) {
  node.takesAnyLayout = true;
  if (!node.attributesAreFine())
    return;
  Value input = node.floats(0);
  if (!input)
    return;
  Value share = createClamp(node, createAffine(node.builder, node.loc, input, {1.0f / 6}, {0.5f}), 0.0f, 1.0f);
  node.result(arith::MulFOp::create(node.builder, node.loc, input, share));
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
  Known *known = node.tensor(0);
  if (!known)
    return;
  Value input = affineInput(node, *known);
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
      .Case("Max", importExtreme<arith::MaximumFOp, true>)
      .Case("Min", importExtreme<arith::MinimumFOp, false>)
      .Case("Neg", importUnary<arith::NegFOp>)
      .Case("Abs", importUnary<math::AbsFOp>)
      .Case("Sqrt", importUnary<math::SqrtOp>)
      .Case("HardSwish", importHardSwish)
      .Case("Relu", importRelu)
      .Case("Clip", importClip)
      .Case("PRelu", importPRelu)
      .Case("LeakyRelu", importLeakyRelu)
      .Case("Sigmoid", importSigmoid)
      .Case("HardSigmoid", importHardSigmoid)
      .Case("Sum", importSum)
      .Case("BatchNormalization", importBatchNormalization)
      .Default(nullptr);
}

} // namespace n2uq::onnx
