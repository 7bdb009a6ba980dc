// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damages a file's bytes in the ways that disks, networks and people do.
#ifndef N2UQ_TEST_LIB_HOSTILE_MUTATOR_H
#define N2UQ_TEST_LIB_HOSTILE_MUTATOR_H

#include <cstdint>
#include <string>

namespace n2uq {

/// A damaged copy of `bytes`, the same for the same seed on any machine. Text (no control characters but line breaks at
/// its start) is also damaged word by word.
std::string mutate(const std::string &bytes, uint64_t seed);

} // namespace n2uq

#endif // N2UQ_TEST_LIB_HOSTILE_MUTATOR_H
