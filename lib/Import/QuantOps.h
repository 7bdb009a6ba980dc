// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of QONNX's Quant and BipolarQuant on plain numbers, by their own definition.
#ifndef N2UQ_LIB_IMPORT_QUANTOPS_H
#define N2UQ_LIB_IMPORT_QUANTOPS_H

#include "OnnxModel.h"

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

/// A constant behind Quant: its value, and the integers that it stands for where there are some.
struct QuantizedTensor {
  Tensor value;
  /// value = weights * scale with one scale per extent of the first dimension (or one for all), weights in `i8`.
  std::vector<int8_t> weights;
  std::vector<float> scale;
  /// Why there are no such weights; empty where there are.
  std::string reason;
};

/// Applies Quant to a constant. `scale` and `zeroPoint` broadcast to it. Returns what is wrong, or an empty string.
std::string quantizeConstant(const Tensor &constant, const Tensor &scale, const Tensor &zeroPoint,
                             const QuantGrid &grid, QuantizedTensor &result);
std::string bipolarConstant(const Tensor &constant, const Tensor &scale, QuantizedTensor &result);

/// The thresholds T_k, k = 1, ..., highest level, of an unsigned Quant with a positive scale and zero point 0: the
/// smallest float32 number whose level is at least k, so that level(x) = |{ k : x >= T_k }| on every float32 number.
std::vector<float> thresholdsOf(const QuantGrid &grid, float scale);

} // namespace n2uq::onnx

#endif // N2UQ_LIB_IMPORT_QUANTOPS_H
