// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../Dialect/N2UQ/ShapeRules.h"
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// `count` numbers between `least` and the largest extent, or those of `absent`.
static bool readNumbers(NodeImport &node, StringRef name, int64_t least, SmallVectorImpl<int64_t> &numbers) {
  std::optional<std::vector<int64_t>> found = node.attributes.integers(name);
  if (!found)
    return true;
  if (found->size() != numbers.size() || llvm::any_of(*found, [&](int64_t n) { return n < least || n > maxExtent; }))
    return node.refuse("has " + name + " that are not " + std::to_string(numbers.size()) + " numbers between " +
                       std::to_string(least) + " and " + std::to_string(maxExtent)) != nullptr;
  numbers.assign(found->begin(), found->end());
  return true;
}

bool WindowAttributes::read(NodeImport &node, bool isPool) {
  SmallVector<int64_t, 4> pads = {0, 0, 0, 0}; // ONNX's order: top, left, bottom, right
  if (!readNumbers(node, "strides", 1, strides) || !readNumbers(node, "dilations", 1, dilations) ||
      !readNumbers(node, "pads", 0, pads))
    return false;
  padding = {pads[0], pads[2], pads[1], pads[3]};
  autoPad = node.attributes.text("auto_pad", "NOTSET");
  if (!llvm::is_contained({"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"}, autoPad))
    return node.refuse("has an auto_pad of " + quoted(autoPad) + ", which is not known") != nullptr;
  if (autoPad != "NOTSET" && llvm::any_of(padding, [](int64_t p) { return p != 0; }))
    return node.refuse("has both pads and auto_pad; remove one") != nullptr;
  if (isPool) {
    roundsUp = node.attributes.integer("ceil_mode", 0) != 0;
    if (dilations[0] != 1 || dilations[1] != 1)
      return node.refuse("has a dilated window, which is not supported for pools") != nullptr;
  }
  return true;
}

std::optional<SmallVector<int64_t, 2>> WindowAttributes::resultExtents(NodeImport &node, ArrayRef<int64_t> kernel,
                                                                       ArrayRef<int64_t> image) {
  SmallVector<int64_t, 2> extents;
  for (unsigned axis : {0u, 1u}) {
    int64_t reach = (kernel[axis] - 1) * dilations[axis] + 1, stride = strides[axis];
    int64_t &before = padding[2 * axis], &after = padding[2 * axis + 1];
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      int64_t out = (image[axis] + stride - 1) / stride;
      int64_t total = std::max<int64_t>((out - 1) * stride + reach - image[axis], 0);
      before = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    }
    if (before > maxExtent || after > maxExtent || reach > image[axis] + before + after) {
      node.refuse("has a window of " + std::to_string(reach) + " that does not fit into an image of " +
                  std::to_string(image[axis]) + " with its padding");
      return std::nullopt;
    }
    int64_t rest = (image[axis] + before + after - reach) % stride;
    if (roundsUp && rest != 0) {
      // The further window reaches into more padding at the end. Frameworks differ on one that lies in the padding
      // alone.
      after += stride - rest;
      if (image[axis] + before + after - reach - before >= image[axis]) {
        node.refuse(
            "has a last window (ceil_mode) outside of the image, which frameworks treat differently; set ceil_mode "
            "to 0");
        return std::nullopt;
      }
    }
    extents.push_back((image[axis] + before + after - reach) / stride + 1);
  }
  return extents;
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

static bool readKernel(NodeImport &node, SmallVectorImpl<int64_t> &kernel) {
  if (!node.attributes.has("kernel_shape"))
    return node.refuse("lacks the attribute 'kernel_shape'") != nullptr;
  return readNumbers(node, "kernel_shape", 1, kernel);
}

static void createMaxPool(NodeImport &node, ArrayRef<int64_t> kernel, WindowAttributes window) {
  // Codes of a positive scale have the order of their values, so the pool may work on the codes.
  Known *known = node.codes(0);
  bool onCodes = known && known->rank() == 4 && llvm::all_of(known->scale, [](float s) { return s > 0; });
  Value input = onCodes ? known->integers : node.image(0);
  if (!input)
    return;
  ArrayRef<int64_t> image = cast<ShapedType>(input.getType()).getShape();
  SmallVector<int64_t, 2> whole = {image[1], image[2]};
  if (kernel.empty())
    kernel = whole;
  std::optional<SmallVector<int64_t, 2>> extents = window.resultExtents(node, kernel, {image[1], image[2]});
  if (!extents)
    return;
  for (unsigned side = 0; side < 4; ++side)
    if (window.padding[side] >= kernel[side / 2])
      return void(node.refuse("has padding that is not smaller than its window"));
  RankedTensorType type = node.typeOf({(*extents)[0], (*extents)[1], image[3]}, getElementTypeOrSelf(input.getType()));
  if (!type)
    return;
  Value pooled = MaxPoolOp::create(node.builder, node.loc, type, input, kernel, window.strides, window.padding);
  Known result;
  if (onCodes) {
    result = *known;
    result.floats = nullptr;
  }
  (onCodes ? result.integers : result.floats) = pooled;
  node.result(std::move(result));
}

static void importMaxPool(NodeImport &node) {
  WindowAttributes window;
  SmallVector<int64_t, 2> kernel = {1, 1};
  node.attributes.ignore("storage_order"); // of the second output
  if (readKernel(node, kernel) && window.read(node, /*isPool=*/true) && node.attributesAreFine() &&
      node.hasOnlyOutputs(1))
    createMaxPool(node, kernel, window);
}

static void importGlobalMaxPool(NodeImport &node) {
  if (node.attributesAreFine())
    createMaxPool(node, {}, {});
}

/// `countsPadding`: padding is zeros that are averaged as well.
static Value createAvgPool(NodeImport &node, ArrayRef<int64_t> kernel, WindowAttributes window,
                           bool countsPadding = false) {
  Value input = node.image(0);
  if (!input)
    return nullptr;
  ArrayRef<int64_t> image = cast<ShapedType>(input.getType()).getShape();
  SmallVector<int64_t, 2> whole = {image[1], image[2]};
  if (kernel.empty())
    kernel = whole;
  std::optional<SmallVector<int64_t, 2>> extents = window.resultExtents(node, kernel, {image[1], image[2]});
  if (!extents)
    return nullptr;
  if (llvm::any_of(window.padding, [](int64_t p) { return p != 0; })) {
    if (countsPadding && window.roundsUp)
      return node.refuse("counts padding in windows that reach beyond it (count_include_pad with ceil_mode), which "
                         "frameworks do differently; set one of the two to 0"),
             nullptr;
    if (!countsPadding) {
      for (unsigned side = 0; side < 4; ++side)
        if (window.padding[side] >= kernel[side / 2])
          return node.refuse("has padding that is not smaller than its window"), nullptr;
      RankedTensorType type = node.typeOf({(*extents)[0], (*extents)[1], image[3]}, node.builder.getF32Type());
      if (!type)
        return nullptr;
      return createInnerMean(node.builder, node.loc, input, kernel, window.strides, window.padding, type);
    }
    Known plain;
    plain.floats = input;
    std::optional<Known> padded = createGather(node, parameterLocation(node.loc, "pad"), plain,
                                               paddedPlaces(image[1], window.padding[0], window.padding[1]),
                                               paddedPlaces(image[2], window.padding[2], window.padding[3]), {}, 0.0f);
    if (!padded)
      return nullptr;
    input = padded->floats;
  }
  RankedTensorType type = node.typeOf({(*extents)[0], (*extents)[1], image[3]}, node.builder.getF32Type());
  if (!type)
    return nullptr;
  return AvgPoolOp::create(node.builder, node.loc, type, input, kernel, window.strides);
}

static void importAveragePool(NodeImport &node) {
  WindowAttributes window;
  SmallVector<int64_t, 2> kernel = {1, 1};
  bool countsPadding = node.attributes.integer("count_include_pad", 0) != 0;
  if (!readKernel(node, kernel) || !window.read(node, /*isPool=*/true) || !node.attributesAreFine())
    return;
  if (Value result = createAvgPool(node, kernel, window, countsPadding))
    node.result(result);
}

static void importGlobalAveragePool(NodeImport &node) {
  if (!node.attributesAreFine())
    return;
  if (Value result = createAvgPool(node, {}, {}))
    node.result(result);
}

/// The mean over height and width, with or without these dimensions in the result.
static void importReduceMean(NodeImport &node) {
  bool keepsDimensions = node.attributes.integer("keepdims", 1) != 0;
  node.attributes.ignore("noop_with_empty_axes"); // the axes are not empty
  if (!namesHeightAndWidth(node, "averages over"))
    return;
  Value result = createAvgPool(node, {}, {});
  if (!result)
    return;
  if (!keepsDimensions)
    result =
        FlattenOp::create(node.builder, node.loc, node.typeOf({channelsOf(result)}, node.builder.getF32Type()), result);
  node.result(result);
}

Handler poolHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("MaxPool", importMaxPool)
      .Case("GlobalMaxPool", importGlobalMaxPool)
      .Case("AveragePool", importAveragePool)
      .Case("GlobalAveragePool", importGlobalAveragePool)
      .Case("ReduceMean", importReduceMean)
      .Default(nullptr);
}

} // namespace n2uq::onnx
