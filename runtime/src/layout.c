/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Pins what generated code relies on: the compiler writes these structs as bytes and reads frames by offset. Whoever
 * has to change a number here raises N2UQ_ABI_VERSION and changes the compiler's Target/ with it.
 */
#include "n2uq/runtime.h"

#include <assert.h>

#define PIN(type, field, offset) static_assert(offsetof(type, field) == (offset), #type "." #field " moved")

static_assert(sizeof(void *) == 8, "the interface is one of 64-bit machines");

static_assert(sizeof(n2uq_frame) == 32, "n2uq_frame");
PIN(n2uq_frame, arena, 0);
PIN(n2uq_frame, input, 8);
PIN(n2uq_frame, output, 16);
PIN(n2uq_frame, batch, 24);

static_assert(sizeof(n2uq_kernel) == 56, "n2uq_kernel");
PIN(n2uq_kernel, name, 0);
PIN(n2uq_kernel, strategy, 8);
PIN(n2uq_kernel, run, 16);
PIN(n2uq_kernel, items_per_image, 24);
PIN(n2uq_kernel, macs_per_image, 32);
PIN(n2uq_kernel, weight_bytes, 40);
PIN(n2uq_kernel, activation_bytes, 48);

static_assert(sizeof(n2uq_codes) == 96, "n2uq_codes");
PIN(n2uq_codes, name, 0);
PIN(n2uq_codes, kernel, 8);
PIN(n2uq_codes, bits, 16);
PIN(n2uq_codes, height, 24);
PIN(n2uq_codes, width, 32);
PIN(n2uq_codes, channels, 40);
PIN(n2uq_codes, offset_per_batch, 48);
PIN(n2uq_codes, image_bytes, 56);
PIN(n2uq_codes, origin, 64);
PIN(n2uq_codes, row_bytes, 72);
PIN(n2uq_codes, pixel_bytes, 80);
PIN(n2uq_codes, storage_bits, 88);

static_assert(sizeof(n2uq_cuda_launch) == 48, "n2uq_cuda_launch");
PIN(n2uq_cuda_launch, entry, 0);
PIN(n2uq_cuda_launch, units_per_image, 8);
PIN(n2uq_cuda_launch, units_per_block, 16);
PIN(n2uq_cuda_launch, grid_y, 24);
PIN(n2uq_cuda_launch, threads, 32);
PIN(n2uq_cuda_launch, shared_bytes, 40);

static_assert(sizeof(n2uq_cuda_module) == 56, "n2uq_cuda_module");
PIN(n2uq_cuda_module, ptx, 0);
PIN(n2uq_cuda_module, ptx_bytes, 8);
PIN(n2uq_cuda_module, compute_capability, 16);
PIN(n2uq_cuda_module, weights, 24);
PIN(n2uq_cuda_module, weight_bytes, 32);
PIN(n2uq_cuda_module, launch_count, 40);
PIN(n2uq_cuda_module, launches, 48);

static_assert(sizeof(n2uq_tensor) == 48, "n2uq_tensor");
PIN(n2uq_tensor, name, 0);
PIN(n2uq_tensor, dtype, 8);
PIN(n2uq_tensor, rank, 12);
PIN(n2uq_tensor, dims, 16);

static_assert(sizeof(n2uq_pictures) == 40, "n2uq_pictures");
PIN(n2uq_pictures, resize, 0);
PIN(n2uq_pictures, filter, 8);
PIN(n2uq_pictures, mean, 12);
PIN(n2uq_pictures, deviation, 24);

static_assert(sizeof(n2uq_model) == 240, "n2uq_model");
PIN(n2uq_model, magic, 0);
PIN(n2uq_model, abi_version, 4);
PIN(n2uq_model, size, 8);
PIN(n2uq_model, name, 16);
PIN(n2uq_model, compiler, 24);
PIN(n2uq_model, target_cpu, 32);
PIN(n2uq_model, cpu_features, 40);
PIN(n2uq_model, input, 48);
PIN(n2uq_model, output, 96);
PIN(n2uq_model, arena_bytes_per_image, 144);
PIN(n2uq_model, arena_bytes_fixed, 152);
PIN(n2uq_model, weight_bytes, 160);
PIN(n2uq_model, kernel_count, 168);
PIN(n2uq_model, kernels, 176);
PIN(n2uq_model, codes_count, 184);
PIN(n2uq_model, codes, 192);
PIN(n2uq_model, run, 200);
PIN(n2uq_model, cuda, 208);
PIN(n2uq_model, label_count, 216);
PIN(n2uq_model, labels, 224);
PIN(n2uq_model, pictures, 232);

static_assert(sizeof(n2uq_trailer) == 24, "n2uq_trailer");
static_assert(sizeof(n2uq_session_options) == 40, "n2uq_session_options");
static_assert(sizeof(n2uq_trace_event) == 56, "n2uq_trace_event");
