/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Runs the passes of resample_generator.cpp: along the rows that the second pass reads, then along the columns. Each
 * was compiled for three kinds of CPU.
 */
#include "internal.h"

#include <HalideRuntime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DECLARE_VARIANT(name)                                                                                          \
  int n2uq_resample_rows_##name(halide_buffer_t *, halide_buffer_t *, halide_buffer_t *, halide_buffer_t *);           \
  int n2uq_resample_columns_##name(halide_buffer_t *, halide_buffer_t *, halide_buffer_t *, halide_buffer_t *);        \
  int n2uq_resample_normalized_##name(halide_buffer_t *, halide_buffer_t *, halide_buffer_t *, halide_buffer_t *,      \
                                      halide_buffer_t *, halide_buffer_t *);
DECLARE_VARIANT(avx512)
DECLARE_VARIANT(avx2)
DECLARE_VARIANT(baseline)

typedef struct variant {
  const char *name;
  const char *needs[8]; /* features of n2uq/cpu_features.def */
  int (*rows)(halide_buffer_t *in, halide_buffer_t *weights, halide_buffer_t *first, halide_buffer_t *out);
  int (*columns)(halide_buffer_t *in, halide_buffer_t *weights, halide_buffer_t *first, halide_buffer_t *out);
  int (*normalized)(halide_buffer_t *in, halide_buffer_t *weights, halide_buffer_t *first, halide_buffer_t *mean,
                    halide_buffer_t *deviation, halide_buffer_t *out);
} variant;

#define VARIANT(name)                                                                                                  \
  #name, {NEEDS_##name}, n2uq_resample_rows_##name, n2uq_resample_columns_##name, n2uq_resample_normalized_##name
/* As the build names the features to Halide. */
#define NEEDS_avx512 "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma", "f16c"
#define NEEDS_avx2 "avx2", "avx", "fma", "f16c", "sse4.1"
#define NEEDS_baseline NULL

/* The best first. */
static const variant variants[] = {{VARIANT(avx512)}, {VARIANT(avx2)}, {VARIANT(baseline)}};
enum { variant_count = sizeof variants / sizeof *variants };

static bool runs_on(const variant *v, uint64_t features) {
  for (size_t i = 0; i < sizeof v->needs / sizeof *v->needs && v->needs[i]; ++i) {
    bool found = false;
    for (int32_t bit = 0; bit < 64 && !found; ++bit) {
      const char *name = n2uq_cpu_feature_name(bit);
      found = name && features >> bit & 1 && strcmp(name, v->needs[i]) == 0;
    }
    if (!found)
      return false;
  }
  return true;
}

static const variant *best(uint64_t features) {
  const variant *v = variants;
  while (!runs_on(v, features))
    ++v; /* the last one needs nothing */
  return v;
}

const char *n2uq_resample_variant(uint64_t features) { return best(features)->name; }

static _Atomic(const variant *) in_use;

bool n2uq_resample_use(const char *name) {
  if (!name)
    atomic_store(&in_use, NULL);
  for (int i = 0; name && i < variant_count; ++i)
    if (strcmp(variants[i].name, name) == 0) {
      atomic_store(&in_use, &variants[i]);
      return true;
    }
  return !name;
}

/* A pass returns its error; nothing is printed, and nothing ends the program. */
static void say_nothing(void *user, const char *message) {
  (void)user;
  (void)message;
}
static void listen(void) { halide_set_error_handler(say_nothing); }

static const variant *chosen(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, listen);
  const variant *v = atomic_load(&in_use);
  if (!v)
    atomic_store(&in_use, v = best(n2uq_cpu_features()));
  return v;
}

static halide_buffer_t buffer(const void *data, struct halide_type_t type, int rank, halide_dimension_t *dimensions) {
  halide_buffer_t b = {.host = (uint8_t *)(uintptr_t)data, .type = type, .dimensions = rank, .dim = dimensions};
  return b;
}

#define DIMENSION(extent_, stride_) {0, (int32_t)(extent_), (int32_t)(stride_), 0}
#define TYPE(code_, bits_) ((struct halide_type_t){.code = (code_), .bits = (bits_), .lanes = 1})

/* Bytes of pixels in memory: rows of `columns` pixels that lie `row` bytes apart. */
typedef struct pixels {
  const uint8_t *at;
  int64_t row, rows, columns;
} pixels;

static n2uq_status finished(int code) {
  return code == 0 ? N2UQ_OK
                   : n2uq_fail(code == halide_error_code_out_of_memory ? N2UQ_OUT_OF_MEMORY : N2UQ_BAD_ARGUMENT,
                               "an image cannot be resized: error %d of a pass", code);
}

/* Each of the `from.rows` rows becomes r->count pixels; `to` is dense. */
static n2uq_status along_rows(const variant *v, pixels from, const n2uq_resampling *r, uint8_t *to) {
  halide_dimension_t in_dims[3] = {DIMENSION(3, 1), DIMENSION(from.columns, 3), DIMENSION(from.rows, from.row)};
  halide_dimension_t out_dims[3] = {DIMENSION(3, 1), DIMENSION(r->count, 3), DIMENSION(from.rows, r->count * 3)};
  halide_dimension_t weight_dims[2] = {DIMENSION(r->taps, 1), DIMENSION(r->count, r->taps)};
  halide_dimension_t first_dims[1] = {DIMENSION(r->count, 1)};
  halide_buffer_t in = buffer(from.at, TYPE(halide_type_uint, 8), 3, in_dims);
  halide_buffer_t out = buffer(to, TYPE(halide_type_uint, 8), 3, out_dims);
  halide_buffer_t weights = buffer(r->weights, TYPE(halide_type_int, 32), 2, weight_dims);
  halide_buffer_t first = buffer(r->first, TYPE(halide_type_int, 32), 1, first_dims);
  return finished(v->rows(&in, &weights, &first, &out));
}

/* Each of the `from.columns` columns becomes r->count pixels; `to` is dense, bytes or, with `how`, floats. */
static n2uq_status along_columns(const variant *v, pixels from, const n2uq_resampling *r, const n2uq_preprocessing *how,
                                 void *to) {
  halide_dimension_t in_dims[2] = {DIMENSION(from.columns * 3, 1), DIMENSION(from.rows, from.row)};
  halide_dimension_t weight_dims[2] = {DIMENSION(r->taps, 1), DIMENSION(r->count, r->taps)};
  halide_dimension_t first_dims[1] = {DIMENSION(r->count, 1)};
  halide_buffer_t in = buffer(from.at, TYPE(halide_type_uint, 8), 2, in_dims);
  halide_buffer_t weights = buffer(r->weights, TYPE(halide_type_int, 32), 2, weight_dims);
  halide_buffer_t first = buffer(r->first, TYPE(halide_type_int, 32), 1, first_dims);
  if (!how) {
    halide_dimension_t out_dims[2] = {DIMENSION(from.columns * 3, 1), DIMENSION(r->count, from.columns * 3)};
    halide_buffer_t out = buffer(to, TYPE(halide_type_uint, 8), 2, out_dims);
    return finished(v->columns(&in, &weights, &first, &out));
  }
  halide_dimension_t channel_dims[1] = {DIMENSION(3, 1)};
  halide_dimension_t out_dims[3] = {DIMENSION(from.columns, 1), DIMENSION(r->count, from.columns),
                                    DIMENSION(3, from.columns * r->count)};
  halide_buffer_t mean = buffer(how->mean, TYPE(halide_type_float, 32), 1, channel_dims);
  halide_buffer_t deviation = buffer(how->deviation, TYPE(halide_type_float, 32), 1, channel_dims);
  halide_buffer_t out = buffer(to, TYPE(halide_type_float, 32), 3, out_dims);
  return finished(v->normalized(&in, &weights, &first, &mean, &deviation, &out));
}

/* Pillow 13 resizes the columns first where that takes away more than twice the rows that the other order takes away of
 * columns. Both orders round between the passes, so the order is part of the result. (Older ones resize the rows first;
 * the orders differ for pictures more than twice as high as wide.) */
static bool columns_first(const n2uq_image *from, const n2uq_region *to) {
  return to->height < from->height && from->height - to->height > 2 * (from->width - to->width);
}

/* The first pass writes to `between`, the second one reads it. */
static n2uq_status run_passes(const variant *v, const n2uq_image *from, const n2uq_region *region,
                              const n2uq_resampling *x, const n2uq_resampling *y, const n2uq_preprocessing *how,
                              void *to) {
  /* What has a weight. */
  pixels source = {from->pixels + (y->low * from->width + x->low) * 3, from->width * 3, y->high - y->low,
                   x->high - x->low};
  bool columns = columns_first(from, region);
  pixels middle = {.rows = columns ? y->count : source.rows, .columns = columns ? source.columns : x->count};
  middle.row = middle.columns * 3;
  uint8_t *between = malloc((size_t)(middle.rows * middle.row));
  if (!between)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for resizing %lld rows", (long long)middle.rows);
  middle.at = between;
  n2uq_status status = columns ? along_columns(v, source, y, NULL, between) : along_rows(v, source, x, between);
  if (status == N2UQ_OK)
    status = columns ? along_rows(v, middle, x, to) : along_columns(v, middle, y, how, to);
  free(between);
  return status;
}

/* The part of an image that keeps its size. */
static void crop(const n2uq_image *from, const n2uq_region *region, uint8_t *to) {
  for (int64_t y = 0; y < region->rows; ++y)
    memcpy(to + y * region->columns * 3, from->pixels + ((region->y + y) * from->width + region->x) * 3,
           (size_t)(region->columns * 3));
}

/* Floats come from a pass along columns; where there is none at the end, from one that changes no pixel. */
static n2uq_status normalize(const variant *v, pixels from, const n2uq_preprocessing *how, float *to) {
  n2uq_resampling same;
  n2uq_status status = n2uq_resampling_make(from.rows, from.rows, 0, from.rows, N2UQ_BILINEAR, &same);
  if (status != N2UQ_OK)
    return status;
  status = along_columns(v, from, &same, how, to);
  n2uq_resampling_free(&same);
  return status;
}

n2uq_status n2uq_resample(const n2uq_image *from, const n2uq_region *region, n2uq_filter filter,
                          const n2uq_preprocessing *how, void *to) {
  const variant *v = chosen();
  if (region->height == from->height && region->width == from->width) {
    if (!how) {
      crop(from, region, to);
      return N2UQ_OK;
    }
    pixels part = {from->pixels + (region->y * from->width + region->x) * 3, from->width * 3, region->rows,
                   region->columns};
    return normalize(v, part, how, to);
  }
  n2uq_resampling x = {0}, y = {0};
  n2uq_status status = n2uq_resampling_make(from->width, region->width, region->x, region->columns, filter, &x);
  if (status == N2UQ_OK)
    status = n2uq_resampling_make(from->height, region->height, region->y, region->rows, filter, &y);
  if (status == N2UQ_OK && how && columns_first(from, region)) {
    uint8_t *bytes = malloc((size_t)(region->rows * region->columns * 3));
    status = !bytes ? n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for a resized image")
                    : run_passes(v, from, region, &x, &y, NULL, bytes);
    if (status == N2UQ_OK)
      status = normalize(v, (pixels){bytes, region->columns * 3, region->rows, region->columns}, how, to);
    free(bytes);
  } else if (status == N2UQ_OK) {
    status = run_passes(v, from, region, &x, &y, how, to);
  }
  n2uq_resampling_free(&x);
  n2uq_resampling_free(&y);
  return status;
}
