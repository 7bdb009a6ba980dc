// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Build.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

using namespace mlir;

namespace n2uq {

Location parameterLocation(Location loc, StringRef role) {
  auto name = dyn_cast<NameLoc>(loc);
  if (!name)
    return loc;
  return NameLoc::get(StringAttr::get(loc.getContext(), name.getName().getValue() + "." + role));
}

Value createAffine(OpBuilder &builder, Location loc, Value input, ArrayRef<float> scale, ArrayRef<float> offset) {
  auto numbers = [&](ArrayRef<float> data, StringRef role) -> Value {
    if (data.empty())
      return {};
    return createFloats(builder, parameterLocation(loc, role), {static_cast<int64_t>(data.size())}, data);
  };
  Value scales = numbers(scale, "scale"), offsets = numbers(offset, "offset");
  Type type = cast<RankedTensorType>(input.getType()).clone(builder.getF32Type());
  return AffineOp::create(builder, loc, type, input, scales, offsets);
}

/// An image of one number: n2uq.gather fills places that come from nowhere.
static Value createFilled(OpBuilder &builder, Location loc, Value like, float number) {
  auto type = cast<RankedTensorType>(like.getType());
  std::vector<int64_t> nowhere(type.getDimSize(1), -1);
  return GatherOp::create(builder, loc, type, like, nowhere, ArrayRef<int64_t>(), ArrayRef<int64_t>(),
                          llvm::APFloat(number));
}

Value createNumbers(OpBuilder &builder, Location loc, Value like, ArrayRef<float> numbers) {
  auto type = cast<RankedTensorType>(like.getType());
  loc = parameterLocation(loc, "numbers");
  bool isRow = type.getRank() == 2, isOne = llvm::all_equal(numbers);
  if (isRow)
    like = UnflattenOp::create(builder, loc, type.clone({type.getDimSize(0), 1, 1, type.getDimSize(1)}), like);
  Value result = createFilled(builder, loc, like, isOne ? numbers.front() : 1.0f);
  if (!isOne)
    result = createAffine(builder, loc, result, numbers, {});
  return isRow ? FlattenOp::create(builder, loc, type, result).getResult() : result;
}

/// The sum of a window's elements inside of the image, in the order of an average pool: a depthwise convolution with
/// ones. fma(x, 1, acc) = fl(acc + x), and taps outside of the image are left out.
static Value createWindowSum(OpBuilder &builder, Location loc, Value image, ArrayRef<int64_t> kernel,
                             ArrayRef<int64_t> strides, ArrayRef<int64_t> padding, RankedTensorType type) {
  int64_t channels = channelsOf(image);
  std::vector<float> ones(channels * kernel[0] * kernel[1], 1.0f);
  Value filter = createFloats(builder, parameterLocation(loc, "weight"), {channels, kernel[0], kernel[1], 1}, ones);
  return FloatConv2DOp::create(builder, loc, type, image, filter, strides, padding, ArrayRef<int64_t>{1, 1}, channels);
}

Value createInnerMean(OpBuilder &builder, Location loc, Value image, ArrayRef<int64_t> kernel,
                      ArrayRef<int64_t> strides, ArrayRef<int64_t> padding, RankedTensorType type) {
  Value inside = createFilled(builder, parameterLocation(loc, "inside"), image, 1.0f);
  Value sum = createWindowSum(builder, parameterLocation(loc, "sum"), image, kernel, strides, padding, type);
  Value count = createWindowSum(builder, parameterLocation(loc, "count"), inside, kernel, strides, padding, type);
  return arith::DivFOp::create(builder, loc, sum, count);
}

} // namespace n2uq
