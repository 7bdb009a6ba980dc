// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reaching memory from an instruction: which space, inside of what, aligned, initialised.
#ifndef N2UQ_TEST_PTX_SPACES_H
#define N2UQ_TEST_PTX_SPACES_H

#include "Builder.h"

namespace n2uq::ptx {

enum Space : uint8_t { Generic, Global, Const, Shared, Local, Parameter, Call };

/// The space of a name, as Builder::address knows it. `""` is generic.
Space spaceOf(Builder &builder, const std::string &name);
/// Takes `.global`, `.shared::cta` …: the space's name, "" where there is none.
std::string takeSpace(Builder &builder);

/// An address as the lane computes it.
inline uint64_t addressOf(Warp &warp, const Instruction &in, Reg base, uint32_t lane) {
  uint64_t value = warp.values(base)[lane];
  if (in.narrowAddress)
    value &= 0xffffffffu;
  return value + static_cast<uint64_t>(in.immediate);
}

/// Turns a generic address into one of its space.
inline Space resolve(uint64_t &address) {
  if (address >= localWindow && address - localWindow < windowBytes) {
    address -= localWindow;
    return Local;
  }
  if (address >= sharedWindow && address - sharedWindow < windowBytes) {
    address -= sharedWindow;
    return Shared;
  }
  return Global;
}

void checkAlignment(Warp &warp, const Instruction &in, uint32_t lane, uint64_t address, uint32_t bytes);

/// Loads `bytes` for a lane; returns which of them are initialised, a bit each. A fault where they may not be read.
uint32_t load(Warp &warp, const Instruction &in, uint32_t lane, Space space, uint64_t address, uint32_t bytes,
              uint8_t *to);
void store(Warp &warp, const Instruction &in, uint32_t lane, Space space, uint64_t address, uint32_t bytes,
           const uint8_t *from, uint32_t defined);
/// The place of `bytes` of device memory, and their marks.
struct DevicePlace {
  uint8_t *data, *defined;
};
enum class Access { Read, Write, Atomic };
DevicePlace deviceMemory(Warp &warp, const Instruction &in, uint32_t lane, uint64_t address, uint32_t bytes,
                         Access access);
/// "reads 4 bytes of shared memory at 0x20, "
std::string sharedText(const char *verb, uint32_t bytes, uint64_t address);

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_SPACES_H
