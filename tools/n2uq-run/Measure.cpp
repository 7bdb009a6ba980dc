// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Measure.h"

#include "n2uq/Support/CommandLine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace n2uq {

using Clock = std::chrono::steady_clock;

/// A median of fewer runs says little, even where one takes longer than the time that was asked for.
constexpr size_t leastRuns = 5;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The value below which `share` of the sorted ones lie.
static double quantile(const std::vector<double> &sorted, double share) {
  size_t at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

static std::string featureNames(uint64_t features) {
  std::string names;
  for (int bit = 0; bit < 64; ++bit) {
    const char *name = features >> bit & 1 ? n2uq_cpu_feature_name(bit) : nullptr;
    if (name)
      names += (names.empty() ? "" : " ") + std::string(name);
  }
  return names;
}

static std::string bytesText(int64_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld bytes (%.2f MiB)", static_cast<long long>(bytes),
                static_cast<double>(bytes) / (1 << 20));
  return text;
}

static void printTensorJson(const char *key, const n2uq_tensor &tensor) {
  std::printf("  \"%s\": {\"name\": %s, \"dtype\": \"%s\", \"shape\": [-1", key, jsonString(tensor.name).c_str(),
              tensor.dtype == N2UQ_FLOAT32 ? "float32" : "uint8");
  for (int i = 1; i < tensor.rank; ++i)
    std::printf(", %lld", static_cast<long long>(tensor.dims[i]));
  std::printf("]},\n");
}

static const char *filterName(const n2uq_pictures &pictures) {
  return pictures.filter == N2UQ_BICUBIC ? "bicubic" : "bilinear";
}

static std::string channelsText(const float (&channels)[3]) {
  char text[96];
  std::snprintf(text, sizeof text, "%.9g, %.9g, %.9g", channels[0], channels[1], channels[2]);
  return text;
}

static std::string picturesJson(const n2uq_model &m) {
  if (!m.pictures)
    return "null";
  return "{\"resize\": " + std::to_string(m.pictures->resize) + ", \"filter\": \"" + filterName(*m.pictures) +
         "\", \"mean\": [" + channelsText(m.pictures->mean) + "], \"std\": [" + channelsText(m.pictures->deviation) +
         "]}";
}

static void printInfoJson(const Model &model) {
  const n2uq_model &m = model.descriptor();
  long long arena = n2uq_model_arena_bytes(model.handle(), 1);
  std::printf("{\n  \"name\": %s,\n  \"compiler\": %s,\n  \"target_cpu\": %s,\n  \"features\": %s,\n",
              jsonString(m.name).c_str(), jsonString(m.compiler).c_str(), jsonString(m.target_cpu).c_str(),
              jsonString(featureNames(m.cpu_features)).c_str());
  printTensorJson("input", m.input);
  printTensorJson("output", m.output);
  std::printf("  \"arena_bytes_per_image\": %lld,\n  \"arena_bytes_fixed\": %lld,\n  \"arena_bytes\": %lld,\n",
              static_cast<long long>(m.arena_bytes_per_image), static_cast<long long>(m.arena_bytes_fixed), arena);
  std::printf("  \"weight_bytes\": %lld,\n  \"peak_bytes\": %lld,\n  \"kernels\": [",
              static_cast<long long>(m.weight_bytes), arena + static_cast<long long>(m.weight_bytes));
  for (int64_t i = 0; i < m.kernel_count; ++i)
    std::printf("%s\n    {\"name\": %s, \"strategy\": %s, \"items\": %lld, \"macs\": %lld, \"weight_bytes\": %lld, "
                "\"activation_bytes\": %lld}",
                i ? "," : "", jsonString(m.kernels[i].name).c_str(), jsonString(m.kernels[i].strategy).c_str(),
                static_cast<long long>(m.kernels[i].items_per_image),
                static_cast<long long>(m.kernels[i].macs_per_image), static_cast<long long>(m.kernels[i].weight_bytes),
                static_cast<long long>(m.kernels[i].activation_bytes));
  std::printf("],\n  \"labels\": [");
  for (int64_t i = 0; i < m.label_count; ++i)
    std::printf("%s%s", i ? ", " : "", jsonString(m.labels[i]).c_str());
  std::printf("],\n  \"pictures\": %s,\n  \"quantizers\": [", picturesJson(m).c_str());
  for (int64_t i = 0; i < m.codes_count; ++i)
    std::printf("%s\n    {\"name\": %s, \"bits\": %lld, \"shape\": [-1, %lld, %lld, %lld]}", i ? "," : "",
                jsonString(m.codes[i].name).c_str(), static_cast<long long>(m.codes[i].bits),
                static_cast<long long>(m.codes[i].height), static_cast<long long>(m.codes[i].width),
                static_cast<long long>(m.codes[i].channels));
  std::printf("]\n}\n");
}

/// Width of a column that holds these names.
template <typename GetName>
static int columnWidth(int64_t count, int least, GetName name) {
  size_t width = least;
  for (int64_t i = 0; i < count; ++i)
    width = std::max(width, oneLine(name(i)).size());
  return static_cast<int>(std::min<size_t>(width, 72));
}

void printInfo(const Model &model, const std::string &path, bool json) {
  if (json)
    return printInfoJson(model);
  const n2uq_model &m = model.descriptor();
  int64_t arena = n2uq_model_arena_bytes(model.handle(), 1);
  std::printf("model         %s (%s)\n", oneLine(m.name).c_str(), oneLine(path).c_str());
  std::printf("compiled by   %s\n", oneLine(m.compiler).c_str());
  std::printf("target CPU    %s\n", oneLine(m.target_cpu).c_str());
  std::printf("CPU features  %s\n", featureNames(m.cpu_features).c_str());
  std::printf("input         %s: %s\n", oneLine(m.input.name).c_str(), describe(m.input).c_str());
  std::printf("output        %s: %s\n", oneLine(m.output.name).c_str(), describe(m.output).c_str());
  if (m.label_count > 0)
    std::printf("labels        %lld: %s, …\n", static_cast<long long>(m.label_count), oneLine(m.labels[0]).c_str());
  if (m.pictures) {
    std::printf("pictures      shorter side %lld pixels, %s", static_cast<long long>(m.pictures->resize),
                filterName(*m.pictures));
    if (m.input.dtype == N2UQ_FLOAT32)
      std::printf(", mean %s, deviation %s", channelsText(m.pictures->mean).c_str(),
                  channelsText(m.pictures->deviation).c_str());
    std::printf("\n");
  }
  std::printf("arena         %s for batch 1, %lld bytes more for each further image\n", bytesText(arena).c_str(),
              static_cast<long long>(m.arena_bytes_per_image));
  std::printf("weights       %s\n", bytesText(m.weight_bytes).c_str());
  std::printf("peak memory of a run: arena + weights = %s for batch 1\n", bytesText(arena + m.weight_bytes).c_str());

  int width = columnWidth(m.kernel_count, 6, [&](int64_t i) { return m.kernels[i].name; });
  std::printf("\n%lld kernels\n  %-*s  %12s  %8s  strategy\n", static_cast<long long>(m.kernel_count), width, "layer",
              "MACs/image", "items");
  for (int64_t i = 0; i < m.kernel_count; ++i)
    std::printf("  %-*s  %12lld  %8lld  %s\n", width, oneLine(m.kernels[i].name).c_str(),
                static_cast<long long>(m.kernels[i].macs_per_image),
                static_cast<long long>(m.kernels[i].items_per_image), oneLine(m.kernels[i].strategy).c_str());

  width = columnWidth(m.codes_count, 9, [&](int64_t i) { return m.codes[i].name; });
  std::printf("\n%lld quantizers\n", static_cast<long long>(m.codes_count));
  for (int64_t i = 0; i < m.codes_count; ++i)
    std::printf("  %-*s  %lld bits, %lld x %lld x %lld\n", width, oneLine(m.codes[i].name).c_str(),
                static_cast<long long>(m.codes[i].bits), static_cast<long long>(m.codes[i].height),
                static_cast<long long>(m.codes[i].width), static_cast<long long>(m.codes[i].channels));
}

std::string printBenchmark(const Model &model, const void *input, int64_t batch, double seconds, bool json) {
  std::vector<uint8_t> output(imageBytes(model.descriptor().output) * batch);
  auto run = [&] { return n2uq_session_run(model.session(), input, batch, output.data()) == N2UQ_OK; };

  // Caches, page tables, clock frequency: they belong to no run in particular.
  Clock::time_point start = Clock::now();
  do {
    if (!run())
      return n2uq_last_error();
  } while (secondsSince(start) < std::min(0.2, seconds / 10));

  std::vector<double> times;
  start = Clock::now();
  while (times.size() < leastRuns || secondsSince(start) < seconds) {
    Clock::time_point before = Clock::now();
    if (!run())
      return n2uq_last_error();
    times.push_back(1e3 * secondsSince(before));
  }
  std::sort(times.begin(), times.end());
  double median = quantile(times, 0.5), p90 = quantile(times, 0.9);
  double perSecond = static_cast<double>(batch) / median * 1e3;
  long long threads = n2uq_session_threads(model.session());
  bool hasStreams = n2uq_session_has_streams(model.session());
  if (json)
    std::printf("{\"model\": %s, \"batch\": %lld, \"threads\": %lld, \"streams\": %lld, \"runs\": %zu, \"median_ms\": "
                "%.6f, \"min_ms\": "
                "%.6f, \"p90_ms\": %.6f, \"images_per_second\": %.3f}\n",
                jsonString(model.descriptor().name).c_str(), static_cast<long long>(batch), threads,
                hasStreams ? threads : 0LL, times.size(), median, times.front(), p90, perSecond);
  else
    std::printf("batch %lld, %lld %s%s, %zu runs: median %.3f ms, min %.3f ms, p90 %.3f ms, %.1f images/s\n",
                static_cast<long long>(batch), threads, hasStreams ? "stream" : "thread", threads == 1 ? "" : "s",
                times.size(), median, times.front(), p90, perSecond);
  return "";
}

std::string printProfile(const Model &model, const void *input, int64_t batch, double seconds, bool json) {
  const n2uq_model &m = model.descriptor();
  std::vector<uint8_t> output(imageBytes(m.output) * batch);
  std::vector<double> once(m.kernel_count);
  std::vector<std::vector<double>> times(m.kernel_count);
  Clock::time_point start = Clock::now();
  for (size_t runs = 0; runs < leastRuns + 1 || secondsSince(start) < seconds; ++runs) {
    if (n2uq_session_profile(model.session(), input, batch, output.data(), once.data()) != N2UQ_OK)
      return n2uq_last_error();
    for (int64_t i = 0; i < m.kernel_count && runs > 0; ++i) // the first run warms up
      times[i].push_back(1e3 * once[i]);
  }
  double total = 0;
  std::vector<double> medians;
  for (std::vector<double> &list : times) {
    std::sort(list.begin(), list.end());
    medians.push_back(quantile(list, 0.5));
    total += medians.back();
  }
  auto share = [&](int64_t i) { return total > 0 ? medians[i] / total : 0; };
  auto macsPerSecond = [&](int64_t i) {
    double macs = static_cast<double>(m.kernels[i].macs_per_image) * static_cast<double>(batch);
    return medians[i] > 0 ? macs / (medians[i] * 1e-3) : 0;
  };
  long long threads = n2uq_session_threads(model.session());
  if (json) {
    std::printf("{\"model\": %s, \"batch\": %lld, \"threads\": %lld, \"total_ms\": %.6f, \"layers\": [",
                jsonString(m.name).c_str(), static_cast<long long>(batch), threads, total);
    for (int64_t i = 0; i < m.kernel_count; ++i)
      std::printf("%s\n  {\"name\": %s, \"strategy\": %s, \"ms\": %.6f, \"share\": %.6f, \"macs_per_second\": %.6g}",
                  i ? "," : "", jsonString(m.kernels[i].name).c_str(), jsonString(m.kernels[i].strategy).c_str(),
                  medians[i], share(i), macsPerSecond(i));
    std::printf("]}\n");
    return "";
  }
  int width = columnWidth(m.kernel_count, 6, [&](int64_t i) { return m.kernels[i].name; });
  std::printf("%-*s  %9s  %6s  %8s  strategy\n", width, "layer", "ms", "share", "GMACs/s");
  for (int64_t i = 0; i < m.kernel_count; ++i)
    std::printf("%-*s  %9.4f  %5.1f%%  %8.2f  %s\n", width, oneLine(m.kernels[i].name).c_str(), medians[i],
                100 * share(i), macsPerSecond(i) * 1e-9, oneLine(m.kernels[i].strategy).c_str());
  std::printf("%-*s  %9.4f  batch %lld, %lld thread%s\n", width, "total", total, static_cast<long long>(batch), threads,
              threads == 1 ? "" : "s");
  return "";
}

} // namespace n2uq
