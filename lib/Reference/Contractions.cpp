// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions and matrix products. Sums run in the order that the ops' descriptions give; loops over output channels
// are innermost, which changes no sum and lets the compiler use vectors.
#include "Evaluate.h"

#include <cmath>

using namespace mlir;

namespace n2uq {

// The same function for several CPUs, chosen at load time: std::fmaf is one instruction with the FMA feature and a
// library call without, and both give the one correctly rounded value.
// (Not under the address sanitizer, whose run-time is not there yet when the choice is made.)
#define N2UQ_CPU_CLONES
#if defined(__x86_64__) && defined(__has_feature)
#if !__has_feature(address_sanitizer)
#undef N2UQ_CPU_CLONES
#define N2UQ_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif

/// acc[o] += codes[c] * weights[c, o], modulo 2^32: the sums that (C5) of `n2uq.conv2d` allows never get there.
N2UQ_CPU_CLONES static void addTap(uint32_t *__restrict acc, const uint8_t *codes, const int32_t *weights,
                                   int64_t channels, int64_t outputs) {
  for (int64_t c = 0; c < channels; ++c, weights += outputs)
    for (int64_t o = 0; o < outputs; ++o)
      acc[o] += uint32_t(codes[c]) * uint32_t(weights[o]);
}

/// acc[o] = fma(x[c], weights[c, o], acc[o]), c ascending.
N2UQ_CPU_CLONES static void fuseTap(float *__restrict acc, const float *x, const float *weights, int64_t channels,
                                    int64_t outputs) {
  for (int64_t c = 0; c < channels; ++c, weights += outputs)
    for (int64_t o = 0; o < outputs; ++o)
      acc[o] = std::fmaf(x[c], weights[o], acc[o]);
}

namespace {
/// A filter with outputs innermost: [group, KH, KW, channel of the group, output of the group].
template <typename T>
struct Filter {
  int64_t channels, outputs; // of a group
  std::vector<T> weights;
};
} // namespace

/// Lays out the filter w(o, kh, kw, c) of `outputs` x window x `channels`, channels counted within a group.
template <typename T, typename Weight>
static Filter<T> layOut(const Window &window, int64_t outputs, int64_t channels, Weight w) {
  Filter<T> filter{channels, outputs / window.groups, {}};
  filter.weights.reserve(outputs * window.kernel[0] * window.kernel[1] * channels);
  for (int64_t g = 0; g < window.groups; ++g)
    for (int64_t kh = 0; kh < window.kernel[0]; ++kh)
      for (int64_t kw = 0; kw < window.kernel[1]; ++kw)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t o = 0; o < filter.outputs; ++o)
            filter.weights.push_back(w(g * filter.outputs + o, kh, kw, c));
  return filter;
}

/// Calls tap(acc, x, weights, channels, outputs) for every tap of every output inside the image, kh before kw; acc
/// starts from zero.
template <typename In, typename Acc, typename T, typename Tap>
static void convolve(const Window &window, const Filter<T> &filter, ArrayRef<int64_t> in, ArrayRef<int64_t> out,
                     const In *input, Acc *result, unsigned threads, Tap tap) {
  int64_t tapWeights = filter.channels * filter.outputs;
  parallelFor(out[0] * out[1], threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t n = row / out[1], y = row % out[1];
      auto [firstH, lastH] = window.taps(0, y, in[1]);
      for (int64_t x = 0; x < out[2]; ++x) {
        auto [firstW, lastW] = window.taps(1, x, in[2]);
        Acc *acc = result + (row * out[2] + x) * out[3];
        for (int64_t g = 0; g < window.groups; ++g)
          for (int64_t kh = firstH; kh < lastH; ++kh)
            for (int64_t kw = firstW; kw < lastW; ++kw) {
              int64_t h = window.origin(0, y) + kh * window.dilations[0];
              int64_t w = window.origin(1, x) + kw * window.dilations[1];
              tap(acc + g * filter.outputs, input + ((n * in[1] + h) * in[2] + w) * in[3] + g * filter.channels,
                  filter.weights.data() + ((g * window.kernel[0] + kh) * window.kernel[1] + kw) * tapWeights,
                  filter.channels, filter.outputs);
            }
      }
    }
  });
}

static void convolveCodes(const Window &window, const Filter<int32_t> &filter, const Array &input, Array &result,
                          unsigned threads) {
  // The sums wrap around as unsigned numbers do, which is no undefined behaviour; int32_t and uint32_t may alias.
  convolve(window, filter, input.shape, result.shape, input.as<uint8_t>(),
           reinterpret_cast<uint32_t *>(result.as<int32_t>()), threads, addTap);
}

static void convolveFloats(const Window &window, const Filter<float> &filter, const Array &input, Array &result,
                           unsigned threads) {
  convolve(window, filter, input.shape, result.shape, input.as<float>(), result.as<float>(), threads, fuseTap);
}

/// filter[o, kh, kw, c] of a dense filter.
template <typename T>
static auto denseWeight(const Array &filter) {
  return [shape = filter.shape, data = filter.as<T>()](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    return data[((o * shape[1] + kh) * shape[2] + kw) * shape[3] + c];
  };
}

void evaluate(Conv2DOp op, const Array &input, const Array &filter, Array &result, unsigned threads) {
  Window window = op.getWindow();
  auto laidOut = layOut<int32_t>(window, result.shape[3], filter.shape[3], denseWeight<int8_t>(filter));
  convolveCodes(window, laidOut, input, result, threads);
}

void evaluate(FloatConv2DOp op, const Array &input, const Array &filter, Array &result, unsigned threads) {
  Window window = op.getWindow();
  auto laidOut = layOut<float>(window, result.shape[3], filter.shape[3], denseWeight<float>(filter));
  convolveFloats(window, laidOut, input, result, threads);
}

void evaluate(PackedConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  Window window = op.getWindow();
  // filter[o,kh,kw,c] = packed[o / lanes, kh, kw, c / 4, o % lanes, c % 4]
  auto weight = [&, shape = packed.shape, data = packed.as<int8_t>()](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    int64_t lanes = shape[4];
    return data[((((o / lanes * shape[1] + kh) * shape[2] + kw) * shape[3] + c / 4) * lanes + o % lanes) * 4 + c % 4];
  };
  convolveCodes(window, layOut<int32_t>(window, result.shape[3], input.shape[3], weight), input, result, threads);
}

void evaluate(PackedLookupConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  Window window = op.getWindow();
  // filter[o,kh,kw,j*G + g] = 2 * ((packed[o / block, kh, kw, g, place(o % block)] >> (f*j)) mod 2^f) - (2^f - 1)
  int64_t fields = int64_t(1) << op.getFieldBits(), bits = op.getFieldBits();
  auto weight = [&, shape = packed.shape, data = packed.as<int8_t>()](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    int64_t groups = shape[3], block = shape[4], g = c % groups, j = c / groups;
    int64_t at = (((o / block * shape[1] + kh) * shape[2] + kw) * groups + g) * block;
    int64_t k = (uint8_t(data[at + PackedLookupConv2DOp::place(o % block)]) >> (bits * j)) % fields;
    return 2 * k - (fields - 1);
  };
  convolveCodes(window, layOut<int32_t>(window, result.shape[3], input.shape[3], weight), input, result, threads);
}

void evaluate(PackedInnerProductConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  Window window = op.getWindow();
  // filter[o,kh,kw,8*s + j] = packed[o / block, kh, kw, s, 1, o % block, j],
  // filter[o,kh,kw,8*s + 4 + j] = packed[o / block, kh, kw, s, 0, o % block, j] - bias, that byte without a sign.
  int32_t bias = op.getBias();
  auto weight = [&, shape = packed.shape, data = packed.as<int8_t>()](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    int64_t block = shape[5], second = c % 8 / 4;
    int64_t at = (((o / block * shape[1] + kh) * shape[2] + kw) * shape[3] + c / 8) * 2 + (1 - second);
    int8_t byte = data[(at * block + o % block) * 4 + c % 4];
    return second ? int32_t(uint8_t(byte)) - bias : int32_t(byte);
  };
  convolveCodes(window, layOut<int32_t>(window, result.shape[3], input.shape[3], weight), input, result, threads);
}

void evaluate(PackedWinogradConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  bool isTransform;
  std::vector<int32_t> filter = op.recoverFilter(ArrayRef(packed.as<int8_t>(), packed.elements()), isTransform);
  auto weight = [&, channels = input.shape[3]](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    return filter[(o * 9 + kh * 3 + kw) * channels + c];
  };
  convolveCodes(op.getWindow(), layOut<int32_t>(op.getWindow(), result.shape[3], input.shape[3], weight), input, result,
                threads);
}

void evaluate(PackedDepthwiseConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  Window window = op.getWindow();
  // filter[c,kh,kw,0] = packed[kh,kw,c]
  auto weight = [&, shape = packed.shape, data = packed.as<int8_t>()](int64_t o, int64_t kh, int64_t kw, int64_t) {
    return data[(kh * shape[1] + kw) * shape[2] + o];
  };
  convolveCodes(window, layOut<int32_t>(window, result.shape[3], 1, weight), input, result, threads);
}

void evaluate(PackedFloatConv2DOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  Window window = op.getWindow();
  // filter[o,kh,kw,c] = packed[o / lanes, kh, kw, c, o % lanes]
  auto weight = [&, shape = packed.shape, data = packed.as<float>()](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    int64_t lanes = shape[4];
    return data[(((o / lanes * shape[1] + kh) * shape[2] + kw) * shape[3] + c) * lanes + o % lanes];
  };
  convolveFloats(window, layOut<float>(window, result.shape[3], packed.shape[3], weight), input, result, threads);
}

/// The two sums of a convolution of pixels, and what becomes of them. `limb(i, o, kh, kw, c)` are the `limbs` limbs.
template <typename Limb>
static void convolvePixels(const Window &window, int64_t limbs, Limb limb, const Array &input, const Array &scale,
                           const Array &offset, Array &result, unsigned threads) {
  int64_t outputs = result.shape[3], channels = input.shape[3];
  auto lowWeight = [&](int64_t o, int64_t kh, int64_t kw, int64_t c) {
    return limb(0, o, kh, kw, c) + (limbs > 1 ? 256 * limb(1, o, kh, kw, c) : 0);
  };
  auto highWeight = [&](int64_t o, int64_t kh, int64_t kw, int64_t c) { return limb(2, o, kh, kw, c); };
  Array low(result.shape, std::vector<int32_t>(result.elements())), high = low;
  convolveCodes(window, layOut<int32_t>(window, outputs, channels, lowWeight), input, low, threads);
  if (limbs > 2)
    convolveCodes(window, layOut<int32_t>(window, outputs, channels, highWeight), input, high, threads);

  // The class of every row and column of the result: how many classes begin at it or before it.
  std::vector<int64_t> classes[2];
  for (unsigned axis : {0u, 1u}) {
    std::vector<int64_t> first = window.borderClasses(axis, input.shape[1 + axis], result.shape[1 + axis]);
    for (int64_t out = 0, next = 0; out < result.shape[1 + axis]; ++out) {
      next += next < static_cast<int64_t>(first.size()) && first[next] == out;
      classes[axis].push_back(next - 1);
    }
  }
  parallelFor(result.shape[0] * result.shape[1], threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t x = 0; x < result.shape[2]; ++x) {
        int64_t at = (row * result.shape[2] + x) * outputs;
        int64_t border = classes[0][row % result.shape[1]] * offset.shape[1] + classes[1][x];
        for (int64_t o = 0; o < outputs; ++o) {
          float s = scale.as<float>()[o];
          float value =
              std::fmaf(static_cast<float>(low.as<int32_t>()[at + o]), s, offset.as<float>()[border * outputs + o]);
          if (limbs > 2)
            value = std::fmaf(static_cast<float>(high.as<int32_t>()[at + o]), 65536 * s, value);
          result.as<float>()[at + o] = value;
        }
      }
  });
}

void evaluate(ImageConv2DOp op, const Array &input, const Array &limbs, const Array &scale, const Array &offset,
              Array &result, unsigned threads) {
  auto limb = [&, shape = limbs.shape, data = limbs.as<int8_t>()](int64_t i, int64_t o, int64_t kh, int64_t kw,
                                                                  int64_t c) -> int32_t {
    return data[(((i * shape[1] + o) * shape[2] + kh) * shape[3] + kw) * shape[4] + c];
  };
  convolvePixels(op.getWindow(), limbs.shape[0], limb, input, scale, offset, result, threads);
}

void evaluate(PackedImageConv2DOp op, const Array &input, const Array &packed, const Array &scale, const Array &offset,
              Array &result, unsigned threads) {
  Window window = op.getWindow();
  // limbs[i,o,kh,kw,c] = packed[o / block, t / 4, i, o % block, t % 4]
  auto limb = [&, shape = packed.shape, data = packed.as<int8_t>()](int64_t i, int64_t o, int64_t kh, int64_t kw,
                                                                    int64_t c) -> int32_t {
    int64_t block = shape[3], t = (kh * window.kernel[1] + kw) * input.shape[3] + c;
    return data[(((o / block * shape[1] + t / 4) * shape[2] + i) * block + o % block) * 4 + t % 4];
  };
  convolvePixels(window, packed.shape[2], limb, input, scale, offset, result, threads);
}

/// A matrix product is a 1x1 convolution of a 1x1 image.
static void multiply(const Filter<float> &filter, const Array &input, Array &result, unsigned threads) {
  int64_t batch = input.shape[0];
  convolve(Window(), filter, {batch, 1, 1, input.shape[1]}, {batch, 1, 1, result.shape[1]}, input.as<float>(),
           result.as<float>(), threads, fuseTap);
}

void evaluate(FullyConnectedOp op, const Array &input, const Array &weights, Array &result, unsigned threads) {
  auto weight = [&, data = weights.as<float>()](int64_t o, int64_t, int64_t, int64_t k) {
    return data[o * weights.shape[1] + k];
  };
  multiply(layOut<float>(Window(), result.shape[1], input.shape[1], weight), input, result, threads);
}

void evaluate(PackedFullyConnectedOp op, const Array &input, const Array &packed, Array &result, unsigned threads) {
  // weights[o,k] = packed[o / lanes, k, o % lanes]
  auto weight = [&, data = packed.as<float>()](int64_t o, int64_t, int64_t, int64_t k) {
    int64_t lanes = packed.shape[2];
    return data[(o / lanes * packed.shape[1] + k) * lanes + o % lanes];
  };
  multiply(layOut<float>(Window(), result.shape[1], input.shape[1], weight), input, result, threads);
}

void evaluate(Dot2Op op, const Array &codes, const Array &weights, Array &result) {
  for (int64_t i = 0; i < result.elements(); ++i) {
    int32_t sum = 0;
    for (int64_t j = 0; j < 2; ++j) // codes are bytes without a sign, though their type is i8
      sum += int32_t(uint8_t(codes.as<int8_t>()[2 * i + j])) * weights.as<int8_t>()[2 * i + j];
    result.as<int16_t>()[i] = static_cast<int16_t>(sum);
  }
}

void evaluate(Dot2WordsOp op, const Array &acc, const Array &lhs, const Array &rhs, Array &result) {
  for (int64_t i = 0; i < acc.elements(); ++i) {
    uint32_t sum = acc.as<int32_t>()[i];
    for (int64_t j = 0; j < 2; ++j)
      sum += uint32_t(int32_t(lhs.as<int16_t>()[2 * i + j])) * uint32_t(int32_t(rhs.as<int16_t>()[2 * i + j]));
    result.as<int32_t>()[i] = sum;
  }
}

void evaluate(Dot4Op op, const Array &acc, const Array &codes, const Array &weights, Array &result) {
  for (int64_t i = 0; i < acc.elements(); ++i) {
    uint32_t sum = acc.as<int32_t>()[i];
    for (int64_t j = 0; j < 4; ++j) // codes are bytes without a sign, though their type is i8
      sum += uint32_t(uint8_t(codes.as<int8_t>()[4 * i + j])) * uint32_t(int32_t(weights.as<int8_t>()[4 * i + j]));
    result.as<int32_t>()[i] = sum;
  }
}

void evaluate(TableLookupOp op, const Array &table, const Array &indices, Array &result) {
  for (int64_t i = 0; i < result.elements(); ++i)
    result.as<int8_t>()[i] = table.as<int8_t>()[uint8_t(indices.as<int8_t>()[i]) % 64];
}

} // namespace n2uq
