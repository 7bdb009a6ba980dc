// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run in Chrome's trace event format: one complete event ("X") a piece of work, one row a thread, microseconds.
#include "Measure.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/WholeFile.h"

#include <algorithm>
#include <vector>

namespace n2uq {

/// The caches, the pages and the threads of a session are not those of its first run.
constexpr int warmRuns = 3;

static std::string metadata(const char *what, int64_t thread, const std::string &name) {
  return std::string("  {\"ph\": \"M\", \"pid\": 0, \"tid\": ") + std::to_string(thread) + ", \"name\": \"" + what +
         "\", \"args\": {\"name\": " + jsonString(name) + "}}";
}

static std::string pieceOfWork(const n2uq_model &model, const n2uq_trace_event &event) {
  const n2uq_kernel &kernel = model.kernels[event.kernel];
  char times[64];
  std::snprintf(times, sizeof times, "\"ts\": %.3f, \"dur\": %.3f", 1e6 * event.start,
                1e6 * (event.stop - event.start));
  return "  {\"ph\": \"X\", \"pid\": 0, \"tid\": " + std::to_string(event.thread) + ", " + times +
         ", \"name\": " + jsonString(kernel.name) +
         ", \"cat\": \"kernel\", \"args\": {\"strategy\": " + jsonString(kernel.strategy) + ", \"items\": [" +
         std::to_string(event.begin) + ", " + std::to_string(event.end) + "]" +
         (event.image < 0 ? "" : ", \"image\": " + std::to_string(event.image)) + "}}";
}

std::string writeTrace(const Model &model, const void *input, int64_t batch, const std::string &path) {
  const n2uq_model &m = model.descriptor();
  std::vector<uint8_t> output(imageBytes(m.output) * batch);
  for (int i = 0; i < warmRuns; ++i)
    if (n2uq_session_run(model.session(), input, batch, output.data()) != N2UQ_OK)
      return n2uq_last_error();
  std::vector<n2uq_trace_event> events;
  auto keep = [](void *user, const n2uq_trace_event *event) -> int32_t {
    static_cast<std::vector<n2uq_trace_event> *>(user)->push_back(*event);
    return 0;
  };
  if (n2uq_session_trace(model.session(), input, batch, output.data(), keep, &events) != N2UQ_OK)
    return n2uq_last_error();

  WholeFile file;
  std::string error = file.open(path);
  if (error.empty())
    error = file.append("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n" +
                        metadata("process_name", 0, std::string(m.name) + ", batch " + std::to_string(batch)));
  int64_t threads = 1;
  for (const n2uq_trace_event &event : events)
    threads = std::max(threads, event.thread + 1);
  for (int64_t thread = 0; thread < threads && error.empty(); ++thread)
    error = file.append(",\n" + metadata("thread_name", thread,
                                         m.cuda        ? "GPU"
                                         : thread == 0 ? "caller"
                                                       : "thread " + std::to_string(thread)));
  for (size_t i = 0; i < events.size() && error.empty(); ++i)
    error = file.append(",\n" + pieceOfWork(m, events[i]));
  if (error.empty())
    error = file.append("\n]}\n");
  return error.empty() ? file.finish() : error;
}

} // namespace n2uq
