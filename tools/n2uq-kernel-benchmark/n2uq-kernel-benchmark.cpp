// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of compiled models, each by itself on one thread and with its data in cache, by Google Benchmark.
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Version.h"
#include "n2uq/runtime.h"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace n2uq;

static const char tool[] = "n2uq-kernel-benchmark";

static const char helpText[] =
    R"(usage: n2uq-kernel-benchmark MODEL.so… [--ghz=NUMBER] [--benchmark_…]

Runs every kernel that multiplies of every model, one image, one thread, again and again, each by itself: its data is as warm
as it can be. Prints time, multiply-accumulates a second and, with the clock that --ghz names, a cycle.

  --ghz=NUMBER        the clock of a core (n2uq-peak measures it)
  --benchmark_…       Google Benchmark's: --benchmark_filter=REGEX, --benchmark_min_time=SECONDS, --benchmark_out=FILE, …
  --help, --version   print this, or the version

Exit code 0 on success, 1 on an error, which is one sentence on stderr.
)";

namespace {
/// A model with memory for one image.
class WarmModel {
public:
  std::string open(const std::string &path) {
    if (n2uq_model_open(path.c_str(), &model) != N2UQ_OK)
      return n2uq_last_error();
    const n2uq_model &m = *descriptor();
    int64_t bytes = n2uq_model_arena_bytes(model, 1);
    arena.reset(static_cast<uint8_t *>(
        std::aligned_alloc(N2UQ_ARENA_ALIGNMENT, (bytes / N2UQ_ARENA_ALIGNMENT + 1) * N2UQ_ARENA_ALIGNMENT)));
    if (!arena)
      throw std::bad_alloc();
    input.resize(n2uq_tensor_bytes(&m.input, 1));
    output.resize(n2uq_tensor_bytes(&m.output, 1));
    fillInput(m.input.dtype);
    frame = {arena.get(), input.data(), output.data(), 1};
    return "";
  }

  /// Everything before the kernel, so that it finds the codes of a real run. Later kernels reuse the arena: behind them
  /// its codes are no codes any more.
  void runBefore(int64_t kernel) const {
    for (int64_t i = 0; i < kernel; ++i)
      run(i);
  }

  const n2uq_model *descriptor() const { return n2uq_model_descriptor_of(model); }
  void run(int64_t kernel) const {
    const n2uq_kernel &k = descriptor()->kernels[kernel];
    k.run(&frame, 0, k.items_per_image);
  }

private:
  /// Ordinary numbers: denormals or NaN everywhere could change a timing.
  void fillInput(int32_t dtype) {
    uint32_t state = 1;
    auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
    for (size_t i = 0; i + 4 <= input.size(); i += 4) {
      float value = static_cast<float>(next() % 65536) / 16384.0f - 2.0f;
      uint32_t bytes = next();
      if (dtype == N2UQ_FLOAT32)
        std::memcpy(&input[i], &value, 4);
      else
        std::memcpy(&input[i], &bytes, 4);
    }
  }

  struct Free {
    void operator()(uint8_t *memory) const { std::free(memory); }
  };
  n2uq_loaded_model *model = nullptr; // until the process ends: benchmarks refer to it
  std::unique_ptr<uint8_t, Free> arena;
  std::vector<uint8_t> input, output;
  n2uq_frame frame = {};
};
} // namespace

static void measure(benchmark::State &state, const WarmModel &model, int64_t kernel, double gigahertz) {
  model.runBefore(kernel);
  for (auto _ : state) {
    model.run(kernel);
    benchmark::ClobberMemory();
  }
  double macs = static_cast<double>(model.descriptor()->kernels[kernel].macs_per_image);
  double total = macs * static_cast<double>(state.iterations());
  state.counters["MACs/s"] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  if (gigahertz > 0)
    state.counters["MACs/cycle"] = benchmark::Counter(total / (gigahertz * 1e9), benchmark::Counter::kIsRate);
}

static std::string run(const std::vector<std::string> &files, double gigahertz) {
  if (files.empty())
    return "name compiled models; --help tells more";
  static std::vector<std::unique_ptr<WarmModel>> models;
  for (const std::string &file : files) {
    models.push_back(std::make_unique<WarmModel>());
    const WarmModel &model = *models.back();
    std::string error = models.back()->open(file);
    if (!error.empty())
      return error;
    const n2uq_model &m = *model.descriptor();
    for (int64_t i = 0; i < m.kernel_count; ++i)
      if (m.kernels[i].macs_per_image > 0)
        benchmark::RegisterBenchmark(
            (std::string(m.name) + "/" + m.kernels[i].name + "/" + m.kernels[i].strategy).c_str(),
            [&model, i, gigahertz](benchmark::State &state) { measure(state, model, i, gigahertz); })
            ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return "";
}

int main(int argc, char **argv) {
  // Google Benchmark takes its own options out of the list.
  std::vector<char *> own, theirs = {argv[0]};
  for (int i = 0; i < argc; ++i)
    (std::strncmp(argv[i], "--benchmark_", 12) == 0 ? theirs : own).push_back(argv[i]);
  double gigahertz = 0;
  std::string clock;
  CommandLine line(helpText, "n2uq-kernel-benchmark " N2UQ_VERSION);
  line.text("ghz", clock);
  std::string error = line.parse(static_cast<int>(own.size()), own.data());
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty() && !clock.empty()) {
    char *end = nullptr;
    gigahertz = std::strtod(clock.c_str(), &end);
    if (*end != '\0' || !(gigahertz > 0) || gigahertz > 100)
      error = "option '--ghz' needs a number between 0 and 100, not '" + clock + "'";
  }
  int count = static_cast<int>(theirs.size());
  theirs.push_back(nullptr);
  if (error.empty())
    benchmark::Initialize(&count, theirs.data());
  if (error.empty() && count > 1)
    error = "Google Benchmark does not know '" + std::string(theirs[1]) + "'";
  try {
    if (error.empty())
      error = run(line.files(), gigahertz);
  } catch (const std::bad_alloc &) {
    error = "out of memory; name fewer models";
  }
  return error.empty() ? 0 : failWith(tool, error);
}
