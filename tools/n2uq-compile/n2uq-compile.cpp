// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model in, a shared library out: common/CompileDriver.cpp on a command line.
#include "common/CompileDriver.h"
#include "n2uq/Support/CommandLine.h"

#include <cstdio>

static const char tool[] = "n2uq-compile";

int main(int argc, char **argv) {
  n2uq::CompileListener listener;
  listener.progress = [](const std::string &text) { std::fprintf(stderr, "%s: %s\n", tool, text.c_str()); };
  listener.warning = [](const std::string &text) { std::fprintf(stderr, "%s: warning: %s\n", tool, text.c_str()); };
  std::string error = n2uq::runCompile(std::vector<std::string>(argv + 1, argv + argc), listener);
  return error.empty() ? 0 : n2uq::failWith(tool, error);
}
