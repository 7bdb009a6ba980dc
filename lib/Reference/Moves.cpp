// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pools, and ops that only move elements to another place.
#include "Evaluate.h"

#include <cmath>

using namespace mlir;

namespace n2uq {

/// Every image of \p input, a matrix of \p rows x \p columns, transposed.
template <typename T>
static void transposeImages(const Array &input, int64_t rows, int64_t columns, Array &result, unsigned threads) {
  parallelFor(input.shape[0], threads, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const T *from = input.as<T>() + n * rows * columns;
      T *to = result.as<T>() + n * rows * columns;
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
          to[column * rows + row] = from[row * columns + column];
    }
  });
}

void evaluate(ToNHWCOp op, const Array &input, Array &result, unsigned threads) {
  transposeImages<float>(input, input.shape[1], input.shape[2] * input.shape[3], result, threads);
}

void evaluate(FlattenOp op, const Array &input, Array &result, unsigned threads) {
  int64_t pixels = input.shape[1] * input.shape[2], channels = input.shape[3];
  if (std::holds_alternative<std::vector<float>>(input.data))
    transposeImages<float>(input, pixels, channels, result, threads);
  else if (std::holds_alternative<std::vector<int32_t>>(input.data))
    transposeImages<int32_t>(input, pixels, channels, result, threads);
  else
    transposeImages<uint8_t>(input, pixels, channels, result, threads);
}

void evaluate(UnflattenOp op, const Array &input, Array &result, unsigned threads) {
  int64_t pixels = result.shape[1] * result.shape[2], channels = result.shape[3];
  if (std::holds_alternative<std::vector<float>>(input.data))
    transposeImages<float>(input, channels, pixels, result, threads);
  else
    transposeImages<uint8_t>(input, channels, pixels, result, threads);
}

template <typename T>
static void gatherPlaces(GatherOp op, const Array &input, Array &result, unsigned threads) {
  auto placeIn = [](ArrayRef<int64_t> list, int64_t i) { return list.empty() ? i : list[i]; };
  const std::vector<int64_t> &in = input.shape, &out = result.shape;
  T fill = static_cast<T>(op.getFill().convertToFloat());
  parallelFor(out[0] * out[1], threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t n = row / out[1], h = placeIn(op.getRows(), row % out[1]);
      for (int64_t x = 0; x < out[2]; ++x) {
        int64_t w = placeIn(op.getColumns(), x);
        for (int64_t c = 0; c < out[3]; ++c) {
          int64_t from = placeIn(op.getChannels(), c);
          bool isFill = h < 0 || w < 0 || from < 0;
          result.as<T>()[(row * out[2] + x) * out[3] + c] =
              isFill ? fill : input.as<T>()[((n * in[1] + h) * in[2] + w) * in[3] + from];
        }
      }
    }
  });
}

void evaluate(GatherOp op, const Array &input, Array &result, unsigned threads) {
  if (std::holds_alternative<std::vector<float>>(input.data))
    gatherPlaces<float>(op, input, result, threads);
  else
    gatherPlaces<uint8_t>(op, input, result, threads);
}

template <typename T>
static void concatChannels(ArrayRef<const Array *> inputs, Array &result) {
  int64_t channels = result.shape.back(), before = 0;
  for (const Array *input : inputs) {
    int64_t own = input->shape.back();
    for (int64_t i = 0, n = input->elements(); i < n; ++i)
      result.as<T>()[i / own * channels + before + i % own] = input->as<T>()[i];
    before += own;
  }
}

void evaluate(ConcatOp op, ArrayRef<const Array *> inputs, Array &result, unsigned) {
  if (std::holds_alternative<std::vector<float>>(result.data))
    concatChannels<float>(inputs, result);
  else
    concatChannels<uint8_t>(inputs, result);
}

/// Calls body(first element of the output pixel, row and column of tap 0 and the taps inside the image).
template <typename Body>
static void forEachWindow(const Window &window, const Array &input, const Array &result, unsigned threads, Body body) {
  const std::vector<int64_t> &in = input.shape, &out = result.shape;
  parallelFor(out[0] * out[1], threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t n = row / out[1], y = row % out[1];
      auto [firstH, lastH] = window.taps(0, y, in[1]);
      for (int64_t x = 0; x < out[2]; ++x) {
        auto [firstW, lastW] = window.taps(1, x, in[2]);
        bool first = true;
        for (int64_t kh = firstH; kh < lastH; ++kh)
          for (int64_t kw = firstW; kw < lastW; ++kw) {
            int64_t h = window.origin(0, y) + kh, w = window.origin(1, x) + kw;
            body((row * out[2] + x) * out[3], ((n * in[1] + h) * in[2] + w) * in[3], first);
            first = false;
          }
      }
    }
  });
}

/// IEEE-754 maximum: a NaN wins, and -0 is less than +0.
static float largerOf(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? a : b;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
static int32_t largerOf(int32_t a, int32_t b) { return a > b ? a : b; }
static uint8_t largerOf(uint8_t a, uint8_t b) { return a > b ? a : b; }

template <typename T>
static void maxPool(const Window &window, const Array &input, Array &result, unsigned threads) {
  int64_t channels = input.shape[3];
  forEachWindow(window, input, result, threads, [&](int64_t outAt, int64_t inAt, bool first) {
    T *out = result.as<T>() + outAt;
    const T *in = input.as<T>() + inAt;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = first ? in[c] : largerOf(out[c], in[c]);
  });
}

void evaluate(MaxPoolOp op, const Array &input, Array &result, unsigned threads) {
  if (std::holds_alternative<std::vector<float>>(input.data))
    maxPool<float>(op.getWindow(), input, result, threads);
  else if (std::holds_alternative<std::vector<int32_t>>(input.data))
    maxPool<int32_t>(op.getWindow(), input, result, threads);
  else
    maxPool<uint8_t>(op.getWindow(), input, result, threads);
}

void evaluate(AvgPoolOp op, const Array &input, Array &result, unsigned threads) {
  int64_t channels = input.shape[3];
  Window window = op.getWindow();
  // acc = 0; acc = fl(acc + x): the result comes in as zeros, and 0 + -0 is +0 here as it is in the formula.
  forEachWindow(window, input, result, threads, [&](int64_t outAt, int64_t inAt, bool) {
    float *out = result.as<float>() + outAt;
    const float *in = input.as<float>() + inAt;
    for (int64_t c = 0; c < channels; ++c)
      out[c] = out[c] + in[c];
  });
  float count = static_cast<float>(window.kernel[0] * window.kernel[1]);
  for (float &number : std::get<std::vector<float>>(result.data))
    number = number / count;
}

} // namespace n2uq
