// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU that code is made for, as LLVM names it, and the few of its features that decide what we emit.
#ifndef N2UQ_SUPPORT_CPUTARGET_H
#define N2UQ_SUPPORT_CPUTARGET_H

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq {

struct CpuTarget {
  std::string name;                  ///< "znver4", "x86-64-v3"; never "host"
  std::vector<std::string> features; ///< every feature that code may use, as LLVM spells them

  bool has(const char *feature) const;
  /// 32-bit lanes of the vectors to emit.
  int64_t lanes() const { return has("avx512bw") && has("avx512vl") && has("avx512dq") ? 16 : has("avx2") ? 8 : 4; }
  int64_t vectorRegisters() const { return lanes() == 16 ? 32 : 16; }
  /// One instruction for four products of bytes and their sum.
  bool hasDotProduct() const { return lanes() == 16 ? has("avx512vnni") : has("avxvnni"); }
  bool hasFma() const { return has("fma"); }

  /// "+avx2,+fma,…" for LLVM.
  std::string featureString() const;
  /// Bits of n2uq/cpu_features.def.
  uint64_t featureBits() const;
};

/// The CPU called `name`, or this machine's for "host". Returns an empty string, or one sentence that says what is
/// wrong.
std::string findCpu(const std::string &name, CpuTarget &target);

} // namespace n2uq

#endif // N2UQ_SUPPORT_CPUTARGET_H
