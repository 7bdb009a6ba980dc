// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes by lines to a shared axis, and what the ops on registers for it compute.
#include "Evaluate.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace n2uq {

/// sat(rne(value)) in the signed numbers of `width` bits.
static int64_t placeOn(int64_t width, float value) {
  int64_t most = (int64_t(1) << (width - 1)) - 1, least = -most - 1;
  double rounded = std::nearbyint(static_cast<double>(value)); // ties to even
  if (rounded > static_cast<double>(most))
    return most;
  return rounded >= static_cast<double>(least) ? static_cast<int64_t>(rounded) : least;
}

/// ((z + table[cell]) mod 2^width) >> (width - 4), cell = (z mod 2^width) >> (width - log2(cells)).
static unsigned codeAt(int64_t width, int64_t cells, const int32_t *table, int64_t z) {
  uint64_t modulus = uint64_t(1) << width, place = static_cast<uint64_t>(z) % modulus;
  uint64_t cell = place / (modulus / static_cast<uint64_t>(cells));
  uint64_t sum = (place + static_cast<uint32_t>(table[cell])) % modulus;
  return static_cast<unsigned>(sum >> (width - 4));
}

void evaluate(SharedThresholdOp op, const Array &input, const Array &scale, const Array &offset, const Array &table,
              const Array *sign, Array &result, unsigned threads) {
  int64_t channels = result.shape.back(), lines = scale.shape[1], width = op.getWidth();
  unsigned mask = (1u << codeBitsOf(op.getType())) - 1;
  parallelFor(result.elements() / channels, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * channels; i < end * channels; ++i) {
      int64_t row = i % channels * lines;
      float x = static_cast<float>(input.as<int32_t>()[i]);
      float highest = std::fmaf(x, scale.as<float>()[row], offset.as<float>()[row]);
      for (int64_t j = 1; j < lines; ++j)
        highest = std::max(highest, std::fmaf(x, scale.as<float>()[row + j], offset.as<float>()[row + j]));
      if (sign)
        highest *= sign->as<float>()[i % channels % sign->shape[0]];
      result.as<uint8_t>()[i] = codeAt(width, table.shape[0], table.as<int32_t>(), placeOn(width, highest)) & mask;
    }
  });
}

void evaluate(CellCodesOp op, ArrayRef<const Array *> values, Array &result) {
  int64_t width = op.getWidth(), i = 0;
  for (const Array *vector : values)
    for (int64_t j = 0; j < vector->elements(); ++j)
      result.as<int8_t>()[i++] =
          static_cast<int8_t>(codeAt(width, static_cast<int64_t>(op.getTable().size()), op.getTable().data(),
                                     placeOn(width, vector->as<float>()[j])));
}

void evaluate(PermuteOp, const Array &table, const Array &index, Array &result) {
  uint32_t elements = static_cast<uint32_t>(table.elements());
  auto permute = [&](const auto *from, auto *to) {
    for (uint32_t i = 0; i < elements; ++i)
      to[i] = from[static_cast<uint32_t>(index.as<int32_t>()[i]) % elements];
  };
  if (std::holds_alternative<std::vector<float>>(table.data))
    permute(table.as<float>(), result.as<float>());
  else
    permute(table.as<int32_t>(), result.as<int32_t>());
}

} // namespace n2uq
