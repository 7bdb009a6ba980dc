// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Mutator.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <random>
#include <vector>

namespace n2uq {

namespace {
class Mutation {
public:
  Mutation(const std::string &bytes, uint64_t seed) : bytes(bytes), random(seed) {}

  std::string make() {
    bool isText = std::all_of(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 256),
                              [](unsigned char c) { return c >= ' ' || c == '\n' || c == '\t'; });
    // Mostly one damage, so that it is not hidden behind another.
    for (int count = below(3) ? 1 : 1 + below(4); count > 0; --count)
      isText &&below(3) ? damageText() : damageBytes();
    return bytes;
  }

private:
  // Not std::uniform_int_distribution, whose numbers differ between standard libraries.
  size_t below(size_t bound) { return bound ? random() % bound : 0; }

  /// Half of all places are near the start, where headers are, or near the end.
  size_t place() {
    size_t size = bytes.size();
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
      return below(std::min<size_t>(size, 512));
    case 3:
      return size - std::min<size_t>(size, 1 + below(64));
    default:
      return below(size);
    }
  }
  /// Lengths of all magnitudes.
  size_t length(size_t most) { return std::min(most, 1 + below(size_t(1) << below(16))); }

  void damageBytes() {
    if (bytes.empty())
      return;
    size_t at = place();
    switch (below(8)) {
    case 0:
      bytes.resize(at);
      return;
    case 1:
      for (size_t i = 1 + below(8); i > 0; --i)
        bytes[place()] ^= static_cast<char>(1 << below(8));
      return;
    case 2:
      bytes[at] = static_cast<char>(random());
      return;
    case 3:
      overwriteNumber(at);
      return;
    case 4: { // a block twice
      std::string block = bytes.substr(at, length(bytes.size() - at));
      bytes.insert(below(2) ? at : place(), block);
      return;
    }
    case 5:
      bytes.erase(at, length(bytes.size() - at));
      return;
    case 6: { // a block over another place
      std::string block = bytes.substr(at, length(bytes.size() - at));
      size_t to = place();
      bytes.replace(to, std::min(block.size(), bytes.size() - to), block);
      return;
    }
    case 7: {
      std::string noise(length(64), '\0');
      for (char &c : noise)
        c = static_cast<char>(random());
      bytes.insert(at, noise);
      return;
    }
    }
  }

  /// A number of 1, 2, 4 or 8 bytes becomes an extreme one, or its neighbour.
  void overwriteNumber(size_t at) {
    size_t width = size_t(1) << below(4);
    if (bytes.size() < width)
      return;
    at = std::min(at, bytes.size() - width);
    if (below(2))
      at -= at % width;
    uint64_t old = 0;
    std::memcpy(&old, &bytes[at], width);
    const uint64_t numbers[] = {0,
                                1,
                                ~uint64_t(0),
                                uint64_t(1) << (8 * width - 1),
                                (uint64_t(1) << (8 * width - 1)) - 1,
                                0x7f800000,
                                0x7fc00000,
                                0x80,
                                old + 1,
                                old - 1,
                                old << 8,
                                old << (8 * width / 2),
                                random()};
    uint64_t number = numbers[below(std::size(numbers))];
    std::memcpy(&bytes[at], &number, width);
  }

  static bool isWordPart(unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; }

  /// A random word of the text (or a single sign), as [begin, end).
  std::pair<size_t, size_t> word() {
    if (bytes.empty())
      return {0, 0};
    size_t begin = below(bytes.size()), end = begin;
    while (begin > 0 && isWordPart(bytes[begin]) && isWordPart(bytes[begin - 1]))
      --begin;
    while (end < bytes.size() && isWordPart(bytes[end]))
      ++end;
    return {begin, std::max(end, std::min(begin + 1, bytes.size()))};
  }

  void damageText() {
    static const char *const words[] = {"0",
                                        "-1",
                                        "1",
                                        "2",
                                        "255",
                                        "256",
                                        "-9223372036854775808",
                                        "9223372036854775807",
                                        "4294967296",
                                        "99999999999999999999999999",
                                        "1.0e999",
                                        "0x7FC00000",
                                        "0xFF",
                                        "?",
                                        "f32",
                                        "i8",
                                        "i32",
                                        "ui2",
                                        "ui8",
                                        "index",
                                        "tensor<?x3xf32>",
                                        "dense<>",
                                        "dense_resource<x>",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "<",
                                        ">",
                                        "(",
                                        ")",
                                        "\"",
                                        "%0",
                                        "#0",
                                        "^bb0",
                                        "",
                                        "\xff\xfe",
                                        "strides = [0, 0]",
                                        "padding = [-1, -1, -1, -1]",
                                        "kernel = [1000000000, 1000000000]"};
    auto [begin, end] = word();
    switch (below(6)) {
    case 0:
    case 1:
      bytes.replace(begin, end - begin, words[below(std::size(words))]);
      return;
    case 2: { // a number, rather than just any word
      for (int tries = 0; tries < 50; ++tries) {
        auto [from, to] = word();
        if (from < to && std::isdigit(static_cast<unsigned char>(bytes[from]))) {
          bytes.replace(from, to - from, words[below(14)]);
          return;
        }
      }
      return;
    }
    case 3: { // two words change places
      auto [otherBegin, otherEnd] = word();
      std::string one = bytes.substr(begin, end - begin), other = bytes.substr(otherBegin, otherEnd - otherBegin);
      if (otherBegin < end)
        return;
      bytes.replace(otherBegin, otherEnd - otherBegin, one);
      bytes.replace(begin, end - begin, other);
      return;
    }
    case 4: { // a line twice, or nowhere
      size_t start = bytes.rfind('\n', begin), stop = bytes.find('\n', begin);
      start = start == std::string::npos ? 0 : start + 1;
      stop = stop == std::string::npos ? bytes.size() : stop + 1;
      if (start > stop)
        return;
      std::string line = bytes.substr(start, stop - start);
      below(2) ? (void)bytes.insert(start, line) : (void)bytes.erase(start, stop - start);
      return;
    }
    case 5: { // many of one sign: parsers recurse
      static const char signs[] = "([{<\"-!#";
      bytes.insert(begin, std::string(size_t(1) << below(18), signs[below(std::size(signs) - 1)]));
      return;
    }
    }
  }

  std::string bytes;
  std::mt19937_64 random;
};
} // namespace

std::string mutate(const std::string &bytes, uint64_t seed) { return Mutation(bytes, seed).make(); }

} // namespace n2uq
