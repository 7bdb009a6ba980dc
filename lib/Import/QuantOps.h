// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of QONNX's Quant and BipolarQuant and of ONNX's QuantizeLinear on plain numbers, by their own
// definition.
#ifndef N2UQ_LIB_IMPORT_QUANTOPS_H
#define N2UQ_LIB_IMPORT_QUANTOPS_H

#include "OnnxModel.h"

#include <functional>

namespace n2uq::onnx {

enum class Rounding { Round, HalfUp, HalfDown, Up, Down, Ceil, Floor };

/// The rounding of that name in any case ("ROUND_TO_ZERO" is Brevitas' name of DOWN); none for another name.
std::optional<Rounding> roundingNamed(llvm::StringRef name);

/// What a Quant node says but for its scale and zero point.
struct QuantGrid {
  int bits = 8;
  bool isSigned = true, isNarrow = false;
  Rounding rounding = Rounding::Round;

  float lowest() const;
  float highest() const;
  /// The level of `x`: round(clamp(fl(fl(x / scale) + zeroPoint))), or the sign for one signed bit.
  float level(float x, float scale, float zeroPoint) const;
};

/// What QuantizeLinear says: level = saturate(rne(x / scale) + zero), with numbers for all channels or for each.
struct LinearGrid {
  std::vector<float> scale;
  std::vector<int64_t> zero;
  int64_t axis = 1;
  int64_t lowest = 0, highest = 255;

  int64_t level(float x, size_t channel) const;
};

/// A quantizer of activations as a non-decreasing step function to the levels lo, ..., hi, one for all channels or one
/// for each. Not every level has to be reached: a bipolar one has no 0.
struct Levels {
  int64_t lo, hi, rows;
  std::function<float(float x, int64_t row)> level;
};

/// The thresholds T_k of each row, k = lo + 1, ..., hi: the smallest float32 number whose level is at least k, so that
/// level(x) = lo + |{ k : x >= T_k }| on every float32 number.
std::vector<float> thresholdsOf(const Levels &levels);

/// A constant behind a quantizer: its value, and the integers that it stands for where there are some.
struct QuantizedTensor {
  Tensor value;
  /// value = integers * scale, where `scale` has the value's rank and broadcasts to it. Empty for a reason.
  std::vector<int32_t> integers;
  Tensor scale;
  /// Why there are no such integers; empty where there are.
  std::string reason;

  /// The scale as one number for all or one for each place of an axis; empty where it is neither.
  std::vector<float> scalesAlong(size_t axis) const;
};

/// Applies Quant to a constant. `scale` and `zeroPoint` broadcast to it. Returns what is wrong, or an empty string.
std::string quantizeConstant(const Tensor &constant, const Tensor &scale, const Tensor &zeroPoint,
                             const QuantGrid &grid, QuantizedTensor &result);
std::string bipolarConstant(const Tensor &constant, const Tensor &scale, QuantizedTensor &result);
/// Applies DequantizeLinear to a constant of integers; scale and zero point of `grid` count along its axis.
std::string dequantizeConstant(const Tensor &constant, const LinearGrid &grid, QuantizedTensor &result);

} // namespace n2uq::onnx

#endif // N2UQ_LIB_IMPORT_QUANTOPS_H
