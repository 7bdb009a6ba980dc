// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Dialect/N2UQ/Upstream.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace n2uq;

#include "n2uq/Dialect/N2UQ/Dialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "n2uq/Dialect/N2UQ/Attrs.cpp.inc"
#include "n2uq/Dialect/N2UQ/Interfaces.cpp.inc"
#define GET_OP_CLASSES
#include "n2uq/Dialect/N2UQ/Ops.cpp.inc"

void N2UQDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "n2uq/Dialect/N2UQ/Attrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "n2uq/Dialect/N2UQ/Ops.cpp.inc"
      >();
}

// #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 7, 2]>
Attribute StrategyAttr::parse(AsmParser &parser, Type) {
  std::string kernel;
  int64_t lanes = 0;
  SmallVector<int64_t> tile;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword("kernel") || parser.parseEqual() ||
      parser.parseKeywordOrString(&kernel) || parser.parseComma() || parser.parseKeyword("lanes") ||
      parser.parseEqual() || parser.parseInteger(lanes) || parser.parseComma() || parser.parseKeyword("tile") ||
      parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     [&] { return parser.parseInteger(tile.emplace_back()); }) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<StrategyAttr>(loc, parser.getContext(), kernel, lanes, tile);
}

void StrategyAttr::print(AsmPrinter &printer) const {
  printer << "<kernel = ";
  printer.printKeywordOrString(getKernel());
  printer << ", lanes = " << getLanes() << ", tile = [";
  llvm::interleaveComma(getTile(), printer);
  printer << "]>";
}

LogicalResult StrategyAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef kernel, int64_t lanes,
                                   ArrayRef<int64_t> tile) {
  if (kernel.empty())
    return emitError() << "expects the name of a kernel";
  if (lanes != 1 && lanes != 4 && lanes != 8 && lanes != 16)
    return emitError() << "expects 1, 4, 8 or 16 lanes, but got " << lanes;
  for (int64_t extent : tile)
    if (extent <= 0 || extent > maxExtent)
      return emitError() << "expects tile extents between 1 and " << maxExtent << ", but got " << extent;
  return success();
}

namespace n2uq {

int64_t channelsOf(Value tensor) { return cast<ShapedType>(tensor.getType()).getShape().back(); }

int64_t codeBitsOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isUnsignedInteger() ? element.getIntOrFloatBitWidth() : 0;
}

bool isElementwise(Operation *op) {
  return isa<AffineOp, PReLUOp, ClampOp, SigmoidOp, AddOp, QuantizeOp, ThresholdOp, TwoSidedThresholdOp,
             SharedThresholdOp>(op) ||
         isUpstreamElementwise(op);
}

bool givesQuantizerCodes(Operation *op) {
  if (isa<QuantizeOp, ThresholdOp, TwoSidedThresholdOp, SharedThresholdOp>(op))
    return !nameOf(op).ends_with(unpooledSuffix);
  return op->hasAttr(pooledQuantizerAttrName);
}

StringRef nameOf(Operation *op) {
  if (auto loc = dyn_cast<NameLoc>(op->getLoc()))
    return loc.getName().getValue();
  return {};
}

} // namespace n2uq
