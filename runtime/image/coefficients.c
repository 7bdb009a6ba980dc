/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The weights of a resized axis. Output i of `output` stands over the place (i + 0.5) * scale of the input, scale =
 * input / output; the inputs whose centres lie within the filter's support around it are summed, weighted by the filter
 * at their distance, in units of the scale where the image shrinks. Pillow does this in doubles, divides by the sum of
 * the weights and rounds each to 22 fraction bits; to get its bytes, every step here is its step, in its order.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

static double triangle(double x) {
  x = fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

static double cubic(double x) {
  const double a = -0.5;
  x = fabs(x);
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0)
    return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

static int32_t to_fixed(double weight) {
  double scaled = weight * (1 << N2UQ_FRACTION_BITS);
  return (int32_t)(weight < 0 ? -0.5 + scaled : 0.5 + scaled);
}

/* The inputs [*begin, *end) with a weight for output `i`. */
static void bounds(int64_t input, double scale, double support, int64_t i, int64_t *begin, int64_t *end) {
  double center = ((double)i + 0.5) * scale;
  int64_t first = (int64_t)(center - support + 0.5), last = (int64_t)(center + support + 0.5);
  *begin = first < 0 ? 0 : first;
  *end = last > input ? input : last;
}

n2uq_status n2uq_resampling_make(int64_t input, int64_t output, int64_t begin, int64_t count, n2uq_filter filter,
                                 n2uq_resampling *resampling) {
  double (*weight)(double) = filter == N2UQ_BICUBIC ? cubic : triangle;
  double scale = (double)input / (double)output, widening = scale < 1.0 ? 1.0 : scale;
  double support = (filter == N2UQ_BICUBIC ? 2.0 : 1.0) * widening, unit = 1.0 / widening;

  n2uq_resampling r = {.count = count, .low = input};
  for (int64_t i = 0; i < count; ++i) {
    int64_t first, last;
    bounds(input, scale, support, begin + i, &first, &last);
    r.taps = last - first > r.taps ? last - first : r.taps;
    r.low = first < r.low ? first : r.low;
    r.high = last > r.high ? last : r.high;
  }
  r.weights = calloc((size_t)(count * r.taps), sizeof *r.weights);
  r.first = malloc((size_t)count * sizeof *r.first);
  double *exact = malloc((size_t)r.taps * sizeof *exact);
  if (!r.weights || !r.first || !exact) {
    free(exact);
    n2uq_resampling_free(&r);
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for the weights of %lld resized pixels", (long long)count);
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t first, last;
    bounds(input, scale, support, begin + i, &first, &last);
    double center = ((double)(begin + i) + 0.5) * scale, sum = 0.0;
    for (int64_t t = 0; t < last - first; ++t)
      sum += exact[t] = weight(((double)(t + first) - center + 0.5) * unit);
    /* All sums have the same number of taps; a shorter one at the end of the axis gets zeros in front. */
    int64_t start = first < r.high - r.taps ? first : r.high - r.taps;
    r.first[i] = (int32_t)(start - r.low);
    for (int64_t t = 0; t < last - first; ++t)
      r.weights[i * r.taps + t + first - start] = to_fixed(sum != 0.0 ? exact[t] / sum : exact[t]);
  }
  free(exact);
  *resampling = r;
  return N2UQ_OK;
}

void n2uq_resampling_free(n2uq_resampling *resampling) {
  free(resampling->weights);
  free(resampling->first);
  resampling->weights = resampling->first = NULL;
}
