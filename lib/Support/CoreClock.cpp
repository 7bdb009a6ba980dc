// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CoreClock.h"

#include <chrono>
#include <cstdint>

namespace n2uq {

/// An integer multiplication takes three cycles from operand to result on every x86-64 CPU of the last fifteen years,
/// and each of these waits for the one before it.
static uint64_t chainOfMultiplications(int64_t count) {
  uint64_t value = 3, factor = 5;
  // The empty assembly keeps the compiler from knowing a value.
  asm volatile("" : "+r"(factor));
  for (int64_t i = 0; i < count; i += 8)
    for (int j = 0; j < 8; ++j) {
      value *= factor;
      asm volatile("" : "+r"(value));
    }
  return value;
}

double coreHertz() {
  constexpr double cyclesPerMultiplication = 3;
  constexpr int64_t multiplications = 800'000;
  auto start = std::chrono::steady_clock::now();
  chainOfMultiplications(multiplications);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return cyclesPerMultiplication * multiplications / seconds.count();
}

} // namespace n2uq
