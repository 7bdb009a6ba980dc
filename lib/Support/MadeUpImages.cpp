// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/MadeUpImages.h"

#include <cstring>

namespace n2uq {

std::vector<uint8_t> madeUpImages(size_t bytes, bool areFloats) {
  std::vector<uint8_t> data(bytes);
  uint32_t state = 1;
  auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
  if (areFloats) {
    for (size_t i = 0; i + sizeof(float) <= bytes; i += sizeof(float)) {
      float value = static_cast<float>(next() % 65536) / 16384.0f - 2.0f;
      std::memcpy(&data[i], &value, sizeof(float));
    }
  } else {
    for (uint8_t &value : data)
      value = static_cast<uint8_t>(next());
  }
  return data;
}

} // namespace n2uq
