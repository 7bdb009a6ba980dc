// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one core of this machine can do at most: int8 multiply-accumulates a cycle, and cycles a second. tools/bench
// divides by both.
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/CoreClock.h"
#include "n2uq/Support/Version.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char tool[] = "n2uq-peak";

static const char helpText[] =
    R"(usage: n2uq-peak

Measures one core for a fifth of a second and prints one JSON object: the widest instruction for int8 dot products that the
CPU has, how many multiply-accumulates of it are done in a cycle at most, and the clock in GHz at that moment.

  --help, --version  print this, or the version
)";

using Clock = std::chrono::steady_clock;

/// So many sums at once hide the latency of the instruction (5 cycles, 2 a cycle at most) and fit the registers.
static constexpr int sums = 14;

#if defined(__x86_64__)
// The empty assembly keeps the compiler from knowing a value.
#define N2UQ_DOT_LOOP(name, features, Vector, zero, step)                                                              \
  __attribute__((target(features))) static void name(int64_t rounds) {                                                 \
    Vector sum[sums], x = zero, y = zero;                                                                              \
    asm volatile("" : "+v"(x), "+v"(y));                                                                               \
    for (Vector &s : sum)                                                                                              \
      s = zero;                                                                                                        \
    for (int64_t i = 0; i < rounds; ++i)                                                                               \
      for (Vector &s : sum) {                                                                                          \
        s = step;                                                                                                      \
        asm volatile("" : "+v"(s));                                                                                    \
      }                                                                                                                \
  }

N2UQ_DOT_LOOP(dot512, "avx512f,avx512bw,avx512vnni", __m512i, _mm512_setzero_si512(), _mm512_dpbusd_epi32(s, x, y))
N2UQ_DOT_LOOP(dot256, "avx2,avxvnni", __m256i, _mm256_setzero_si256(), _mm256_dpbusd_avx_epi32(s, x, y))
N2UQ_DOT_LOOP(pairs256, "avx2", __m256i, _mm256_setzero_si256(),
              _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, s), y)))
N2UQ_DOT_LOOP(pairs128, "sse2", __m128i, _mm_setzero_si128(), _mm_add_epi32(s, _mm_madd_epi16(x, y)))
#undef N2UQ_DOT_LOOP
#endif

namespace {
struct DotLoop {
  const char *instruction;
  int64_t macs; // of one step
  void (*run)(int64_t rounds);
};
} // namespace

static DotLoop widestLoop() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
    return {"vpdpbusd zmm", 64, dot512};
  if (__builtin_cpu_supports("avxvnni"))
    return {"vpdpbusd ymm", 32, dot256};
  if (__builtin_cpu_supports("avx2"))
    return {"vpmaddubsw, vpmaddwd, vpaddd ymm", 32, pairs256};
  return {"pmaddwd, paddd xmm", 8, pairs128};
#else
  return {"none", 0, [](int64_t) {}};
#endif
}

/// Seconds of a call.
template <typename Function>
static double secondsOf(Function function) {
  Clock::time_point start = Clock::now();
  function();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int main(int argc, char **argv) {
  n2uq::CommandLine line(helpText, "n2uq-peak " N2UQ_VERSION);
  std::string error = line.parse(argc, argv);
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty() && !line.files().empty())
    error = "takes no file, but got '" + line.files()[0] + "'; --help says more";
  if (!error.empty())
    return n2uq::failWith(tool, error);

  // Slices of a millisecond in turn: of many, some are not interrupted, and all see the same clock.
  constexpr int slices = 100;
  constexpr int64_t rounds = 200'000;
  DotLoop loop = widestLoop();
  double hertz = 0, fastestDots = 1;
  for (int i = 0; i < slices; ++i) {
    hertz = std::max(hertz, n2uq::coreHertz());
    fastestDots = std::min(fastestDots, secondsOf([&] { loop.run(rounds); }));
  }
  double macsPerCycle = double(loop.macs) * sums * rounds / fastestDots / hertz;
  std::printf("{\"instruction\": \"%s\", \"macs_per_cycle\": %.3f, \"ghz\": %.4f}\n", loop.instruction, macsPerCycle,
              hertz * 1e-9);
  return 0;
}
