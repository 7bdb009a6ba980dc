// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that work element by element. Channels are the last dimension of images and of rows of features alike.
#include "Evaluate.h"

#include <cmath>

using namespace mlir;

namespace n2uq {

/// Calls body(first element of a pixel, its index) for all pixels.
static void forEachPixel(const Array &array, unsigned threads, function_ref<void(int64_t at)> body) {
  int64_t channels = array.shape.back();
  parallelFor(array.elements() / channels, threads, [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel)
      body(pixel * channels);
  });
}

/// One number per channel, where `numbers` may hold one for all.
template <typename T>
static std::vector<T> perChannel(const Array &numbers, int64_t channels) {
  const T *data = numbers.as<T>();
  return numbers.shape[0] == channels ? std::vector<T>(data, data + channels) : std::vector<T>(channels, data[0]);
}

/// Thresholds as [k, channel]; `rows` may have one row for all channels.
template <typename T>
static std::vector<T> perChannelThresholds(const Array &rows, int64_t channels) {
  int64_t count = rows.shape[1];
  std::vector<T> result(count * channels);
  for (int64_t k = 0; k < count; ++k)
    for (int64_t c = 0; c < channels; ++c)
      result[k * channels + c] = rows.as<T>()[(rows.shape[0] == 1 ? 0 : c) * count + k];
  return result;
}

template <typename T>
static void evaluateAffine(const T *input, const float *scale, const float *offset, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  forEachPixel(result, threads, [&](int64_t at) {
    float *out = result.as<float>() + at;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = static_cast<float>(input[at + c]); // an integer rounds to nearest even
    if (scale)
      for (int64_t c = 0; c < channels; ++c)
        out[c] = out[c] * scale[c];
    if (offset)
      for (int64_t c = 0; c < channels; ++c)
        out[c] = out[c] + offset[c];
  });
}

void evaluate(AffineOp op, const Array &input, const Array *scale, const Array *offset, Array &result,
              unsigned threads) {
  int64_t channels = result.shape.back();
  std::vector<float> scales, offsets;
  if (scale)
    scales = perChannel<float>(*scale, channels);
  if (offset)
    offsets = perChannel<float>(*offset, channels);
  auto run = [&](const auto *data) {
    evaluateAffine(data, scale ? scales.data() : nullptr, offset ? offsets.data() : nullptr, result, threads);
  };
  if (std::holds_alternative<std::vector<float>>(input.data))
    run(input.as<float>());
  else if (std::holds_alternative<std::vector<int32_t>>(input.data))
    run(input.as<int32_t>());
  else
    run(input.as<uint8_t>());
}

void evaluate(PReLUOp op, const Array &input, const Array &slope, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  std::vector<float> slopes = perChannel<float>(slope, channels);
  forEachPixel(result, threads, [&](int64_t at) {
    const float *x = input.as<float>() + at;
    float *out = result.as<float>() + at;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = x[c] > 0 ? x[c] : slopes[c] * x[c];
  });
}

void evaluate(ClampOp op, const Array &input, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  float min = op.getMin().convertToFloat(), max = op.getMax().convertToFloat();
  forEachPixel(result, threads, [&](int64_t at) {
    const float *x = input.as<float>() + at;
    float *out = result.as<float>() + at;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = x[c] < min ? min : (x[c] > max ? max : x[c]); // a NaN fails both comparisons and stays
  });
}

/// The steps of the op's description, one after the other.
static float sigmoid(float x) {
  float t = std::fabs(x) > 87.0f ? 87.0f : std::fabs(x);
  float k = t * 0x1.715476p+0f + 0x1.8p+23f;
  k = k - 0x1.8p+23f;
  float r = std::fma(k, 0x1.7f7d1cp-20f, std::fma(k, 0x1.62e4p-1f, -t)), p = 0x1.9bbf72p-13f;
  for (float a : {0x1.6d507ap-10f, 0x1.1114ccp-7f, 0x1.5554e4p-5f, 0x1.555552p-3f, 0.5f, 1.0f, 1.0f})
    p = std::fma(p, r, a);
  float e = std::isnan(x) ? x : std::ldexp(p, -static_cast<int>(k));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

void evaluate(SigmoidOp op, const Array &input, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  forEachPixel(result, threads, [&](int64_t at) {
    for (int64_t c = at; c < at + channels; ++c)
      result.as<float>()[c] = sigmoid(input.as<float>()[c]);
  });
}

void evaluate(AddOp op, const Array &lhs, const Array &rhs, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  forEachPixel(result, threads, [&](int64_t at) {
    const float *a = lhs.as<float>() + at, *b = rhs.as<float>() + at;
    float *out = result.as<float>() + at;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = a[c] + b[c];
  });
}

/// Counts the thresholds that each element reaches; a NaN reaches none.
template <typename T>
static void countReached(const T *x, const std::vector<T> &thresholds, int64_t channels, uint8_t *codes) {
  for (const T *row = thresholds.data(), *end = row + thresholds.size(); row != end; row += channels)
    for (int64_t c = 0; c < channels; ++c)
      codes[c] += x[c] >= row[c];
}

void evaluate(QuantizeOp op, const Array &input, const Array &thresholds, Array &result, unsigned threads) {
  int64_t channels = result.shape.back(), count = thresholds.shape[1];
  std::vector<float> rows = perChannelThresholds<float>(thresholds, channels);
  forEachPixel(result, threads, [&](int64_t at) {
    const float *x = input.as<float>() + at;
    uint8_t *codes = result.as<uint8_t>() + at;
    countReached(x, rows, channels, codes);
    if (op.getNanIsTop())
      for (int64_t c = 0; c < channels; ++c)
        codes[c] = std::isnan(x[c]) ? count : codes[c];
  });
}

void evaluate(ThresholdOp op, const Array &input, const Array &thresholds, Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  std::vector<int32_t> rows = perChannelThresholds<int32_t>(thresholds, channels);
  forEachPixel(result, threads,
               [&](int64_t at) { countReached(input.as<int32_t>() + at, rows, channels, result.as<uint8_t>() + at); });
}

void evaluate(TwoSidedThresholdOp op, const Array &input, const Array &base, const Array &up, const Array &down,
              Array &result, unsigned threads) {
  int64_t channels = result.shape.back();
  std::vector<int32_t> rising = perChannelThresholds<int32_t>(up, channels),
                       falling = perChannelThresholds<int32_t>(down, channels);
  unsigned mask = (1u << codeBitsOf(op.getType())) - 1; // modulo 2^bits
  forEachPixel(result, threads, [&](int64_t at) {
    const int32_t *x = input.as<int32_t>() + at;
    uint8_t *codes = result.as<uint8_t>() + at;
    for (int64_t c = 0; c < channels; ++c) {
      unsigned code = base.as<int32_t>()[c];
      for (size_t k = c; k < rising.size(); k += channels)
        code += x[c] >= rising[k];
      for (size_t k = c; k < falling.size(); k += channels)
        code -= x[c] >= falling[k];
      codes[c] = code & mask;
    }
  });
}

} // namespace n2uq
