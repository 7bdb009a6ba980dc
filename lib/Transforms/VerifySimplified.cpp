// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/QuantizerTail.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/Upstream.h"
#include "n2uq/Transforms/Passes.h"

#define DEBUG_TYPE "n2uq-verify-simplified"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_VERIFYSIMPLIFIEDPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Checks (S1) to (S5) of Passes.td, reports everything that breaks them, and changes nothing.
namespace {
struct VerifySimplifiedPass final : impl::VerifySimplifiedPassBase<VerifySimplifiedPass> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

static bool isNetworkOp(Operation *op) {
  return isa<ToNHWCOp, FlattenOp, UnflattenOp, GatherOp, ConcatOp, Conv2DOp, FloatConv2DOp, ImageConv2DOp,
             FullyConnectedOp, AffineOp, PReLUOp, ClampOp, AddOp, SigmoidOp, QuantizeOp, ThresholdOp,
             TwoSidedThresholdOp, MaxPoolOp, AvgPoolOp>(op) ||
         isUpstreamElementwise(op);
}

/// (S1)
static LogicalResult verifySignature(func::FuncOp function) {
  auto isFloat = [](TypeRange types, ArrayRef<int64_t> ranks) {
    auto tensor = types.size() == 1 ? dyn_cast<RankedTensorType>(types.front()) : RankedTensorType();
    return tensor && tensor.getElementType().isF32() && (ranks.empty() || llvm::is_contained(ranks, tensor.getRank()));
  };
  auto takesPixels = [&] {
    return function.getNumArguments() == 1 && codeBitsOf(function.getArgument(0).getType()) == 8 &&
           llvm::all_of(function.getArgument(0).getUsers(), [](Operation *user) { return isa<ImageConv2DOp>(user); });
  };
  if ((isFloat(function.getArgumentTypes(), {2, 4}) || takesPixels()) && isFloat(function.getResultTypes(), {}))
    return success();
  return function.emitOpError()
         << "expects one float32 image [batch, channels, height, width], one float32 row [batch, features], or pixels "
            "that only 'n2uq.image_conv2d' reads, as argument and one float32 tensor as result, but got "
         << function.getFunctionType();
}

/// The operands that have to be constants: all behind the tensors that flow through the network.
static OperandRange parametersOf(Operation *op) {
  bool readsTensorsOnly = isa<ConcatOp, AddOp>(op) || isUpstreamElementwise(op);
  size_t tensors = readsTensorsOnly ? op->getNumOperands() : 1;
  return op->getOperands().drop_front(tensors);
}

/// (S3)
static LogicalResult verifyParameters(Operation *op) {
  for (Value tensor : op->getOperands().drop_back(parametersOf(op).size()))
    if (tensor.getDefiningOp<arith::ConstantOp>())
      return op->emitOpError()
             << "expects tensors that flow through the network, but reads a constant; n2uq.affine has "
                "constant operands";
  for (Value parameter : parametersOf(op))
    if (!constantFloats(parameter) && !constantBytes(parameter) && !constantInts(parameter))
      return op->emitOpError() << "expects parameters that are constants with content, but got " << parameter.getType();
  return success();
}

/// (S4)
static LogicalResult verifyFolded(QuantizeOp quantize) {
  if (!startsAtAccumulator(tailOpsBefore(quantize.getInput())) ||
      quantize->getAttrOfType<StringAttr>(floatTailAttrName))
    return success();
  return quantize.emitOpError() << "expects integer thresholds, or '" << floatTailAttrName
                                << "' with the reason why its float tail could not be folded";
}

/// (S5) The codes can leave their range only where a threshold changes them, or at the lowest accumulator.
static LogicalResult verifyCodes(TwoSidedThresholdOp op) {
  std::optional<std::vector<AccumulatorBounds>> bounds = accumulatorBoundsOf(op.getInput());
  std::optional<std::vector<int32_t>> base = constantInts(op.getBase()), up = constantInts(op.getUp()),
                                      down = constantInts(op.getDown());
  if (!bounds || !base || !up || !down)
    return success();
  size_t channels = base->size(), ups = up->size() / channels, downs = down->size() / channels;
  int64_t top = (int64_t(1) << codeBitsOf(op.getType())) - 1;
  for (size_t c = 0; c < channels; ++c) {
    TwoSidedRow row{(*base)[c], {}, {}};
    row.up.assign(up->begin() + c * ups, up->begin() + (c + 1) * ups);
    row.down.assign(down->begin() + c * downs, down->begin() + (c + 1) * downs);
    std::vector<int64_t> edges{(*bounds)[c].lo};
    edges.insert(edges.end(), row.up.begin(), row.up.end());
    edges.insert(edges.end(), row.down.begin(), row.down.end());
    for (int64_t edge : edges) {
      int64_t code = twoSidedCode(row, edge);
      if (edge >= (*bounds)[c].lo && edge <= (*bounds)[c].hi && (code < 0 || code > top))
        return op.emitOpError() << "expects codes from 0 to " << top << ", but channel " << c << " gives " << code
                                << " for accumulator " << edge;
    }
  }
  return success();
}

void VerifySimplifiedPass::runOnOperation() {
  func::FuncOp function = getOperation();
  bool ok = succeeded(verifySignature(function));
  if (!function.getBody().hasOneBlock()) { // (S2)
    function.emitOpError() << "expects a body of one block";
    return signalPassFailure();
  }
  auto verify = [&](Operation *op) {
    if (isa<arith::ConstantOp>(op))
      return true;
    if (!isNetworkOp(op)) { // (S2)
      op->emitOpError() << "is not an op of a simplified network";
      return false;
    }
    bool isSound = succeeded(verifyParameters(op));
    if (auto quantize = dyn_cast<QuantizeOp>(op))
      isSound &= succeeded(verifyFolded(quantize));
    if (auto threshold = dyn_cast<TwoSidedThresholdOp>(op))
      isSound &= succeeded(verifyCodes(threshold));
    return isSound;
  };
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (auto kernel = dyn_cast<KernelOp>(op))
      for (Operation &inner : kernel.getBody().front().without_terminator())
        ok &= verify(&inner);
    else
      ok &= verify(&op);
  }
  if (!ok)
    return signalPassFailure();
  markAllAnalysesPreserved();
}

} // namespace n2uq
