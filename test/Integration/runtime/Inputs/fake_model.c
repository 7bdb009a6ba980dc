/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiled model written by hand: what the runtime and its tools are tested with where the compiler is not the
 * question. Three kernels over an image of 2 x 6 x 5 (channels, height, width):
 *
 *   stem.quan      code = number of 0.5, 1.0, 1.5 that x exceeds; NHWC, a border of zeros around, pixels of 4 bytes
 *   block.quan     code = 1 where the 3 x 3 sum of both channels' codes reaches 9; dense
 *   fc             output[k] = fl(count of ones in rows 2k, 2k + 1, divided by 10)
 *
 * Each -DFAKE_… of the tests breaks one thing.
 */
#include "n2uq/model.h"

#include <stddef.h>

enum { channels = 2, height = 6, width = 5, classes = 3 };
enum { pixel = 4, row = (width + 2) * pixel, padded = (height + 2) * row };
/* The first map lies at 0, the second behind it: the arena of a batch is a slice for each map. */
enum { dense = height * width, first_offset = 0, second_offset = padded };

#ifndef FAKE_THRESHOLD
#define FAKE_THRESHOLD 9
#endif
#ifndef FAKE_DIVISOR
#define FAKE_DIVISOR 10
#endif

static void stem(const n2uq_frame *frame, int64_t begin, int64_t end) {
  const float *input = frame->input;
  for (int64_t item = begin; item < end; ++item) {
    int64_t n = item / height, y = item % height;
    uint8_t *image = frame->arena + first_offset * frame->batch + n * padded;
    if (y == 0)
      for (int i = 0; i < row; ++i)
        image[i] = image[(height + 1) * row + i] = 0;
    uint8_t *at = image + (y + 1) * row;
    for (int i = 0; i < row; ++i)
      at[i] = 0;
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        float value = input[((n * channels + c) * height + y) * width + x];
        at[(x + 1) * pixel + c] = (uint8_t)((value > 0.5f) + (value > 1.0f) + (value > 1.5f));
      }
  }
}

static void block(const n2uq_frame *frame, int64_t begin, int64_t end) {
  for (int64_t item = begin; item < end; ++item) {
    int64_t n = item / height, y = item % height;
    const uint8_t *image = frame->arena + first_offset * frame->batch + n * padded;
    uint8_t *to = frame->arena + second_offset * frame->batch + n * dense + y * width;
    for (int x = 0; x < width; ++x) {
      int sum = 0;
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx)
          for (int c = 0; c < channels; ++c)
            sum += image[(y + ky) * row + (x + kx) * pixel + c];
      to[x] = sum >= FAKE_THRESHOLD;
    }
  }
}

static void fc(const n2uq_frame *frame, int64_t begin, int64_t end) {
  float *output = frame->output;
  for (int64_t n = begin; n < end; ++n)
    for (int k = 0; k < classes; ++k) {
      const uint8_t *codes = frame->arena + second_offset * frame->batch + n * dense + k * 2 * width;
      float sum = 0;
      for (int i = 0; i < 2 * width; ++i)
        sum += codes[i];
      output[n * classes + k] = sum / FAKE_DIVISOR;
    }
}

#ifdef FAKE_WILD_NAME
#define FIRST_NAME ((const char *)8)
#else
#define FIRST_NAME "stem.quan"
#endif
#ifdef FAKE_WILD_KERNEL
#define FIRST_KERNEL ((n2uq_kernel_function) & kernels)
extern const n2uq_kernel kernels[];
#else
#define FIRST_KERNEL stem
#define KERNELS static
#endif
#ifndef KERNELS
#define KERNELS
#endif

KERNELS const n2uq_kernel kernels[] = {
    {FIRST_NAME, "by_hand rows", FIRST_KERNEL, height, 0, 0, channels * height * width * 4 + padded},
    {"block", "by_hand rows", block, height, 9 * channels * height * width, 0, padded + dense},
    {"fc", "by_hand", fc, 1, 0, 0, dense + 4 * classes},
};

#ifndef FAKE_CODES_NAME
#define FAKE_CODES_NAME "stem.quan"
#endif
#ifndef FAKE_SECOND_CODES_NAME
#define FAKE_SECOND_CODES_NAME "block.quan"
#endif
#ifndef FAKE_ROW
#define FAKE_ROW row
#endif
static const n2uq_codes codes[] = {
    {FAKE_CODES_NAME, 0, 2, height, width, channels, first_offset, padded, row + pixel, FAKE_ROW, pixel, 8},
    {FAKE_SECOND_CODES_NAME, 1, 1, height, width, 1, second_offset, dense, 0, width, 1, 8},
};

static void run(const n2uq_frame *frame, n2uq_parallel_for parallel_for, void *context) {
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i) {
    int64_t count = kernels[i].items_per_image * frame->batch;
    if (parallel_for)
      parallel_for(context, count, kernels[i].run, frame);
    else
      kernels[i].run(frame, 0, count);
  }
}

#ifndef FAKE_FEATURES
#define FAKE_FEATURES 0x3f /* those of any x86-64 */
#endif
#ifndef FAKE_ABI
#define FAKE_ABI N2UQ_ABI_VERSION
#endif
#ifndef FAKE_SYMBOL
#define FAKE_SYMBOL n2uq_model_descriptor
#endif
#ifndef FAKE_KERNEL_COUNT
#define FAKE_KERNEL_COUNT 3
#endif
#ifndef FAKE_ARENA
#define FAKE_ARENA (padded + dense)
#endif

#ifndef FAKE_LABEL_COUNT
#define FAKE_LABEL_COUNT 0
#define FAKE_LABELS NULL
#endif
static const char *const labels[] = {FAKE_LABELS};

__attribute__((visibility("default"))) const n2uq_model FAKE_SYMBOL = {
    .magic = N2UQ_MODEL_MAGIC,
    .abi_version = FAKE_ABI,
    .size = sizeof(n2uq_model),
    .name = "fake",
    .compiler = "by hand",
    .target_cpu = "x86-64",
    .cpu_features = FAKE_FEATURES,
    .input = {"input", N2UQ_FLOAT32, 4, {-1, channels, height, width}},
    .output = {"output", N2UQ_FLOAT32, 2, {-1, classes, 0, 0}},
    .arena_bytes_per_image = FAKE_ARENA,
    .arena_bytes_fixed = 0,
    .weight_bytes = 0,
    .kernel_count = FAKE_KERNEL_COUNT,
    .kernels = kernels,
    .codes_count = 2,
    .codes = codes,
    .run = run,
    .label_count = FAKE_LABEL_COUNT,
    .labels = FAKE_LABEL_COUNT ? labels : NULL,
#ifdef FAKE_PICTURES
    .pictures = &(const n2uq_pictures){FAKE_PICTURES},
#endif
};
