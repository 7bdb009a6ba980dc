// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/IR/PatternMatch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace n2uq;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

LogicalResult ToNHWCOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())))
    return failure();
  auto in = shapeOf(getInput()), out = shapeOf(getResult());
  if (out[0] != in[0] || out[1] != in[2] || out[2] != in[3] || out[3] != in[1]) // (C1)
    return emitOpError() << "expects a result of the shape of its input with the channels moved to the end";
  return success();
}

LogicalResult FlattenOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())))
    return failure();
  auto in = shapeOf(getInput()), out = shapeOf(getResult());
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError() << "expects a result of the element type of its input";
  if (out[0] != in[0] || out[1] != in[1] * in[2] * in[3]) // (C1)
    return emitOpError() << "expects a result of " << in[1] * in[2] * in[3] << " features and the batch of its input";
  return success();
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// (C1) to (C4), the same for codes and floats.
template <typename Op>
static LogicalResult verifyConv(Op op) {
  if (failed(verifyExtents(op, "its input", op.getInput())) ||
      failed(verifyParameter(op, "its filter", op.getFilter())) ||
      failed(verifyExtents(op, "its result", op.getResult())))
    return failure();
  if (failed(verifyWindowAttributes(op, op.getStrides(), op.getPadding(), op.getDilations()))) // (C1)
    return failure();
  auto in = shapeOf(op.getInput()), filter = shapeOf(op.getFilter()), out = shapeOf(op.getResult());
  int64_t groups = op.getGroups();
  if (groups <= 0 || in[3] % groups != 0 || out[3] % groups != 0) // (C2)
    return op.emitOpError() << "expects a number of groups that divides " << in[3] << " and " << out[3]
                            << " channels, but got " << groups;
  if (filter[0] != out[3] || filter[3] != in[3] / groups) // (C3)
    return op.emitOpError() << "expects a filter of " << out[3] << " outputs and " << in[3] / groups
                            << " channels, but got " << op.getFilter().getType();
  return verifyWindowResult(op, op.getWindow(), op.getInput(), op.getResult()); // (C4)
}

Window Conv2DOp::getWindow() {
  auto filter = shapeOf(getFilter());
  return makeWindow(filter[1], filter[2], getStrides(), getPadding(), getDilations(), getGroups());
}

int64_t Conv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult Conv2DOp::verify() {
  if (failed(verifyConv(*this)))
    return failure();
  auto filter = shapeOf(getFilter());
  int64_t taps = filter[1] * filter[2] * filter[3], code = (int64_t(1) << codeBitsOf(getInput().getType())) - 1;
  if (taps > std::numeric_limits<int32_t>::max() / (code * 128)) // (C5)
    return emitOpError() << "expects an accumulator that fits into 32 bits, but " << taps << " products of codes up to "
                         << code << " may leave them";
  return success();
}

Window FloatConv2DOp::getWindow() {
  auto filter = shapeOf(getFilter());
  return makeWindow(filter[1], filter[2], getStrides(), getPadding(), getDilations(), getGroups());
}

int64_t FloatConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult FloatConv2DOp::verify() { return verifyConv(*this); }

Window ImageConv2DOp::getWindow() {
  auto limbs = shapeOf(getLimbs());
  return makeWindow(limbs[2], limbs[3], getStrides(), getPadding(), {});
}

int64_t ImageConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult ImageConv2DOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyParameter(*this, "its limbs", getLimbs())) ||
      failed(verifyExtents(*this, "its result", getResult())) ||
      failed(verifyWindowAttributes(*this, getStrides(), getPadding(), {1, 1}))) // (C1)
    return failure();
  auto limbs = shapeOf(getLimbs());
  if (limbs[0] > 3 || limbs[1] != channelsOf(getResult()) || limbs[4] != channelsOf(getInput())) // (C2)
    return emitOpError() << "expects one to three limbs of weights from " << channelsOf(getInput()) << " to "
                         << channelsOf(getResult()) << " channels, but got " << getLimbs().getType();
  return verifyImageConv(*this, getWindow(), getInput(), limbs[0], getScale(), getOffset(),
                         getResult()); // (C3) to (C5)
}

int64_t FullyConnectedOp::getMacsPerOutput() { return channelsOf(getInput()); }

LogicalResult FullyConnectedOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyParameter(*this, "its weights", getWeights())))
    return failure();
  auto in = shapeOf(getInput()), weights = shapeOf(getWeights()), out = shapeOf(getResult());
  if (weights[0] != out[1] || weights[1] != in[1] || in[0] != out[0]) // (C1)
    return emitOpError() << "expects weights of " << out[1] << " rows and " << in[1] << " columns, but got "
                         << getWeights().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

LogicalResult AffineOp::verify() {
  if (failed(verifySameShape(*this, getInput(), getResult()))) // (C2)
    return failure();
  int64_t channels = channelsOf(getInput());
  if (getScale() && failed(verifyChannelVector(*this, "its scale", getScale(), channels))) // (C1)
    return failure();
  if (getOffset() && failed(verifyChannelVector(*this, "its offset", getOffset(), channels))) // (C1)
    return failure();
  return success();
}

/// Whether every element of a constant is exactly `number`, the sign of a zero included.
static bool isAll(Value constant, float number) {
  std::optional<std::vector<float>> values = constantFloats(constant);
  return values && llvm::all_of(*values, [&](float value) {
           return value == number && std::signbit(value) == std::signbit(number);
         });
}

/// An affine without steps is its input. x * 1 and x + -0 are x on every float, so those steps go first (below).
OpFoldResult AffineOp::fold(FoldAdaptor) {
  if (!getScale() && !getOffset() && getInput().getType() == getType())
    return getInput();
  return {};
}

namespace {
/// x * 1 = x and x + -0 = x for every float x (x + 0 is not: -0 + 0 = 0).
struct DropIdentitySteps final : OpRewritePattern<AffineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AffineOp op, PatternRewriter &rewriter) const override {
    bool dropScale = op.getScale() && isAll(op.getScale(), 1.0f);
    bool dropOffset = op.getOffset() && isAll(op.getOffset(), -0.0f);
    if (!dropScale && !dropOffset)
      return rewriter.notifyMatchFailure(op, "no step is the identity");
    rewriter.modifyOpInPlace(op, [&] {
      if (dropOffset)
        op.getOffsetMutable().clear();
      if (dropScale)
        op.getScaleMutable().clear();
    });
    return success();
  }
};
} // namespace

void AffineOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropIdentitySteps>(context);
}

LogicalResult PReLUOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())))
    return failure();
  return verifyChannelVector(*this, "its slope", getSlope(), channelsOf(getInput())); // (C1)
}

/// x > 0 ? x : 1 * x is x.
OpFoldResult PReLUOp::fold(FoldAdaptor) { return isAll(getSlope(), 1.0f) ? getInput() : OpFoldResult(); }

LogicalResult ClampOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())))
    return failure();
  if (!(getMin() <= getMax())) // (C1); false for a NaN
    return emitOpError() << "expects a lower bound that is not greater than the upper one";
  return success();
}

LogicalResult SigmoidOp::verify() { return verifyExtents(*this, "its input", getInput()); }

OpFoldResult ClampOp::fold(FoldAdaptor) {
  if (getMin().isInfinity() && getMin().isNegative() && getMax().isInfinity() && !getMax().isNegative())
    return getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

template <typename Op>
static LogicalResult verifyOneSided(Op op) {
  if (failed(verifySameShape(op, op.getInput(), op.getResult()))) // (C3)
    return failure();
  if (failed(verifyThresholdRows(op, "thresholds", op.getThresholds(), channelsOf(op.getInput()),
                                 /*onePerChannel=*/false))) // (C1)
    return failure();
  int64_t count = shapeOf(op.getThresholds())[1], top = (int64_t(1) << codeBitsOf(op.getType())) - 1;
  if (count > top) // (C2)
    return op.emitOpError() << "expects at most " << top << " thresholds for codes of " << codeBitsOf(op.getType())
                            << " bits, but got " << count;
  return success();
}

LogicalResult QuantizeOp::verify() { return verifyOneSided(*this); }
LogicalResult ThresholdOp::verify() { return verifyOneSided(*this); }

LogicalResult TwoSidedThresholdOp::verify() {
  if (failed(verifySameShape(*this, getInput(), getResult()))) // (C2)
    return failure();
  int64_t channels = channelsOf(getInput());
  if (failed(verifyParameter(*this, "its base", getBase())))
    return failure();
  if (shapeOf(getBase())[0] != channels) // (C1)
    return emitOpError() << "expects one base code per channel (" << channels << "), but got " << shapeOf(getBase())[0];
  if (failed(verifyThresholdRows(*this, "rising thresholds", getUp(), channels, /*onePerChannel=*/true)))
    return failure();
  return verifyThresholdRows(*this, "falling thresholds", getDown(), channels, /*onePerChannel=*/true);
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

static LogicalResult verifyKernelExtents(Operation *op, ArrayRef<int64_t> kernel) {
  if (kernel.size() != 2 || kernel[0] <= 0 || kernel[1] <= 0 || kernel[0] > maxExtent || kernel[1] > maxExtent)
    return op->emitOpError() << "expects a kernel of two positive extents";
  return success();
}

Window MaxPoolOp::getWindow() { return makeWindow(getKernel()[0], getKernel()[1], getStrides(), getPadding(), {}); }

LogicalResult MaxPoolOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyExtents(*this, "its result", getResult())) || failed(verifyKernelExtents(*this, getKernel())) ||
      failed(verifyWindowAttributes(*this, getStrides(), getPadding(), {1, 1}))) // (C1)
    return failure();
  for (unsigned side = 0; side < 4; ++side)
    if (getPadding()[side] >= getKernel()[side / 2]) // (C1)
      return emitOpError() << "expects padding smaller than the kernel, but got " << getPadding()[side] << " beside "
                           << getKernel()[side / 2];
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()) ||
      channelsOf(getInput()) != channelsOf(getResult())) // (C2)
    return emitOpError() << "expects a result of the element type and channels of its input";
  return verifyWindowResult(*this, getWindow(), getInput(), getResult()); // (C2)
}

OpFoldResult MaxPoolOp::fold(FoldAdaptor) {
  auto all = [](ArrayRef<int64_t> numbers, int64_t n) {
    return llvm::all_of(numbers, [&](int64_t x) { return x == n; });
  };
  if (all(getKernel(), 1) && all(getStrides(), 1) && all(getPadding(), 0))
    return getInput();
  return {};
}

Window AvgPoolOp::getWindow() { return makeWindow(getKernel()[0], getKernel()[1], getStrides(), {}, {}); }

LogicalResult AvgPoolOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyExtents(*this, "its result", getResult())) || failed(verifyKernelExtents(*this, getKernel())) ||
      failed(verifyWindowAttributes(*this, getStrides(), {0, 0, 0, 0}, {1, 1}))) // (C1)
    return failure();
  if (channelsOf(getInput()) != channelsOf(getResult())) // (C2)
    return emitOpError() << "expects a result with the channels of its input";
  return verifyWindowResult(*this, getWindow(), getInput(), getResult()); // (C2)
}
