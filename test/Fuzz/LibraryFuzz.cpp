// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file of a compiled model, as it is checked before the system's loader sees it. The checksum stops nearly every
// damage, so each input is checked as it is, and once more with a trailer that fits.
#include "Fuzz.h"

#include "internal.h"

#include <cstring>
#include <elf.h>
#include <vector>

using namespace n2uq::fuzz;

static void check(const std::vector<unsigned char> &bytes) {
  if (n2uq_check_image("model.so", bytes.data(), bytes.size()) != N2UQ_OK) {
    requireSentence(n2uq_last_error());
    return;
  }
  // What the loader will map must be there.
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD)
      touch(bytes.data() + segment.p_offset, segment.p_filesz);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<unsigned char> bytes(data, data + size);
  check(bytes);
  n2uq_trailer trailer = {N2UQ_TRAILER_MAGIC, size, n2uq_checksum(data, size)};
  const unsigned char *end = reinterpret_cast<const unsigned char *>(&trailer);
  bytes.insert(bytes.end(), end, end + sizeof trailer);
  bytes.shrink_to_fit();
  check(bytes);
  return 0;
}
