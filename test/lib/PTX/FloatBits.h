// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_TEST_PTX_FLOATBITS_H
#define N2UQ_TEST_PTX_FLOATBITS_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace n2uq::ptx {

/// The NaN that instructions give: 0x7fffffff for .f32.
template <typename T>
T canonicalNaN() {
  T result;
  uint64_t bits = sizeof(T) == 4 ? 0x7fffffffu : UINT64_C(0x7fffffffffffffff);
  std::memcpy(&result, &bits, sizeof(T));
  return result;
}
template <typename T>
T canonical(T value) {
  return std::isnan(value) ? canonicalNaN<T>() : value;
}

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_FLOATBITS_H
