// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Spaces.h"

#include <cinttypes>
#include <cstdio>

using namespace n2uq::ptx;

Space n2uq::ptx::spaceOf(Builder &builder, const std::string &name) {
  static const std::pair<const char *, Space> known[] = {{"", Generic},      {"global", Global}, {"const", Const},
                                                         {"shared", Shared}, {"local", Local},   {"param", Parameter},
                                                         {"call", Call}};
  for (auto &entry : known)
    if (name == entry.first)
      return entry.second;
  builder.fail("has the state space ." + name + ", which is not known");
}

std::string n2uq::ptx::takeSpace(Builder &builder) {
  for (const char *name : {"global", "const", "shared", "local", "param"})
    if (builder.take(name))
      return name;
  if (builder.take("shared::cta"))
    return "shared";
  if (builder.take("param::entry") || builder.take("param::func"))
    return "param";
  return "";
}

static std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

std::string n2uq::ptx::sharedText(const char *verb, uint32_t bytes, uint64_t address) {
  return std::string(verb) + " " + std::to_string(bytes) + " bytes of shared memory at " + hex(address) + ", ";
}

void n2uq::ptx::checkAlignment(Warp &warp, const Instruction &in, uint32_t lane, uint64_t address, uint32_t bytes) {
  if (address % bytes)
    warp.fault(in, lane, "has the address " + hex(address) + ", which is no multiple of " + std::to_string(bytes));
}

/// Blocks run in any order: what one writes no other may read or write in the same launch, and of one block only one
/// thread may write a byte. A warp that executed a fence or an atomic instruction has its own way to know what others
/// have done, and may read it.
static void checkLaunchRace(Warp &warp, const Instruction &in, uint32_t lane, Buffer &buffer, uint64_t offset,
                            uint32_t bytes, bool writes) {
  constexpr auto relaxed = std::memory_order_relaxed;
  buffer.used.store(true, relaxed);
  uint32_t self = warp.block.number + 1;
  uint16_t thread = warp.thread(lane).number;
  auto race = [&](uint64_t at, const std::string &who, const char *verb) {
    warp.fault(in, lane,
               (writes ? "writes byte " : "reads byte ") + std::to_string(at) + " of " + buffer.text() +
                   ", a race: " + who + " " + verb + " it in the same launch");
  };
  for (uint64_t at = offset; at < offset + bytes; ++at) {
    uint32_t writer = buffer.writer[at].load(relaxed), reader = buffer.reader[at].load(relaxed);
    uint16_t writerThread = buffer.writerThread[at].load(relaxed);
    bool others = writer && writer != self;
    if ((others && (writes || !warp.fenced)) || (writes && writer == self && writerThread != thread))
      race(at, "thread " + std::to_string(writerThread) + " of block " + std::to_string(writer - 1), "wrote");
    if (!writes) {
      if (reader != self)
        buffer.reader[at].store(reader ? Buffer::severalBlocks : self, relaxed);
      continue;
    }
    if (reader && reader != self && !warp.fenced)
      race(at, reader == Buffer::severalBlocks ? "another block" : "block " + std::to_string(reader - 1), "read");
    buffer.writer[at].store(self, relaxed);
    buffer.writerThread[at].store(thread, relaxed);
  }
}

DevicePlace n2uq::ptx::deviceMemory(Warp &warp, const Instruction &in, uint32_t lane, uint64_t address, uint32_t bytes,
                                    Access access) {
  bool writes = access != Access::Read;
  Buffer *buffer = warp.lastBuffer;
  if (!buffer || address < buffer->address || address - buffer->address >= buffer->bytes ||
      bytes > buffer->bytes - (address - buffer->address)) {
    std::string why;
    buffer = warp.state.memory.find(address, bytes, why);
    if (!buffer)
      warp.fault(in, lane, (writes ? "writes " : "reads ") + why);
    warp.lastBuffer = buffer;
  }
  if (writes && buffer->readOnly)
    warp.fault(in, lane, "writes to " + buffer->text() + ", which is constant");
  uint64_t offset = address - buffer->address;
  if (access != Access::Atomic && !buffer->readOnly)
    checkLaunchRace(warp, in, lane, *buffer, offset, bytes, writes);
  return {buffer->data.get() + offset, buffer->defined.get() + offset};
}

/// Marks of single bytes, 0 or 1 each, as bits.
static uint32_t bitsOf(const uint8_t *marks, uint32_t bytes) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < bytes; ++i)
    bits |= static_cast<uint32_t>(marks[i] & 1) << i;
  return bits;
}
static void setMarks(uint8_t *marks, uint32_t bytes, uint32_t bits) {
  for (uint32_t i = 0; i < bytes; ++i)
    marks[i] = bits >> i & 1;
}

/// A thread's own memory: variables with gaps between them.
static void checkLocal(Warp &warp, const Instruction &in, uint32_t lane, uint64_t address, uint32_t bytes) {
  for (auto &variable : warp.state.program.localVariables)
    if (address >= variable.first && address < variable.second && bytes <= variable.second - address)
      return;
  warp.fault(in, lane,
             "reaches " + std::to_string(bytes) + " bytes of local memory at " + hex(address) +
                 ", which are in no variable of the thread");
}

uint32_t n2uq::ptx::load(Warp &warp, const Instruction &in, uint32_t lane, Space space, uint64_t address,
                         uint32_t bytes, uint8_t *to) {
  if (space == Generic)
    space = resolve(address);
  checkAlignment(warp, in, lane, address, bytes);
  const uint8_t *from = nullptr, *marks = nullptr;
  switch (space) {
  case Shared: {
    uint32_t defined = 0;
    std::string wrong = warp.block.shared.read(address, bytes, warp.thread(lane), to, defined);
    if (!wrong.empty())
      warp.fault(in, lane, sharedText("reads", bytes, address) + wrong);
    return defined;
  }
  case Local:
    checkLocal(warp, in, lane, address, bytes);
    from = warp.local(lane) + address;
    marks = warp.localDefined(lane) + address;
    break;
  case Call:
    from = warp.call(lane) + address;
    marks = warp.callDefined(lane) + address;
    break;
  case Parameter:
    if (address > warp.state.parameters.size() || bytes > warp.state.parameters.size() - address)
      warp.fault(in, lane, "reads behind the end of the kernel's parameters");
    std::memcpy(to, warp.state.parameters.data() + address, bytes);
    return lowBits(bytes);
  default: {
    DevicePlace place = deviceMemory(warp, in, lane, address, bytes, Access::Read);
    from = place.data;
    marks = place.defined;
  }
  }
  std::memcpy(to, from, bytes);
  return bitsOf(marks, bytes);
}

void n2uq::ptx::store(Warp &warp, const Instruction &in, uint32_t lane, Space space, uint64_t address, uint32_t bytes,
                      const uint8_t *from, uint32_t defined) {
  if (space == Generic)
    space = resolve(address);
  checkAlignment(warp, in, lane, address, bytes);
  uint8_t *to = nullptr, *marks = nullptr;
  switch (space) {
  case Shared: {
    std::string wrong = warp.block.shared.write(address, bytes, warp.thread(lane), from, defined);
    if (!wrong.empty())
      warp.fault(in, lane, sharedText("writes", bytes, address) + wrong);
    return;
  }
  case Local:
    checkLocal(warp, in, lane, address, bytes);
    to = warp.local(lane) + address;
    marks = warp.localDefined(lane) + address;
    break;
  case Call:
    to = warp.call(lane) + address;
    marks = warp.callDefined(lane) + address;
    break;
  default: {
    DevicePlace place = deviceMemory(warp, in, lane, address, bytes, Access::Write);
    to = place.data;
    marks = place.defined;
  }
  }
  std::memcpy(to, from, bytes);
  setMarks(marks, bytes, defined);
}
