// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packed contractions compute what the plain ones do on the filter that their layout says.
#include "EvaluateText.h"

#include <random>

using namespace n2uq;

namespace {
struct PackedTest : ::testing::Test {
  unsigned seed = std::random_device()();
  std::mt19937 random{seed};
  ::testing::ScopedTrace trace{__FILE__, __LINE__, "seed " + std::to_string(seed)};

  template <typename T>
  Array make(std::vector<int64_t> shape, int low, int high) {
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    std::vector<T> numbers(count);
    std::uniform_int_distribution<int> integers(low, high);
    for (T &number : numbers)
      number = integers(random) * (std::is_same_v<T, float> ? 0.1f : 1);
    return Array(std::move(shape), std::move(numbers));
  }

  /// Evaluates a plain and a packed op on the same input.
  void expectSame(const std::string &input, const Array &x, const std::string &plain, const std::string &plainFilter,
                  const Array &filter, const std::string &packed, const std::string &packedFilter, const Array &weights,
                  const std::string &result, const std::string &options = "") {
    auto run = [&](const std::string &op, const std::string &type, const Array &array) {
      Program program(functionOf("%x: " + input + ", %f: " + type,
                                 op + " %x, %f " + options + " : " + input + ", " + type + " -> " + result, result));
      return program.run({x, array}, 2);
    };
    EXPECT_EQ(run(plain, plainFilter, filter)[0].data, run(packed, packedFilter, weights)[0].data);
  }
};
} // namespace

TEST_F(PackedTest, Conv2D) {
  // 5 channels in rows of 16, 6 outputs in 2 vectors of 4 lanes. What the padding holds does not count.
  Array x = make<uint8_t>({2, 5, 6, 5}, 0, 3), filter = make<int8_t>({6, 3, 2, 5}, -128, 127);
  Array packed = make<int8_t>({2, 3, 2, 4, 4, 4}, -128, 127);
  for (int64_t o = 0; o < 6; ++o)
    for (int64_t kh = 0; kh < 3; ++kh)
      for (int64_t kw = 0; kw < 2; ++kw)
        for (int64_t c = 0; c < 5; ++c)
          packed.as<int8_t>()[((((o / 4 * 3 + kh) * 2 + kw) * 4 + c / 4) * 4 + o % 4) * 4 + c % 4] =
              filter.as<int8_t>()[((o * 3 + kh) * 2 + kw) * 5 + c];
  expectSame("tensor<?x5x6x5xui2>", x, "n2uq.conv2d", "tensor<6x3x2x5xi8>", filter, "n2uq.packed_conv2d",
             "tensor<2x3x2x4x4x4xi8>", packed, "tensor<?x3x7x6xi32>", "strides = [2, 1] padding = [1, 1, 0, 2]");
}

TEST_F(PackedTest, LookupConv2D) {
  // Every width of a field: 7 channels in indices of J codes, 70 outputs in one block of 128. What the padding holds
  // does not count.
  for (int64_t perIndex : {2, 3, 6}) {
    int64_t groups = (7 + perIndex - 1) / perIndex, field = 6 / perIndex, top = (1 << field) - 1;
    Array x = make<uint8_t>({2, 4, 5, 7}, 0, 3), filter = make<int8_t>({70, 3, 2, 7}, 0, top);
    Array packed = make<int8_t>({1, 3, 2, groups, 128}, -128, 127);
    for (int64_t o = 0; o < 70; ++o)
      for (int64_t tap = 0; tap < 6; ++tap)
        for (int64_t c = 0; c < 7; ++c) {
          int8_t &weight = filter.as<int8_t>()[(o * 6 + tap) * 7 + c];
          // Of each 64 outputs, those from 32 on have the odd bytes.
          int64_t place = o < 32 ? 2 * o : o < 64 ? 2 * (o - 32) + 1 : 64 + 2 * (o - 64);
          int8_t &byte = packed.as<int8_t>()[(tap * groups + c % groups) * 128 + place];
          int64_t shift = field * (c / groups);
          byte = int8_t((byte & ~(top << shift)) | (weight << shift));
          weight = int8_t(2 * weight - top);
        }
    std::string packedType = "tensor<1x3x2x" + std::to_string(groups) + "x128xi8>";
    std::string options = "strides = [1, 2] padding = [1, 1, 0, 2]";
    auto run = [&](const std::string &op, const std::string &type, const Array &array) {
      Program program(functionOf("%x: tensor<?x4x5x7xui2>, %f: " + type,
                                 op + options + " : tensor<?x4x5x7xui2>, " + type + " -> tensor<?x4x3x70xi32>",
                                 "tensor<?x4x3x70xi32>"));
      return program.run({x, array}, 2);
    };
    EXPECT_EQ(run("n2uq.conv2d %x, %f ", "tensor<70x3x2x7xi8>", filter)[0].data,
              run("n2uq.packed_lookup_conv2d %x, %f codes_per_index = " + std::to_string(perIndex) + " ", packedType,
                  packed)[0]
                  .data);
  }
}

TEST_F(PackedTest, InnerProductConv2D) {
  // 13 channels in rows of 16, 6 outputs in 2 blocks of 4, bias 100: biased weights are bytes without a sign.
  Array x = make<uint8_t>({2, 4, 5, 13}, 0, 15), filter = make<int8_t>({6, 3, 2, 13}, -100, 100);
  Array packed = make<int8_t>({2, 3, 2, 2, 2, 4, 4}, -128, 127);
  for (int64_t o = 0; o < 6; ++o)
    for (int64_t tap = 0; tap < 6; ++tap)
      for (int64_t c = 0; c < 13; ++c) {
        int64_t second = c % 8 / 4, step = ((o / 4 * 6 + tap) * 2 + c / 8) * 2 + (second ? 0 : 1);
        packed.as<int8_t>()[(step * 4 + o % 4) * 4 + c % 4] =
            int8_t(filter.as<int8_t>()[(o * 6 + tap) * 13 + c] + (second ? 100 : 0));
      }
  auto run = [&](const std::string &op, const std::string &type, const Array &array) {
    Program program(
        functionOf("%x: tensor<?x4x5x13xui4>, %f: " + type,
                   op + " padding = [1, 1, 0, 1] : tensor<?x4x5x13xui4>, " + type + " -> tensor<?x4x5x6xi32>",
                   "tensor<?x4x5x6xi32>"));
    return program.run({x, array}, 2);
  };
  EXPECT_EQ(run("n2uq.conv2d %x, %f", "tensor<6x3x2x13xi8>", filter)[0].data,
            run("n2uq.packed_inner_product_conv2d %x, %f bias = 100", "tensor<2x3x2x2x2x4x4xi8>", packed)[0].data);
}

TEST_F(PackedTest, DepthwiseConv2D) {
  Array x = make<uint8_t>({2, 4, 4, 3}, 0, 15), filter = make<int8_t>({3, 3, 3, 1}, -128, 127);
  Array packed = make<int8_t>({3, 3, 16}, -128, 127);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t kh = 0; kh < 3; ++kh)
      for (int64_t kw = 0; kw < 3; ++kw)
        packed.as<int8_t>()[(kh * 3 + kw) * 16 + c] = filter.as<int8_t>()[(c * 3 + kh) * 3 + kw];
  Program plain(functionOf("%x: tensor<?x4x4x3xui4>, %f: tensor<3x3x3x1xi8>",
                           "n2uq.conv2d %x, %f padding = [1, 1, 1, 1] groups = 3 : tensor<?x4x4x3xui4>, "
                           "tensor<3x3x3x1xi8> -> tensor<?x4x4x3xi32>",
                           "tensor<?x4x4x3xi32>"));
  Program depthwise(functionOf("%x: tensor<?x4x4x3xui4>, %f: tensor<3x3x16xi8>",
                               "n2uq.packed_depthwise_conv2d %x, %f padding = [1, 1, 1, 1] : tensor<?x4x4x3xui4>, "
                               "tensor<3x3x16xi8> -> tensor<?x4x4x3xi32>",
                               "tensor<?x4x4x3xi32>"));
  EXPECT_EQ(plain.run({x, filter})[0].data, depthwise.run({x, packed})[0].data);
}

TEST_F(PackedTest, FloatConv2D) {
  Array x = make<float>({2, 5, 5, 3}, -99, 99), filter = make<float>({5, 3, 3, 3}, -99, 99);
  Array packed = make<float>({2, 3, 3, 3, 4}, -99, 99);
  for (int64_t o = 0; o < 5; ++o)
    for (int64_t tap = 0; tap < 27; ++tap)
      packed.as<float>()[(o / 4 * 27 + tap) * 4 + o % 4] = filter.as<float>()[o * 27 + tap];
  expectSame("tensor<?x5x5x3xf32>", x, "n2uq.float_conv2d", "tensor<5x3x3x3xf32>", filter, "n2uq.packed_float_conv2d",
             "tensor<2x3x3x3x4xf32>", packed, "tensor<?x3x3x5xf32>", "strides = [2, 2] padding = [1, 1, 1, 1]");
}

TEST_F(PackedTest, GroupedFloatConv2D) {
  // One lane: the packed filter is the plain one.
  Array x = make<float>({1, 3, 3, 4}, -99, 99), filter = make<float>({6, 1, 1, 2}, -99, 99);
  Array packed({6, 1, 1, 2, 1}, filter.data);
  expectSame("tensor<?x3x3x4xf32>", x, "n2uq.float_conv2d", "tensor<6x1x1x2xf32>", filter, "n2uq.packed_float_conv2d",
             "tensor<6x1x1x2x1xf32>", packed, "tensor<?x3x3x6xf32>", "groups = 2");
}

TEST_F(PackedTest, FullyConnected) {
  Array x = make<float>({3, 7}, -99, 99), weights = make<float>({9, 7}, -99, 99);
  Array packed = make<float>({2, 7, 8}, -99, 99);
  for (int64_t o = 0; o < 9; ++o)
    for (int64_t k = 0; k < 7; ++k)
      packed.as<float>()[(o / 8 * 7 + k) * 8 + o % 8] = weights.as<float>()[o * 7 + k];
  expectSame("tensor<?x7xf32>", x, "n2uq.fully_connected", "tensor<9x7xf32>", weights, "n2uq.packed_fully_connected",
             "tensor<2x7x8xf32>", packed, "tensor<?x9xf32>");
}
