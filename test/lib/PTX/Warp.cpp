// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a warp runs. Every lane has its own program counter. Of the lanes that can go on, those at the lowest counter go
// first: compilers lay out code so that paths join further down, so lanes that took different paths meet again where
// the paths do. A collective instruction waits for its lanes; where they can no longer all come, the warp is divergent
// and the code is wrong.
#include "Machine.h"

using namespace n2uq::ptx;

Warp::Warp(const LaunchState &state, Block &block, uint32_t index) : state(state), block(block), index(index) {
  const Program &program = state.program;
  file.resize(program.fileBytes / sizeof(uint64_t));
  localData.resize(size_t(lanesPerWarp) * program.localBytes);
  localMarks.resize(localData.size());
  callData.resize(size_t(lanesPerWarp) * program.callBytes);
  callMarks.resize(callData.size());
  uint64_t threads = state.launch.block.count(), first = uint64_t(index) * lanesPerWarp;
  present = threads - first >= lanesPerWarp ? allLanes : (Mask(1) << (threads - first)) - 1;
}

void Warp::reset() {
  std::memset(file.data(), 0, file.size() * sizeof file[0]);
  std::fill(localMarks.begin(), localMarks.end(), 0);
  std::fill(callMarks.begin(), callMarks.end(), 0);
  for (auto &constant : state.program.constants) {
    define(constant.reg, allLanes);
    each(allLanes, [&](uint32_t lane) { values(constant.reg)[lane] = constant.value; });
  }
  for (auto &known : state.program.specials) {
    define(known.reg, allLanes);
    each(allLanes, [&](uint32_t lane) { values(known.reg)[lane] = special(known.name, lane); });
  }
  live = present;
  waiting = 0;
  waitingBarrier = -1;
  warpEpoch = 0;
  fenced = false;
  std::memset(counters, 0, sizeof counters);
  std::memset(groups, 0, sizeof groups);
  for (auto &pending : copies)
    pending.clear();
}

/// `%tid.x` -> the number of its component
static uint32_t component(const Dim3 &dim, char name) { return name == 'x' ? dim.x : name == 'y' ? dim.y : dim.z; }

bool n2uq::ptx::isSpecialRegister(const std::string &name) {
  for (const char *dim : {"%tid.", "%ntid.", "%ctaid.", "%nctaid."})
    if (name.rfind(dim, 0) == 0 && name.size() == std::strlen(dim) + 1 && name.back() >= 'x' && name.back() <= 'z')
      return true;
  for (const char *known : {"%laneid", "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
                            "%dynamic_smem_size", "%total_smem_size"})
    if (name == known)
      return true;
  return false;
}

uint64_t Warp::special(const std::string &name, uint32_t lane) const {
  const Dim3 &size = state.launch.block;
  uint32_t thread = index * lanesPerWarp + lane;
  char last = name.back();
  if (name.rfind("%tid.", 0) == 0)
    return component({thread % size.x, thread / size.x % size.y, thread / size.x / size.y}, last);
  if (name.rfind("%ntid.", 0) == 0)
    return component(size, last);
  if (name.rfind("%ctaid.", 0) == 0)
    return component(block.index, last);
  if (name.rfind("%nctaid.", 0) == 0)
    return component(state.launch.grid, last);
  Mask equal = Mask(1) << lane, below = equal - 1;
  if (name == "%laneid")
    return lane;
  if (name == "%lanemask_eq")
    return equal;
  if (name == "%lanemask_lt")
    return below;
  if (name == "%lanemask_le")
    return below | equal;
  if (name == "%lanemask_gt")
    return ~(below | equal);
  if (name == "%lanemask_ge")
    return ~below;
  uint32_t fixed = name == "%total_smem_size" ? state.program.info.sharedBytes : 0;
  return fixed + state.launch.dynamicShared;
}

static std::string trimmed(const std::string &line) {
  size_t begin = line.find_first_not_of(" \t"), end = line.find(';');
  if (begin == std::string::npos)
    return {};
  std::string text = line.substr(begin, end == std::string::npos ? end : end - begin);
  for (char &c : text)
    if (c == '\t')
      c = ' ';
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r'))
    text.pop_back();
  return text;
}

void Warp::fault(const Instruction &in, uint32_t lane, const std::string &sentence) const {
  const Dim3 &size = state.launch.block, &at = block.index;
  uint32_t thread = index * lanesPerWarp + lane;
  auto triple = [](uint32_t x, uint32_t y, uint32_t z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
  };
  std::string text = in.line && in.line <= state.lines.size() ? trimmed(state.lines[in.line - 1]) : "";
  throw Fault{"'" + text + "' in thread " +
                  triple(thread % size.x, thread / size.x % size.y, thread / size.x / size.y) + " of block " +
                  triple(at.x, at.y, at.z) + " " + sentence,
              in.line};
}

void Warp::uninitialised(const Instruction &in, Reg reg, uint32_t lane) const {
  const uint8_t *marks = bytes() + reg - definedBytes;
  std::string which;
  for (uint32_t i = 0; i < sizeof in.op / sizeof in.op[0]; ++i)
    if (in.op[i] == reg)
      which = " (its operand " + std::to_string(i) + ")";
  if (in.guard == reg)
    which = " (its guard)";
  fault(in, lane,
        marks[lane] ? "reads a register of which some bytes are not initialised" + which
                    : "reads a register that is not initialised" + which);
}

uint64_t Warp::uniform(const Instruction &in, Reg reg, Mask mask, uint32_t valueBytes) {
  need(in, reg, mask, lowBytes(valueBytes));
  uint64_t keep = valueBytes == 8 ? ~uint64_t(0) : (uint64_t(1) << 8 * valueBytes) - 1;
  uint64_t first = values(reg)[__builtin_ctz(mask)] & keep;
  each(mask, [&](uint32_t lane) {
    if ((values(reg)[lane] & keep) != first)
      fault(in, lane, "needs the same operand in all lanes of the warp");
  });
  return first;
}

Mask Warp::guarded(const Instruction &in, Mask mask) {
  need(in, in.guard, mask, lowBytes(1));
  Mask result = 0;
  const uint64_t *guard = values(in.guard);
  each(mask, [&](uint32_t lane) { result |= Mask((guard[lane] & 1) != in.guardInverted) << lane; });
  return result;
}

Mask Warp::membersOf(const Instruction &in, Mask mask) {
  if (in.memberOperand < 0)
    return in.exitedMayMiss ? live : allLanes;
  Mask members = static_cast<Mask>(uniform(in, in.op[in.memberOperand], mask, 4));
  each(mask & ~members, [&](uint32_t lane) { fault(in, lane, "is executed by a lane that its mask does not name"); });
  return members;
}

Mask Warp::choose(uint32_t &at) {
  Mask ready = live & ~waiting;
  if (!ready)
    return 0;
  at = ~0u;
  each(ready, [&](uint32_t lane) { at = std::min(at, counters[lane]); });
  Mask chosen = 0;
  each(ready, [&](uint32_t lane) { chosen |= Mask(counters[lane] == at) << lane; });
  return chosen;
}

Warp::Result Warp::run() {
  const Instruction *code = state.program.code.data();
  waiting = 0;
  waitingBarrier = -1;
  while (live) {
    uint32_t at;
    Mask mask = choose(at);
    if (!mask) {
      // All wait at collective instructions, and not enough of them at the same one.
      uint32_t lane = static_cast<uint32_t>(__builtin_ctz(waiting));
      fault(code[counters[lane]], lane,
            "is reached by some lanes of its warp while others are elsewhere or have exited: the warp is divergent");
    }
    // Other lanes join at the lowest counter above; until then nobody else has to be asked.
    uint32_t join = ~0u;
    each(live & ~waiting & ~mask, [&](uint32_t lane) { join = std::min(join, counters[lane]); });
    for (bool together = true; together;) {
      const Instruction &in = code[at];
      if (++instructions > state.launch.maxInstructions)
        fault(in, static_cast<uint32_t>(__builtin_ctz(mask)),
              "is reached after " + std::to_string(state.launch.maxInstructions) +
                  " instructions of its warp: the loop may have no end");
      Mask active = in.guard ? guarded(in, mask) : mask;
      lanes += static_cast<uint32_t>(__builtin_popcount(active));
      switch (in.kind) {
      case Instruction::Plain:
        if (active)
          in.run(*this, in, active);
        ++at;
        break;
      case Instruction::Uniform:
        if (active && active != mask)
          fault(in, static_cast<uint32_t>(__builtin_ctz(mask & ~active)),
                "does not branch while other lanes of its warp do, against the promise .uni");
        [[fallthrough]];
      case Instruction::Branch:
        if (active == mask) {
          at = in.target;
          together = !(live & ~mask); // otherwise others may be at a lower counter now
        } else if (active) {
          each(mask, [&](uint32_t lane) { counters[lane] = active >> lane & 1 ? in.target : at + 1; });
          mask = 0;
          together = false;
        } else {
          ++at;
        }
        break;
      case Instruction::Exit:
        live &= ~active;
        mask &= ~active;
        ++at;
        together = mask != 0;
        break;
      case Instruction::Collective: {
        if (!active) {
          ++at;
          break;
        }
        Mask arrived = active;
        each(waiting, [&](uint32_t lane) { arrived |= Mask(counters[lane] == at) << lane; });
        Mask members = membersOf(in, arrived);
        if (members & ~live) {
          uint32_t missing = static_cast<uint32_t>(__builtin_ctz(members & ~live));
          fault(in, static_cast<uint32_t>(__builtin_ctz(arrived)),
                "needs lane " + std::to_string(missing) + " of its warp, which " +
                    (present >> missing & 1 ? "has exited" : "does not exist: the block is no multiple of 32") +
                    ": the warp is divergent");
        }
        each(mask, [&](uint32_t lane) { counters[lane] = active >> lane & 1 ? at : at + 1; });
        mask = 0;
        together = false;
        if (arrived != members) {
          waiting |= active;
          break;
        }
        waiting &= ~arrived;
        in.run(*this, in, arrived);
        each(arrived, [&](uint32_t lane) { counters[lane] = at + 1; });
        if (waitingBarrier >= 0)
          return AtBarrier;
        break;
      }
      }
      if (at >= join)
        together = false;
    }
    each(mask, [&](uint32_t lane) { counters[lane] = at; });
  }
  return Exited;
}
