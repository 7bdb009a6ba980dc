// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "internal.h"

#include "gtest/gtest.h"
#include <atomic>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

/// A file of \p size bytes, mapped for reading.
struct MappedFile {
  explicit MappedFile(size_t size) : bytes(size), file(tmpfile()) {
    for (size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<unsigned char>(i * 2654435761u >> 13);
    EXPECT_EQ(fwrite(bytes.data(), 1, size, file), size);
    fflush(file);
    at = static_cast<unsigned char *>(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fileno(file), 0));
  }
  ~MappedFile() {
    munmap(at, bytes.size());
    fclose(file);
  }
  n2uq_segment segment() const {
    auto begin = reinterpret_cast<uintptr_t>(at);
    return {begin, begin + bytes.size(), /*executable=*/false, /*writable=*/false};
  }
  bool isUnchanged() const { return std::memcmp(at, bytes.data(), bytes.size()) == 0; }

  std::vector<unsigned char> bytes;
  FILE *file;
  unsigned char *at;
};

/// Whether the address lies in memory that no file is behind, as far as the system says.
bool isAnonymous(const void *address) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long begin, end, inode;
  bool anonymous = false;
  while (maps && fgets(line, sizeof line, maps))
    if (std::sscanf(line, "%lx-%lx %*s %*s %*s %lu", &begin, &end, &inode) == 3 &&
        reinterpret_cast<uintptr_t>(address) >= begin && reinterpret_cast<uintptr_t>(address) < end)
      anonymous = inode == 0;
  if (maps)
    fclose(maps);
  return anonymous;
}

bool systemHasLargePages() {
  char setting[64] = "[never]";
  if (FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r")) {
    EXPECT_TRUE(fgets(setting, sizeof setting, file));
    fclose(file);
  }
  return !std::strstr(setting, "[never]");
}

} // namespace

TEST(Pages, BytesStayWhereTheyAre) {
  MappedFile file((6 << 20) + 12345);
  n2uq_segment segment = file.segment();
  n2uq_use_large_pages(&segment, 1);
  EXPECT_TRUE(file.isUnchanged());
  auto middle = file.at + (4 << 20); // some whole large page holds it or ends before it
  uintptr_t page = reinterpret_cast<uintptr_t>(middle) / (2 << 20) * (2 << 20);
  EXPECT_EQ(isAnonymous(reinterpret_cast<void *>(page)), systemHasLargePages());
  n2uq_use_large_pages(&segment, 1); // a library that is opened again
  EXPECT_TRUE(file.isUnchanged());
}

TEST(Pages, WhatFillsNoLargePageIsLeftAlone) {
  MappedFile small(1 << 20);
  n2uq_segment segment = small.segment();
  n2uq_use_large_pages(&segment, 1);
  EXPECT_FALSE(isAnonymous(small.at));
}

TEST(Pages, WhatIsWrittenOrExecutedIsLeftAlone) {
  MappedFile file(6 << 20);
  n2uq_segment segments[2] = {file.segment(), file.segment()};
  segments[0].executable = true;
  segments[1].writable = true;
  n2uq_use_large_pages(segments, 2);
  for (size_t i = 0; i < file.bytes.size(); i += 1 << 20)
    EXPECT_FALSE(isAnonymous(file.at + i));
}

// Another thread that reads meanwhile sees the same bytes all the time.
TEST(Pages, ReadersAreNotDisturbed) {
  MappedFile file(8 << 20);
  std::atomic<bool> stop{false}, differs{false};
  std::thread reader([&] {
    while (!stop)
      if (!file.isUnchanged())
        differs = true;
  });
  n2uq_segment segment = file.segment();
  for (int i = 0; i < 20; ++i)
    n2uq_use_large_pages(&segment, 1);
  stop = true;
  reader.join();
  EXPECT_FALSE(differs);
}
