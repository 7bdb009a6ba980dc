// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"

#include <limits>

using namespace mlir;

namespace n2uq {

static LogicalResult verifyTensor(Operation *op, StringRef what, Value tensor, bool dynamicBatch) {
  int64_t elements = 1;
  ArrayRef<int64_t> shape = cast<ShapedType>(tensor.getType()).getShape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i == 0 && dynamicBatch && ShapedType::isDynamic(shape[0]))
      continue;
    if (ShapedType::isDynamic(shape[i]))
      return op->emitOpError() << "expects " << what << " of static extents"
                               << (dynamicBatch ? " behind the batch" : "");
    if (shape[i] <= 0 || shape[i] > maxExtent)
      return op->emitOpError() << "expects extents of " << what << " between 1 and " << maxExtent << ", but got "
                               << shape[i];
    int64_t limit = dynamicBatch ? maxElements : maxParameterElements;
    if (elements > limit / shape[i])
      return op->emitOpError() << "expects " << what << " of at most " << limit << " elements";
    elements *= shape[i];
  }
  return success();
}

LogicalResult verifyExtents(Operation *op, StringRef what, Value tensor) {
  return verifyTensor(op, what, tensor, true);
}
LogicalResult verifyParameter(Operation *op, StringRef what, Value tensor) {
  return verifyTensor(op, what, tensor, false);
}

LogicalResult verifySameShape(Operation *op, Value input, Value result) {
  if (failed(verifyExtents(op, "its input", input)))
    return failure();
  if (cast<ShapedType>(input.getType()).getShape() != cast<ShapedType>(result.getType()).getShape())
    return op->emitOpError() << "expects a result of the shape of its input, " << input.getType() << ", but got "
                             << result.getType();
  return success();
}

LogicalResult verifyChannelVector(Operation *op, StringRef what, Value vector, int64_t channels) {
  if (failed(verifyParameter(op, what, vector)))
    return failure();
  int64_t count = cast<ShapedType>(vector.getType()).getDimSize(0);
  if (count != 1 && count != channels)
    return op->emitOpError() << "expects one number of " << what << " per channel (" << channels
                             << ") or one for all, but got " << count;
  return success();
}

LogicalResult verifyThresholdRows(Operation *op, StringRef what, Value thresholds, int64_t channels,
                                  bool onePerChannel) {
  if (failed(verifyParameter(op, what, thresholds)))
    return failure();
  int64_t rows = cast<ShapedType>(thresholds.getType()).getDimSize(0);
  if (rows != channels && (onePerChannel || rows != 1))
    return op->emitOpError() << "expects one row of " << what << " per channel (" << channels << ")"
                             << (onePerChannel ? "" : " or one for all") << ", but got " << rows;
  return success();
}

LogicalResult verifyWindowAttributes(Operation *op, ArrayRef<int64_t> strides, ArrayRef<int64_t> padding,
                                     ArrayRef<int64_t> dilations) {
  auto within = [](ArrayRef<int64_t> numbers, size_t count, int64_t least) {
    return numbers.size() == count && llvm::all_of(numbers, [&](int64_t n) { return n >= least && n <= maxExtent; });
  };
  if (!within(strides, 2, 1))
    return op->emitOpError() << "expects two positive strides";
  if (!within(dilations, 2, 1))
    return op->emitOpError() << "expects two positive dilations";
  if (!within(padding, 4, 0))
    return op->emitOpError() << "expects four paddings (top, bottom, left, right) that are not negative";
  return success();
}

LogicalResult verifyWindowResult(Operation *op, const Window &window, Value input, Value result) {
  auto in = cast<ShapedType>(input.getType()).getShape(), out = cast<ShapedType>(result.getType()).getShape();
  if (in[0] != out[0])
    return op->emitOpError() << "expects a result with the batch of its input";
  for (unsigned axis : {0u, 1u}) {
    std::optional<int64_t> extent = window.outputExtent(axis, in[1 + axis]);
    if (!extent)
      return op->emitOpError() << "expects a window that fits into the padded image, but its "
                               << (axis ? "width" : "height") << " " << window.reach(axis) << " is more than "
                               << in[1 + axis] + window.before[axis] + window.after[axis];
    if (*extent != out[1 + axis])
      return op->emitOpError() << "expects a result of " << (axis ? "width " : "height ") << *extent << ", but got "
                               << out[1 + axis];
  }
  return success();
}

LogicalResult verifyImageConv(Operation *op, const Window &window, Value input, int64_t limbs, Value scale,
                              Value offset, Value result) {
  auto in = cast<ShapedType>(input.getType()).getShape(), out = cast<ShapedType>(result.getType()).getShape();
  auto scales = cast<ShapedType>(scale.getType()).getShape(), offsets = cast<ShapedType>(offset.getType()).getShape();
  if (failed(verifyWindowResult(op, window, input, result))) // (C3)
    return failure();
  if (failed(verifyParameter(op, "its scale", scale)) || failed(verifyParameter(op, "its offset", offset)))
    return failure();
  int64_t rows = window.borderClasses(0, in[1], out[1]).size(), columns = window.borderClasses(1, in[2], out[2]).size();
  if (scales[0] != out[3] || offsets != ArrayRef<int64_t>{rows, columns, out[3]}) // (C4)
    return op->emitOpError() << "expects " << out[3] << " scales and offsets of " << rows << "x" << columns << "x"
                             << out[3] << " numbers, but got " << scale.getType() << " and " << offset.getType();
  int64_t taps = window.kernel[0] * window.kernel[1] * in[3], largest = 255 * (limbs == 1 ? 128 : 128 * 257);
  if (taps > std::numeric_limits<int32_t>::max() / largest) // (C5)
    return op->emitOpError() << "expects sums that fit into 32 bits, but " << taps << " taps of " << 8 * limbs
                             << " bits may leave them";
  return success();
}

Window makeWindow(int64_t kernelHeight, int64_t kernelWidth, ArrayRef<int64_t> strides, ArrayRef<int64_t> padding,
                  ArrayRef<int64_t> dilations, int64_t groups) {
  Window window;
  window.kernel[0] = kernelHeight;
  window.kernel[1] = kernelWidth;
  for (unsigned axis : {0u, 1u}) {
    window.strides[axis] = strides[axis];
    window.dilations[axis] = dilations.empty() ? 1 : dilations[axis];
    window.before[axis] = padding.empty() ? 0 : padding[2 * axis];
    window.after[axis] = padding.empty() ? 0 : padding[2 * axis + 1];
  }
  window.groups = groups;
  return window;
}

} // namespace n2uq
