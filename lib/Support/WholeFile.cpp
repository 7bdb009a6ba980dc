// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/WholeFile.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace n2uq {

WholeFile::~WholeFile() {
  if (!file)
    return;
  std::fclose(file);
  std::remove(temporary.c_str());
}

std::string WholeFile::fail(const std::string &reason) const { return "cannot write '" + path + "': " + reason; }

std::string WholeFile::open(const std::string &where) {
  path = where;
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return fail("it is there and not a file"); // and must not be replaced by one
  temporary = path + ".tmp" + std::to_string(::getpid());
  file = std::fopen(temporary.c_str(), "wb");
  return file ? "" : fail(std::strerror(errno));
}

std::string WholeFile::append(const void *data, size_t bytes) {
  return bytes == 0 || std::fwrite(data, 1, bytes, file) == bytes ? "" : fail(std::strerror(errno));
}

std::string WholeFile::finish() {
  bool good = std::fclose(file) == 0;
  file = nullptr;
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0)
    return "";
  std::string reason = std::strerror(errno);
  std::remove(temporary.c_str());
  return fail(reason);
}

} // namespace n2uq
