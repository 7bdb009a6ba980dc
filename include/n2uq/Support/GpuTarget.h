// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The NVIDIA GPU that code is made for: the chip's name as LLVM spells it, and the facts behind the plans of its
// kernels.
#ifndef N2UQ_SUPPORT_GPUTARGET_H
#define N2UQ_SUPPORT_GPUTARGET_H

#include <cstdint>
#include <string>

namespace n2uq {

/// Rates are those of one multiprocessor, a cycle.
struct GpuTarget {
  const char *name;   ///< "sm_80"
  const char *card;   ///< whose numbers the others are
  int64_t capability; ///< 80
  int64_t multiprocessors;
  double gigahertz;          ///< boost
  double tensorBytes;        ///< products of bytes by mma.sync
  double tensorNibbles;      ///< products of 4 bits by mma.sync; 0 where they are emulated
  double floats;             ///< fused multiply-adds; integer instructions are half of that
  double gigabytesPerSecond; ///< from device memory
  int64_t sharedBytes;       ///< shared memory that one block may have
  int64_t registers;         ///< of 32 bits
};

/// Whether `name` names a GPU ("sm_…") and not a CPU; findGpu tells whether it is a known one.
bool isGpuName(const std::string &name);

/// The GPU called `name`. Returns null after one sentence in `error`.
const GpuTarget *findGpu(const std::string &name, std::string &error);

} // namespace n2uq

#endif // N2UQ_SUPPORT_GPUTARGET_H
