/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A model for a GPU, written by hand around the PTX of kernels.c.
 */
#include "n2uq/model.h"
#include "shape.h"

static const char ptx[] = {
#embed PTX
    , 0};
static const uint8_t weights[] __attribute__((aligned(64))) = {0, 1, 2, 3, 1};

#ifndef CAPABILITY
#define CAPABILITY 80
#endif
#ifndef SHARED
#define SHARED (threads * 4)
#endif
static const n2uq_cuda_launch launches[] = {{"quantize", height * width, threads, 1, threads, 0},
                                            {"sum", 1, 1, 1, threads, SHARED}};
static const n2uq_cuda_module cuda = {ptx, sizeof ptx - 1, CAPABILITY, weights, sizeof weights, 2, launches};
static const n2uq_kernel kernels[] = {{"layer.quan", "quantize", 0, height * width, 0, sizeof weights, 0},
                                      {"layer.sum", "sum", 0, 1, 0, 0, 0}};
static const n2uq_codes codes[] = {
    {"layer.quan", 0, 2, height, width, channels, 0, height * width * pixel, 0, width * pixel, pixel, 2}};

__attribute__((visibility("default"))) const n2uq_model n2uq_model_descriptor = {
    .magic = N2UQ_MODEL_MAGIC,
    .abi_version = N2UQ_ABI_VERSION,
    .size = sizeof(n2uq_model),
    .name = "by hand",
    .compiler = "by hand",
    .target_cpu = "sm_80",
    .input = {"input", N2UQ_UINT8, 4, {-1, height, width, channels}},
    .output = {"output", N2UQ_FLOAT32, 2, {-1, 1, 0, 0}},
    .arena_bytes_per_image = height * width * pixel,
    .weight_bytes = sizeof weights,
    .kernel_count = 2,
    .kernels = kernels,
    .codes_count = 1,
    .codes = codes,
    .cuda = &cuda,
};
