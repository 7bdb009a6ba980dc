// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memories of a device. Each byte has a mark beside it that says whether it was ever written.
#ifndef N2UQ_TEST_PTX_MEMORY_H
#define N2UQ_TEST_PTX_MEMORY_H

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace n2uq::ptx {

/// Where shared and local memory appear among generic addresses. Device memory begins above both.
constexpr uint64_t sharedWindow = uint64_t(1) << 40, localWindow = uint64_t(2) << 40, windowBytes = uint64_t(1) << 40;
constexpr uint64_t deviceMemoryBegin = uint64_t(0x70) << 40;

/// One allocation of device memory.
struct Buffer {
  uint64_t address = 0, bytes = 0;
  std::string name;
  bool readOnly = false;
  std::unique_ptr<uint8_t[]> data, defined;
  /// Of each byte, in the launch that is running: the block that wrote it, plus 1, and which thread; the block that
  /// read it, plus 1, or severalBlocks. 0: nobody. Two host threads may meet in one entry: they are atomic.
  struct Free {
    void operator()(void *at) const;
  };
  std::unique_ptr<std::atomic<uint32_t>[], Free> writer, reader;
  std::unique_ptr<std::atomic<uint16_t>[], Free> writerThread;
  std::atomic<bool> used{false};
  static constexpr uint32_t severalBlocks = ~0u;
  /// "buffer 'input' of 64 bytes"
  std::string text() const;
};

/// Device memory. Between two buffers lies a gap, so that no address behind the end of one is in another.
class Memory {
public:
  /// NULL where the host has no memory for it.
  Buffer *allocate(uint64_t bytes, const std::string &name);
  bool release(uint64_t address);
  /// The buffer that holds `address`, or NULL.
  Buffer *find(uint64_t address) const;
  /// The buffer that holds [address, address + bytes), or NULL; then `why` is the end of a sentence.
  Buffer *find(uint64_t address, uint64_t bytes, std::string &why) const;

  /// Forgets who wrote and read what.
  void beginLaunch();

  /// Held by atomic instructions.
  std::mutex atomics;

private:
  std::map<uint64_t, std::unique_ptr<Buffer>> buffers;
  uint64_t end = deviceMemoryBegin;
};

/// The shared memory of a block, and who used each byte last.
///
/// Two accesses to a byte by different threads, one of them a write, must have a barrier between them: a barrier of the
/// block, or, in one warp, bar.warp.sync. Every barrier of the block begins a new epoch, and what was done in an older
/// one is in order with everything in this one. Inside of an epoch the last writer and the readers since are kept.
class SharedMemory {
public:
  /// For a block: [begin, end) of each variable, nothing of them initialised.
  void reset(const std::vector<std::pair<uint32_t, uint32_t>> &variables);
  void barrier() { ++epoch; }

  /// A thread as the records see it.
  struct Thread {
    uint16_t number;        ///< in the block
    uint16_t warpEpoch;     ///< bar.warp.sync instructions that its warp has executed
    bool wholeWarp = false; ///< all lanes of the warp read (ldmatrix)
  };
  /// All three return NULL, or what is wrong: the end of "… shared memory at 0x10, ". A read sets `defined`, bit k for
  /// byte k.
  std::string read(uint64_t address, uint32_t bytes, Thread thread, uint8_t *to, uint32_t &defined);
  std::string write(uint64_t address, uint32_t bytes, Thread thread, const uint8_t *from, uint32_t defined);
  /// cp.async: from `begin` until `finish` nobody may touch the bytes.
  std::string beginCopy(uint64_t address, uint32_t bytes, Thread thread);
  void finishCopy(uint64_t address, uint32_t bytes, Thread thread, const uint8_t *from, uint32_t defined);
  /// An atomic instruction reads and writes; two of them are no race.
  std::string atomic(uint64_t address, uint32_t bytes, Thread thread, uint32_t &defined);
  uint8_t *at(uint64_t address) { return data.data() + address; }

private:
  enum State : uint8_t { Inside = 1, Defined = 2, Copying = 4 };
  struct Record {
    uint32_t epoch;
    uint16_t writer, reader; ///< thread + 1; 0: nobody
    uint16_t writerSync, readerSync;
  };
  static constexpr uint16_t manyOfWarp = 0x8000, many = 0xffff, atomics = 0xfffe;

  std::string check(uint64_t address, uint32_t bytes) const;
  Record &recordOf(uint64_t address);
  /// Whether `other`, the writer or readers of a record at a time, is in order with `thread` now.
  static bool inOrder(uint16_t other, uint16_t sync, Thread thread);
  static std::string nameOf(uint16_t other);

  std::vector<uint8_t> data, state;
  std::vector<Record> records;
  uint32_t epoch = 0;
};

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_MEMORY_H
