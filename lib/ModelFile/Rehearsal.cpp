// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Rehearsal.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace n2uq {

/// Far more than any model needs: 3 s and a second a megabyte; 2 GiB and 16 times the file.
static constexpr uint64_t leastSeconds = 3, bytesPerSecond = 1 << 20;
static constexpr uint64_t leastBytes = uint64_t(2) << 30, bytesPerInputByte = 16;

/// Address space in use, which the libraries and their tables take the most of.
static uint64_t usedAddressSpace() {
  uint64_t pages = 0;
  if (FILE *file = std::fopen("/proc/self/statm", "r")) {
    unsigned long long number = 0;
    if (std::fscanf(file, "%llu", &number) == 1)
      pages = number;
    std::fclose(file);
  }
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

static void limit(decltype(RLIMIT_AS) resource, uint64_t value) {
  rlimit limits;
  if (getrlimit(resource, &limits) != 0)
    return;
  limits.rlim_cur = std::min<rlim_t>(value, limits.rlim_max);
  setrlimit(resource, &limits);
}

bool survivesRehearsal(llvm::function_ref<void()> action, uint64_t inputBytes) {
  uint64_t used = usedAddressSpace();
  pid_t child = fork();
  if (child < 0)
    return true; // no rehearsal: the performance has to do
  if (child == 0) {
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) {
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
    }
    for (int number : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGXCPU})
      signal(number, SIG_DFL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, leastSeconds + inputBytes / bytesPerSecond);
#if !__has_feature(address_sanitizer) // whose shadow is larger than any limit
    if (used > 0)
      limit(RLIMIT_AS, used + leastBytes + bytesPerInputByte * inputBytes);
#endif
    action();
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return true;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace n2uq
