// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Is the compiled model the model? Its codes and outputs against the reference's, bit for bit: DiffDriver.cpp on a
// command line.
#include "DiffDriver.h"

#include "n2uq/Support/CommandLine.h"

#include <cstdio>
#include <unistd.h>

int main(int argc, char **argv) {
  auto progress = [](int64_t done, int64_t images) {
    if (isatty(STDERR_FILENO))
      std::fprintf(stderr, "\rcompared %lld of %lld images%s", static_cast<long long>(done),
                   static_cast<long long>(images), done == images ? "\n" : "");
  };
  std::unique_ptr<n2uq::Comparison> comparison;
  std::string error = n2uq::runDiff(std::vector<std::string>(argv + 1, argv + argc), nullptr, progress, comparison);
  if (error.empty() && comparison)
    comparison->print();
  if (error.empty() && (std::fflush(stdout) != 0 || std::ferror(stdout)))
    error = "cannot write to the standard output";
  if (!error.empty())
    return n2uq::failWith("n2uq-diff", error);
  return !comparison || comparison->isEqual() ? 0 : 1;
}
