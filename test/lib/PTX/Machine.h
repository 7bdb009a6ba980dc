// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What executes: warps of blocks.
#ifndef N2UQ_TEST_PTX_MACHINE_H
#define N2UQ_TEST_PTX_MACHINE_H

#include "Memory.h"
#include "Program.h"
#include "Syntax.h"

#include <cstring>
#include <vector>

namespace n2uq::ptx {

/// What all blocks of a launch share.
struct LaunchState {
  const Program &program;
  Memory &memory;
  const Launch &launch;
  const std::vector<uint8_t> &parameters;
  const std::string &moduleName;
  const std::vector<std::string> &lines;
};

struct Block {
  Dim3 index;
  uint32_t number = 0; ///< of the grid's blocks, modulo 2^32
  SharedMemory shared;
};

/// Bytes [0, n) of a value, as a mask of initialised bytes.
constexpr uint8_t lowBytes(uint32_t n) { return static_cast<uint8_t>((1u << n) - 1); }

/// The same for up to 32 bytes.
constexpr uint32_t lowBits(uint32_t n) { return n >= 32 ? ~0u : (1u << n) - 1; }

template <typename T>
T get(const uint64_t *values, uint32_t lane) {
  T result;
  std::memcpy(&result, values + lane, sizeof(T)); // the low bytes: the host is little endian
  return result;
}

/// Calls f(lane) for each lane of a set.
template <typename F>
inline void each(Mask mask, F f) {
  if (mask == allLanes) {
    for (uint32_t lane = 0; lane < lanesPerWarp; ++lane)
      f(lane);
    return;
  }
  for (; mask; mask &= mask - 1)
    f(static_cast<uint32_t>(__builtin_ctz(mask)));
}

class Warp {
public:
  enum Result { Exited, AtBarrier };

  Warp(const LaunchState &state, Block &block, uint32_t index);
  /// Begins the next block.
  void reset();
  /// Executes until the warp exits or waits at a barrier of the block. Throws a Fault.
  Result run();
  uint32_t barrier() const { return waitingBarrier; }
  uint64_t instructions = 0, lanes = 0;

  // For the functions that execute instructions.

  uint64_t *values(Reg reg) { return reinterpret_cast<uint64_t *>(bytes() + reg); }
  uint8_t *defined(Reg reg) { return bytes() + reg - definedBytes; }
  /// Refuses where a byte of `which` of a register is not initialised in a lane of `mask`.
  void need(const Instruction &in, Reg reg, Mask mask, uint8_t which) {
    const uint8_t *marks = defined(reg);
    if (mask == allLanes) {
      uint64_t words[4];
      std::memcpy(words, marks, sizeof words);
      uint64_t pattern = which * UINT64_C(0x0101010101010101);
      if ((words[0] & words[1] & words[2] & words[3] & pattern) == pattern)
        return;
    }
    each(mask, [&](uint32_t lane) {
      if ((marks[lane] & which) != which)
        uninitialised(in, reg, lane);
    });
  }
  void define(Reg reg, Mask mask) {
    uint8_t *marks = defined(reg);
    if (mask == allLanes)
      std::memset(marks, 0xff, definedBytes);
    else
      each(mask, [&](uint32_t lane) { marks[lane] = 0xff; });
  }
  /// The same value in all lanes: operands such as barrier numbers and member masks.
  uint64_t uniform(const Instruction &in, Reg reg, Mask mask, uint32_t valueBytes);

  [[noreturn]] void fault(const Instruction &in, uint32_t lane, const std::string &sentence) const;
  [[noreturn]] void uninitialised(const Instruction &in, Reg reg, uint32_t lane) const;

  SharedMemory::Thread thread(uint32_t lane) const {
    return {static_cast<uint16_t>(index * lanesPerWarp + lane), warpEpoch, false};
  }
  uint8_t *local(uint32_t lane) { return localData.data() + size_t(lane) * state.program.localBytes; }
  uint8_t *localDefined(uint32_t lane) { return localMarks.data() + size_t(lane) * state.program.localBytes; }
  uint8_t *call(uint32_t lane) { return callData.data() + size_t(lane) * state.program.callBytes; }
  uint8_t *callDefined(uint32_t lane) { return callMarks.data() + size_t(lane) * state.program.callBytes; }

  const LaunchState &state;
  Block &block;
  const uint32_t index;
  uint16_t warpEpoch = 0;
  /// It executed a fence or an atomic instruction.
  bool fenced = false;

  /// cp.async of a lane: what was started and not waited for, each with the group that it belongs to.
  struct Copy {
    uint32_t to, bytes, group, defined;
    uint8_t data[16];
  };
  std::vector<Copy> copies[lanesPerWarp];
  uint32_t groups[lanesPerWarp] = {}; ///< committed so far

  /// The buffer that was reached last.
  Buffer *lastBuffer = nullptr;

  /// Set by a barrier instruction; run() then returns.
  int64_t waitingBarrier = -1;

private:
  uint8_t *bytes() { return reinterpret_cast<uint8_t *>(file.data()); }
  const uint8_t *bytes() const { return reinterpret_cast<const uint8_t *>(file.data()); }
  uint64_t special(const std::string &name, uint32_t lane) const;
  /// The lanes of `mask` whose guard holds.
  Mask guarded(const Instruction &in, Mask mask);
  Mask membersOf(const Instruction &in, Mask mask);
  /// Lanes that execute next, all at program counter `at`.
  Mask choose(uint32_t &at);

  std::vector<uint64_t> file;
  std::vector<uint8_t> localData, localMarks, callData, callMarks;
  Mask present = 0, live = 0, waiting = 0;
  uint32_t counters[lanesPerWarp] = {};
};

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_MACHINE_H
