// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq-compile as a function of its command line, for the tool itself and for the Python package, which calls it in its
// own process.
#ifndef N2UQ_TOOLS_COMMON_COMPILEDRIVER_H
#define N2UQ_TOOLS_COMMON_COMPILEDRIVER_H

#include <functional>
#include <string>
#include <vector>

namespace n2uq {

/// Who hears of a compilation, and how it is called.
struct CompileListener {
  std::function<void(const std::string &)> progress, warning;
  /// Calls its argument once. False where it did not come to its end (a crash in LLVM): nothing that it worked on is
  /// touched again.
  std::function<bool(const std::function<void()> &)> guard = [](const std::function<void()> &compile) {
    compile();
    return true;
  };
};

/// Does what `arguments` (without the program's name) say. Returns an empty string or one sentence, which a list may
/// follow (failWith prints both).
std::string runCompile(std::vector<std::string> arguments, const CompileListener &listener);

} // namespace n2uq

#endif // N2UQ_TOOLS_COMMON_COMPILEDRIVER_H
