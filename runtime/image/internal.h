/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What the files of the image library share, and what its tests reach. Not installed.
 */
#ifndef N2UQ_RUNTIME_IMAGE_INTERNAL_H
#define N2UQ_RUNTIME_IMAGE_INTERNAL_H

#include "n2uq/image.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- decode.c ---- */

/* Gives `*image` memory for its pixels, after a check of its size. */
n2uq_status n2uq_allocate_image(const char *name, uint64_t height, uint64_t width, n2uq_image *image);

/* The formats: each knows its first bytes, and decodes to an image that is empty on failure. */
bool n2uq_is_jpeg(const uint8_t *bytes, size_t size);
bool n2uq_is_png(const uint8_t *bytes, size_t size);
bool n2uq_is_pnm(const uint8_t *bytes, size_t size);
n2uq_status n2uq_decode_jpeg(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image);
n2uq_status n2uq_decode_png(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image);
n2uq_status n2uq_decode_pnm(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image);

/* ---- coefficients.c ---- */

/* The sums behind outputs [begin, begin + count) of one axis that is resized: output i is the sum over t < taps of
 * weights[i * taps + t] * input[low + first[i] + t], in fixed point with N2UQ_FRACTION_BITS. All inputs that have a
 * weight lie in [low, high). */
typedef struct n2uq_resampling {
  int64_t count, taps, low, high;
  int32_t *weights, *first;
} n2uq_resampling;

#define N2UQ_FRACTION_BITS 22

n2uq_status n2uq_resampling_make(int64_t input, int64_t output, int64_t begin, int64_t count, n2uq_filter filter,
                                 n2uq_resampling *resampling);
void n2uq_resampling_free(n2uq_resampling *resampling);

/* ---- resample.c ---- */

/* Part of a resized image: the whole would be `height` x `width`, wanted are rows [y, y + rows) and columns
 * [x, x + columns) of it. */
typedef struct n2uq_region {
  int64_t height, width, y, x, rows, columns;
} n2uq_region;

/* Computes the region into `to`: `how` NULL: bytes, rows x columns x 3; else floats, 3 x rows x columns, normalised. */
n2uq_status n2uq_resample(const n2uq_image *from, const n2uq_region *region, n2uq_filter filter,
                          const n2uq_preprocessing *how, void *to);

/* The code that n2uq_resample uses on a CPU with `features`, "avx512", "avx2" or "baseline". Tests name what to use
 * instead; it must run here. NULL: what is best. False: no such name. */
const char *n2uq_resample_variant(uint64_t features);
bool n2uq_resample_use(const char *variant);

#ifdef __cplusplus
}
#endif

#endif
