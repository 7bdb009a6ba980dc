// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes that read constants only: exporters leave a Transpose behind quantized weights, a Reshape of a scale. What is
// quantized stays so, with its integers, where its scale can follow.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

static void resultTensor(NodeImport &node, Tensor tensor) {
  Known known;
  known.constant = std::make_shared<const Tensor>(std::move(tensor));
  node.resultOfOtherForm(std::move(known));
}

//===----------------------------------------------------------------------===//
// Other order
//===----------------------------------------------------------------------===//

/// Elements of a tensor of `shape` with its dimensions in another order.
template <typename T>
static std::vector<T> transposed(const std::vector<T> &data, ArrayRef<int64_t> shape, ArrayRef<int64_t> order) {
  size_t rank = shape.size();
  SmallVector<int64_t> strides(rank, 1);
  for (size_t axis = rank; axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  std::vector<T> result(data.size());
  for (size_t at = 0; at < data.size(); ++at) {
    int64_t rest = at, from = 0;
    for (size_t axis = rank; axis-- > 0; rest /= shape[order[axis]])
      from += rest % shape[order[axis]] * strides[order[axis]];
    result[at] = data[from];
  }
  return result;
}

static Tensor transposed(const Tensor &tensor, ArrayRef<int64_t> order) {
  Tensor result = tensor;
  for (auto [axis, from] : llvm::enumerate(order))
    result.shape[axis] = tensor.shape[from];
  if (tensor.isFloat)
    result.floats = transposed(tensor.floats, tensor.shape, order);
  else
    result.ints = transposed(tensor.ints, tensor.shape, order);
  return result;
}

Known transposedConstant(const Known &known, ArrayRef<int64_t> order) {
  Known result;
  if (!known.quantized) {
    result.constant = std::make_shared<const Tensor>(transposed(*known.constant, order));
    return result;
  }
  auto quantized = std::make_shared<QuantizedTensor>(*known.quantized);
  if (!quantized->integers.empty()) {
    quantized->integers = transposed(known.quantized->integers, known.constant->shape, order);
    quantized->scale = transposed(known.quantized->scale, order);
  }
  quantized->value = transposed(*known.constant, order);
  result.constant = std::shared_ptr<const Tensor>(quantized, &quantized->value);
  result.quantized = std::move(quantized);
  return result;
}

static void foldTranspose(NodeImport &node) {
  std::optional<std::vector<int64_t>> order = node.attributes.integers("perm");
  Known *known = node.attributesAreFine() ? node.input(0) : nullptr;
  if (!known)
    return;
  size_t rank = known->constant->shape.size();
  if (!order) {
    order.emplace(rank);
    std::iota(order->rbegin(), order->rend(), 0);
  }
  std::vector<int64_t> sorted = *order, all(rank);
  llvm::sort(sorted);
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all)
    return void(node.refuse("has a perm that is no order of " + std::to_string(rank) + " dimensions"));
  node.resultOfOtherForm(transposedConstant(*known, *order));
}

//===----------------------------------------------------------------------===//
// Other shape
//===----------------------------------------------------------------------===//

/// The same elements in another shape. A scale follows where it is one number, or one per place of the first dimension.
static void resultOfShape(NodeImport &node, const Known &known, std::vector<int64_t> shape) {
  if (!known.quantized) {
    Tensor tensor = *known.constant;
    tensor.shape = std::move(shape);
    return resultTensor(node, std::move(tensor));
  }
  auto quantized = std::make_shared<QuantizedTensor>(*known.quantized);
  ArrayRef<int64_t> before = known.constant->shape;
  Tensor &scale = quantized->scale;
  bool isPerFirst = !before.empty() && !shape.empty() && shape[0] == before[0] && scale.elements() == before[0] &&
                    scale.shape[0] == before[0];
  if (quantized->reason.empty() && scale.elements() != 1 && !isPerFirst) {
    quantized->reason = "its scale is reshaped with it";
    quantized->integers.clear();
  }
  scale.shape.assign(shape.size(), 1);
  if (isPerFirst)
    scale.shape[0] = shape[0];
  quantized->value.shape = std::move(shape);
  Known result;
  result.constant = std::shared_ptr<const Tensor>(quantized, &quantized->value);
  result.quantized = std::move(quantized);
  node.resultOfOtherForm(std::move(result));
}

static void foldReshape(NodeImport &node) {
  bool allowsZero = node.attributes.integer("allowzero", 0) != 0;
  if (!node.attributesAreFine())
    return;
  std::optional<std::vector<int64_t>> shape = node.integerConstant(1, "its shape");
  Known *known = shape ? node.input(0) : nullptr;
  if (!known)
    return;
  const Tensor &tensor = *known->constant;
  int64_t elements = 1, *left = nullptr;
  for (auto [axis, extent] : llvm::enumerate(*shape)) {
    if (extent == 0 && !allowsZero && axis < tensor.shape.size())
      extent = tensor.shape[axis];
    if (extent == -1 && !left)
      left = &extent;
    else if (extent <= 0 || elements > tensor.elements() / extent)
      return void(node.refuse("reshapes a constant of shape " + shapeText(tensor.shape) + " to " + shapeText(*shape)));
    else
      elements *= extent;
  }
  if (left)
    *left = tensor.elements() / elements;
  if (elements * (left ? *left : 1) != tensor.elements())
    return void(node.refuse("reshapes a constant of shape " + shapeText(tensor.shape) + " to " + shapeText(*shape)));
  resultOfShape(node, *known, *shape);
}

static void foldFlatten(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 1);
  Known *known = node.attributesAreFine() ? node.input(0) : nullptr;
  if (!known)
    return;
  ArrayRef<int64_t> shape = known->constant->shape;
  int64_t rank = shape.size();
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis > rank)
    return void(node.refuse("flattens from an axis that its input does not have"));
  auto product = [](ArrayRef<int64_t> extents) {
    return std::accumulate(extents.begin(), extents.end(), int64_t(1), std::multiplies<int64_t>());
  };
  resultOfShape(node, *known, {product(shape.take_front(axis)), product(shape.drop_front(axis))});
}

/// Axes are an attribute before opset 13 and an input from there on; false after `refuse`.
static bool readAxes(NodeImport &node, std::optional<std::vector<int64_t>> &axes) {
  axes = node.attributes.integers("axes");
  if (!node.attributesAreFine())
    return false;
  if (node.hasInput(1))
    axes = node.integerConstant(1, "its axes");
  return !node.isRefused();
}

static void foldSqueeze(NodeImport &node) {
  std::optional<std::vector<int64_t>> axes;
  Known *known = readAxes(node, axes) ? node.input(0) : nullptr;
  if (!known)
    return;
  ArrayRef<int64_t> shape = known->constant->shape;
  int64_t rank = shape.size();
  std::vector<int64_t> squeezed;
  for (int64_t axis = 0; axis < rank; ++axis) {
    bool isNamed = !axes || llvm::is_contained(*axes, axis) || llvm::is_contained(*axes, axis - rank);
    if (isNamed && axes && shape[axis] != 1)
      return void(node.refuse("drops a dimension that is not 1"));
    if (!isNamed || shape[axis] != 1)
      squeezed.push_back(shape[axis]);
  }
  resultOfShape(node, *known, squeezed);
}

static void foldUnsqueeze(NodeImport &node) {
  std::optional<std::vector<int64_t>> axes;
  Known *known = readAxes(node, axes) ? node.input(0) : nullptr;
  if (!known)
    return;
  std::vector<int64_t> shape = known->constant->shape;
  if (!axes)
    return void(node.refuse("lacks its axes"));
  int64_t rank = shape.size() + axes->size();
  for (int64_t &axis : *axes)
    axis += axis < 0 ? rank : 0;
  llvm::sort(*axes);
  for (int64_t axis : *axes) {
    if (axis < 0 || axis > static_cast<int64_t>(shape.size()) || rank > maxRank)
      return void(node.refuse("adds a dimension that is out of bounds"));
    shape.insert(shape.begin() + axis, 1);
  }
  resultOfShape(node, *known, shape);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Element by element in float32, extents of 1 being repeated.
template <float (*apply)(float, float)>
static void foldArithmetic(NodeImport &node) {
  if (node.inputCount() != 2)
    return void(node.refuse("has " + std::to_string(node.inputCount()) + " inputs, but two are expected"));
  if (!node.attributesAreFine())
    return;
  const Tensor *sides[] = {node.floatConstant(0, "an operand"), nullptr};
  sides[1] = sides[0] ? node.floatConstant(1, "an operand") : nullptr;
  if (!sides[1])
    return;
  Tensor result;
  size_t rank = std::max(sides[0]->shape.size(), sides[1]->shape.size());
  SmallVector<int64_t> strides[2];
  int64_t elements = 1;
  for (int side : {0, 1}) {
    strides[side].assign(rank, 0);
    int64_t stride = 1;
    for (size_t back = 1; back <= sides[side]->shape.size(); ++back) {
      int64_t extent = sides[side]->shape[sides[side]->shape.size() - back];
      strides[side][rank - back] = extent == 1 ? 0 : stride;
      stride *= extent;
    }
  }
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t extents[2];
    for (int side : {0, 1}) {
      size_t own = sides[side]->shape.size();
      extents[side] = axis + own < rank ? 1 : sides[side]->shape[axis + own - rank];
    }
    int64_t extent = std::max(extents[0], extents[1]);
    constexpr int64_t most = int64_t(1) << 28; // elements of a parameter
    if ((extents[0] != extent && extents[0] != 1) || (extents[1] != extent && extents[1] != 1) || extents[0] == 0 ||
        extents[1] == 0 || elements > most / extent)
      return void(node.refuse("combines constants of the shapes " + shapeText(sides[0]->shape) + " and " +
                              shapeText(sides[1]->shape) + ", which do not broadcast"));
    elements *= extent;
    result.shape.push_back(extent);
  }
  result.floats.resize(elements);
  for (int64_t at = 0; at < elements; ++at) {
    int64_t rest = at, from[2] = {0, 0};
    for (size_t axis = rank; axis-- > 0; rest /= result.shape[axis])
      for (int side : {0, 1})
        from[side] += rest % result.shape[axis] * strides[side][axis];
    result.floats[at] = apply(sides[0]->floats[from[0]], sides[1]->floats[from[1]]);
  }
  resultTensor(node, std::move(result));
}

static float sum(float a, float b) { return a + b; }
static float difference(float a, float b) { return a - b; }
static float product(float a, float b) { return a * b; }
static float quotient(float a, float b) { return a / b; }

Handler constantHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Transpose", foldTranspose)
      .Case("Reshape", foldReshape)
      .Case("Flatten", foldFlatten)
      .Case("Squeeze", foldSqueeze)
      .Case("Unsqueeze", foldUnsqueeze)
      .Case("Add", foldArithmetic<sum>)
      .Case("Sub", foldArithmetic<difference>)
      .Case("Mul", foldArithmetic<product>)
      .Case("Div", foldArithmetic<quotient>)
      .Default(nullptr);
}

} // namespace n2uq::onnx
