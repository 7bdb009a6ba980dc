// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

using namespace n2uq::ptx;

/// Between two buffers; also the alignment of a buffer, as cuMemAlloc gives it.
static constexpr uint64_t gapBytes = 4096, bufferAlignment = 256;
/// What the largest device has; more is a mistake.
static constexpr uint64_t maxBufferBytes = uint64_t(1) << 38;

std::string Buffer::text() const {
  return (name.empty() ? "a buffer" : "'" + name + "'") + " of " + std::to_string(bytes) + " bytes";
}

void Buffer::Free::operator()(void *at) const { std::free(at); }

/// Zeros that take no memory until they are touched.
template <typename T>
static void allocateZeros(T &array, uint64_t count) {
  array.reset(static_cast<typename T::pointer>(std::calloc(count, sizeof(typename T::element_type))));
}

Buffer *Memory::allocate(uint64_t bytes, const std::string &name) {
  if (bytes == 0 || bytes > maxBufferBytes)
    return nullptr;
  auto buffer = std::make_unique<Buffer>();
  buffer->data.reset(new (std::nothrow) uint8_t[bytes]);
  buffer->defined.reset(new (std::nothrow) uint8_t[bytes]);
  allocateZeros(buffer->writer, bytes);
  allocateZeros(buffer->reader, bytes);
  allocateZeros(buffer->writerThread, bytes);
  if (!buffer->data || !buffer->defined || !buffer->writer || !buffer->reader || !buffer->writerThread)
    return nullptr;
  std::memset(buffer->defined.get(), 0, bytes);
  buffer->address = end;
  buffer->bytes = bytes;
  buffer->name = name;
  end += (bytes + gapBytes + bufferAlignment - 1) / bufferAlignment * bufferAlignment;
  Buffer *result = buffer.get();
  buffers.emplace(result->address, std::move(buffer));
  return result;
}

void Memory::beginLaunch() {
  for (auto &entry : buffers) {
    Buffer &buffer = *entry.second;
    if (!buffer.used.exchange(false))
      continue;
    std::fill_n(buffer.writer.get(), buffer.bytes, 0u);
    std::fill_n(buffer.reader.get(), buffer.bytes, 0u);
  }
}

bool Memory::release(uint64_t address) { return buffers.erase(address) == 1; }

Buffer *Memory::find(uint64_t address) const {
  auto after = buffers.upper_bound(address);
  if (after == buffers.begin())
    return nullptr;
  Buffer *buffer = std::prev(after)->second.get();
  return address - buffer->address < buffer->bytes ? buffer : nullptr;
}

Buffer *Memory::find(uint64_t address, uint64_t bytes, std::string &why) const {
  Buffer *buffer = find(address);
  if (buffer && bytes <= buffer->bytes - (address - buffer->address))
    return buffer;
  char hex[32];
  std::snprintf(hex, sizeof hex, "0x%" PRIx64, address);
  why = std::to_string(bytes) + " bytes at " + hex + ", which are not in device memory";
  if (address < deviceMemoryBegin)
    return nullptr;
  auto after = buffers.upper_bound(address);
  if (after != buffers.begin()) {
    const Buffer &before = *std::prev(after)->second;
    uint64_t past = address + bytes - (before.address + before.bytes);
    if (past <= gapBytes)
      why = std::to_string(bytes) + " bytes that end " + std::to_string(past) + " bytes behind the end of " +
            before.text();
  }
  if (after != buffers.end() && after->first - address <= gapBytes / 2)
    why = std::to_string(bytes) + " bytes that begin " + std::to_string(after->first - address) +
          " bytes before the begin of " + after->second->text();
  return nullptr;
}

void SharedMemory::reset(const std::vector<std::pair<uint32_t, uint32_t>> &variables) {
  uint32_t end = 0;
  for (auto &variable : variables)
    end = std::max(end, variable.second);
  if (data.size() < end) {
    data.resize(end);
    records.resize(end, Record{});
  }
  state.assign(data.size(), 0);
  for (auto &variable : variables)
    std::memset(state.data() + variable.first, Inside, variable.second - variable.first);
  // What another block did is in order.
  ++epoch;
}

std::string SharedMemory::check(uint64_t address, uint32_t bytes) const {
  if (address > state.size() || bytes > state.size() - address)
    return "which is outside of the block's shared memory";
  for (uint32_t i = 0; i < bytes; ++i)
    if (!(state[address + i] & Inside))
      return "of which byte " + std::to_string(i) + " is in no variable of shared memory";
  for (uint32_t i = 0; i < bytes; ++i)
    if (state[address + i] & Copying)
      return "while cp.async is writing byte " + std::to_string(i) +
             ": cp.async.wait_group or cp.async.wait_all must come before";
  return {};
}

SharedMemory::Record &SharedMemory::recordOf(uint64_t address) {
  Record &record = records[address];
  if (record.epoch != epoch)
    record = Record{epoch, 0, 0, 0, 0};
  return record;
}

bool SharedMemory::inOrder(uint16_t other, uint16_t sync, Thread thread) {
  if (other == 0)
    return true;
  if (other == many || other == atomics)
    return false;
  if (other & manyOfWarp)
    return (other & ~manyOfWarp) == thread.number / 32 && sync != thread.warpEpoch;
  if (other - 1 == thread.number && !thread.wholeWarp)
    return true;
  return (other - 1) / 32 == thread.number / 32 && sync != thread.warpEpoch;
}

std::string SharedMemory::nameOf(uint16_t other) {
  if (other == many)
    return "threads of several warps";
  if (other == atomics)
    return "an atomic instruction of another thread";
  if (other & manyOfWarp)
    return "threads of warp " + std::to_string(other & ~manyOfWarp);
  return "thread " + std::to_string(other - 1);
}

static std::string race(const std::string &verb, const std::string &who, uint32_t byte) {
  return "a race: " + who + " " + verb + " byte " + std::to_string(byte) + " since the last barrier";
}

std::string SharedMemory::read(uint64_t address, uint32_t bytes, Thread thread, uint8_t *to, uint32_t &defined) {
  std::string wrong = check(address, bytes);
  if (!wrong.empty())
    return wrong;
  defined = 0;
  for (uint32_t i = 0; i < bytes; ++i) {
    Record &record = recordOf(address + i);
    if (!inOrder(record.writer, record.writerSync, thread))
      return race("wrote", nameOf(record.writer), i);
    uint16_t self = thread.wholeWarp ? manyOfWarp | thread.number / 32 : thread.number + 1;
    // The readers since the last write: one thread, several of one warp, or several.
    if (record.reader != many && record.reader != self) {
      uint16_t warp = record.reader & manyOfWarp ? record.reader & ~manyOfWarp : (record.reader - 1) / 32;
      bool sameWarp = record.reader != 0 && warp == thread.number / 32;
      // Reads before the warp's last bar.warp.sync are in order with all that the warp does, and what another warp does
      // is in order with none of them, the old or the new.
      if (record.reader == 0 || (sameWarp && record.readerSync != thread.warpEpoch))
        record.reader = self;
      else
        record.reader = sameWarp ? manyOfWarp | warp : many;
    }
    record.readerSync = thread.warpEpoch;
    defined |= uint32_t((state[address + i] & Defined) != 0) << i;
  }
  std::memcpy(to, data.data() + address, bytes);
  return {};
}

std::string SharedMemory::beginCopy(uint64_t address, uint32_t bytes, Thread thread) {
  std::string wrong = check(address, bytes);
  if (!wrong.empty())
    return wrong;
  for (uint32_t i = 0; i < bytes; ++i) {
    Record &record = recordOf(address + i);
    if (!inOrder(record.writer, record.writerSync, thread))
      return race("wrote", nameOf(record.writer), i);
    if (!inOrder(record.reader, record.readerSync, thread))
      return race("read", nameOf(record.reader), i);
    state[address + i] |= Copying;
  }
  return {};
}

void SharedMemory::finishCopy(uint64_t address, uint32_t bytes, Thread thread, const uint8_t *from, uint32_t defined) {
  for (uint32_t i = 0; i < bytes; ++i) {
    data[address + i] = from[i];
    state[address + i] = Inside | (defined >> i & 1 ? Defined : 0);
    recordOf(address + i) = Record{epoch, static_cast<uint16_t>(thread.number + 1), 0, thread.warpEpoch, 0};
  }
}

std::string SharedMemory::write(uint64_t address, uint32_t bytes, Thread thread, const uint8_t *from,
                                uint32_t defined) {
  std::string wrong = beginCopy(address, bytes, thread);
  if (wrong.empty())
    finishCopy(address, bytes, thread, from, defined);
  return wrong;
}

std::string SharedMemory::atomic(uint64_t address, uint32_t bytes, Thread thread, uint32_t &defined) {
  std::string wrong = check(address, bytes);
  if (!wrong.empty())
    return wrong;
  defined = 0;
  for (uint32_t i = 0; i < bytes; ++i) {
    Record &record = recordOf(address + i);
    if (record.writer != atomics && !inOrder(record.writer, record.writerSync, thread))
      return race("wrote", nameOf(record.writer), i);
    if (!inOrder(record.reader, record.readerSync, thread))
      return race("read", nameOf(record.reader), i);
    record.writer = atomics;
    record.reader = 0;
    defined |= uint32_t((state[address + i] & Defined) != 0) << i;
  }
  return {};
}
