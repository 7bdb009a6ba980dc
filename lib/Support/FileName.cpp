// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/FileName.h"

namespace n2uq {

static bool isPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::string fileNameOf(const std::string &name) {
  std::string result = name.substr(0, 200);
  for (char &c : result)
    if (!isPlain(c))
      c = '_';
  if (result.empty() || result[0] == '.')
    result = "_" + result.substr(result.empty() ? 0 : 1);
  return result;
}

} // namespace n2uq
