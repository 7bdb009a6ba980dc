// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Evaluate.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace n2uq {

void parallelFor(int64_t count, unsigned threads, llvm::function_ref<void(int64_t begin, int64_t end)> body) {
  // Ranges small enough that threads end together, and large enough that taking one costs nothing.
  int64_t range = std::max<int64_t>(1, count / (int64_t(threads) * 8));
  int64_t workers = std::min<int64_t>(threads, (count + range - 1) / range);
  std::atomic<int64_t> next{0};
  auto work = [&] {
    for (int64_t begin; (begin = next.fetch_add(range)) < count;)
      body(begin, std::min(begin + range, count));
  };
  std::vector<std::thread> others;
  try {
    for (int64_t i = 1; i < workers; ++i)
      others.emplace_back(work);
  } catch (const std::system_error &) {
    // The system gives no more threads: those that are there do the work.
  }
  work();
  for (std::thread &other : others)
    other.join();
}

} // namespace n2uq
