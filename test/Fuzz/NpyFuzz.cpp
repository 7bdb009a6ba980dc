// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays in .npy files.
#include "Fuzz.h"

#include "n2uq/Support/Npy.h"

#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace n2uq::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The reader takes a path; this is one of a file in memory.
  static const int file = memfd_create("array.npy", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "a file can be made");

  n2uq::NpyArray array;
  std::string error = n2uq::readNpy(path, array);
  if (!error.empty()) {
    requireSentence(error);
    return 0;
  }
  int64_t bytes = n2uq::NpyArray::elementBytes(array.dtype) * array.elements();
  require(bytes == static_cast<int64_t>(array.data.size()), "an array has the bytes that its shape says");
  touch(array.data.data(), array.data.size());
  return 0;
}
