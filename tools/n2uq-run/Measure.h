// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What n2uq-run tells about a model: its description, its speed, its speed layer by layer.
#ifndef N2UQ_TOOLS_MEASURE_H
#define N2UQ_TOOLS_MEASURE_H

#include "Model.h"

namespace n2uq {

/// Prints what the descriptor says; to stdout like all of these.
void printInfo(const Model &model, const std::string &path, bool json);

/// Runs `batch` images, which are reserved, again and again for `seconds` and prints the statistics of a run's time.
std::string printBenchmark(const Model &model, const void *input, int64_t batch, double seconds, bool json);

/// The same kernel by kernel: one row each, with its median time.
std::string printProfile(const Model &model, const void *input, int64_t batch, double seconds, bool json);

/// Writes one run's pieces of work, each with its thread and its time, to `file`: JSON for chrome://tracing and
/// ui.perfetto.dev. Returns an empty string or one sentence.
std::string writeTrace(const Model &model, const void *input, int64_t batch, const std::string &file);

} // namespace n2uq

#endif // N2UQ_TOOLS_MEASURE_H
