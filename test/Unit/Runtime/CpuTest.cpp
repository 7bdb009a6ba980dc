// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Features by CPUID and XCR0, on CPUs that this machine is not.
#include "internal.h"

#include <gtest/gtest.h>

#include <string>

namespace {

/// A CPU that has everything the list knows; the operating system saves `osStates`, or cannot say (`osSaves` false).
struct FakeCpu {
  static inline bool osSaves = true, hasExtendedLeaf = true;
  static inline uint64_t osStates = 0;

  static void cpuid(uint32_t leaf, uint32_t, uint32_t registers[4]) {
    for (int i = 0; i < 4; ++i)
      registers[i] = leaf == 0x80000001 && !hasExtendedLeaf ? 0 : ~uint32_t(0);
    if (leaf == 1 && !osSaves)
      registers[2] &= ~(uint32_t(1) << 27);
  }
  static uint64_t xcr0() {
    EXPECT_TRUE(osSaves) << "XGETBV without OSXSAVE is an illegal instruction";
    return osStates;
  }
  static uint64_t features(bool saves, uint64_t states) {
    osSaves = saves;
    osStates = states;
    n2uq_cpu_source source = {cpuid, xcr0};
    return n2uq_cpu_features_from(&source);
  }
};

int bitOf(const std::string &name) {
  for (int bit = 0; bit < 64; ++bit)
    if (n2uq_cpu_feature_name(bit) && name == n2uq_cpu_feature_name(bit))
      return bit;
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

bool has(uint64_t features, const std::string &name) { return features >> bitOf(name) & 1; }

TEST(Cpu, EveryFeatureWithAllStates) {
  uint64_t features = FakeCpu::features(true, 0x600e7);
  for (int bit = 0; bit < 64; ++bit)
    EXPECT_EQ(features >> bit & 1, n2uq_cpu_feature_name(bit) ? 1u : 0u) << bit;
}

TEST(Cpu, NoStatesLeavesSse) {
  for (bool saves : {false, true}) {
    uint64_t features = FakeCpu::features(saves, 0);
    for (const char *name : {"sse2", "sse4.2", "popcnt", "bmi2", "gfni", "sha", "lzcnt"})
      EXPECT_TRUE(has(features, name)) << name;
    for (const char *name : {"avx", "avx2", "fma", "f16c", "vaes", "vpclmulqdq", "avxvnni", "avx512f", "amx-tile"})
      EXPECT_FALSE(has(features, name)) << name;
  }
}

TEST(Cpu, YmmStateAlone) {
  uint64_t features = FakeCpu::features(true, 0x7);
  for (const char *name : {"avx", "avx2", "fma", "f16c", "vaes", "avxvnni", "avxvnniint8"})
    EXPECT_TRUE(has(features, name)) << name;
  for (const char *name : {"avx512f", "avx512vnni", "avx512vbmi", "amx-int8"})
    EXPECT_FALSE(has(features, name)) << name;
}

TEST(Cpu, ZmmStateNeedsMasksAndBothHalves) {
  EXPECT_TRUE(has(FakeCpu::features(true, 0xe7), "avx512vnni"));
  for (int state : {1, 2, 5, 6, 7})
    EXPECT_FALSE(has(FakeCpu::features(true, 0xe7 & ~(1 << state)), "avx512vnni")) << state;
  EXPECT_FALSE(has(FakeCpu::features(true, 0xe7), "amx-tile"));
  EXPECT_TRUE(has(FakeCpu::features(true, 0x600e7), "amx-tile"));
}

TEST(Cpu, LeafThatTheCpuDoesNotKnow) {
  FakeCpu::hasExtendedLeaf = false;
  EXPECT_FALSE(has(FakeCpu::features(true, 0x600e7), "lzcnt"));
  FakeCpu::hasExtendedLeaf = true;
}

TEST(Cpu, AgreesWithTheCompilersRuntime) {
#if defined(__x86_64__)
  uint64_t features = n2uq_cpu_features();
  EXPECT_EQ(has(features, "sse2"), __builtin_cpu_supports("sse2") != 0);
  EXPECT_EQ(has(features, "sse4.2"), __builtin_cpu_supports("sse4.2") != 0);
  EXPECT_EQ(has(features, "avx2"), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(has(features, "fma"), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(has(features, "avx512f"), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(has(features, "avx512vnni"), __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(has(features, "avx512vbmi"), __builtin_cpu_supports("avx512vbmi") != 0);
  EXPECT_EQ(has(features, "gfni"), __builtin_cpu_supports("gfni") != 0);
#endif
}

TEST(Cpu, MissingFeaturesAreNamed) {
  uint64_t needed =
      uint64_t(1) << bitOf("avx512vnni") | uint64_t(1) << bitOf("avx512vbmi") | uint64_t(1) << bitOf("avx2");
  uint64_t present = uint64_t(1) << bitOf("avx2");
  EXPECT_EQ(n2uq_check_cpu("m.so", "znver4", needed, needed), N2UQ_OK);
  EXPECT_EQ(n2uq_check_cpu("m.so", "znver4", needed, present), N2UQ_BAD_CPU);
  EXPECT_STREQ(n2uq_last_error(),
               "cannot load 'm.so': it was compiled for znver4 and this CPU or its operating system lacks avx512vbmi, "
               "avx512vnni; compile it with --target-cpu=host here, or with --target-cpu=x86-64 for any machine");
  EXPECT_EQ(n2uq_check_cpu("m.so", "all", ~uint64_t(0), 0), N2UQ_BAD_CPU);
}

TEST(Cpu, ErrorsStayOnOneLine) {
  n2uq_fail(N2UQ_BAD_FILE, "a%cb%cc %s", '\n', '\x1b', std::string(5000, 'x').c_str());
  EXPECT_EQ(std::string(n2uq_last_error()).substr(0, 6), "a?b?c ");
  EXPECT_LT(std::string(n2uq_last_error()).size(), 1024u);
}

} // namespace
