// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's .npy files (format versions 1.0 to 3.0, C order, little endian): what the tools read and write.
#ifndef N2UQ_SUPPORT_NPY_H
#define N2UQ_SUPPORT_NPY_H

#include "n2uq/Support/WholeFile.h"

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq {

struct NpyArray {
  /// NumPy's name of the element type: "<f4", "|u1", "|i1", "<i4" or "<i8".
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;

  int64_t elements() const;
  /// Bytes of one element of `dtype`; 0 for a type that is not read here.
  static int64_t elementBytes(const std::string &dtype);
  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(data.data());
  }
};

/// Reads a file. Returns an empty string, or one sentence that says what is wrong with it.
std::string readNpy(const std::string &path, NpyArray &array);

/// Writes a file: whole or not at all (through a temporary file beside it). Returns an empty string or one sentence.
std::string writeNpy(const std::string &path, const NpyArray &array);
std::string writeNpy(const std::string &path, const std::string &dtype, const std::vector<int64_t> &shape,
                     const void *data);

/// Writes a file piece by piece, for arrays that should not lie in memory as a whole. It appears under its name when
/// finish() succeeds; until then it is a temporary file beside it, which goes away with the writer.
class NpyWriter {
public:
  /// All three return an empty string, or one sentence. `shape` is that of the whole array.
  std::string open(const std::string &path, const std::string &dtype, const std::vector<int64_t> &shape);
  std::string append(const void *data, int64_t bytes);
  std::string finish();

private:
  WholeFile file;
  int64_t bytesLeft = 0;
};

} // namespace n2uq

#endif // N2UQ_SUPPORT_NPY_H
