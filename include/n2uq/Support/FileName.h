// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of layers as names of files.
#ifndef N2UQ_SUPPORT_FILENAME_H
#define N2UQ_SUPPORT_FILENAME_H

#include <string>

namespace n2uq {

/// `name` as the name of a file in a folder: a model that somebody else made must not write outside of it. Letters,
/// digits,
/// `.`, `_` and `-` stay, any other byte becomes `_`, and so does a `.` at the start; what is longer than 200 bytes is
/// cut. Different names may become the same: whoever writes several files checks that.
std::string fileNameOf(const std::string &name);

} // namespace n2uq

#endif // N2UQ_SUPPORT_FILENAME_H
