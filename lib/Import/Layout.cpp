// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that move or name tensors, and constants.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <algorithm>
#include <numeric>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

static int64_t featuresOf(ArrayRef<int64_t> shape) {
  int64_t features = 1;
  for (int64_t extent : shape.drop_front())
    features *= extent;
  return features;
}

/// The tensor as [batch, features], still as codes where it is codes.
static void createFlatten(NodeImport &node) {
  Known *known = node.tensor(0);
  if (!known)
    return;
  if (known->rank() == 2)
    return node.resultOfOtherForm(*known);
  Value input = known->tensor();
  auto type = cast<RankedTensorType>(input.getType());
  RankedTensorType flatType = node.typeOf({featuresOf(type.getShape())}, type.getElementType());
  if (!flatType)
    return;
  Value flat = FlattenOp::create(node.builder, node.loc, flatType, input);
  Known result;
  if (known->integers) {
    result = *known;
    result.floats = nullptr;
    // Each channel's scale counts for all of its pixels.
    if (known->scale.size() > 1) {
      int64_t pixels = type.getDimSize(1) * type.getDimSize(2);
      result.scale.clear();
      for (float scale : known->scale)
        result.scale.insert(result.scale.end(), pixels, scale);
    }
  }
  (known->integers ? result.integers : result.floats) = flat;
  node.resultOfOtherForm(std::move(result));
}

static void importFlatten(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 1);
  if (!node.attributesAreFine())
    return;
  Known *known = node.tensor(0);
  if (!known)
    return;
  if (axis != 1 && axis != 1 - known->rank())
    return void(node.refuse("flattens from axis " + std::to_string(axis) +
                            ", but only all dimensions behind the batch (axis 1) can be flattened"));
  createFlatten(node);
}

/// The extents behind the batch that a Reshape asks for: 0 copies one of the input's, -1 stands for what is left. None
/// where the batch would not stay as it is.
static std::optional<SmallVector<int64_t>> extentsBehindBatch(NodeImport &node, ArrayRef<int64_t> shape,
                                                              bool allowsZero, ArrayRef<int64_t> input) {
  if (shape.size() < 2)
    return std::nullopt;
  int64_t elements = featuresOf(input), known = 1, batch = node.importer.model.inputShape[0];
  SmallVector<int64_t> extents;
  int64_t *left = nullptr;
  for (auto [axis, extent] : llvm::enumerate(shape.drop_front())) {
    if (extent == 0 && !allowsZero && axis + 1 < input.size())
      extents.push_back(input[axis + 1]);
    else
      extents.push_back(extent);
  }
  for (int64_t &extent : extents) {
    if (extent == -1 && !left)
      left = &extent;
    else if (extent <= 0 || known > elements / extent)
      return std::nullopt;
    else
      known *= extent;
  }
  // A -1 for the batch leaves nothing else open.
  bool isBatch = (shape[0] == 0 && !allowsZero) || (shape[0] == -1 && !left) || (batch > 0 && shape[0] == batch);
  if (left && elements % known == 0)
    *left = elements / known;
  else if (left || known != elements)
    return std::nullopt;
  return isBatch ? std::optional(extents) : std::nullopt;
}

/// Features, or the pixels of another image, as an image.
static void createImage(NodeImport &node, Known &known, ArrayRef<int64_t> extents) {
  bool keepsCodes = known.areCodes() && known.scale.size() == 1;
  Value input = keepsCodes ? known.integers : node.importer.floatsOf(known);
  auto type = cast<RankedTensorType>(input.getType());
  RankedTensorType resultType = node.typeOf({extents[1], extents[2], extents[0]}, type.getElementType());
  if (!resultType)
    return;
  if (type.getRank() == 4) {
    RankedTensorType flatType = node.typeOf({featuresOf(type.getShape())}, type.getElementType());
    if (!flatType)
      return;
    input = FlattenOp::create(node.builder, parameterLocation(node.loc, "features"), flatType, input);
  }
  Value image = UnflattenOp::create(node.builder, node.loc, resultType, input);
  Known result;
  if (keepsCodes) {
    result = known;
    result.floats = nullptr;
    result.isRow = false;
  }
  (keepsCodes ? result.integers : result.floats) = image;
  node.resultOfOtherForm(std::move(result));
}

static void importReshape(NodeImport &node) {
  bool allowsZero = node.attributes.integer("allowzero", 0) != 0;
  if (!node.attributesAreFine())
    return;
  std::optional<std::vector<int64_t>> shape = node.integerConstant(1, "its shape");
  if (!shape)
    return;
  Known *known = node.input(0);
  if (known && known->split.empty())
    known = node.tensor(0);
  if (!known || !known->tensor())
    return;
  // The input's extents in the file's order.
  ArrayRef<int64_t> own = cast<ShapedType>(known->tensor().getType()).getShape();
  SmallVector<int64_t> input = {own[0]};
  if (known->rank() == 2) {
    input.push_back(own.back());
  } else {
    input.append(known->split.begin(), known->split.end());
    if (known->split.empty())
      input.push_back(own[3]);
    input.append({own[1], own[2]});
  }
  auto refuse = [&] {
    node.refuse("reshapes " + shapeText(input) + " to " + shapeText(*shape) + ", but only [batch, " +
                std::to_string(featuresOf(own)) +
                "], an image, or several dimensions in place of its channels are supported here");
  };
  std::optional<SmallVector<int64_t>> extents = extentsBehindBatch(node, *shape, allowsZero, input);
  if (!extents)
    return refuse();
  bool keepsPixels = own.size() == 4 && !known->isRow && extents->size() >= 3 && extents->back() == own[2] &&
                     (*extents)[extents->size() - 2] == own[1];
  if (!known->split.empty()) {
    // A shuffle ends where the channels are one dimension again.
    if (extents->size() != 3 || !keepsPixels)
      return refuse();
    Known whole = *known;
    whole.split.clear();
    if (std::optional<Known> result = createGather(node, node.loc, whole, {}, {}, known->order, 0.0f))
      node.resultOfOtherForm(std::move(*result));
    return;
  }
  if (extents->size() == 1)
    return createFlatten(node);
  if (extents->size() == 3)
    return keepsPixels ? node.resultOfOtherForm(*known) : createImage(node, *known, *extents);
  if (!keepsPixels)
    return refuse();
  Known result = *known;
  result.split.assign(extents->begin(), extents->end() - 2);
  result.order.resize(own[3]);
  std::iota(result.order.begin(), result.order.end(), 0);
  node.resultOfOtherForm(std::move(result));
}

/// Channels first to channels last and back, and channels among themselves where a Reshape made several dimensions of
/// them. Nothing moves here; the last Reshape gathers.
static void importTranspose(NodeImport &node) {
  std::optional<std::vector<int64_t>> order = node.attributes.integers("perm");
  if (!node.attributesAreFine())
    return;
  node.takesAnyLayout = true;
  Known *known = node.input(0);
  if (known && known->split.empty())
    known = node.tensor(0);
  if (!known || !known->tensor())
    return;
  Known result = *known;
  auto is = [&](ArrayRef<int64_t> wanted) { return order && ArrayRef<int64_t>(*order) == wanted; };
  if (known->split.empty()) {
    if (is({0, 1, 2, 3}) || is({0, 1}))
      return node.resultOfOtherForm(std::move(result));
    if (known->rank() == 4 &&
        is(known->isChannelsLast ? ArrayRef<int64_t>{0, 3, 1, 2} : ArrayRef<int64_t>{0, 2, 3, 1})) {
      result.isChannelsLast = !known->isChannelsLast;
      return node.resultOfOtherForm(std::move(result));
    }
  } else if (order && static_cast<int64_t>(order->size()) == known->rank()) {
    // Only the dimensions in the middle may change places.
    size_t parts = known->split.size();
    SmallVector<int64_t> places;
    for (size_t part = 0; part < parts; ++part)
      places.push_back((*order)[part + 1] - 1);
    SmallVector<int64_t> sorted = places;
    llvm::sort(sorted);
    bool isShuffle = order->front() == 0 && (*order)[parts + 1] == int64_t(parts + 1) &&
                     order->back() == int64_t(parts + 2) && sorted.front() == 0 &&
                     sorted.back() == int64_t(parts - 1) &&
                     std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
    if (isShuffle) {
      for (size_t part = 0; part < parts; ++part)
        result.split[part] = known->split[places[part]];
      for (auto [at, from] : llvm::enumerate(result.order)) {
        // The place in every new dimension, put together in the old order.
        SmallVector<int64_t> index(parts);
        int64_t rest = at;
        for (size_t part = parts; part-- > 0; rest /= result.split[part])
          index[places[part]] = rest % result.split[part];
        int64_t old = 0;
        for (size_t part = 0; part < parts; ++part)
          old = old * known->split[part] + index[part];
        from = known->order[old];
      }
      return node.resultOfOtherForm(std::move(result));
    }
  }
  node.refuse("moves dimensions in a way that is not supported; export the model with channels first (NCHW)");
}

bool namesHeightAndWidth(NodeImport &node, StringRef does) {
  std::optional<std::vector<int64_t>> axes = node.attributes.integers("axes");
  if (!node.attributesAreFine())
    return false;
  if (node.hasInput(1)) {
    axes = node.integerConstant(1, "its axes");
    if (!axes)
      return false;
  }
  if (axes)
    for (int64_t &axis : *axes)
      axis += axis < 0 ? 4 : 0;
  if (axes && (*axes == std::vector<int64_t>{2, 3} || *axes == std::vector<int64_t>{3, 2}))
    return true;
  return node.refuse(does + " other dimensions than height and width, which is not supported") != nullptr;
}

/// Without height and width, which are 1 behind a global pool.
static void importSqueeze(NodeImport &node) {
  if (!namesHeightAndWidth(node, "drops"))
    return;
  Known *known = node.tensor(0);
  if (!known)
    return;
  ArrayRef<int64_t> image = cast<ShapedType>(known->tensor().getType()).getShape();
  if (known->rank() != 4 || image[1] != 1 || image[2] != 1)
    return void(node.refuse("drops height and width, which are not 1"));
  createFlatten(node);
}

static void importIdentity(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (Known *known = node.input(0))
    node.resultOfOtherForm(*known);
}

/// Features as an image of one pixel.
static void importUnsqueeze(NodeImport &node) {
  if (!namesHeightAndWidth(node, "adds"))
    return;
  Known *known = node.tensor(0);
  if (!known)
    return;
  if (known->rank() != 2)
    return void(node.refuse("adds height and width to a tensor that has them"));
  if (!known->isRow)
    return createImage(node, *known, {channelsOf(known->tensor()), 1, 1});
  Known result = *known;
  result.isRow = false;
  node.resultOfOtherForm(std::move(result));
}

static void importDropout(NodeImport &node) {
  node.attributes.ignore("ratio"); // of training, as is the seed
  node.attributes.ignore("seed");
  if (!node.attributesAreFine() || !node.hasOnlyOutputs(1))
    return;
  if (node.hasInput(2)) {
    std::optional<std::vector<int64_t>> isTraining = node.integerConstant(2, "its training_mode");
    if (!isTraining)
      return;
    if (isTraining->size() != 1 || isTraining->front() != 0)
      return void(node.refuse("is in training mode; export the model after model.eval()"));
  }
  if (Known *known = node.input(0))
    node.resultOfOtherForm(*known);
}

static void importConstant(NodeImport &node) {
  auto tensor = std::make_shared<Tensor>();
  Attributes &attributes = node.attributes;
  if (const TensorProto *proto = attributes.tensor("value")) {
    if (std::string problem = decodeTensor(*proto, *tensor); !problem.empty())
      node.refuse("holds a tensor that " + problem);
  } else if (attributes.has("value_float")) {
    tensor->floats = {attributes.number("value_float", 0)};
  } else if (std::optional<std::vector<float>> numbers = attributes.numbers("value_floats")) {
    tensor->shape = {static_cast<int64_t>(numbers->size())};
    tensor->floats = *numbers;
  } else if (attributes.has("value_int")) {
    tensor->isFloat = false;
    tensor->ints = {attributes.integer("value_int", 0)};
  } else if (std::optional<std::vector<int64_t>> numbers = attributes.integers("value_ints")) {
    tensor->isFloat = false;
    tensor->shape = {static_cast<int64_t>(numbers->size())};
    tensor->ints = *numbers;
  } else {
    node.refuse("holds no value of a supported kind");
  }
  if (!node.attributesAreFine())
    return;
  Known known;
  known.constant = std::move(tensor);
  node.result(std::move(known));
}

Handler layoutHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Flatten", importFlatten)
      .Case("Reshape", importReshape)
      .Case("Squeeze", importSqueeze)
      .Case("Unsqueeze", importUnsqueeze)
      .Case("Transpose", importTranspose)
      .Case("Identity", importIdentity)
      .Case("Dropout", importDropout)
      .Case("Constant", importConstant)
      .Default(nullptr);
}

} // namespace n2uq::onnx
