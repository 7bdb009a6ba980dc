// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks of a model's file that come before the system's loader sees it, and the checksum that they stand on.
#include "internal.h"

#include <gtest/gtest.h>

#include <cstring>
#include <elf.h>
#include <random>
#include <string>
#include <vector>

namespace {

/// A file that passes: header, one segment, a few bytes, trailer.
struct Image {
  Elf64_Ehdr header = {};
  Elf64_Phdr segment = {};
  std::string body = "weights and code, or what stands for them";

  Image() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
#if defined(__x86_64__)
    header.e_machine = EM_X86_64;
#else
    header.e_machine = EM_AARCH64;
#endif
    header.e_type = ET_DYN;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof segment;
    header.e_phnum = 1;
    segment.p_type = PT_LOAD;
    segment.p_filesz = segment.p_memsz = sizeof header + sizeof segment + body.size();
  }

  std::string bytes() const {
    std::string image(reinterpret_cast<const char *>(&header), sizeof header);
    image.append(reinterpret_cast<const char *>(&segment), sizeof segment);
    image += body;
    n2uq_trailer trailer = {N2UQ_TRAILER_MAGIC, image.size(),
                            n2uq_checksum(reinterpret_cast<const unsigned char *>(image.data()), image.size())};
    return image.append(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  }
};

n2uq_status check(const std::string &bytes) {
  // An exact copy on the heap, so that the address sanitizer sees a read behind it.
  std::vector<unsigned char> copy(bytes.begin(), bytes.end());
  return n2uq_check_image("m.so", copy.data(), copy.size());
}

TEST(File, WholeImageIsAccepted) { EXPECT_EQ(check(Image().bytes()), N2UQ_OK) << n2uq_last_error(); }

TEST(File, EveryTruncationIsRefused) {
  std::string bytes = Image().bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(check(bytes.substr(0, size)), N2UQ_BAD_FILE) << size;
}

TEST(File, EveryChangedBitIsRefused) {
  std::string bytes = Image().bytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] ^= 1 << bit % 8;
    EXPECT_NE(check(changed), N2UQ_OK) << bit;
  }
}

TEST(File, SealedButNoLibrary) {
  auto with = [](auto change) {
    Image image;
    change(image);
    return check(image.bytes());
  };
  EXPECT_EQ(with([](Image &i) { i.header.e_ident[EI_CLASS] = ELFCLASS32; }), N2UQ_BAD_CPU);
  EXPECT_EQ(with([](Image &i) { i.header.e_machine = EM_MIPS; }), N2UQ_BAD_CPU);
  EXPECT_EQ(with([](Image &i) { i.header.e_type = ET_EXEC; }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.header.e_phnum = 0; }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.header.e_phnum = 0xffff; }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.header.e_phoff = ~uint64_t(0); }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.header.e_phentsize = 1; }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.segment.p_offset = ~uint64_t(0); }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.segment.p_filesz = 1 << 20; }), N2UQ_BAD_FILE);
  EXPECT_EQ(with([](Image &i) { i.segment.p_memsz = 1; }), N2UQ_BAD_FILE);
}

/// The definition in n2uq/model.h, as slow as it can be written.
uint64_t checksumByBytes(const std::string &bytes) {
  uint64_t state = 0xcbf29ce484222325;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint64_t word = 0;
    for (size_t i = at; i < at + 8 && i < bytes.size(); ++i)
      word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * (i - at);
    state = (state ^ word) * 0x100000001b3;
    state ^= state >> 32;
  }
  return state;
}

TEST(File, ChecksumOfEveryLength) {
  std::mt19937 random(7);
  std::string bytes;
  for (int length = 0; length < 100; ++length, bytes += static_cast<char>(random()))
    EXPECT_EQ(n2uq_checksum(reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()),
              checksumByBytes(bytes))
        << length;
}

TEST(File, ChecksumOfKnownBytes) {
  // Fixed for ever: models that were compiled yesterday carry it.
  EXPECT_EQ(n2uq_checksum(nullptr, 0), 0xcbf29ce484222325u);
  const unsigned char text[] = "N2UQ models end with this";
  EXPECT_EQ(n2uq_checksum(text, sizeof text - 1), checksumByBytes("N2UQ models end with this"));
}

} // namespace
