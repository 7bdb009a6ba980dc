// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Corners of the arithmetic, and the interpreter's manners.
#include "EvaluateText.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace n2uq;

static constexpr float inf = std::numeric_limits<float>::infinity();
static const float quietNaN = std::numeric_limits<float>::quiet_NaN();

/// Bits of a float, so that -0 differs from +0; all NaNs are one.
static uint32_t bitsOf(float x) {
  if (std::isnan(x))
    return 0x7FC00000;
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}

static void expectFloats(const Array &array, const std::vector<float> &expected) {
  const auto &numbers = std::get<std::vector<float>>(array.data);
  ASSERT_EQ(numbers.size(), expected.size());
  for (size_t i = 0; i < numbers.size(); ++i)
    EXPECT_EQ(bitsOf(numbers[i]), bitsOf(expected[i]))
        << "element " << i << ": " << numbers[i] << ", not " << expected[i];
}

/// A row of features as a batch of one.
template <typename T>
static Array row(std::vector<T> numbers) {
  int64_t count = numbers.size();
  return Array({1, count}, std::move(numbers));
}
template <typename T>
static Array vector(std::vector<T> numbers) {
  int64_t count = numbers.size();
  return Array({count}, std::move(numbers));
}

TEST(Affine, RoundsEachStep) {
  Program program(functionOf("%x: tensor<?x3xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>",
                             "n2uq.affine %x scale(%s : tensor<3xf32>) offset(%b : tensor<3xf32>) : tensor<?x3xf32> -> "
                             "tensor<?x3xf32>",
                             "tensor<?x3xf32>"));
  float eps = std::ldexp(1.0f, -23), one = 1 + eps;
  // (1 + eps)^2 - (1 + 2 eps) is eps^2 when fused and 0 when the product is rounded. Overflow goes to inf, and inf -
  // inf is a NaN. Subnormal numbers are kept.
  auto results = program.run({row<float>({one, 3e38f, std::ldexp(1.0f, -126)}), vector<float>({one, 10, 0.5f}),
                              vector<float>({-(1 + 2 * eps), -inf, 0})});
  expectFloats(results[0], {0, quietNaN, std::ldexp(1.0f, -127)});
}

TEST(PReLU, ComparesWithZero) {
  Program program(functionOf("%x: tensor<?x6xf32>, %s: tensor<6xf32>",
                             "n2uq.prelu %x, %s : tensor<?x6xf32>, tensor<6xf32>", "tensor<?x6xf32>"));
  float least = std::numeric_limits<float>::denorm_min();
  auto results =
      program.run({row<float>({0.0f, -0.0f, least, -least, quietNaN, -inf}), vector<float>({-2, -2, 7, 0.25f, 1, 0})});
  expectFloats(results[0], {-0.0f, 0.0f, least, -0.0f, quietNaN, quietNaN});
}

TEST(Clamp, KeepsNaNAndSignOfZero) {
  Program program(functionOf("%x: tensor<?x5xf32>", "n2uq.clamp %x min = 0.0 max = 0x7F800000 : tensor<?x5xf32>",
                             "tensor<?x5xf32>"));
  expectFloats(program.run({row<float>({-0.0f, quietNaN, -inf, inf, -1})})[0], {-0.0f, quietNaN, 0, inf, 0});
}

TEST(Quantize, TiesAndNextFloats) {
  Program program(functionOf("%x: tensor<?x4xf32>, %t: tensor<1x3xf32>",
                             "n2uq.quantize %x, %t : tensor<?x4xf32>, tensor<1x3xf32> -> tensor<?x4xui2>",
                             "tensor<?x4xui2>"));
  float t = 0.1f, above = std::nextafter(t, inf), below = std::nextafter(t, -inf);
  Array thresholds({1, 3}, std::vector<float>{t, above, above});
  auto codes = program.run({row<float>({below, t, above, quietNaN}), thresholds});
  EXPECT_EQ(std::get<std::vector<uint8_t>>(codes[0].data), (std::vector<uint8_t>{0, 1, 3, 0}));
}

TEST(Quantize, AllBits) {
  for (int bits = 1; bits <= 8; ++bits) {
    int top = (1 << bits) - 1;
    std::string count = std::to_string(top), type = "tensor<?x2xui" + std::to_string(bits) + ">";
    Program program(
        functionOf("%x: tensor<?x2xf32>, %t: tensor<1x" + count + "xf32>",
                   "n2uq.quantize %x, %t nan_is_top : tensor<?x2xf32>, tensor<1x" + count + "xf32> -> " + type, type));
    std::vector<float> thresholds(top);
    for (int k = 0; k < top; ++k)
      thresholds[k] = k + 1;
    std::vector<float> x;
    std::vector<uint8_t> expected;
    for (int k = 0; k <= top; ++k) {
      x.insert(x.end(), {float(k), quietNaN});
      expected.insert(expected.end(), {uint8_t(k), uint8_t(top)});
    }
    auto codes = program.run({Array({top + 1, 2}, x), Array({1, top}, thresholds)});
    EXPECT_EQ(std::get<std::vector<uint8_t>>(codes[0].data), expected) << bits << " bits";
  }
}

TEST(TwoSidedThreshold, ModuloBits) {
  Program program(
      functionOf("%x: tensor<?x2xi32>, %b: tensor<2xi32>, %u: tensor<2x1xi32>, %d: tensor<2x1xi32>",
                 "n2uq.two_sided_threshold %x, %b, %u, %d : tensor<?x2xi32>, tensor<2xi32>, tensor<2x1xi32>, "
                 "tensor<2x1xi32> -> tensor<?x2xui2>",
                 "tensor<?x2xui2>"));
  // 0 - 1 and 3 + 1 leave two bits, and so does a base that is no code.
  auto codes = program.run({row<int32_t>({0, 0}), vector<int32_t>({0, 3}), Array({2, 1}, std::vector<int32_t>{9, 0}),
                            Array({2, 1}, std::vector<int32_t>{0, 9})});
  EXPECT_EQ(std::get<std::vector<uint8_t>>(codes[0].data), (std::vector<uint8_t>{3, 0}));
  codes = program.run({row<int32_t>({-1, -1}), vector<int32_t>({-1, 6}), Array({2, 1}, std::vector<int32_t>{9, 0}),
                       Array({2, 1}, std::vector<int32_t>{0, 9})});
  EXPECT_EQ(std::get<std::vector<uint8_t>>(codes[0].data), (std::vector<uint8_t>{3, 2}));
}

TEST(MaxPool, MaximumOfIEEE754) {
  Program program(functionOf("%x: tensor<?x1x2x5xf32>",
                             "n2uq.max_pool %x kernel = [1, 2] : tensor<?x1x2x5xf32> -> tensor<?x1x1x5xf32>",
                             "tensor<?x1x1x5xf32>"));
  // Both orders of each pair, as two images.
  std::vector<float> a = {0.0f, quietNaN, inf, -inf, 1}, b = {-0.0f, 5, quietNaN, -1, 2};
  std::vector<float> images;
  for (const auto &part : {a, b, b, a})
    images.insert(images.end(), part.begin(), part.end());
  expectFloats(program.run({Array({2, 1, 2, 5}, images)})[0],
               {0.0f, quietNaN, quietNaN, -1, 2, 0.0f, quietNaN, quietNaN, -1, 2});
}

TEST(Conv2D, LargestAccumulator) {
  // 255 * -128 * 65793 is the most that (C5) lets through: -2147483520.
  int64_t channels = std::numeric_limits<int32_t>::max() / (255 * 128);
  std::string input = "tensor<?x1x1x" + std::to_string(channels) + "xui8>",
              filter = "tensor<1x1x1x" + std::to_string(channels) + "xi8>";
  Program program(functionOf("%x: " + input + ", %f: " + filter,
                             "n2uq.conv2d %x, %f : " + input + ", " + filter + " -> tensor<?x1x1x1xi32>",
                             "tensor<?x1x1x1xi32>"));
  auto acc = program.run({Array({1, 1, 1, channels}, std::vector<uint8_t>(channels, 255)),
                          Array({1, 1, 1, channels}, std::vector<int8_t>(channels, -128))});
  EXPECT_EQ(acc[0].as<int32_t>()[0], -255 * 128 * channels);
}

// The op's formula, read a second time: loops over outputs, no layout, no clones for CPUs.
TEST(Contractions, AgainstTheFormula) {
  unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 60; ++round) {
    int groups = between(1, 3), channels = between(1, 9), outputs = between(1, 40);
    int kernel[2], stride[2], dilation[2], pad[4], in[2], out[2];
    for (int axis : {0, 1}) {
      kernel[axis] = between(1, 4), stride[axis] = between(1, 3), dilation[axis] = between(1, 2);
      pad[2 * axis] = between(0, 4), pad[2 * axis + 1] = between(0, 4);
      int reach = (kernel[axis] - 1) * dilation[axis] + 1, padding = pad[2 * axis] + pad[2 * axis + 1];
      in[axis] = std::max(1, reach - padding) + between(0, 5);
      out[axis] = (in[axis] + padding - reach) / stride[axis] + 1;
    }
    int64_t C = groups * channels, O = groups * outputs, batch = between(1, 3);
    auto text = [&](const char *op, const char *x, const char *w, const char *y) {
      auto image = [](int h, int w, int64_t c, std::string element) {
        return "tensor<?x" + std::to_string(h) + "x" + std::to_string(w) + "x" + std::to_string(c) + "x" + element +
               ">";
      };
      auto pair = [](int *p) { return std::to_string(p[0]) + ", " + std::to_string(p[1]); };
      std::string input = image(in[0], in[1], C, x), result = image(out[0], out[1], O, y);
      std::string filter = "tensor<" + std::to_string(O) + image(kernel[0], kernel[1], channels, w).substr(8);
      return functionOf("%x: " + input + ", %f: " + filter,
                        std::string(op) + " %x, %f strides = [" + pair(stride) + "] padding = [" + pair(pad) + ", " +
                            pair(pad + 2) + "] dilations = [" + pair(dilation) +
                            "] groups = " + std::to_string(groups) + " : " + input + ", " + filter + " -> " + result,
                        result);
    };
    std::vector<int64_t> inShape = {batch, in[0], in[1], C}, filterShape = {O, kernel[0], kernel[1], channels};
    Array codes(inShape, std::vector<uint8_t>(batch * in[0] * in[1] * C)),
        x(inShape, std::vector<float>(codes.elements()));
    Array filter(filterShape, std::vector<int8_t>(O * kernel[0] * kernel[1] * channels)),
        weights(filterShape, std::vector<float>(filter.elements()));
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < codes.elements(); ++i)
      codes.as<uint8_t>()[i] = between(0, 15), x.as<float>()[i] = normal(random);
    for (int64_t i = 0; i < filter.elements(); ++i)
      filter.as<int8_t>()[i] = between(-128, 127), weights.as<float>()[i] = normal(random);
    Program integer(text("n2uq.conv2d", "ui4", "i8", "i32")), floating(text("n2uq.float_conv2d", "f32", "f32", "f32"));
    Array acc = integer.run({codes, filter}, between(1, 3))[0], y = floating.run({x, weights}, between(1, 3))[0];

    int64_t at = 0;
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t row = 0; row < out[0]; ++row)
        for (int64_t column = 0; column < out[1]; ++column)
          for (int64_t o = 0; o < O; ++o, ++at) {
            int64_t sum = 0;
            float fused = 0;
            for (int64_t kh = 0; kh < kernel[0]; ++kh)
              for (int64_t kw = 0; kw < kernel[1]; ++kw)
                for (int64_t c = 0; c < channels; ++c) {
                  int64_t h = row * stride[0] + kh * dilation[0] - pad[0],
                          w = column * stride[1] + kw * dilation[1] - pad[2];
                  if (h < 0 || h >= in[0] || w < 0 || w >= in[1])
                    continue;
                  int64_t from = ((n * in[0] + h) * in[1] + w) * C + o / outputs * channels + c;
                  int64_t tap = ((o * kernel[0] + kh) * kernel[1] + kw) * channels + c;
                  sum += int64_t(codes.as<uint8_t>()[from]) * filter.as<int8_t>()[tap];
                  fused = std::fmaf(x.as<float>()[from], weights.as<float>()[tap], fused);
                }
            ASSERT_EQ(acc.as<int32_t>()[at], sum) << "round " << round << ", element " << at;
            ASSERT_EQ(bitsOf(y.as<float>()[at]), bitsOf(fused)) << "round " << round << ", element " << at;
          }
  }
}

TEST(Interpreter, ThreadsDoNotChangeResults) {
  Program program(R"(
    func.func @main(%x: tensor<?x5x5x3xf32>, %f: tensor<7x3x3x3xf32>, %t: tensor<1x3xf32>) -> tensor<?x5x5x7xui2> {
      %0 = n2uq.float_conv2d %x, %f padding = [1, 1, 1, 1] : tensor<?x5x5x3xf32>, tensor<7x3x3x3xf32> -> tensor<?x5x5x7xf32>
      %1 = n2uq.quantize %0, %t : tensor<?x5x5x7xf32>, tensor<1x3xf32> -> tensor<?x5x5x7xui2>
      return %1 : tensor<?x5x5x7xui2>
    })");
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  Array x({6, 5, 5, 3}, std::vector<float>(450)), f({7, 3, 3, 3}, std::vector<float>(189));
  for (float &number : std::get<std::vector<float>>(x.data))
    number = normal(random);
  for (float &number : std::get<std::vector<float>>(f.data))
    number = normal(random);
  Array t({1, 3}, std::vector<float>{-1, 0, 1});
  auto one = program.run({x, f, t}, 1);
  for (unsigned threads : {2, 3, 64})
    EXPECT_EQ(program.run({x, f, t}, threads)[0].data, one[0].data) << threads << " threads";
  // An image gives the same codes alone as in a batch.
  auto alone = program.run({x.images(4, 1), f, t});
  EXPECT_EQ(alone[0].data, one[0].images(4, 1).data);
}

TEST(Interpreter, ObserverSeesEveryResultInOrder) {
  Program program(R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %s = arith.constant dense<2.0> : tensor<1xf32>
      %k = n2uq.kernel -> tensor<?x2xf32> {
        %0 = n2uq.affine %x scale(%s : tensor<1xf32>) : tensor<?x2xf32> -> tensor<?x2xf32>
        %1 = n2uq.add %0, %x : tensor<?x2xf32>
        n2uq.yield %1 : tensor<?x2xf32>
      }
      return %k : tensor<?x2xf32>
    })");
  std::vector<std::string> seen;
  std::vector<Array> results;
  Array x({1, 2}, std::vector<float>{1, 2});
  std::string error = program.interpreter->run({x}, results, [&](mlir::OpResult result, const Array &value) {
    seen.push_back(result.getOwner()->getName().getStringRef().str() + " " + std::to_string(value.as<float>()[1]));
  });
  EXPECT_EQ(error, "");
  EXPECT_EQ(seen, (std::vector<std::string>{"n2uq.affine 4.000000", "n2uq.add 6.000000", "n2uq.kernel 6.000000"}));
}

TEST(Interpreter, ChecksArguments) {
  Program program(
      functionOf("%x: tensor<?x2xf32>, %y: tensor<?x2xf32>", "n2uq.add %x, %y : tensor<?x2xf32>", "tensor<?x2xf32>"));
  auto errorOf = [&](const std::vector<Array> &arguments) {
    std::vector<Array> results;
    return program.interpreter->run(arguments, results);
  };
  Array one({1, 2}, std::vector<float>(2)), two({2, 2}, std::vector<float>(4));
  EXPECT_EQ(errorOf({one}), "the model takes 2 inputs, but got 1");
  EXPECT_EQ(errorOf({one, two}), "'input1' holds 2 images, but 'input0' holds 1");
  EXPECT_EQ(errorOf({one, Array({1, 2}, std::vector<int32_t>(2))}),
            "'input1' holds int32 numbers, but the model takes float32");
  EXPECT_EQ(errorOf({one, Array({1, 3}, std::vector<float>(3))}),
            "'input1' has shape [1, 3], but the model takes [N, 2] with N at least 1");
  EXPECT_EQ(errorOf({one, Array({1, 2}, std::vector<float>(3))}), "'input1' holds 3 numbers, but its shape says 2");
}
