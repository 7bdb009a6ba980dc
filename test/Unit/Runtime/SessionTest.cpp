// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions on a model that is linked in: what they refuse, what they compute, what they leave alone.
#include "SmallModel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Session : testing::Test {
  n2uq_model descriptor = SmallModel::descriptor();
  n2uq_loaded_model *model = nullptr;
  n2uq_session *session = nullptr;
  std::vector<float> input, output;

  void SetUp() override {
    ASSERT_EQ(n2uq_model_adopt(&descriptor, &model), N2UQ_OK) << n2uq_last_error();
    start(2);
    std::mt19937 random(11);
    input.resize(50 * SmallModel::values);
    for (float &value : input)
      value = std::uniform_real_distribution<float>(-1, 1)(random);
    output.assign(50, -1);
  }
  void TearDown() override {
    n2uq_session_destroy(session);
    n2uq_model_close(model);
  }
  void start(int64_t threads) {
    n2uq_session_destroy(session);
    n2uq_session_options options = {};
    options.size = sizeof options;
    options.threads = threads;
    ASSERT_EQ(n2uq_session_create(model, &options, &session), N2UQ_OK) << n2uq_last_error();
    EXPECT_EQ(n2uq_session_threads(session), threads);
  }
  void startStreams(int64_t streams) {
    n2uq_session_destroy(session);
    n2uq_session_options options = {};
    options.size = sizeof options;
    options.streams = streams;
    ASSERT_EQ(n2uq_session_create(model, &options, &session), N2UQ_OK) << n2uq_last_error();
  }
  float expected(int64_t image) const {
    int sum = 1;
    for (int64_t i = 0; i < SmallModel::values; ++i)
      sum += input[image * SmallModel::values + i] > 0;
    return static_cast<float>(sum) / 3.0f;
  }
};

TEST_F(Session, RunsAnyBatchWithAnyThreads) {
  for (int64_t threads : {1, 2, 5}) {
    start(threads);
    for (int64_t batch : {1, 3, 50, 7}) {
      output.assign(50, -1);
      ASSERT_EQ(n2uq_session_run(session, input.data(), batch, output.data()), N2UQ_OK) << n2uq_last_error();
      for (int64_t n = 0; n < 50; ++n)
        EXPECT_EQ(output[n], n < batch ? expected(n) : -1) << n;
    }
  }
}

TEST_F(Session, StreamsComputeAnyBatch) {
  for (int64_t streams : {1, 2, 5, 70}) {
    startStreams(streams);
    EXPECT_TRUE(n2uq_session_has_streams(session));
    for (int64_t batch : {1, 3, 50, 7}) {
      output.assign(50, -1);
      ASSERT_EQ(n2uq_session_run(session, input.data(), batch, output.data()), N2UQ_OK) << n2uq_last_error();
      for (int64_t n = 0; n < 50; ++n)
        EXPECT_EQ(output[n], n < batch ? expected(n) : -1) << n;
    }
  }
  startStreams(-1);
  EXPECT_EQ(n2uq_session_threads(session), n2uq_cpu_count());
}

TEST_F(Session, StreamsRunNoKernelByItself) {
  startStreams(2);
  double seconds[2];
  EXPECT_EQ(n2uq_session_profile(session, input.data(), 1, output.data(), seconds), N2UQ_BAD_ARGUMENT);
  EXPECT_STREQ(n2uq_last_error(), "a session with streams runs no kernel by itself; profile one with threads");
  auto take = [](void *, int64_t, const uint8_t *) { return int32_t(0); };
  EXPECT_EQ(n2uq_session_run_codes(session, input.data(), 1, output.data(), take, nullptr), N2UQ_BAD_ARGUMENT);
  EXPECT_STREQ(n2uq_last_error(), "a session with streams runs no kernel by itself; take codes from one with threads");
}

TEST_F(Session, ThreadsOrStreams) {
  n2uq_session_options options = {};
  options.size = sizeof options;
  options.threads = options.streams = 2;
  n2uq_session *other = nullptr;
  EXPECT_EQ(n2uq_session_create(model, &options, &other), N2UQ_BAD_ARGUMENT);
  EXPECT_STREQ(n2uq_last_error(), "a session has threads or streams: each stream is one thread");
  options.threads = 0;
  options.streams = 1025;
  EXPECT_EQ(n2uq_session_create(model, &options, &other), N2UQ_BAD_ARGUMENT);
}

TEST_F(Session, CallersFloatModesChangeNothing) {
  for (int64_t threads : {1, 2}) {
    start(threads);
    ASSERT_EQ(n2uq_session_run(session, input.data(), 50, output.data()), N2UQ_OK);
    std::vector<float> otherwise(50);
    std::fesetround(FE_UPWARD);
    n2uq_status status = n2uq_session_run(session, input.data(), 50, otherwise.data());
    int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(status, N2UQ_OK);
    EXPECT_EQ(after, FE_UPWARD) << "the caller's mode is the caller's";
    EXPECT_EQ(std::memcmp(otherwise.data(), output.data(), 50 * sizeof(float)), 0);
  }
}

TEST_F(Session, CodesOfEveryQuantizer) {
  std::vector<uint8_t> seen;
  auto take = [](void *user, int64_t index, const uint8_t *codes) -> int32_t {
    EXPECT_EQ(index, 0);
    static_cast<std::vector<uint8_t> *>(user)->assign(codes, codes + 3 * SmallModel::values);
    return 0;
  };
  ASSERT_EQ(n2uq_session_run_codes(session, input.data(), 3, output.data(), take, &seen), N2UQ_OK);
  ASSERT_EQ(seen.size(), 3u * SmallModel::values);
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t pixel = 0; pixel < 4; ++pixel)
      for (int64_t c = 0; c < 2; ++c)
        EXPECT_EQ(seen[(n * 4 + pixel) * 2 + c], input[n * 8 + c * 4 + pixel] > 0);
  EXPECT_EQ(output[2], expected(2));

  auto stop = [](void *, int64_t, const uint8_t *) -> int32_t { return 5; };
  EXPECT_EQ(n2uq_session_run_codes(session, input.data(), 3, output.data(), stop, nullptr), N2UQ_STOPPED);
  EXPECT_STREQ(n2uq_last_error(), "the run was stopped after 'quan'");
  EXPECT_EQ(n2uq_session_run_codes(session, input.data(), 3, output.data(), nullptr, nullptr), N2UQ_BAD_ARGUMENT);
}

/// Every item of every kernel once, in the order of the starts, no kernel before the end of the one before it.
TEST_F(Session, TraceOfThreads) {
  using Events = std::vector<n2uq_trace_event>;
  auto keep = [](void *user, const n2uq_trace_event *event) -> int32_t {
    static_cast<Events *>(user)->push_back(*event);
    return 0;
  };
  for (int64_t threads : {1, 3}) {
    start(threads);
    Events events;
    output.assign(50, -1);
    ASSERT_EQ(n2uq_session_trace(session, input.data(), 50, output.data(), keep, &events), N2UQ_OK);
    EXPECT_EQ(output[49], expected(49));
    std::vector<int> seen[2] = {std::vector<int>(50 * SmallModel::values), std::vector<int>(50)};
    double before = 0, endOfFirst = 0;
    for (const n2uq_trace_event &event : events) {
      ASSERT_TRUE(event.kernel == 0 || event.kernel == 1);
      EXPECT_TRUE(event.thread >= 0 && event.thread < threads) << event.thread;
      EXPECT_EQ(event.image, -1);
      EXPECT_LE(before, event.start);
      EXPECT_LE(event.start, event.stop);
      before = event.start;
      if (event.kernel == 0)
        endOfFirst = std::max(endOfFirst, event.stop);
      else
        EXPECT_LE(endOfFirst, event.start);
      for (int64_t item = event.begin; item < event.end; ++item)
        ++seen[event.kernel].at(item);
    }
    for (const std::vector<int> &items : seen)
      EXPECT_EQ(std::count(items.begin(), items.end(), 1), static_cast<int64_t>(items.size()));
  }
}

TEST_F(Session, TraceOfStreamsAndOfManyPieces) {
  startStreams(2);
  constexpr int64_t images = 5000; // two pieces each: more than a trace has places for at first
  std::vector<float> many(images * SmallModel::values, 1.0f), results(images);
  std::vector<int> seen(images);
  auto count = [](void *user, const n2uq_trace_event *event) -> int32_t {
    static_cast<std::vector<int> *>(user)->at(event->image) += 1 + static_cast<int>(event->kernel);
    return event->thread == 0 || event->thread == 1 ? 0 : 1;
  };
  ASSERT_EQ(n2uq_session_trace(session, many.data(), images, results.data(), count, &seen), N2UQ_OK);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 3), images);
  EXPECT_EQ(std::count(results.begin(), results.end(), 3.0f), images);
}

TEST_F(Session, TraceIsStopped) {
  auto stop = [](void *, const n2uq_trace_event *) -> int32_t { return 1; };
  EXPECT_EQ(n2uq_session_trace(session, input.data(), 1, output.data(), stop, nullptr), N2UQ_STOPPED);
  EXPECT_EQ(output[0], expected(0));
  EXPECT_EQ(n2uq_session_trace(session, input.data(), 1, output.data(), nullptr, nullptr), N2UQ_BAD_ARGUMENT);
}

TEST_F(Session, ProfileComputesTheSame) {
  double seconds[2] = {-1, -1};
  ASSERT_EQ(n2uq_session_profile(session, input.data(), 50, output.data(), seconds), N2UQ_OK);
  for (int64_t n = 0; n < 50; ++n)
    EXPECT_EQ(output[n], expected(n));
  for (double time : seconds)
    EXPECT_TRUE(time >= 0 && time < 60) << time;
  EXPECT_EQ(n2uq_session_profile(session, input.data(), 50, output.data(), nullptr), N2UQ_BAD_ARGUMENT);
}

TEST_F(Session, RefusesWhatItCannotRun) {
  float *out = output.data();
  EXPECT_EQ(n2uq_session_run(nullptr, input.data(), 1, out), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, nullptr, 1, out), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, input.data(), 1, nullptr), N2UQ_BAD_ARGUMENT);
  for (int64_t batch : {int64_t(0), int64_t(-1), INT64_MIN, INT64_MAX, int64_t(1) << 44})
    EXPECT_EQ(n2uq_session_run(session, input.data(), batch, out), N2UQ_BAD_ARGUMENT) << batch;
  EXPECT_EQ(n2uq_session_reserve(session, INT64_MAX), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_reserve(nullptr, 1), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, reinterpret_cast<char *>(input.data()) + 1, 1, out), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, input.data(), 2, input.data() + 15), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, input.data() + 1, 2, input.data() + 0), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_run(session, input.data(), 2, input.data() + 16), N2UQ_OK);
}

TEST_F(Session, MemoryThatIsNotThere) {
  // 40 TiB: a number, but no memory. The session still works afterwards.
  n2uq_model large = SmallModel::descriptor();
  large.arena_bytes_per_image = int64_t(40) << 40;
  n2uq_loaded_model *loaded = nullptr;
  n2uq_session *own = nullptr;
  ASSERT_EQ(n2uq_model_adopt(&large, &loaded), N2UQ_OK);
  ASSERT_EQ(n2uq_session_create(loaded, nullptr, &own), N2UQ_OK);
  EXPECT_EQ(n2uq_session_reserve(own, 1), N2UQ_OUT_OF_MEMORY);
  EXPECT_NE(std::string(n2uq_last_error()).find("run fewer images at a time"), std::string::npos);
  EXPECT_EQ(n2uq_session_run(own, input.data(), 1, output.data()), N2UQ_OUT_OF_MEMORY);
  n2uq_model_close(loaded);
  n2uq_session_destroy(own);
}

TEST_F(Session, Options) {
  n2uq_session *other = nullptr;
  n2uq_session_options options = {};
  EXPECT_EQ(n2uq_session_create(model, &options, &other), N2UQ_BAD_ARGUMENT); // size is not set
  EXPECT_EQ(other, nullptr);
  options.size = sizeof options;
  options.threads = -3;
  EXPECT_EQ(n2uq_session_create(model, &options, &other), N2UQ_BAD_ARGUMENT);
  options = {sizeof options, 1, 0, 0, 1};
  ASSERT_EQ(n2uq_session_create(model, &options, &other), N2UQ_BAD_ARGUMENT);
  EXPECT_NE(std::string(n2uq_last_error()).find("a device is for a GPU's model"), std::string::npos);
  // A caller from the time before `spin_microseconds`, and one from the future.
  options = {offsetof(n2uq_session_options, spin_microseconds), 1, 0, 0, 0};
  ASSERT_EQ(n2uq_session_create(model, &options, &other), N2UQ_OK);
  n2uq_session_destroy(other);
  struct {
    n2uq_session_options known;
    int64_t later;
  } future = {{sizeof future, 1, 0, 0, 0}, 0};
  ASSERT_EQ(n2uq_session_create(model, &future.known, &other), N2UQ_OK);
  n2uq_session_destroy(other);
  future.later = 1;
  EXPECT_EQ(n2uq_session_create(model, &future.known, &other), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_create(nullptr, nullptr, &other), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_session_create(model, nullptr, nullptr), N2UQ_BAD_ARGUMENT);
}

TEST_F(Session, ModelLivesAsLongAsItsSessions) {
  n2uq_model_close(model);
  model = nullptr;
  ASSERT_EQ(n2uq_session_run(session, input.data(), 50, output.data()), N2UQ_OK);
  EXPECT_EQ(output[49], expected(49));
}

TEST_F(Session, SessionsOfOneModelInParallel) {
  std::vector<std::thread> users;
  std::vector<std::vector<float>> outputs(4, std::vector<float>(50));
  for (std::vector<float> &own : outputs)
    users.emplace_back([&] {
      n2uq_session *mine = nullptr;
      ASSERT_EQ(n2uq_session_create(model, nullptr, &mine), N2UQ_OK);
      for (int i = 0; i < 200; ++i)
        ASSERT_EQ(n2uq_session_run(mine, input.data(), 50, own.data()), N2UQ_OK);
      n2uq_session_destroy(mine);
    });
  for (std::thread &user : users)
    user.join();
  for (const std::vector<float> &own : outputs)
    for (int64_t n = 0; n < 50; ++n)
      EXPECT_EQ(own[n], expected(n));
}

TEST_F(Session, ErrorsBelongToTheirThread) {
  EXPECT_EQ(n2uq_session_run(session, nullptr, 1, nullptr), N2UQ_BAD_ARGUMENT);
  std::string mine = n2uq_last_error(), others = "?";
  std::thread([&] { others = n2uq_last_error(); }).join();
  EXPECT_NE(mine, "");
  EXPECT_EQ(others, "");
}

TEST(Model, WrongUse) {
  n2uq_loaded_model *model = nullptr;
  EXPECT_EQ(n2uq_model_open(nullptr, &model), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_model_open("", &model), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_model_open("x", nullptr), N2UQ_BAD_ARGUMENT);
  EXPECT_EQ(n2uq_model_adopt(nullptr, &model), N2UQ_BAD_FILE);
  EXPECT_EQ(model, nullptr);
  n2uq_model_close(nullptr);
  n2uq_session_destroy(nullptr);
  EXPECT_EQ(n2uq_model_descriptor_of(nullptr), nullptr);
  EXPECT_EQ(n2uq_model_arena_bytes(nullptr, 1), -1);
}

} // namespace
