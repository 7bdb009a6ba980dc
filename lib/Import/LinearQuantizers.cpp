// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's own quantizers: QuantizeLinear, a Clip that takes levels away, DequantizeLinear. They are one quantizer
// together, made where the last one says what a level is worth.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

/// Scale and zero point, inputs 2 and 3, one number each or one for each place of the axis; false after `refuse`.
/// `type` is that of the zero point where there is one.
static bool readGrid(NodeImport &node, LinearGrid &grid, std::optional<int32_t> &type) {
  grid.axis = node.attributes.integer("axis", 1);
  if (node.attributes.integer("block_size", 0) != 0)
    node.refuse("quantizes in blocks, which is not supported; use one scale for all or one per channel");
  node.attributes.ignore("saturate"); // of small floats
  if (!node.attributesAreFine())
    return false;
  const Tensor *scale = node.floatConstant(1, "its scale");
  if (!scale)
    return false;
  if (scale->shape.size() > 1 || scale->elements() == 0 ||
      !llvm::all_of(scale->floats, [](float s) { return std::isfinite(s) && s > 0; }))
    return node.refuse("has a scale that is not one positive number or one for each channel") != nullptr;
  grid.scale = scale->floats;
  grid.zero = {0};
  if (!node.hasInput(2))
    return true;
  Known *zero = node.input(2);
  if (!zero)
    return false;
  if (!zero->constant || zero->constant->isFloat || zero->constant->elements() == 0 ||
      (zero->constant->elements() != 1 && zero->constant->elements() != scale->elements()))
    return node.refuse("has a zero point that is not one constant integer or one for each channel") != nullptr;
  grid.zero = zero->constant->ints;
  type = zero->constant->type;
  // More of them would be the same everywhere in files that count per channel.
  if (llvm::all_equal(grid.zero))
    grid.zero.resize(1);
  return true;
}

static void importQuantizeLinear(NodeImport &node) {
  auto pending = std::make_shared<PendingLevels>();
  int64_t outputType = node.attributes.integer("output_dtype", 0);
  node.attributes.ignore("precision"); // of small floats
  std::optional<int32_t> type;
  if (!readGrid(node, pending->grid, type))
    return;
  if (!type)
    type = outputType ? static_cast<int32_t>(outputType) : TensorProto::UINT8;
  std::optional<SmallInteger> integers = smallInteger(*type);
  if (!integers)
    return void(
        node.refuse("quantizes to another type than int8, uint8, int4, uint4, int2 and uint2; use one of them"));
  pending->grid.lowest = integers->lowest();
  pending->grid.highest = integers->highest();
  if (node.isConstant(0)) {
    if (!node.floatConstant(0, "weights"))
      return;
    pending->constant = node.input(0)->constant;
  } else if (!(pending->floats = node.floats(0))) {
    return;
  }
  Known result;
  result.isRow = node.input(0)->isRow;
  result.pending = std::move(pending);
  node.resultOfOtherForm(std::move(result));
}

bool importClipOfLevels(NodeImport &node) {
  Known *known = node.hasInput(0) ? node.input(0) : nullptr;
  if (!known || !known->pending)
    return false;
  auto pending = std::make_shared<PendingLevels>(*known->pending);
  if (!node.attributesAreFine())
    return true;
  for (int side : {1, 2}) {
    if (!node.hasInput(side))
      continue;
    std::optional<std::vector<int64_t>> bound = node.integerConstant(side, "a bound");
    if (!bound)
      return true;
    if (bound->size() != 1)
      return node.refuse("has a bound that is not one integer"), true;
    if (side == 1)
      pending->grid.lowest = std::max(pending->grid.lowest, bound->front());
    else
      pending->grid.highest = std::min(pending->grid.highest, bound->front());
  }
  if (pending->grid.lowest >= pending->grid.highest)
    return node.refuse("leaves less than two levels of what it clips"), true;
  Known result = *known;
  result.pending = std::move(pending);
  return node.resultOfOtherForm(std::move(result)), true;
}

/// A constant of integers, or of floats that QuantizeLinear made such.
static void dequantizeTensor(NodeImport &node, const Tensor &integers, LinearGrid grid) {
  if (grid.axis < 0)
    grid.axis += integers.shape.size();
  auto quantized = std::make_shared<QuantizedTensor>();
  if (grid.axis < 0)
    return void(node.refuse("has an axis that its input does not have"));
  if (std::string problem = dequantizeConstant(integers, grid, *quantized); !problem.empty())
    return void(node.refuse(problem));
  resultConstant(node, std::move(quantized));
}

static void dequantizePending(NodeImport &node, const PendingLevels &pending, const LinearGrid &grid) {
  const LinearGrid &own = pending.grid;
  if (pending.constant) {
    Tensor integers;
    integers.shape = pending.constant->shape;
    integers.isFloat = false;
    size_t channels = std::max(own.scale.size(), own.zero.size()), axis = own.axis < 0 ? 0 : own.axis;
    int64_t inner = 1, rank = integers.shape.size();
    if (channels > 1 && (own.axis < 0 || own.axis >= rank || integers.shape[axis] != int64_t(channels)))
      return void(node.refuse("has another number of scales than its constant has places along its axis"));
    for (int64_t dimension = own.axis + 1; channels > 1 && dimension < rank; ++dimension)
      inner *= integers.shape[dimension];
    for (auto [i, x] : llvm::enumerate(pending.constant->floats)) {
      if (std::isnan(x))
        return void(node.refuse("quantizes a weight that is not a number"));
      integers.ints.push_back(own.level(x, i / inner % channels));
    }
    return dequantizeTensor(node, integers, grid);
  }
  int64_t rank = node.input(0)->isRow ? 2 : cast<ShapedType>(pending.floats.getType()).getRank();
  int64_t channels = channelsOf(pending.floats);
  for (const LinearGrid *side : {&own, &grid})
    if ((side->scale.size() > 1 || side->zero.size() > 1) &&
        ((side->axis != 1 && side->axis != 1 - rank) ||
         (side->scale.size() > 1 && static_cast<int64_t>(side->scale.size()) != channels)))
      return void(node.refuse("counts its scales along another axis than the " + std::to_string(channels) +
                              " channels of its input"));
  if (grid.zero.size() > 1)
    return void(node.refuse("has zero points that differ between channels, which is not supported"));
  Levels levels{own.lowest, own.highest, static_cast<int64_t>(std::max(own.scale.size(), own.zero.size())),
                [&](float x, int64_t row) { return static_cast<float>(own.level(x, row)); }};
  importLevels(node, pending.floats, levels, double(grid.zero.front()), grid.scale);
}

static void importDequantizeLinear(NodeImport &node) {
  LinearGrid grid;
  std::optional<int32_t> type;
  node.attributes.ignore("output_dtype"); // float32, as the scale is
  if (!readGrid(node, grid, type))
    return;
  Known *known = node.input(0);
  if (!known)
    return;
  if (known->pending)
    return dequantizePending(node, *known->pending, grid);
  if (known->constant)
    return dequantizeTensor(node, *known->constant, grid);
  if (known->tensor())
    node.refuse("dequantizes a tensor that no QuantizeLinear makes, which is not supported");
}

Handler linearHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("QuantizeLinear", importQuantizeLinear)
      .Case("DequantizeLinear", importDequantizeLinear)
      .Default(nullptr);
}

} // namespace n2uq::onnx
