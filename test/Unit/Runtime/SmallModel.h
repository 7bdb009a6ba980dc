// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A descriptor for unit tests: two kernels on images of 2 x 2 x 2 pixels, with C++ linkage to nothing.
#ifndef N2UQ_TEST_UNIT_RUNTIME_SMALLMODEL_H
#define N2UQ_TEST_UNIT_RUNTIME_SMALLMODEL_H

#include "n2uq/runtime.h"

/// output = 1 + the number of positive values of the image, divided by 3 in float32; the codes are `value > 0`, NHWC.
struct SmallModel {
  static constexpr int64_t channels = 2, height = 2, width = 2, values = channels * height * width;

  static void codesKernel(const n2uq_frame *frame, int64_t begin, int64_t end) {
    const float *input = static_cast<const float *>(frame->input);
    for (int64_t item = begin; item < end; ++item) {
      int64_t n = item / values, at = item % values, c = at % channels, pixel = at / channels;
      frame->arena[n * values + at] = input[n * values + c * height * width + pixel] > 0;
    }
  }
  static void outputKernel(const n2uq_frame *frame, int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      int sum = 1;
      for (int64_t i = 0; i < values; ++i)
        sum += frame->arena[n * values + i];
      static_cast<float *>(frame->output)[n] = static_cast<float>(sum) / 3.0f;
    }
  }
  static void run(const n2uq_frame *frame, n2uq_parallel_for parallelFor, void *context) {
    for (const n2uq_kernel &kernel : kernels)
      if (parallelFor)
        parallelFor(context, kernel.items_per_image * frame->batch, kernel.run, frame);
      else
        kernel.run(frame, 0, kernel.items_per_image * frame->batch);
  }

  static inline const n2uq_kernel kernels[2] = {{"quan", "by_hand", codesKernel, values, 0, 0, 5 * values},
                                                {"fc", "by_hand", outputKernel, 1, values, 0, values + 4}};
  static inline const n2uq_codes codes[1] = {
      {"quan", 0, 1, height, width, channels, 0, values, 0, width * channels, channels, 8}};

  static n2uq_model descriptor() {
    n2uq_model model = {};
    model.magic = N2UQ_MODEL_MAGIC;
    model.abi_version = N2UQ_ABI_VERSION;
    model.size = sizeof model;
    model.name = "small";
    model.compiler = "by hand";
    model.target_cpu = "any";
    model.input = {"input", N2UQ_FLOAT32, 4, {-1, channels, height, width}};
    model.output = {"output", N2UQ_FLOAT32, 2, {-1, 1, 0, 0}};
    model.arena_bytes_per_image = values;
    model.kernel_count = 2;
    model.kernels = kernels;
    model.codes_count = 1;
    model.codes = codes;
    model.run = run;
    return model;
  }
};

#endif // N2UQ_TEST_UNIT_RUNTIME_SMALLMODEL_H
