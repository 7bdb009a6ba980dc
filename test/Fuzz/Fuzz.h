// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the fuzz targets share. Each holds its reader to its whole contract: no crash, no leak, no hang, and of what is
// refused one sentence.
#ifndef N2UQ_TEST_FUZZ_FUZZ_H
#define N2UQ_TEST_FUZZ_FUZZ_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace n2uq::fuzz {

/// Ends the program where a contract is broken; libFuzzer keeps the input.
inline void require(bool holds, const char *contract) {
  if (holds)
    return;
  std::fprintf(stderr, "broken contract: %s\n", contract);
  std::abort();
}

/// A sentence: there is one, on one line.
inline void requireSentence(std::string_view text) {
  require(!text.empty(), "what is refused gets a sentence");
  require(text.find('\n') == std::string_view::npos, "a sentence is one line");
}

/// Reads every byte, so that the address sanitizer sees memory that is not there.
inline void touch(const void *data, size_t size) {
  unsigned sum = 0;
  for (size_t i = 0; i < size; ++i)
    sum += static_cast<const uint8_t *>(data)[i];
  asm volatile("" ::"r"(sum)); // or nothing would need to be read
}

} // namespace n2uq::fuzz

#endif // N2UQ_TEST_FUZZ_FUZZ_H
