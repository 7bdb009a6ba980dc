// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include <cmath>

using namespace mlir;
using namespace n2uq;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

LogicalResult GatherOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) || failed(verifyExtents(*this, "its result", getResult())))
    return failure();
  auto in = shapeOf(getInput()), out = shapeOf(getResult());
  if (out[0] != in[0] || getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult())) // (C2)
    return emitOpError() << "expects a result of the batch and element type of its input";
  std::pair<StringRef, ArrayRef<int64_t>> lists[] = {
      {"rows", getRows()}, {"columns", getColumns()}, {"channels", getChannels()}};
  for (auto [axis, list] : llvm::enumerate(lists)) {
    auto [name, places] = list;
    int64_t extent = in[axis + 1], wanted = out[axis + 1];
    if (places.empty()) { // (C2)
      if (wanted != extent)
        return emitOpError() << "expects a list of " << name << ", for its result has " << wanted << " and its input "
                             << extent;
      continue;
    }
    if (static_cast<int64_t>(places.size()) != wanted) // (C1)
      return emitOpError() << "expects places for " << wanted << " " << name << ", but got " << places.size();
    for (int64_t place : places)
      if (place < -1 || place >= extent) // (C1)
        return emitOpError() << "expects places of " << name << " between -1 and " << extent - 1 << ", but got "
                             << place;
  }
  float fill = getFill().convertToFloat();
  int64_t bits = codeBitsOf(getInput().getType());
  if (bits > 0 && !(fill >= 0 && fill < static_cast<float>(int64_t(1) << bits) && fill == std::floor(fill))) // (C3)
    return emitOpError() << "expects a fill that is a code of " << bits << " bits, but got " << getFillAttr();
  return success();
}

/// Nothing moves where all lists are absent.
OpFoldResult GatherOp::fold(FoldAdaptor) {
  return getRows().empty() && getColumns().empty() && getChannels().empty() ? getInput() : OpFoldResult();
}

LogicalResult ConcatOp::verify() {
  if (getInputs().empty()) // (C1)
    return emitOpError() << "expects at least one input";
  if (failed(verifyExtents(*this, "its result", getResult())))
    return failure();
  auto out = shapeOf(getResult());
  int64_t channels = 0;
  for (Value input : getInputs()) {
    if (failed(verifyExtents(*this, "an input", input)))
      return failure();
    if (getElementTypeOrSelf(input) != getElementTypeOrSelf(getResult()) ||
        shapeOf(input).drop_back() != out.drop_back()) // (C2)
      return emitOpError() << "expects inputs that differ from its result in their channels only, but got "
                           << input.getType() << " beside " << getType();
    channels += channelsOf(input);
  }
  if (channels != out.back()) // (C2)
    return emitOpError() << "expects a result of the " << channels << " channels of its inputs, but got " << out.back();
  return success();
}

LogicalResult UnflattenOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) || failed(verifyExtents(*this, "its result", getResult())))
    return failure();
  auto in = shapeOf(getInput()), out = shapeOf(getResult());
  if (out[0] != in[0] || getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()) ||
      out[1] * out[2] * out[3] != in[1]) // (C1)
    return emitOpError() << "expects a result of " << in[1]
                         << " elements an image, and of the batch and element type of its input";
  return success();
}

/// Backwards and forwards ends where it began.
OpFoldResult UnflattenOp::fold(FoldAdaptor) {
  auto flatten = getInput().getDefiningOp<FlattenOp>();
  return flatten && flatten.getInput().getType() == getType() ? flatten.getInput() : OpFoldResult();
}
