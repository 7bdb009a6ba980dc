// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes for every kind of CPU against two loops that say what a pass is. python/tests/test_image.py compares the
// whole with Pillow.
#include "internal.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace {
/// The axis of `stride` bytes between neighbours: `lines` times its `count` outputs.
std::vector<uint8_t> pass(const std::vector<uint8_t> &from, const n2uq_resampling &r, int64_t lines, int64_t line,
                          int64_t stride, int64_t toLine, int64_t toStride) {
  std::vector<uint8_t> to(lines * r.count);
  for (int64_t l = 0; l < lines; ++l)
    for (int64_t i = 0; i < r.count; ++i) {
      int64_t sum = 1 << (N2UQ_FRACTION_BITS - 1);
      for (int64_t t = 0; t < r.taps; ++t)
        sum += int64_t(r.weights[i * r.taps + t]) * from[l * line + (r.low + r.first[i] + t) * stride];
      to[l * toLine + i * toStride] = std::min<int64_t>(std::max<int64_t>(sum >> N2UQ_FRACTION_BITS, 0), 255);
    }
  return to;
}

/// One channel of an image, resized; rows first.
std::vector<uint8_t> resized(const std::vector<uint8_t> &channel, int64_t height, int64_t width, int64_t newHeight,
                             int64_t newWidth, n2uq_filter filter) {
  n2uq_resampling x, y;
  EXPECT_EQ(n2uq_resampling_make(width, newWidth, 0, newWidth, filter, &x), N2UQ_OK);
  EXPECT_EQ(n2uq_resampling_make(height, newHeight, 0, newHeight, filter, &y), N2UQ_OK);
  std::vector<uint8_t> rows = pass(channel, x, height, width, 1, newWidth, 1);
  std::vector<uint8_t> all = pass(rows, y, newWidth, 1, newWidth, 1, newWidth);
  n2uq_resampling_free(&x);
  n2uq_resampling_free(&y);
  return all;
}

uint64_t featuresOf(std::initializer_list<const char *> names) {
  uint64_t features = 0;
  for (const char *name : names)
    for (int32_t bit = 0; bit < 64; ++bit)
      if (n2uq_cpu_feature_name(bit) && std::string(n2uq_cpu_feature_name(bit)) == name)
        features |= uint64_t(1) << bit;
  return features;
}

TEST(Resample, EveryVariantIsTheSum) {
  std::mt19937 random(5);
  for (const char *variant : {"baseline", "avx2", "avx512"}) {
    // A CPU has what a worse variant needs.
    std::string best = n2uq_resample_variant(n2uq_cpu_features());
    if (best == "baseline" ? variant != best : best == "avx2" && variant == std::string("avx512"))
      continue;
    ASSERT_TRUE(n2uq_resample_use(variant));
    for (int round = 0; round < 60; ++round) {
      int64_t height = 1 + random() % 70, width = 1 + random() % 90, newWidth = 1 + random() % 80;
      int64_t newHeight = height + random() % 40; // not lower: then rows come first
      n2uq_filter filter = round % 2 ? N2UQ_BICUBIC : N2UQ_BILINEAR;
      std::vector<uint8_t> pixels(height * width * 3);
      for (uint8_t &value : pixels)
        value = round % 3 ? random() % 256 : random() % 2 * 255;
      n2uq_image image = {height, width, pixels.data()}, result;
      ASSERT_EQ(n2uq_image_resize(&image, newHeight, newWidth, filter, &result), N2UQ_OK) << n2uq_last_error();
      for (int64_t c = 0; c < 3; ++c) {
        std::vector<uint8_t> channel(height * width);
        for (size_t i = 0; i < channel.size(); ++i)
          channel[i] = pixels[3 * i + c];
        std::vector<uint8_t> expected = resized(channel, height, width, newHeight, newWidth, filter);
        for (size_t i = 0; i < expected.size(); ++i)
          ASSERT_EQ(result.pixels[3 * i + c], expected[i])
              << variant << " " << height << "x" << width << " to " << newHeight << "x" << newWidth << " at " << i;
      }
      n2uq_image_free(&result);
    }
  }
  n2uq_resample_use(nullptr);
}

TEST(Resample, VariantsByFeatures) {
  uint64_t avx2 = featuresOf({"avx2", "avx", "fma", "f16c", "sse4.1"});
  uint64_t avx512 = avx2 | featuresOf({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"});
  EXPECT_STREQ(n2uq_resample_variant(0), "baseline");
  EXPECT_STREQ(n2uq_resample_variant(avx2), "avx2");
  EXPECT_STREQ(n2uq_resample_variant(avx512), "avx512");
  EXPECT_STREQ(n2uq_resample_variant(avx512 & ~featuresOf({"avx512vl"})), "avx2");
  EXPECT_STREQ(n2uq_resample_variant(avx512 & ~featuresOf({"fma"})), "baseline");
  EXPECT_FALSE(n2uq_resample_use("neon"));
}

TEST(Resample, WeightsOfEveryOutputSumToOne) {
  for (int64_t input : {1, 2, 7, 100, 4096})
    for (int64_t output : {1, 3, 100, 333}) {
      n2uq_resampling r;
      ASSERT_EQ(n2uq_resampling_make(input, output, 0, output, N2UQ_BICUBIC, &r), N2UQ_OK);
      EXPECT_EQ(r.low, 0);
      EXPECT_EQ(r.high, input);
      for (int64_t i = 0; i < output; ++i) {
        int64_t sum = 0;
        for (int64_t t = 0; t < r.taps; ++t)
          sum += r.weights[i * r.taps + t];
        EXPECT_NEAR(double(sum), double(1 << N2UQ_FRACTION_BITS), r.taps / 2.0 + 1);
        EXPECT_GE(r.first[i], 0);
        EXPECT_LE(r.low + r.first[i] + r.taps, r.high);
      }
      n2uq_resampling_free(&r);
    }
}
} // namespace
