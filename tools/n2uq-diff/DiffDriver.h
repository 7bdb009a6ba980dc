// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq-diff as a function of its command line, for the tool itself and for the Python package.
#ifndef N2UQ_TOOLS_N2UQ_DIFF_DIFFDRIVER_H
#define N2UQ_TOOLS_N2UQ_DIFF_DIFFDRIVER_H

#include "Compare.h"

#include <functional>
#include <memory>

namespace n2uq {

/// Hears how many images of how many are compared, where that takes long.
using DiffProgress = std::function<void(int64_t done, int64_t images)>;

/// Does what `arguments` (without the program's name) say. `images`, if given, stand in for --input; they are of the
/// type and shape of the library's input. Returns an empty string or one sentence; `comparison` is null where the
/// arguments asked for help alone.
std::string runDiff(const std::vector<std::string> &arguments, const NpyArray *images, const DiffProgress &progress,
                    std::unique_ptr<Comparison> &comparison);

} // namespace n2uq

#endif // N2UQ_TOOLS_N2UQ_DIFF_DIFFDRIVER_H
