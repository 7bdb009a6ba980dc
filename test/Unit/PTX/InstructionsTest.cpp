// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What single instructions compute, against plain C++ on values at the borders and on random ones; control flow; calls.
#include "Kernel.h"

#include <cmath>
#include <functional>
#include <random>

using namespace n2uq::ptx;

namespace {
/// Values at borders of all types, then random ones.
std::vector<uint32_t> operands(size_t count) {
  std::vector<uint32_t> values = {0,          1,          2,          31,         32,         33,         127,
                                  128,        255,        256,        32767,      32768,      65535,      65536,
                                  0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 0x00ff00ff, 0x12345678};
  std::mt19937 random(7);
  while (values.size() < count)
    values.push_back(static_cast<uint32_t>(random() >> (random() % 32)));
  return values;
}

/// Threads have a, b and c in %r1, %r2 and %r3 and leave their result in %rd8.
void expectEach(const std::string &body, const std::function<uint64_t(uint32_t, uint32_t, uint32_t)> &expected,
                const std::vector<uint32_t> &values) {
  constexpr uint32_t threads = 256, blocks = 8;
  std::mt19937 random(11);
  std::vector<uint32_t> in;
  for (uint32_t i = 0; i < threads * blocks; ++i)
    for (int k = 0; k < 4; ++k)
      in.push_back(values[i < values.size() && k == 0 ? i : random() % values.size()]);
  std::vector<uint64_t> out(threads * blocks);
  Kernel kernel("ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%in];\n" + body + "\nst.global.b64 [%out], %rd8;", threads,
                blocks, 16, 8);
  ASSERT_EQ(kernel.run(in, out), "") << body;
  for (uint32_t i = 0; i < out.size(); ++i)
    ASSERT_EQ(out[i], expected(in[4 * i], in[4 * i + 1], in[4 * i + 2]))
        << body << " of " << in[4 * i] << ", " << in[4 * i + 1] << ", " << in[4 * i + 2];
}
/// The same with the result in %r8.
void expect32(const std::string &body, const std::function<uint32_t(uint32_t, uint32_t, uint32_t)> &expected) {
  expectEach(body + "\ncvt.u64.u32 %rd8, %r8;", expected, operands(512));
}
void expect64(const std::string &body, const std::function<uint64_t(uint32_t, uint32_t, uint32_t)> &expected) {
  expectEach(body, expected, operands(512));
}

int32_t s(uint32_t value) { return static_cast<int32_t>(value); }
int64_t wide(uint32_t value) { return static_cast<int32_t>(value); }
uint32_t u(int64_t value) { return static_cast<uint32_t>(value); }
float f(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
uint32_t bits(float value) {
  if (std::isnan(value))
    return 0x7fffffff;
  uint32_t result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}
uint32_t prmt(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t n = c >> (4 * i) & 15, byte = (n & 7) < 4 ? a >> (8 * (n & 3)) & 255 : b >> (8 * (n & 3)) & 255;
    if (n & 8)
      byte = byte > 127 ? 255 : 0;
    result |= byte << (8 * i);
  }
  return result;
}
} // namespace

using U = uint32_t;

TEST(Instructions, IntegerArithmetic) {
  expect32("add.s32 %r8, %r1, %r2;", [](U a, U b, U) { return a + b; });
  expect32("sub.s32 %r8, %r1, %r2;", [](U a, U b, U) { return a - b; });
  expect32("mul.lo.s32 %r8, %r1, %r2;", [](U a, U b, U) { return a * b; });
  expect32("mad.lo.s32 %r8, %r1, %r2, %r3;", [](U a, U b, U c) { return a * b + c; });
  expect32("mul.hi.u32 %r8, %r1, %r2;", [](U a, U b, U) { return u(int64_t(uint64_t(a) * b >> 32)); });
  expect32("mul.hi.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(wide(a) * wide(b) >> 32); });
  expect32("mad.hi.s32 %r8, %r1, %r2, %r3;", [](U a, U b, U c) { return u(wide(a) * wide(b) >> 32) + c; });
  expect64("mul.wide.u32 %rd8, %r1, %r2;", [](U a, U b, U) { return uint64_t(a) * b; });
  expect64("mul.wide.s32 %rd8, %r1, %r2;", [](U a, U b, U) { return uint64_t(wide(a) * wide(b)); });
  expect64("cvt.s64.s32 %rd1, %r3; mad.wide.s32 %rd8, %r1, %r2, %rd1;",
           [](U a, U b, U c) { return uint64_t(wide(a) * wide(b)) + uint64_t(wide(c)); });
  expect32("or.b32 %r2, %r2, 1; div.u32 %r8, %r1, %r2;", [](U a, U b, U) { return a / (b | 1); });
  expect32("or.b32 %r2, %r2, 1; div.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(wide(a) / wide(b | 1)); });
  expect32("or.b32 %r2, %r2, 1; rem.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(wide(a) % wide(b | 1)); });
  expect32("min.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(std::min(s(a), s(b))); });
  expect32("max.u32 %r8, %r1, %r2;", [](U a, U b, U) { return std::max(a, b); });
  expect32("max.relu.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(std::max(0, std::max(s(a), s(b)))); });
  expect32("abs.s32 %r8, %r1; neg.s32 %r2, %r2; add.s32 %r8, %r8, %r2;",
           [](U a, U b, U) { return (s(a) < 0 ? 0 - a : a) - b; });
  expect32("add.sat.s32 %r8, %r1, %r2;", [](U a, U b, U) {
    return u(std::min<int64_t>(std::max<int64_t>(wide(a) + wide(b), INT32_MIN), INT32_MAX));
  });
  expect32("sad.u32 %r8, %r1, %r2, %r3;", [](U a, U b, U c) { return c + (a < b ? b - a : a - b); });
  expect32("cvt.u16.u32 %rs1, %r1; cvt.u16.u32 %rs2, %r2; mul.lo.s16 %rs3, %rs1, %rs2; cvt.s32.s16 %r8, %rs3;",
           [](U a, U b, U) { return u(int16_t(a * b)); });
}

TEST(Instructions, DotProducts) {
  auto dot = [](U a, U b, bool sa, bool sb) {
    int64_t sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += int64_t(sa ? int8_t(a >> (8 * i)) : int(uint8_t(a >> (8 * i)))) *
             (sb ? int8_t(b >> (8 * i)) : int(uint8_t(b >> (8 * i))));
    return u(sum);
  };
  expect32("dp4a.u32.s32 %r8, %r1, %r2, %r3;", [&](U a, U b, U c) { return dot(a, b, false, true) + c; });
  expect32("dp4a.s32.s32 %r8, %r1, %r2, %r3;", [&](U a, U b, U c) { return dot(a, b, true, true) + c; });
  expect32("dp4a.u32.u32 %r8, %r1, %r2, %r3;", [&](U a, U b, U c) { return dot(a, b, false, false) + c; });
  expect32("dp2a.hi.s32.u32 %r8, %r1, %r2, %r3;", [](U a, U b, U c) {
    return u(int64_t(int16_t(a)) * uint8_t(b >> 16) + int64_t(int16_t(a >> 16)) * uint8_t(b >> 24)) + c;
  });
}

TEST(Instructions, Bits) {
  expect32("and.b32 %r8, %r1, %r2; xor.b32 %r8, %r8, %r3; not.b32 %r8, %r8;",
           [](U a, U b, U c) { return ~((a & b) ^ c); });
  expect32("lop3.b32 %r8, %r1, %r2, %r3, 0xE8;", [](U a, U b, U c) { return (a & b) | (a & c) | (b & c); });
  expect32("lop3.b32 %r8, %r1, %r2, %r3, 0x2A;", [](U a, U b, U c) { return ~(a & b) & c; });
  expect32("shl.b32 %r8, %r1, %r2;", [](U a, U b, U) { return b > 31 ? 0 : a << b; });
  expect32("shr.u32 %r8, %r1, %r2;", [](U a, U b, U) { return b > 31 ? 0 : a >> b; });
  expect32("shr.s32 %r8, %r1, %r2;", [](U a, U b, U) { return u(s(a) >> std::min(b, 31u)); });
  expect32("shf.l.wrap.b32 %r8, %r1, %r2, %r3;",
           [](U a, U b, U c) { return c & 31 ? b << (c & 31) | a >> (32 - (c & 31)) : b; });
  expect32("shf.r.wrap.b32 %r8, %r1, %r2, %r3;",
           [](U a, U b, U c) { return c & 31 ? b << (32 - (c & 31)) | a >> (c & 31) : a; });
  expect32("shf.r.clamp.b32 %r8, %r1, %r2, %r3;", [](U a, U b, U c) {
    return c >= 32 ? b : c ? b << (32 - c) | a >> c : a;
  });
  expect32("bfe.u32 %r8, %r1, 3, 8;", [](U a, U, U) { return a >> 3 & 255; });
  expect32("bfe.s32 %r8, %r1, 3, 8;", [](U a, U, U) { return u(int8_t(a >> 3)); });
  expect32("bfe.s32 %r8, %r1, 28, 8;", [](U a, U, U) { return u(s(a) >> 28); });
  expect32("bfi.b32 %r8, %r1, %r2, 4, 6;", [](U a, U b, U) { return (b & ~0x3f0u) | (a << 4 & 0x3f0); });
  expect32("popc.b32 %r8, %r1;", [](U a, U, U) { return U(__builtin_popcount(a)); });
  expect32("clz.b32 %r8, %r1;", [](U a, U, U) { return a ? U(__builtin_clz(a)) : 32; });
  expect32("brev.b32 %r8, %r1; brev.b32 %r8, %r8;", [](U a, U, U) { return a; });
  expect32("bfind.u32 %r8, %r1;", [](U a, U, U) { return a ? 31 - U(__builtin_clz(a)) : ~0u; });
  expect32("prmt.b32 %r8, %r1, %r2, %r3;", prmt);
  expect32("prmt.b32 %r8, %r1, %r2, 0x5410U;", [](U a, U b, U) { return (a & 0xffff) | b << 16; });
  expect64("mov.b64 %rd1, {%r1, %r2}; shr.u64 %rd8, %rd1, 12;",
           [](U a, U b, U) { return (uint64_t(b) << 32 | a) >> 12; });
  expect32("mov.b64 %rd1, {%r1, %r2}; mov.b64 {_, %r8}, %rd1;", [](U, U b, U) { return b; });
  expect32("mov.b32 {%rs1, %rs2}, %r1; mov.b32 %r8, {%rs2, %rs1};", [](U a, U, U) { return a << 16 | a >> 16; });
}

TEST(Instructions, ComparisonsAndPredicates) {
  expect32("setp.lt.s32 %p1, %r1, %r2; selp.b32 %r8, %r3, 7, %p1;", [](U a, U b, U c) { return s(a) < s(b) ? c : 7; });
  expect32("setp.hs.u32 %p1, %r1, %r2; selp.b32 %r8, 1, 0, %p1;", [](U a, U b, U) { return U(a >= b); });
  expect32("setp.ne.b32 %p2, %r3, 0; setp.le.and.u32 %p1|%p3, %r1, %r2, !%p2;\n"
           "selp.b32 %r7, 2, 0, %p3; selp.b32 %r8, 1, %r7, %p1;",
           [](U a, U b, U c) { return c        ? 0u
                                      : a <= b ? 1u
                                               : 2u; });
  expect32("mov.b32 %r8, 5; setp.gt.s32 %p1, %r1, %r2; setp.eq.s32 %p2, %r1, %r3; or.pred %p3, %p1, %p2;\n"
           "not.pred %p4, %p3; @%p3 mov.b32 %r8, 6; @!%p4 add.s32 %r8, %r8, 10;",
           [](U a, U b, U c) { return s(a) > s(b) || a == c ? 16u : 5u; });
}

TEST(Instructions, FloatsAreRoundedOnce) {
  std::vector<uint32_t> values = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000,
                                  1,          0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0x3f000000, 0x40200000,
                                  0xc0200000, 0x4b000000, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000};
  std::mt19937 random(3);
  while (values.size() < 512)
    values.push_back(static_cast<uint32_t>(random()));
  // Near 1, where sums cancel.
  while (values.size() < 1024)
    values.push_back(0x3f800000 + static_cast<uint32_t>(random() % 4096));
  auto expectFloat = [&](const std::string &body, const std::function<float(float, float, float)> &expected) {
    expectEach(
        body + "\ncvt.u64.u32 %rd8, %r8;", [&](U a, U b, U c) -> uint64_t { return bits(expected(f(a), f(b), f(c))); },
        values);
  };
  expectFloat("add.rn.f32 %r8, %r1, %r2;", [](float a, float b, float) { return a + b; });
  expectFloat("sub.rn.f32 %r8, %r1, %r2;", [](float a, float b, float) { return a - b; });
  expectFloat("mul.rn.f32 %r8, %r1, %r2;", [](float a, float b, float) { return a * b; });
  expectFloat("div.rn.f32 %r8, %r1, %r2;", [](float a, float b, float) { return a / b; });
  expectFloat("fma.rn.f32 %r8, %r1, %r2, %r3;", [](float a, float b, float c) { return std::fma(a, b, c); });
  expectFloat("sqrt.rn.f32 %r8, %r1;", [](float a, float, float) { return std::sqrt(a); });
  expectFloat("max.f32 %r8, %r1, %r2;", [](float a, float b, float) {
    return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? b : a) : a > b ? a : b;
  });
  expectFloat("min.NaN.f32 %r8, %r1, %r2;", [](float a, float b, float) {
    return std::isnan(a) || std::isnan(b) ? NAN : a == b ? (std::signbit(a) ? a : b) : a < b ? a : b;
  });
  expectFloat("cvt.rni.f32.f32 %r8, %r1;", [](float a, float, float) { return std::nearbyint(a); });
  expectFloat("cvt.rmi.f32.f32 %r8, %r1;", [](float a, float, float) { return std::floor(a); });
  expectFloat("cvt.rn.f32.s32 %r8, %r1;", [](float a, float, float) {
    uint32_t word;
    std::memcpy(&word, &a, 4);
    return static_cast<float>(static_cast<int32_t>(word));
  });
  expectFloat("cvt.f64.f32 %rd1, %r1; add.rn.f64 %rd1, %rd1, 0d3FF0000000000000; cvt.rn.f32.f64 %r8, %rd1;",
              [](float a, float, float) { return static_cast<float>(static_cast<double>(a) + 1.0); });
  auto expectInteger = [&](const std::string &body, const std::function<uint32_t(float, float)> &expected) {
    expectEach(
        body + "\ncvt.u64.u32 %rd8, %r8;", [&](U a, U b, U) -> uint64_t { return expected(f(a), f(b)); }, values);
  };
  expectInteger("cvt.rzi.s32.f32 %r8, %r1;", [](float a, float) -> uint32_t {
    return std::isnan(a) ? 0 : a >= 2147483648.0f ? 0x7fffffff : a < -2147483648.0f ? 0x80000000 : u(int64_t(a));
  });
  expectInteger("cvt.rni.s32.f32 %r8, %r1;", [](float a, float) -> uint32_t {
    return std::isnan(a)        ? 0
           : a >= 2147483648.0f ? 0x7fffffff
           : a < -2147483648.0f ? 0x80000000
                                : u(int64_t(std::nearbyint(a)));
  });
  expectInteger("cvt.rzi.u32.f32 %r8, %r1;", [](float a, float) -> uint32_t {
    return std::isnan(a) || a <= 0 ? 0 : a >= 4294967296.0f ? ~0u : u(int64_t(a));
  });
  expectInteger("setp.ge.f32 %p1, %r1, %r2; selp.b32 %r8, 1, 0, %p1;", [](float a, float b) { return U(a >= b); });
  expectInteger("setp.ltu.f32 %p1, %r1, %r2; selp.b32 %r8, 1, 0, %p1;", [](float a, float b) { return U(!(a >= b)); });
  expectInteger("setp.nan.f32 %p1, %r1, %r2; selp.b32 %r8, 1, 0, %p1;",
                [](float a, float b) { return U(std::isnan(a) || std::isnan(b)); });
}

TEST(Instructions, Conversions) {
  expect32("cvt.s8.s32 %rs1, %r1; cvt.s32.s16 %r8, %rs1;", [](U a, U, U) { return u(int8_t(a)); });
  expect32("cvt.u8.u32 %rs1, %r1; cvt.u32.u16 %r8, %rs1;", [](U a, U, U) { return a & 255; });
  expect32("cvt.sat.u8.s32 %r8, %r1;", [](U a, U, U) { return U(std::min(255, std::max(0, s(a)))); });
  expect32("cvt.sat.s8.s32 %r8, %r1;", [](U a, U, U) { return u(std::min(127, std::max(-128, s(a)))); });
  expect32("cvt.s32.s16 %r8, %r1;", [](U a, U, U) { return u(int16_t(a)); });
  expect64("cvt.s64.s32 %rd8, %r1;", [](U a, U, U) { return uint64_t(wide(a)); });
  expect64("cvt.s64.s32 %rd1, %r1; cvt.u32.u64 %r7, %rd1; cvt.u64.u32 %rd8, %r7;", [](U a, U, U) { return a; });
}

TEST(Instructions, LoadsAndStoresOfEveryWidth) {
  expect32("ld.global.u8 %r8, [%in+1];", [](U a, U, U) { return a >> 8 & 255; });
  expect32("ld.global.s8 %r8, [%in+3];", [](U a, U, U) { return u(int8_t(a >> 24)); });
  expect32("ld.global.nc.L1::no_allocate.s16 %r8, [%in+2];", [](U a, U, U) { return u(int16_t(a >> 16)); });
  expect32("ld.relaxed.gpu.global.b32 %r8, [%in+4];", [](U, U b, U) { return b; });
  expect64("ld.global.v2.b64 {%rd1, %rd2}, [%in]; mov.b64 %rd8, %rd1;",
           [](U a, U b, U) { return uint64_t(b) << 32 | a; });
  expect32("ld.global.v4.b8 {%rs1, %rs2, %rs3, %rs4}, [%in]; cvt.u32.u16 %r8, %rs3;",
           [](U a, U, U) { return a >> 16 & 255; });
  // Through shared and local memory, by generic addresses.
  expect32(
      ".shared .align 4 .b8 s[2048]; mov.b64 %rd1, s; cvta.shared.u64 %rd1, %rd1; mad.wide.u32 %rd1, %t, 8, %rd1;\n"
      "st.v2.b32 [%rd1], {%r1, %r2}; ld.b32 %r8, [%rd1+4];",
      [](U, U b, U) { return b; });
  expect32(
      ".local .align 8 .b8 l[16]; mov.b64 %rd1, l; cvta.local.u64 %rd2, %rd1; st.local.v2.b32 [%rd1+8], {%r1, %r2};\n"
      "cvta.to.local.u64 %rd3, %rd2; ld.local.b32 %r7, [%rd3+12]; ld.b32 %r8, [%rd2+8]; sub.s32 %r8, %r8, %r7;",
      [](U a, U b, U) { return a - b; });
}

/// Lanes that loop for different times, and meet again.
TEST(Instructions, DivergentLoop) {
  expect32("and.b32 %r4, %r1, 15; mov.b32 %r8, 0;\n"
           "L: setp.eq.s32 %p1, %r4, 0; @%p1 bra E; add.s32 %r8, %r8, %r4; sub.s32 %r4, %r4, 1; bra.uni L;\n"
           "E: redux.sync.add.s32 %r5, %r8, -1; sub.s32 %r8, %r5, %r5; add.s32 %r8, %r8, %r1;",
           [](U a, U, U) { return a; });
}

TEST(Instructions, CallsAreExpanded) {
  Kernel kernel("{ .param .b32 x; .param .b64 y; .param .b32 r; st.param.b32 [x], %t; st.param.b64 [y], %in;\n"
                "call.uni (r), f, (x, y); ld.param.b32 %r1, [r]; }\n"
                "{ .param .b32 x; .param .b64 y; .param .b32 r; st.param.b32 [x], %r1; st.param.b64 [y], %in;\n"
                "call.uni (r), f, (x, y); ld.param.b32 %r1, [r]; }\nst.global.b32 [%out], %r1;");
  // Returns early where x is odd.
  kernel.moduleText = ".func (.param .b32 r) f(.param .b32 x, .param .b64 y)\n{\n.reg .b32 %r<4>; .reg .b64 %rd<2>; "
                      ".reg .pred %p<2>;\nld.param.b32 %r1, [x]; and.b32 %r2, %r1, 1; setp.eq.s32 %p1, %r2, 1;\n"
                      "st.param.b32 [r], %r1; @%p1 ret;\nld.param.b64 %rd1, [y]; ld.b32 %r3, [%rd1];\n"
                      "add.s32 %r3, %r3, %r1; st.param.b32 [r], %r3; ret;\n}\n";
  std::vector<uint32_t> in(32), out(32);
  for (uint32_t i = 0; i < 32; ++i)
    in[i] = 3 * i + 1;
  ASSERT_EQ(kernel.run(in, out), "");
  for (uint32_t i = 0; i < 32; ++i) {
    uint32_t x = i;
    for (int call = 0; call < 2; ++call)
      x = x & 1 ? x : x + in[i];
    EXPECT_EQ(out[i], x) << i;
  }
}

TEST(Instructions, ShufflesVotesReductions) {
  auto run = [](const std::string &body) {
    std::vector<uint32_t> in(32), out(32);
    for (uint32_t i = 0; i < 32; ++i)
      in[i] = 100 + i * i;
    EXPECT_EQ(Kernel("ld.global.b32 %r1, [%in];\n" + body + "\nst.global.b32 [%out], %r2;").run(in, out), "");
    return out;
  };
  auto value = [](uint32_t i) { return 100 + i * i; };
  auto butterfly = run("shfl.sync.bfly.b32 %r2, %r1, 5, 31, -1;");
  auto up = run("shfl.sync.up.b32 %r2|%p1, %r1, 3, 0, -1; @!%p1 mov.b32 %r2, 0;");
  auto down = run("shfl.sync.down.b32 %r2, %r1, 2, 0x181f, -1;"); // segments of 8 lanes
  auto index = run("shfl.sync.idx.b32 %r2, %r1, 9, 31, -1;");
  auto ballot = run("setp.gt.u32 %p1, %t, 10; vote.sync.ballot.b32 %r2, %p1, -1;");
  auto any = run("setp.gt.u32 %p1, %t, 10; vote.sync.any.pred %p2, !%p1, -1; selp.b32 %r2, 1, 0, %p2;");
  auto sum = run("redux.sync.add.s32 %r2, %r1, -1;");
  auto least = run("neg.s32 %r1, %r1; redux.sync.min.s32 %r2, %r1, -1;");
  uint32_t total = 0;
  for (uint32_t i = 0; i < 32; ++i)
    total += value(i);
  for (uint32_t i = 0; i < 32; ++i) {
    EXPECT_EQ(butterfly[i], value(i ^ 5));
    EXPECT_EQ(up[i], i < 3 ? 0 : value(i - 3));
    EXPECT_EQ(down[i], value(i % 8 < 6 ? i + 2 : i));
    EXPECT_EQ(index[i], value(9));
    EXPECT_EQ(ballot[i], 0xfffff800u);
    EXPECT_EQ(any[i], 1u);
    EXPECT_EQ(sum[i], total);
    EXPECT_EQ(least[i], 0 - value(31));
  }
}

TEST(Instructions, AtomicsOfAllBlocks) {
  Kernel kernel("ld.global.b32 %r1, [%in]; atom.global.add.u32 %r2, [%out0], %r1; red.global.max.s32 [%out0+4], %r1;\n"
                "bar.sync 0;",
                128, 16, 4, 0);
  Device device;
  Module *module;
  ASSERT_EQ(device.load("k.ptx", kernel.text(), module), "");
  std::vector<int32_t> in(2048), out(2);
  int32_t sum = 0;
  for (int i = 0; i < 2048; ++i)
    sum += in[i] = i * 7 - 1000;
  uint64_t a = device.allocate(8192), b = device.allocate(8);
  device.write(a, in.data(), 8192);
  device.fill(b, 0, 8);
  Launch launch;
  launch.grid.x = 16;
  launch.block.x = 128;
  launch.hostThreads = 3;
  ASSERT_EQ(device.launch(*module, "k", launch, {bytesOf(a), bytesOf(b)}), "");
  ASSERT_EQ(device.read(b, out.data(), 8), "");
  EXPECT_EQ(out[0], sum);
  EXPECT_EQ(out[1], 2047 * 7 - 1000);
}

TEST(Instructions, GridsAndBlocksOfThreeDimensions) {
  Device device;
  Module *module;
  ASSERT_EQ(device.load("k.ptx",
                        ".version 7.5\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 a) {\n"
                        ".reg .b32 %r<20>; .reg .b64 %rd<4>; ld.param.b64 %rd1, [a];\n"
                        "mov.u32 %r1, %tid.x; mov.u32 %r2, %tid.y; mov.u32 %r3, %tid.z;\n"
                        "mov.u32 %r4, %ntid.x; mov.u32 %r5, %ntid.y; mov.u32 %r6, %ntid.z;\n"
                        "mov.u32 %r7, %ctaid.x; mov.u32 %r8, %ctaid.y; mov.u32 %r9, %ctaid.z;\n"
                        "mov.u32 %r10, %nctaid.x; mov.u32 %r11, %nctaid.y;\n"
                        "mad.lo.s32 %r12, %r9, %r11, %r8; mad.lo.s32 %r12, %r12, %r10, %r7;\n"
                        "mad.lo.s32 %r13, %r3, %r5, %r2; mad.lo.s32 %r13, %r13, %r4, %r1;\n"
                        "mul.lo.s32 %r14, %r4, %r5; mul.lo.s32 %r14, %r14, %r6; mad.lo.s32 %r15, %r12, %r14, %r13;\n"
                        "mad.wide.u32 %rd2, %r15, 4, %rd1; st.global.b32 [%rd2], %r15; ret; }",
                        module),
            "");
  Launch launch;
  launch.grid = {3, 2, 2};
  launch.block = {5, 3, 2};
  uint32_t count = 12 * 30;
  uint64_t a = device.allocate(4 * count);
  ASSERT_EQ(device.launch(*module, "k", launch, {bytesOf(a)}), "");
  std::vector<uint32_t> out(count);
  ASSERT_EQ(device.read(a, out.data(), 4 * count), "");
  for (uint32_t i = 0; i < count; ++i)
    EXPECT_EQ(out[i], i);
}
