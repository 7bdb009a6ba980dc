/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Checks a descriptor before anything relies on it: a compiler of another version, or a hand that wrote one wrongly,
 * gets a sentence here instead of a crash later.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>

/* No real model comes near these; larger numbers are damage, and sums of a few of them still fit 64 bits. */
static const int64_t max_bytes = INT64_C(1) << 46;
static const int64_t max_extent = INT64_C(1) << 24;
static const int64_t max_entries = 1 << 16;
static const uintptr_t max_string = N2UQ_STRING_BYTES;
static const int64_t max_resize = 1 << 20; /* as n2uq/image.h takes it */

typedef struct memory {
  const n2uq_segment *segments;
  int64_t count; /* 0: unknown, any pointer but NULL may be good */
} memory;

/* The bytes from `at` to the end of its segment; 0 where it lies in none. */
static uintptr_t bytes_behind(const memory *known, uintptr_t at, bool executable) {
  for (int64_t i = 0; i < known->count; ++i) {
    const n2uq_segment *segment = &known->segments[i];
    if (at >= segment->begin && at < segment->end && (segment->executable || !executable))
      return segment->end - at;
  }
  return 0;
}

static bool is_array(const memory *known, const void *at, uint64_t count, uint64_t element_bytes) {
  if (!at)
    return count == 0;
  if (known->count == 0)
    return true;
  return (uintptr_t)at % 8 == 0 && bytes_behind(known, (uintptr_t)at, false) / element_bytes >= count;
}

bool n2uq_lies_in(const n2uq_segment *segments, int64_t segment_count, const void *at, uint64_t count,
                  uint64_t element_bytes) {
  memory known = {segments, segment_count};
  return is_array(&known, at, count, element_bytes);
}

static bool is_code(const memory *known, uintptr_t at) {
  return at != 0 && (known->count == 0 || bytes_behind(known, at, true) > 0);
}

static bool is_string(const memory *known, const char *at) {
  if (!at)
    return false;
  uintptr_t left = known->count == 0 ? max_string : bytes_behind(known, (uintptr_t)at, false);
  for (uintptr_t i = 0; i < left && i < max_string; ++i)
    if (!at[i])
      return true;
  return false;
}

static bool within(int64_t number, int64_t low, int64_t high) { return number >= low && number <= high; }

static const char *tensor_fault(const memory *known, const n2uq_tensor *tensor) {
  if (!is_string(known, tensor->name))
    return "has no name";
  if (tensor->dtype != N2UQ_FLOAT32 && tensor->dtype != N2UQ_UINT8)
    return "has an unknown element type";
  if (tensor->rank != 2 && tensor->rank != 4)
    return "is not of rank 2 or 4";
  if (tensor->dims[0] != -1)
    return "has a fixed batch";
  int64_t elements = 1;
  for (int32_t i = 1; i < tensor->rank; ++i) {
    if (!within(tensor->dims[i], 1, max_extent) || elements > max_bytes / 4 / tensor->dims[i])
      return "has an impossible shape";
    elements *= tensor->dims[i];
  }
  return NULL;
}

static const char *kernel_fault(const memory *known, const n2uq_kernel *kernel, bool on_cpu) {
  if (!is_string(known, kernel->name) || !is_string(known, kernel->strategy))
    return "has no name";
  if (on_cpu ? !is_code(known, (uintptr_t)kernel->run) : kernel->run != NULL)
    return on_cpu ? "has no code" : "has code for a CPU";
  if (!within(kernel->items_per_image, 0, max_bytes) || !within(kernel->macs_per_image, 0, INT64_MAX) ||
      !within(kernel->weight_bytes, 0, max_bytes) || !within(kernel->activation_bytes, 0, max_bytes))
    return "has an impossible size";
  return NULL;
}

static const char *codes_fault(const memory *known, const n2uq_model *model, const n2uq_codes *codes) {
  if (!is_string(known, codes->name))
    return "has no name";
  if (!within(codes->kernel, 0, model->kernel_count - 1))
    return "belongs to no kernel";
  if (!within(codes->bits, 1, 8))
    return "has an impossible number of bits";
  bool packed = model->cuda && (codes->storage_bits == 1 || codes->storage_bits == 2 || codes->storage_bits == 4);
  if ((codes->storage_bits != 8 && !packed) || codes->bits > codes->storage_bits)
    return "has codes of an impossible storage";
  if (!within(codes->height, 1, max_extent) || !within(codes->width, 1, max_extent) ||
      !within(codes->channels, 1, max_extent) || !within(codes->offset_per_batch, 0, max_bytes) ||
      !within(codes->image_bytes, 0, max_bytes) || !within(codes->origin, 0, max_bytes) ||
      !within(codes->row_bytes, 0, max_bytes) || !within(codes->pixel_bytes, 0, max_bytes))
    return "has an impossible size";
  /* The last code of a batch b is at (offset + image) * b + last, which must stay below per_image * b + fixed for every
   * b: so at b = 1, and the left side must not grow faster. */
  int64_t rows, pixels, last;
  if (__builtin_mul_overflow(codes->height - 1, codes->row_bytes, &rows) ||
      __builtin_mul_overflow(codes->width - 1, codes->pixel_bytes, &pixels) || rows > max_bytes || pixels > max_bytes)
    return "has an impossible size";
  last = codes->origin + rows + pixels + (codes->channels * codes->storage_bits + 7) / 8;
  if (codes->offset_per_batch + codes->image_bytes > model->arena_bytes_per_image ||
      codes->offset_per_batch + last > model->arena_bytes_per_image + model->arena_bytes_fixed)
    return "does not lie in the arena";
  return NULL;
}

static const char *launch_fault(const memory *known, const n2uq_cuda_launch *launch) {
  if (!is_string(known, launch->entry))
    return "has no entry";
  if (!within(launch->units_per_image, 1, INT32_MAX) || !within(launch->units_per_block, 1, INT32_MAX) ||
      !within(launch->grid_y, 1, 65535) || !within(launch->threads, 1, 1024) ||
      !within(launch->shared_bytes, 0, 1 << 20))
    return "has an impossible launch";
  return NULL;
}

static const char *cuda_fault(const memory *known, const n2uq_model *model) {
  const n2uq_cuda_module *cuda = model->cuda;
  if (!is_array(known, cuda, 1, sizeof *cuda))
    return "does not lie in it";
  if (!within(cuda->ptx_bytes, 1, max_bytes) || !cuda->ptx ||
      (known->count > 0 && bytes_behind(known, (uintptr_t)cuda->ptx, false) <= (uintptr_t)cuda->ptx_bytes) ||
      cuda->ptx[cuda->ptx_bytes] != 0)
    return "has no code";
  if (!within(cuda->compute_capability, 50, 1000))
    return "is for an impossible GPU";
  if (!within(cuda->weight_bytes, 0, max_bytes) || !is_array(known, cuda->weights, (uint64_t)cuda->weight_bytes, 1))
    return "has weights that do not lie in it";
  if (cuda->launch_count != model->kernel_count ||
      !is_array(known, cuda->launches, (uint64_t)cuda->launch_count, sizeof *cuda->launches))
    return "has a table of launches that does not lie in it";
  return NULL;
}

static const char *labels_fault(const memory *known, const n2uq_model *model) {
  int64_t classes = 1;
  for (int32_t i = 1; i < model->output.rank; ++i)
    classes *= model->output.dims[i]; /* the output has been checked */
  if (model->label_count != 0 && (model->label_count != classes || model->label_count > max_entries))
    return "are not one for each class";
  if (!is_array(known, model->labels, (uint64_t)model->label_count, sizeof *model->labels))
    return "do not lie in it";
  for (int64_t i = 0; i < model->label_count; ++i)
    if (!is_string(known, model->labels[i]))
      return "are not all texts";
  return NULL;
}

static const char *pictures_fault(const memory *known, const n2uq_model *model) {
  const n2uq_pictures *pictures = model->pictures;
  if (!is_array(known, pictures, 1, sizeof *pictures))
    return "do not lie in it";
  if (model->input.rank != 4 || model->input.dims[model->input.dtype == N2UQ_UINT8 ? 3 : 1] != 3)
    return "are for a network that takes none";
  if (!within(pictures->resize, 0, max_resize))
    return "have an impossible size";
  if (pictures->filter != N2UQ_BILINEAR && pictures->filter != N2UQ_BICUBIC)
    return "have an unknown filter";
  for (int c = 0; c < 3; ++c)
    if (!isfinite(pictures->mean[c]) || !isfinite(pictures->deviation[c]) || pictures->deviation[c] == 0)
      return "have an impossible mean or deviation";
  return NULL;
}

n2uq_status n2uq_check_descriptor(const char *path, const n2uq_model *model, const n2uq_segment *segments,
                                  int64_t segment_count) {
  memory known = {segments, segment_count};
  const char *fault = NULL;
#define REFUSE(...) n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a model that can be run: " __VA_ARGS__)
  if (!model ||
      (segment_count > 0 && ((uintptr_t)model % 8 != 0 || bytes_behind(&known, (uintptr_t)model, false) < 16)))
    return REFUSE("its descriptor does not lie in it", path);
  if (model->magic != N2UQ_MODEL_MAGIC)
    return REFUSE("its descriptor does not begin as one", path);
  if (model->abi_version != N2UQ_ABI_VERSION)
    return n2uq_fail(N2UQ_BAD_VERSION,
                     "cannot load '%s': it was compiled for version %" PRIu32
                     " of the binary interface, and this runtime (%s) knows versions 1 to %" PRIu32
                     "; compile it again, or take a newer runtime",
                     path, model->abi_version, n2uq_version(), N2UQ_ABI_VERSION);
  if (model->size != sizeof *model || !is_array(&known, model, 1, sizeof *model))
    return REFUSE("its descriptor is of another size than this runtime's", path);
  if (!is_string(&known, model->name) || !is_string(&known, model->compiler) || !is_string(&known, model->target_cpu))
    return REFUSE("a name in its descriptor is missing", path);
  if ((fault = tensor_fault(&known, &model->input)))
    return REFUSE("its input %s", path, fault);
  if ((fault = tensor_fault(&known, &model->output)))
    return REFUSE("its output %s", path, fault);
  if (!within(model->arena_bytes_per_image, 0, max_bytes) || !within(model->arena_bytes_fixed, 0, max_bytes) ||
      !within(model->weight_bytes, 0, max_bytes))
    return REFUSE("its arena or weights are of an impossible size", path);
  if (model->cuda && (fault = cuda_fault(&known, model)))
    return REFUSE("its GPU module %s", path, fault);
  if (model->cuda ? model->run != NULL : !is_code(&known, (uintptr_t)model->run))
    return REFUSE("it has no code to run", path);
  if (!within(model->kernel_count, 0, max_entries) ||
      !is_array(&known, model->kernels, (uint64_t)model->kernel_count, sizeof *model->kernels))
    return REFUSE("its table of kernels does not lie in it", path);
  if (!within(model->codes_count, 0, max_entries) ||
      !is_array(&known, model->codes, (uint64_t)model->codes_count, sizeof *model->codes))
    return REFUSE("its table of codes does not lie in it", path);
  for (int64_t i = 0; i < model->kernel_count; ++i)
    if ((fault = kernel_fault(&known, &model->kernels[i], !model->cuda)))
      return REFUSE("kernel %" PRId64 " %s", path, i, fault);
  for (int64_t i = 0; model->cuda && i < model->cuda->launch_count; ++i)
    if ((fault = launch_fault(&known, &model->cuda->launches[i])))
      return REFUSE("kernel %" PRId64 " %s", path, i, fault);
  for (int64_t i = 0; i < model->codes_count; ++i)
    if ((fault = codes_fault(&known, model, &model->codes[i])))
      return REFUSE("quantizer %" PRId64 " %s", path, i, fault);
  if ((fault = labels_fault(&known, model)))
    return REFUSE("its labels %s", path, fault);
  if (model->pictures && (fault = pictures_fault(&known, model)))
    return REFUSE("its rules for pictures %s", path, fault);
#undef REFUSE
  return N2UQ_OK;
}

int64_t n2uq_checked_arena_bytes(const n2uq_model *model, int64_t batch) {
  int64_t bytes, items;
  if (batch < 1 || __builtin_mul_overflow(model->arena_bytes_per_image, batch, &bytes) ||
      __builtin_add_overflow(bytes, model->arena_bytes_fixed, &bytes) || bytes > max_bytes)
    return -1;
  for (int64_t i = 0; i < model->kernel_count; ++i)
    if (__builtin_mul_overflow(model->kernels[i].items_per_image, batch, &items))
      return -1;
  if (n2uq_tensor_bytes(&model->input, batch) < 0 || n2uq_tensor_bytes(&model->output, batch) < 0)
    return -1;
  return bytes;
}

int64_t n2uq_tensor_bytes(const n2uq_tensor *tensor, int64_t batch) {
  if (!tensor || batch < 1 || (tensor->rank != 2 && tensor->rank != 4))
    return -1;
  int64_t bytes = tensor->dtype == N2UQ_FLOAT32 ? 4 : 1;
  if (__builtin_mul_overflow(bytes, batch, &bytes))
    return -1;
  for (int32_t i = 1; i < tensor->rank; ++i)
    if (tensor->dims[i] < 1 || __builtin_mul_overflow(bytes, tensor->dims[i], &bytes))
      return -1;
  return bytes > max_bytes ? -1 : bytes;
}
