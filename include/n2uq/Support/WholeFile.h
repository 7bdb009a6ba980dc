// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that appear whole or not at all, for tools that do not link LLVM.
#ifndef N2UQ_SUPPORT_WHOLEFILE_H
#define N2UQ_SUPPORT_WHOLEFILE_H

#include <cstdio>
#include <string>

namespace n2uq {

/// Writes a temporary file beside `path`, which gets its name when finish() succeeds and goes away with the writer
/// until then. All functions return an empty string or one sentence.
class WholeFile {
public:
  WholeFile() = default;
  ~WholeFile();
  WholeFile(const WholeFile &) = delete;
  WholeFile &operator=(const WholeFile &) = delete;

  std::string open(const std::string &path);
  std::string append(const void *data, size_t bytes);
  std::string append(const std::string &text) { return append(text.data(), text.size()); }
  std::string finish();

  /// The sentence about `path` and a reason.
  std::string fail(const std::string &reason) const;

private:
  std::string path, temporary;
  FILE *file = nullptr;
};

} // namespace n2uq

#endif // N2UQ_SUPPORT_WHOLEFILE_H
