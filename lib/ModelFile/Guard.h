// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's readers trust what they read: a damaged file may crash them, overflow their stack, or send them into a
// loop that a number in the file makes endless.
#ifndef N2UQ_LIB_MODELFILE_GUARD_H
#define N2UQ_LIB_MODELFILE_GUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstddef>

namespace n2uq {

/// Runs `read`, which reads `bytes` bytes, in a thread of its own. False where it crashed, ran out of stack or memory,
/// met a fatal error of LLVM, or took more processor time than an honest file of that size can. Everything that `read`
/// touched is then in an unknown state and must be left alone. `read` must start no thread: a crash in another one is
/// not caught.
bool runGuarded(size_t bytes, llvm::function_ref<void()> read);

} // namespace n2uq

#endif // N2UQ_LIB_MODELFILE_GUARD_H
