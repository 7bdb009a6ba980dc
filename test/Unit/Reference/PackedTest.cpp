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
