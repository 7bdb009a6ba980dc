// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "QuantOps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <cstring>
#include <limits>

using namespace llvm;

namespace n2uq::onnx {

std::optional<Rounding> roundingNamed(StringRef name) {
  return StringSwitch<std::optional<Rounding>>(name)
      .CaseLower("ROUND", Rounding::Round)
      .CaseLower("HALF_EVEN", Rounding::Round)
      .CaseLower("HALF_UP", Rounding::HalfUp)
      .CaseLower("HALF_DOWN", Rounding::HalfDown)
      .CaseLower("UP", Rounding::Up)
      .CaseLower("DOWN", Rounding::Down)
      .CaseLower("ROUND_TO_ZERO", Rounding::Down)
      .CaseLower("CEIL", Rounding::Ceil)
      .CaseLower("FLOOR", Rounding::Floor)
      .Default(std::nullopt);
}

static float rounded(Rounding rounding, float y) {
  switch (rounding) {
  case Rounding::Round:
    return std::nearbyint(y);
  // Halves away from zero and toward it, with the sum rounded to float32 as qonnx and Brevitas have it: the number
  // before 0.5 goes up as well.
  case Rounding::HalfUp:
    return std::copysign(std::floor(std::fabs(y) + 0.5f), y);
  case Rounding::HalfDown:
    return std::copysign(std::ceil(std::fabs(y) - 0.5f), y);
  case Rounding::Up:
    return y > 0 ? std::ceil(y) : std::floor(y);
  case Rounding::Down:
    return std::trunc(y);
  case Rounding::Ceil:
    return std::ceil(y);
  case Rounding::Floor:
    return std::floor(y);
  }
  return y;
}

float QuantGrid::lowest() const {
  if (!isSigned)
    return 0.0f;
  return -std::ldexp(1.0f, bits - 1) + (isNarrow ? 1.0f : 0.0f);
}

float QuantGrid::highest() const {
  if (isSigned)
    return std::ldexp(1.0f, bits - 1) - 1.0f;
  return std::ldexp(1.0f, bits) - (isNarrow ? 2.0f : 1.0f);
}

float QuantGrid::level(float x, float scale, float zeroPoint) const {
  float y = x / scale;
  y = y + zeroPoint;
  if (isSigned && bits == 1)
    return y >= 0 ? 1.0f : -1.0f;
  float low = lowest(), high = highest();
  return rounded(rounding, y < low ? low : (y > high ? high : y));
}

int64_t LinearGrid::level(float x, size_t channel) const {
  float whole = std::nearbyint(x / scale[scale.size() == 1 ? 0 : channel]);
  // In double: a whole float and a zero point of eight bits have an exact sum there.
  double level = double(whole) + double(zero[zero.size() == 1 ? 0 : channel]);
  return level < lowest ? lowest : level > highest ? highest : static_cast<int64_t>(level);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

namespace {
/// Reads a parameter at an element of the tensor that it broadcasts to.
class Broadcast {
public:
  /// None where `parameter` does not broadcast to `shape`.
  static std::optional<Broadcast> of(const Tensor &parameter, ArrayRef<int64_t> shape) {
    size_t rank = shape.size();
    if (!parameter.isFloat || parameter.shape.size() > rank)
      return std::nullopt;
    Broadcast result(parameter, shape);
    result.strides.assign(rank, 0);
    int64_t stride = 1;
    for (size_t back = 1; back <= parameter.shape.size(); ++back) {
      int64_t extent = parameter.shape[parameter.shape.size() - back];
      if (extent != 1 && extent != shape[rank - back])
        return std::nullopt;
      if (extent != 1)
        result.strides[rank - back] = stride;
      stride *= extent;
    }
    return result;
  }
  float at(int64_t element) const {
    int64_t index = 0;
    for (size_t axis = shape.size(); axis-- > 0;) {
      index += element % shape[axis] * strides[axis];
      element /= shape[axis];
    }
    return parameter.floats[index];
  }

private:
  Broadcast(const Tensor &parameter, ArrayRef<int64_t> shape) : parameter(parameter), shape(shape) {}
  const Tensor &parameter;
  ArrayRef<int64_t> shape;
  std::vector<int64_t> strides;
};
} // namespace

static std::string checkScale(const Tensor &scale) {
  for (float s : scale.floats)
    if (!std::isfinite(s) || s == 0.0f)
      return "has a scale that is zero, infinite or not a number";
  return "";
}

/// `parameter` with leading extents of 1, so that it has `rank` dimensions.
static Tensor ofRank(Tensor parameter, size_t rank) {
  parameter.shape.insert(parameter.shape.begin(), rank - parameter.shape.size(), 1);
  return parameter;
}

/// Integers beyond this are not all float32 numbers, and no kernel multiplies with them.
static constexpr float maxInteger = 1 << 24;

std::vector<float> QuantizedTensor::scalesAlong(size_t axis) const {
  if (scale.elements() == 1)
    return scale.floats;
  for (auto [dimension, extent] : llvm::enumerate(scale.shape))
    if (extent != 1 && dimension != axis)
      return {};
  return scale.floats;
}

std::string quantizeConstant(const Tensor &constant, const Tensor &scale, const Tensor &zeroPoint,
                             const QuantGrid &grid, QuantizedTensor &result) {
  if (!constant.isFloat || constant.elements() == 0)
    return "quantizes a constant that is empty or not float32";
  std::optional<Broadcast> scales = Broadcast::of(scale, constant.shape),
                           zeros = Broadcast::of(zeroPoint, constant.shape);
  if (!scales || !zeros)
    return "has a scale or zero point that does not broadcast to the " + shapeText(constant.shape) +
           " tensor it quantizes";
  if (std::string problem = checkScale(scale); !problem.empty())
    return problem;
  // A half-integer zero point stands for odd integers: (k - z) * s = (2k - 2z) * (s / 2). All or none, so that one
  // scale vector serves.
  bool whole = true, half = true;
  for (float z : zeroPoint.floats) {
    if (!std::isfinite(z))
      return "has a zero point that is infinite or not a number";
    whole &= z == std::floor(z);
    half &= z != std::floor(z) && 2 * z == std::floor(2 * z);
  }
  float factor = half ? 2.0f : 1.0f;
  if (!whole && !half)
    result.reason = "its zero point is neither whole nor half-integer";

  result.value.shape = constant.shape;
  result.value.floats.resize(constant.elements());
  std::vector<int32_t> integers(constant.elements());
  for (int64_t i = 0, n = constant.elements(); i < n; ++i) {
    float x = constant.floats[i], s = scales->at(i), z = zeros->at(i);
    if (std::isnan(x))
      return "quantizes a weight that is not a number";
    float level = grid.level(x, s, z), steps = level - z;
    result.value.floats[i] = steps * s;
    if (std::fabs(steps) < maxInteger)
      integers[i] = static_cast<int32_t>(factor * steps);
    else
      result.reason = "its integers have more than 24 bits";
  }
  result.scale = ofRank(scale, constant.shape.size());
  for (float &s : result.scale.floats) {
    float halved = s / factor;
    if (halved * factor != s)
      result.reason = "half of its scale is no float32 number";
    s = halved;
  }
  if (result.reason.empty())
    result.integers = std::move(integers);
  return "";
}

std::string dequantizeConstant(const Tensor &constant, const LinearGrid &grid, QuantizedTensor &result) {
  size_t rank = constant.shape.size(), axis = grid.axis;
  bool perChannel = grid.scale.size() != 1 || grid.zero.size() != 1;
  size_t channels = perChannel ? std::max(grid.scale.size(), grid.zero.size()) : 1;
  if (constant.isFloat || constant.elements() == 0)
    return "takes a constant that is empty or holds no integers";
  if (perChannel && (axis >= rank || static_cast<size_t>(constant.shape[axis]) != channels))
    return "has " + std::to_string(channels) + " scales for a tensor of shape " + shapeText(constant.shape) +
           " along axis " + std::to_string(axis);
  int64_t inner = 1;
  for (size_t dimension = axis + 1; perChannel && dimension < rank; ++dimension)
    inner *= constant.shape[dimension];
  auto numberOf = [](const auto &numbers, size_t channel) { return numbers[numbers.size() == 1 ? 0 : channel]; };
  result.value.shape = constant.shape;
  result.value.floats.resize(constant.elements());
  result.integers.resize(constant.elements());
  for (int64_t i = 0, n = constant.elements(); i < n; ++i) {
    size_t channel = i / inner % channels;
    // In double: the difference of two numbers of 32 bits is exact there.
    double steps = double(constant.ints[i]) - double(numberOf(grid.zero, channel));
    result.value.floats[i] = static_cast<float>(steps) * numberOf(grid.scale, channel);
    if (std::fabs(steps) < maxInteger)
      result.integers[i] = static_cast<int32_t>(steps);
    else
      result.reason = "its integers have more than 24 bits";
  }
  if (!result.reason.empty())
    result.integers.clear();
  result.scale.floats = grid.scale;
  result.scale.shape.assign(rank, 1);
  if (grid.scale.size() != 1)
    result.scale.shape[axis] = channels;
  return checkScale(result.scale);
}

std::string bipolarConstant(const Tensor &constant, const Tensor &scale, QuantizedTensor &result) {
  Tensor zero;
  zero.floats = {0.0f};
  QuantGrid grid;
  grid.bits = 1;
  // BipolarQuant looks at the sign of x itself, not of x / scale: the same for a positive scale.
  for (float s : scale.floats)
    if (!(s > 0))
      return "has a scale that is not positive";
  return quantizeConstant(constant, scale, zero, grid, result);
}

//===----------------------------------------------------------------------===//
// Thresholds
//===----------------------------------------------------------------------===//

/// Maps float32 numbers (no NaN) to integers of the same order; -0 and +0 are neighbours.
static int32_t ordinalOf(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits < 0 ? std::numeric_limits<int32_t>::min() - bits - 1 : bits;
}
static float numberAt(int32_t ordinal) {
  int32_t bits = ordinal < 0 ? std::numeric_limits<int32_t>::min() - ordinal - 1 : ordinal;
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

std::vector<float> thresholdsOf(const Levels &levels) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> thresholds;
  for (int64_t row = 0; row < levels.rows; ++row)
    for (int64_t k = levels.lo + 1; k <= levels.hi; ++k) {
      // A level never falls, -inf has the lowest and +inf the highest one: bisection finds the one edge.
      int64_t below = ordinalOf(-infinity), reached = ordinalOf(infinity);
      while (reached - below > 1) {
        int64_t middle = below + (reached - below) / 2;
        (levels.level(numberAt(static_cast<int32_t>(middle)), row) >= k ? reached : below) = middle;
      }
      thresholds.push_back(numberAt(static_cast<int32_t>(reached)));
    }
  return thresholds;
}

} // namespace n2uq::onnx
