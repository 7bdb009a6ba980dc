// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parallel loops: every item once, for any number of threads, however short the loops and however late the threads.
#include "internal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

struct PoolDeleter {
  void operator()(n2uq_pool *pool) const { n2uq_pool_destroy(pool); }
};
using Pool = std::unique_ptr<n2uq_pool, PoolDeleter>;

Pool makePool(int64_t threads, int64_t spinMicroseconds = 0) {
  n2uq_pool *pool = nullptr;
  EXPECT_EQ(n2uq_pool_create(threads, spinMicroseconds, &pool), N2UQ_OK) << n2uq_last_error();
  return Pool(pool);
}

/// Counts in output[i] how often item i was computed, and checks that ranges are ranges of this loop.
void countItems(const n2uq_frame *frame, int64_t begin, int64_t end) {
  EXPECT_LT(begin, end);
  EXPECT_LE(0, begin);
  EXPECT_LE(end, frame->batch);
  for (int64_t i = begin; i < end; ++i)
    static_cast<uint32_t *>(frame->output)[i] += 1;
}

TEST(Pool, EveryItemOnceForAnyThreadsAndCount) {
  for (int64_t threads = 1; threads <= 8; ++threads) {
    Pool pool = makePool(threads);
    EXPECT_EQ(n2uq_pool_threads(pool.get()), threads);
    for (int64_t count : {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 127, 1000, 4099}) {
      std::vector<uint32_t> items(count + 1, 0);
      n2uq_frame frame = {nullptr, nullptr, items.data(), count};
      n2uq_pool_run(pool.get(), count, countItems, &frame);
      EXPECT_EQ(std::count(items.begin(), items.end() - 1, 1u), count) << threads << " threads";
      EXPECT_EQ(items.back(), 0u);
    }
  }
}

void addItems(const n2uq_frame *frame, int64_t begin, int64_t end) {
  const int64_t *input = static_cast<const int64_t *>(frame->input);
  auto *sum = static_cast<std::atomic<int64_t> *>(frame->output);
  sum->fetch_add(std::accumulate(input + begin, input + end, int64_t(0)));
}

TEST(Pool, ManySmallLoopsOnOneFrameEach) {
  std::vector<int64_t> numbers(97);
  std::iota(numbers.begin(), numbers.end(), 1);
  for (int64_t threads : {2, 3, 8})
    for (int64_t spin : {-1, 0, 20}) {
      Pool pool = makePool(threads, spin);
      for (int loop = 0; loop < 5000; ++loop) {
        int64_t count = loop % 97 + 1;
        std::atomic<int64_t> sum{0};
        n2uq_frame frame = {nullptr, numbers.data(), &sum, 1};
        n2uq_pool_run(pool.get(), count, addItems, &frame);
        ASSERT_EQ(sum.load(), count * (count + 1) / 2) << threads << " threads, loop " << loop;
      }
    }
}

TEST(Pool, ThreadsThatSleepAreWoken) {
  Pool pool = makePool(2, -1);
  std::vector<int64_t> numbers(64, 1);
  for (int loop = 0; loop < 20; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int64_t> sum{0};
    n2uq_frame frame = {nullptr, numbers.data(), &sum, 1};
    n2uq_pool_run(pool.get(), 64, addItems, &frame);
    ASSERT_EQ(sum.load(), 64);
  }
}

/// Each item waits until another thread computes one as well: passes only where two threads work at the same time.
void meet(const n2uq_frame *frame, int64_t begin, int64_t end) {
  auto *arrived = static_cast<std::atomic<int64_t> *>(frame->output);
  arrived->fetch_add(end - begin);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (arrived->load() < 2 && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
}

TEST(Pool, TwoThreadsWorkAtTheSameTime) {
  for (int64_t spin : {-1, 0}) {
    Pool pool = makePool(2, spin);
    std::atomic<int64_t> arrived{0};
    n2uq_frame frame = {nullptr, nullptr, &arrived, 1};
    n2uq_pool_run(pool.get(), 2, meet, &frame);
    EXPECT_EQ(arrived.load(), 2);
  }
}

/// Whoever computes the first chunk stays there until all other items are computed: passes only where others take the
/// chunks that are left of its share.
void waitForTheRest(const n2uq_frame *frame, int64_t begin, int64_t end) {
  auto *computed = static_cast<std::atomic<int64_t> *>(frame->output);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (begin == 0 && computed->load() < frame->batch - end && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_TRUE(begin > 0 || computed->load() == frame->batch - end);
  computed->fetch_add(end - begin);
}

TEST(Pool, OthersTakeTheRestOfAShare) {
  for (int64_t threads : {2, 3, 8})
    for (int64_t count : {8, 9, 64, 1000}) {
      Pool pool = makePool(threads);
      std::atomic<int64_t> computed{0};
      n2uq_frame frame = {nullptr, nullptr, &computed, count};
      n2uq_pool_run(pool.get(), count, waitForTheRest, &frame);
      EXPECT_EQ(computed.load(), count);
    }
}

/// A slow item: the caller has to sleep for the end of the loop.
void slowItems(const n2uq_frame *frame, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(i == 0 ? 1 : 20));
    static_cast<uint32_t *>(frame->output)[i] += 1;
  }
}

TEST(Pool, CallerWaitsForTheSlowest) {
  Pool pool = makePool(3, -1);
  std::vector<uint32_t> items(6, 0);
  n2uq_frame frame = {nullptr, nullptr, items.data(), 6};
  n2uq_pool_run(pool.get(), 6, slowItems, &frame);
  EXPECT_EQ(items, std::vector<uint32_t>(6, 1));
}

TEST(Pool, SeveralPoolsAtOnce) {
  std::vector<std::thread> users;
  std::atomic<int> wrong{0};
  for (int user = 0; user < 4; ++user)
    users.emplace_back([&] {
      Pool pool = makePool(2);
      std::vector<int64_t> numbers(50, 2);
      for (int loop = 0; loop < 500; ++loop) {
        std::atomic<int64_t> sum{0};
        n2uq_frame frame = {nullptr, numbers.data(), &sum, 1};
        n2uq_pool_run(pool.get(), 50, addItems, &frame);
        wrong += sum.load() != 100;
      }
    });
  for (std::thread &user : users)
    user.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Pool, NumbersOfThreads) {
  n2uq_pool *pool = nullptr;
  for (int64_t threads : {int64_t(-1), int64_t(1025), INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(n2uq_pool_create(threads, 0, &pool), N2UQ_BAD_ARGUMENT);
    EXPECT_EQ(pool, nullptr);
  }
  EXPECT_EQ(n2uq_pool_threads(makePool(0).get()), n2uq_cpu_count());
  EXPECT_GE(n2uq_cpu_count(), 1);
  n2uq_pool_destroy(nullptr);
}

} // namespace
