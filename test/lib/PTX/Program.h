// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel ready to be executed: an array of instructions, each with the function that executes it for the lanes of a
// warp, and its operands as places in the warp's register file. Calls are expanded where they stand, so that a thread's
// whole state is one program counter and one register file.
#ifndef N2UQ_TEST_PTX_PROGRAM_H
#define N2UQ_TEST_PTX_PROGRAM_H

#include "PTX.h"

#include <array>

namespace n2uq::ptx {

class Warp;

/// A set of lanes.
using Mask = uint32_t;
constexpr Mask allLanes = ~Mask(0);
constexpr uint32_t lanesPerWarp = 32;

/// Where a register's 32 values lie in a warp's file, in bytes. Every value has 8 bytes, whatever its type: an
/// instruction reads as many as its type has. Before the values stand 32 bytes, one a lane: bit k says that byte k of
/// the value is initialised. Immediates and special registers are registers that are filled when a warp starts.
using Reg = uint32_t;
constexpr uint32_t definedBytes = lanesPerWarp, registerBytes = definedBytes + lanesPerWarp * 8;

struct Instruction {
  enum Kind : uint8_t {
    Plain,     ///< each lane by itself
    Branch,    ///< to `target` for the lanes whose guard holds
    Uniform,   ///< the same, with the promise that all lanes agree
    Exit,      ///< ends the lanes
    Collective ///< executed for all lanes of the warp at once, or not at all
  };
  void (*run)(Warp &, const Instruction &, Mask) = nullptr;
  Kind kind = Plain;
  /// Collective: exited lanes are not missed (barriers).
  bool exitedMayMiss = false;
  /// Collective: the operand that names the lanes that take part; -1: all.
  int8_t memberOperand = -1;
  bool guardInverted = false;
  uint8_t count = 0, bytes = 0; ///< elements of a vector, bytes of one
  bool narrowAddress = false;   ///< the address is a register of 32 bits
  uint8_t flag = 0, flag2 = 0;  ///< meaning depends on the instruction
  Reg guard = 0;                ///< 0: none
  uint32_t target = 0, line = 0;
  int64_t immediate = 0;
  std::array<Reg, 16> op{};
};

struct Program {
  KernelInfo info;
  std::vector<Instruction> code;
  uint32_t fileBytes = 0;
  struct Constant {
    Reg reg;
    uint64_t value;
  };
  std::vector<Constant> constants;
  struct Special {
    Reg reg;
    std::string name; ///< "%tid.x"
  };
  std::vector<Special> specials;
  /// Per thread: `.local` variables of the kernel and all functions that are expanded in it, and parameters of calls.
  uint32_t localBytes = 0, callBytes = 0;
  /// Shared memory as it is laid out here: with gaps between variables, so that no index beyond the end of one meets
  /// another. `sharedVariables` are [begin, end).
  std::vector<std::pair<uint32_t, uint32_t>> sharedVariables, localVariables;
  uint32_t dynamicSharedBase = 0;
};

/// Whether a special register is known.
bool isSpecialRegister(const std::string &name);

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_PROGRAM_H
