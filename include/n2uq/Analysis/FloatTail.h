// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The float32 chain between a number and its code, for one channel: one function per op, the same formula as in the
// op's definition, one rounding per step. Plain C++, so that the proof of every fold can run without IR.
#ifndef N2UQ_ANALYSIS_FLOATTAIL_H
#define N2UQ_ANALYSIS_FLOATTAIL_H

#include <cstdint>
#include <vector>

namespace n2uq {

/// One rounding of a channel's tail. An `n2uq.affine` is up to two of them.
struct TailStep {
  enum class Kind { Scale, Offset, PReLU, Clamp };
  Kind kind;
  float a;        // scale, offset, slope, or lower bound
  float b = 0.0f; // upper bound of a clamp

  static TailStep scale(float s) { return {Kind::Scale, s}; }
  static TailStep offset(float o) { return {Kind::Offset, o}; }
  static TailStep prelu(float slope) { return {Kind::PReLU, slope}; }
  static TailStep clamp(float min, float max) { return {Kind::Clamp, min, max}; }
};

// The build forbids contraction (-ffp-contract=off): each of these rounds on its own.
inline float applyScale(float x, float scale) { return x * scale; }
inline float applyOffset(float x, float offset) { return x + offset; }
inline float applyPReLU(float x, float slope) { return x > 0.0f ? x : slope * x; }
inline float applyClamp(float x, float min, float max) { return x < min ? min : (x > max ? max : x); }

inline float apply(const TailStep &step, float x) {
  switch (step.kind) {
  case TailStep::Kind::Scale:
    return applyScale(x, step.a);
  case TailStep::Kind::Offset:
    return applyOffset(x, step.a);
  case TailStep::Kind::PReLU:
    return applyPReLU(x, step.a);
  case TailStep::Kind::Clamp:
    return applyClamp(x, step.a, step.b);
  }
  return x;
}

/// Whether the step never decreases: x <= y gives step(x) <= step(y) where neither is a NaN, for rounding is monotone.
inline bool isRising(const TailStep &step) {
  switch (step.kind) {
  case TailStep::Kind::Scale:
  case TailStep::Kind::PReLU:
    return step.a >= 0.0f; // not a NaN
  case TailStep::Kind::Offset:
  case TailStep::Kind::Clamp:
    return true;
  }
  return false;
}

/// The steps of one channel from a number to its quantizer, and the quantizer's row.
struct ChannelTail {
  std::vector<TailStep> steps;
  std::vector<float> thresholds;
  bool nanIsTop = false;

  unsigned top() const { return static_cast<unsigned>(thresholds.size()); }

  /// What the quantizer compares with its thresholds.
  float value(float x) const {
    for (const TailStep &step : steps)
      x = apply(step, x);
    return x;
  }

  /// `n2uq.quantize` of one number.
  unsigned codeOf(float value) const {
    if (value != value)
      return nanIsTop ? top() : 0;
    unsigned code = 0;
    for (float threshold : thresholds)
      code += value >= threshold;
    return code;
  }

  unsigned code(float x) const { return codeOf(value(x)); }
};

/// Writes the value behind all `steps` for `count` successive accumulators from `first` on. An accumulator becomes a
/// float32 number by one rounding to nearest even, as in `n2uq.affine`.
void evaluateTail(const std::vector<TailStep> &steps, int32_t first, int64_t count, float *values);

/// The same for float32 numbers, in place.
void evaluateTail(const std::vector<TailStep> &steps, int64_t count, float *values);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_FLOATTAIL_H
