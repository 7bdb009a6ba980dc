// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace n2uq;

static LogicalResult verifyAxis(Operation *op, int64_t width, int64_t cells) {
  if (width != 16 && width != 32)
    return op->emitOpError() << "expects an axis of 16 or 32 bits, but got " << width;
  if (cells != 32 && cells != 64)
    return op->emitOpError() << "expects a table of 32 or 64 cells, but got " << cells;
  return success();
}

LogicalResult SharedThresholdOp::verify() {
  if (failed(verifySameShape(*this, getInput(), getResult()))) // (C3)
    return failure();
  if (failed(verifyThresholdRows(*this, "lines", getScale(), channelsOf(getInput()), /*onePerChannel=*/true))) // (C1)
    return failure();
  int64_t lines = cast<ShapedType>(getScale().getType()).getDimSize(1);
  if (lines > 2) // (C1)
    return emitOpError() << "expects one or two lines per channel, but got " << lines;
  if (failed(verifyParameter(*this, "its table", getTable())) ||
      failed(verifyAxis(*this, getWidth(), cast<ShapedType>(getTable().getType()).getDimSize(0)))) // (C2)
    return failure();
  if (codeBitsOf(getType()) > 4) // (C4)
    return emitOpError() << "expects codes of at most 4 bits, but got " << codeBitsOf(getType());
  if (getSign() && failed(verifyChannelVector(*this, "its sign", getSign(), channelsOf(getInput())))) // (C5)
    return failure();
  return success();
}

LogicalResult CellCodesOp::verify() {
  int64_t elements = 0;
  for (Value vector : getValues())
    elements += cast<VectorType>(vector.getType()).getNumElements();
  if (elements != getType().getNumElements()) // (C1)
    return emitOpError() << "expects a byte for each of its " << elements << " values, but got "
                         << getType().getNumElements();
  return verifyAxis(*this, getWidth(), getTable().size()); // (C2)
}

LogicalResult PermuteOp::verify() {
  int64_t elements = cast<VectorType>(getTable().getType()).getNumElements();
  if (!llvm::isPowerOf2_64(elements)) // (C1)
    return emitOpError() << "expects vectors of a power of two elements, but got " << elements;
  return success();
}
