// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layouts of mma.sync and ldmatrix as the PTX manual writes them, element by element, with its names (groupID,
// threadID_in_group, a_i, b_i, c_i), against what the machine does. Nothing of the machine's own code is used for them.
#include "Kernel.h"

#include <functional>
#include <random>

using namespace n2uq::ptx;

namespace {
struct Place {
  int row, col;
};

/// One shape of the manual's section "Matrix Fragments for mma.…": where element i of a lane lies.
struct Shape {
  const char *name;
  int m, k, bits;
  int aElements, bElements, cElements; // of a lane
  std::function<Place(int groupID, int threadID_in_group, int i)> a, b, c;
};

Place cOf16(int g, int t, int i) {
  // row = groupID for ci where i < 2, groupID + 8 for i >= 2; col = (threadID_in_group * 2) + (i & 0x1)
  return {i < 2 ? g : g + 8, t * 2 + (i & 1)};
}
Place cOf8(int g, int t, int i) { return {g, t * 2 + i}; }

const Shape shapes[] = {
    // 9.7.14.5.6: row = groupID; col = (threadID_in_group * 4) + i, i = {0,..,3}
    {"m8n8k16", 8, 16, 8, 4, 4, 2, [](int g, int t, int i) { return Place{g, t * 4 + i}; },
     [](int g, int t, int i) { return Place{t * 4 + i, g}; }, cOf8},
    // row = groupID for ai where i < 4, groupID + 8 for i >= 4; col = (threadID_in_group * 4) + (i & 0x3)
    {"m16n8k16", 16, 16, 8, 8, 4, 4, [](int g, int t, int i) { return Place{i < 4 ? g : g + 8, t * 4 + (i & 3)}; },
     [](int g, int t, int i) { return Place{t * 4 + i, g}; }, cOf16},
    // row = groupID for ai where 0 <= i < 4 || 8 <= i < 12, groupID + 8 otherwise;
    // col = (threadID_in_group * 4) + (i & 0x3) for ai where i < 8, + 16 for i >= 8
    {"m16n8k32", 16, 32, 8, 16, 8, 4,
     [](int g, int t, int i) {
       return Place{i < 4 || (i >= 8 && i < 12) ? g : g + 8, i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16};
     },
     [](int g, int t, int i) { return Place{i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, g}; }, cOf16},
    // row = groupID; col = (threadID_in_group * 8) + i, i = {0,..,7}
    {"m8n8k32", 8, 32, 4, 8, 8, 2, [](int g, int t, int i) { return Place{g, t * 8 + i}; },
     [](int g, int t, int i) { return Place{t * 8 + i, g}; }, cOf8},
    // row = groupID for ai where i < 8, groupID + 8 for i >= 8; col = (threadID_in_group * 8) + (i & 0x7)
    {"m16n8k32", 16, 32, 4, 16, 8, 4, [](int g, int t, int i) { return Place{i < 8 ? g : g + 8, t * 8 + (i & 7)}; },
     [](int g, int t, int i) { return Place{t * 8 + i, g}; }, cOf16},
    // row = groupID for ai where 0 <= i < 8 || 16 <= i < 24, groupID + 8 otherwise;
    // col = (threadID_in_group * 8) + (i & 0x7) for ai where i < 16, + 32 for i >= 16
    {"m16n8k64", 16, 64, 4, 32, 16, 4,
     [](int g, int t, int i) {
       return Place{i < 8 || (i >= 16 && i < 24) ? g : g + 8, i < 16 ? t * 8 + (i & 7) : t * 8 + (i & 7) + 32};
     },
     [](int g, int t, int i) { return Place{i < 8 ? t * 8 + (i & 7) : t * 8 + (i & 7) + 32, g}; }, cOf16},
    // row = groupID; col = (threadID_in_group * 32) + i, i = {0,..,31}
    {"m8n8k128", 8, 128, 1, 32, 32, 2, [](int g, int t, int i) { return Place{g, t * 32 + i}; },
     [](int g, int t, int i) { return Place{t * 32 + i, g}; }, cOf8},
    // row = groupID for ai where i < 32, groupID + 8 for i >= 32; col = (threadID_in_group * 32) + (i & 0x1F)
    {"m16n8k128", 16, 128, 1, 64, 32, 4,
     [](int g, int t, int i) { return Place{i < 32 ? g : g + 8, t * 32 + (i & 31)}; },
     [](int g, int t, int i) { return Place{t * 32 + i, g}; }, cOf16},
    // row = groupID for ai where 0 <= i < 32 || 64 <= i < 96, groupID + 8 otherwise;
    // col = (threadID_in_group * 32) + i for i < 32 || …: + (i & 0x1F) for ai where i < 64, + 128 for i >= 64
    {"m16n8k256", 16, 256, 1, 128, 64, 4,
     [](int g, int t, int i) {
       return Place{i < 32 || (i >= 64 && i < 96) ? g : g + 8, i < 64 ? t * 32 + (i & 31) : t * 32 + (i & 31) + 128};
     },
     [](int g, int t, int i) { return Place{i < 32 ? t * 32 + (i & 31) : t * 32 + (i & 31) + 128, g}; }, cOf16},
};

std::string registers(const char *name, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i)
    text += (i ? ", " : "") + std::string(name) + std::to_string(i);
  return text + "}";
}

/// Loads a lane's registers of A, B and C, multiplies, stores D.
Kernel multiplication(const Shape &shape, const std::string &types) {
  int a = shape.aElements * shape.bits / 32, b = shape.bElements * shape.bits / 32, c = shape.cElements;
  Kernel kernel;
  kernel.inBytes = static_cast<uint32_t>(4 * (a + b + c));
  kernel.outBytes = static_cast<uint32_t>(4 * c);
  kernel.body = ".reg .b32 %a<4>, %b<2>, %c<4>, %d<4>;\n";
  int at = 0;
  for (auto [name, count] : {std::pair{"%a", a}, std::pair{"%b", b}, std::pair{"%c", c}})
    for (int i = 0; i < count; ++i, at += 4)
      kernel.body += "ld.global.b32 " + std::string(name) + std::to_string(i) + ", [%in+" + std::to_string(at) + "];\n";
  kernel.body += "mma.sync.aligned." + std::string(shape.name) + ".row.col." + types + "\n" + registers("%d", c) +
                 ",\n" + registers("%a", a) + ",\n" + registers("%b", b) + ",\n" + registers("%c", c) + ";\n";
  for (int i = 0; i < c; ++i)
    kernel.body += "st.global.b32 [%out+" + std::to_string(4 * i) + "], %d" + std::to_string(i) + ";\n";
  return kernel;
}

int valueOf(uint32_t bits, int width, bool isSigned) {
  return isSigned && bits >> (width - 1) ? static_cast<int>(bits) - (1 << width) : static_cast<int>(bits);
}

/// Random matrices through the machine and through the sum over k.
void check(const Shape &shape, bool aSigned, bool bSigned, const std::string &suffix, bool saturates, bool isXor) {
  auto typeOf = [&](bool isSigned) {
    return shape.bits == 1 ? std::string("b1") : (isSigned ? "s" : "u") + std::to_string(shape.bits);
  };
  std::string types =
      std::string(saturates ? "satfinite." : "") + "s32." + typeOf(aSigned) + "." + typeOf(bSigned) + ".s32" + suffix;
  std::mt19937 random(20261124);
  std::vector<std::vector<uint32_t>> A(shape.m, std::vector<uint32_t>(shape.k)), B(shape.k, std::vector<uint32_t>(8));
  std::vector<std::vector<int32_t>> C(shape.m, std::vector<int32_t>(8));
  uint32_t mask = (1u << shape.bits) - 1;
  for (auto &row : A)
    for (uint32_t &x : row)
      x = random() & mask;
  for (auto &row : B)
    for (uint32_t &x : row)
      x = random() & mask;
  for (auto &row : C)
    for (int32_t &x : row)
      x = saturates ? (random() & 1 ? INT32_MAX - 50 : INT32_MIN + 50) : static_cast<int32_t>(random());
  int perWord = 32 / shape.bits;
  std::vector<uint32_t> in;
  for (int lane = 0; lane < 32; ++lane) {
    int groupID = lane >> 2, threadID_in_group = lane % 4;
    auto pack = [&](int elements, auto &place, auto &matrix) {
      for (int word = 0; word < elements / perWord; ++word) {
        uint32_t bits = 0;
        for (int i = 0; i < perWord; ++i) {
          Place at = place(groupID, threadID_in_group, word * perWord + i);
          bits |= matrix[at.row][at.col] << (i * shape.bits);
        }
        in.push_back(bits);
      }
    };
    pack(shape.aElements, shape.a, A);
    pack(shape.bElements, shape.b, B);
    for (int i = 0; i < shape.cElements; ++i) {
      Place at = shape.c(groupID, threadID_in_group, i);
      in.push_back(static_cast<uint32_t>(C[at.row][at.col]));
    }
  }
  std::vector<int32_t> out(32 * shape.cElements);
  ASSERT_EQ(multiplication(shape, types).run(in, out), "") << shape.name << " " << types;
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < shape.cElements; ++i) {
      Place at = shape.c(lane >> 2, lane % 4, i);
      int64_t sum = C[at.row][at.col];
      for (int k = 0; k < shape.k; ++k) {
        int x = valueOf(A[at.row][k], shape.bits, aSigned), y = valueOf(B[k][at.col], shape.bits, bSigned);
        sum += isXor ? x ^ y : x * y;
      }
      if (saturates)
        sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
      ASSERT_EQ(out[lane * shape.cElements + i], static_cast<int32_t>(sum))
          << shape.name << " " << types << " lane " << lane << " c" << i;
    }
}
} // namespace

TEST(Matrix, MultipliesAsTheManualSays) {
  for (const Shape &shape : shapes) {
    if (shape.bits == 1) {
      check(shape, false, false, ".and.popc", false, false);
      check(shape, false, false, ".xor.popc", false, true);
      continue;
    }
    for (bool aSigned : {false, true})
      for (bool bSigned : {false, true})
        for (bool saturates : {false, true})
          check(shape, aSigned, bSigned, "", saturates, false);
  }
}

/// A planted fault: two lanes of a fragment exchanged give another product.
TEST(Matrix, WrongLaneIsSeen) {
  const Shape &shape = shapes[2];
  Kernel right = multiplication(shape, "s32.u8.s8.s32"), wrong = right;
  wrong.body.insert(wrong.body.find("mma."), "shfl.sync.bfly.b32 %a1, %a1, 1, 31, -1;\n");
  std::mt19937 random(1);
  std::vector<uint32_t> in(32 * 10);
  for (uint32_t &x : in)
    x = random();
  std::vector<uint32_t> good(128), bad(128);
  ASSERT_EQ(right.run(in, good), "");
  ASSERT_EQ(wrong.run(in, bad), "");
  EXPECT_NE(good, bad);
}

TEST(Matrix, DivergentMultiplicationIsAFault) {
  Kernel kernel = multiplication(shapes[2], "s32.u8.s8.s32");
  kernel.body.insert(kernel.body.find("mma."), "setp.lt.u32 %p1, %t, 31; @%p1 ");
  EXPECT_FAULT(kernel, "the warp is divergent");
}

/// ldmatrix: "each thread i of 0-7 (8-15, 16-23, 24-31) gives the address of row i of matrix 0 (1, 2, 3)"; thread T
/// receives of each matrix row T / 4, elements 2 * (T % 4) and the next one; with .trans the matrix is in column-major.
TEST(Matrix, LoadsAsTheManualSays) {
  for (int count : {1, 2, 4})
    for (bool trans : {false, true}) {
      Kernel kernel;
      kernel.inBytes = 16;
      kernel.outBytes = 16;
      kernel.body = ".shared .align 16 .b8 s[512]; mov.b64 %rd1, s; mad.wide.u32 %rd2, %t, 16, %rd1;\n"
                    "ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%in];\n"
                    "st.shared.v4.b32 [%rd2], {%r1, %r2, %r3, %r4}; bar.warp.sync -1;\n"
                    "mov.b32 %r10, 0; mov.b32 %r11, 0; mov.b32 %r12, 0; mov.b32 %r13, 0;\n"
                    // Row i of matrix j is where the lane 31 - (8 * j + i) wrote.
                    "sub.s32 %r5, 31, %t; mad.wide.u32 %rd3, %r5, 16, %rd1;\n"
                    "ldmatrix.sync.aligned.m8n8.x" +
                    std::to_string(count) + (trans ? ".trans" : "") + ".shared.b16 " +
                    (count == 1   ? "{%r10}"
                     : count == 2 ? "{%r10, %r11}"
                                  : "{%r10, %r11, %r12, %r13}") +
                    ", [%rd3];\nst.global.v4.b32 [%out], {%r10, %r11, %r12, %r13};";
      std::vector<uint16_t> in(32 * 8), out(32 * 8);
      for (size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<uint16_t>(i * 257 + 3);
      ASSERT_EQ(kernel.run(in, out), "");
      for (int T = 0; T < 32; ++T)
        for (int j = 0; j < 4; ++j)
          for (int e = 0; e < 2; ++e) {
            int row = T / 4, col = 2 * (T % 4) + e;
            if (trans)
              std::swap(row, col);
            uint16_t expected = j < count ? in[(31 - (8 * j + row)) * 8 + col] : 0;
            ASSERT_EQ(out[T * 8 + 2 * j + e], expected) << "x" << count << " trans " << trans << " thread " << T;
          }
    }
}

/// The warp reads what its lanes wrote: without bar.warp.sync between, that is a race.
TEST(Matrix, LoadBehindWriteNeedsABarrier) {
  EXPECT_FAULT(Kernel(".shared .align 16 .b8 s[512]; mov.b64 %rd1, s; mad.wide.u32 %rd2, %t, 16, %rd1;\n"
                      "st.shared.v4.b32 [%rd2], {%t, %t, %t, %t};\n"
                      "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r10}, [%rd2];"),
               "a race: thread 0 wrote byte 0");
}
