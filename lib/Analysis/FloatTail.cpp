// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/FloatTail.h"

namespace n2uq {

// One loop per step and kind, so that each of them becomes vector code.
void evaluateTail(const std::vector<TailStep> &steps, int64_t count, float *values) {
  for (const TailStep &step : steps) {
    float a = step.a, b = step.b;
    switch (step.kind) {
    case TailStep::Kind::Scale:
      for (int64_t i = 0; i < count; ++i)
        values[i] = applyScale(values[i], a);
      break;
    case TailStep::Kind::Offset:
      for (int64_t i = 0; i < count; ++i)
        values[i] = applyOffset(values[i], a);
      break;
    case TailStep::Kind::PReLU:
      for (int64_t i = 0; i < count; ++i)
        values[i] = applyPReLU(values[i], a);
      break;
    case TailStep::Kind::Clamp:
      for (int64_t i = 0; i < count; ++i)
        values[i] = applyClamp(values[i], a, b);
      break;
    }
  }
}

void evaluateTail(const std::vector<TailStep> &steps, int32_t first, int64_t count, float *values) {
  // Unsigned, so that the last chunk's unused numbers may wrap.
  for (int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(first) + static_cast<uint32_t>(i)));
  evaluateTail(steps, count, values);
}

} // namespace n2uq
