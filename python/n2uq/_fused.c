// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element-wise layers of a network in training, each as one pass forward and one pass backward. Compiled on first
// use by the system's compiler (fused.py) with -ffp-contract=off: u = fl(x*beta1) must round before it is compared.
// The plain torch versions in functional.py are the definition; tests compare the two.

#include <stdint.h>

enum { kBlock = 1024 }; // elements of a block: its working set stays in L1 while every threshold passes over it

/// values[i] = fl(count{ k : fl(x[i]*scale1) > thresholds[k] } * step).
void n2uq_quantize_forward(const float *x, float *values, int64_t count, float scale1, float step,
                           const float *thresholds, int32_t levels) {
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    int32_t size = count - begin < kBlock ? (int32_t)(count - begin) : kBlock;
    float u[kBlock], code[kBlock];
    for (int32_t i = 0; i < size; ++i) {
      u[i] = x[begin + i] * scale1;
      code[i] = 0.0f;
    }
    for (int32_t k = 0; k < levels; ++k) {
      float threshold = thresholds[k];
      for (int32_t i = 0; i < size; ++i)
        code[i] += u[i] > threshold ? 1.0f : 0.0f;
    }
    for (int32_t i = 0; i < size; ++i)
      values[begin + i] = code[i] * step;
  }
}

/// Input gradient and the sums that every parameter's gradient is made of.
/// edges[0..levels] are d_0 .. d_levels; slopes[k] is dvalue/dx on (d_k, d_{k+1}], and 0 at slopes[levels].
/// sums[k]              = sum of g   where u > edges[k]
/// sums[levels + 1 + k] = sum of g*x where u > edges[k]
/// sums[2*levels + 2]   = sum of g*code
void n2uq_quantize_backward(const float *x, const float *g, float *gx, int64_t count, float scale1,
                            const float *thresholds, const float *edges, const float *slopes, int32_t levels,
                            double *sums) {
  for (int32_t k = 0; k < 2 * levels + 3; ++k)
    sums[k] = 0.0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    int32_t size = count - begin < kBlock ? (int32_t)(count - begin) : kBlock;
    const float *xs = x + begin, *gs = g + begin;
    float u[kBlock], gTimesX[kBlock], slope[kBlock];
    for (int32_t i = 0; i < size; ++i) {
      u[i] = xs[i] * scale1;
      gTimesX[i] = gs[i] * xs[i];
      slope[i] = 0.0f;
    }
    float codeSum = 0.0f;
    for (int32_t k = 0; k < levels; ++k) {
      float threshold = thresholds[k];
#pragma omp simd reduction(+ : codeSum)
      for (int32_t i = 0; i < size; ++i)
        codeSum += gs[i] * (u[i] > threshold ? 1.0f : 0.0f);
    }
    sums[2 * levels + 2] += codeSum;
    for (int32_t k = 0; k <= levels; ++k) {
      float edge = edges[k], after = slopes[k], gSum = 0.0f, gxSum = 0.0f;
#pragma omp simd reduction(+ : gSum, gxSum)
      for (int32_t i = 0; i < size; ++i) {
        float above = u[i] > edge ? 1.0f : 0.0f; // a factor, since GCC does not vectorise a conditional sum
        slope[i] = u[i] > edge ? after : slope[i];
        gSum += above * gs[i];
        gxSum += above * gTimesX[i];
      }
      sums[k] += gSum;
      sums[levels + 1 + k] += gxSum;
    }
    for (int32_t i = 0; i < size; ++i)
      gx[begin + i] = gs[i] * slope[i];
  }
}

/// RPReLU on a tensor seen as [outer][channels][inner]; inner == 1 is channels-last memory.
void n2uq_rprelu_forward(const float *x, float *y, int64_t outer, int64_t channels, int64_t inner, const float *before,
                         const float *slope, const float *after) {
  if (inner == 1) {
    for (int64_t o = 0; o < outer; ++o, x += channels, y += channels)
      for (int64_t c = 0; c < channels; ++c) {
        float z = x[c] + before[c];
        y[c] = (z > 0.0f ? z : slope[c] * z) + after[c];
      }
    return;
  }
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c < channels; ++c, x += inner, y += inner)
      for (int64_t i = 0; i < inner; ++i) {
        float z = x[i] + before[c];
        y[i] = (z > 0.0f ? z : slope[c] * z) + after[c];
      }
}

/// gx, and per channel the gradients of the three parameters, summed in float over one row and in double over rows.
void n2uq_rprelu_backward(const float *x, const float *g, float *gx, int64_t outer, int64_t channels, int64_t inner,
                          const float *before, const float *slope, double *gBefore, double *gSlope, double *gAfter,
                          float *scratch) {
  for (int64_t c = 0; c < channels; ++c)
    gBefore[c] = gSlope[c] = gAfter[c] = 0.0;
  if (inner == 1) {
    float *sumBefore = scratch, *sumSlope = scratch + channels, *sumAfter = scratch + 2 * channels;
    enum { kRows = 64 };
    for (int64_t first = 0; first < outer; first += kRows) {
      int64_t last = first + kRows < outer ? first + kRows : outer;
      for (int64_t c = 0; c < 3 * channels; ++c)
        scratch[c] = 0.0f;
      for (int64_t o = first; o < last; ++o, x += channels, g += channels, gx += channels)
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) {
          float z = x[c] + before[c], gc = g[c];
          float d = z > 0.0f ? gc : slope[c] * gc;
          gx[c] = d;
          sumBefore[c] += d;
          sumSlope[c] += z > 0.0f ? 0.0f : gc * z;
          sumAfter[c] += gc;
        }
      for (int64_t c = 0; c < channels; ++c) {
        gBefore[c] += sumBefore[c];
        gSlope[c] += sumSlope[c];
        gAfter[c] += sumAfter[c];
      }
    }
    return;
  }
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c < channels; ++c, x += inner, g += inner, gx += inner) {
      float sumBefore = 0.0f, sumSlope = 0.0f, sumAfter = 0.0f, b = before[c], p = slope[c];
#pragma omp simd reduction(+ : sumBefore, sumSlope, sumAfter)
      for (int64_t i = 0; i < inner; ++i) {
        float z = x[i] + b, gi = g[i];
        float d = z > 0.0f ? gi : p * gi;
        gx[i] = d;
        sumBefore += d;
        sumSlope += z > 0.0f ? 0.0f : gi * z;
        sumAfter += gi;
      }
      gBefore[c] += sumBefore;
      gSlope[c] += sumSlope;
      gAfter[c] += sumAfter;
    }
}
