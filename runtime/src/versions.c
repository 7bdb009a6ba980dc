/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Descriptors of older versions of the binary interface, as n2uq/model.h lists them. Everything behind this file knows
 * one version only.
 */
#include "internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Where n2uq_model ended, by version. */
static const uint64_t model_bytes[N2UQ_ABI_VERSION] = {
    0,
    offsetof(n2uq_model, cuda),
    offsetof(n2uq_model, label_count),
};
/* A row of `codes` in version 1. */
enum { first_codes_bytes = offsetof(n2uq_codes, storage_bits) };
/* As many as a descriptor may have: see descriptor.c. */
static const int64_t max_codes = 1 << 16;

/* One block: a segment of memory like those of the library. */
typedef struct upgraded_model {
  n2uq_model model;
  n2uq_codes codes[];
} upgraded_model;

n2uq_status n2uq_upgrade_descriptor(const char *path, const n2uq_model *model, const n2uq_segment *segments,
                                    int64_t segment_count, n2uq_model **upgraded, n2uq_segment *block) {
  *upgraded = NULL;
  *block = (n2uq_segment){0};
  if (!model || !n2uq_lies_in(segments, segment_count, model, 1, offsetof(n2uq_model, name)) ||
      model->magic != N2UQ_MODEL_MAGIC || model->abi_version == 0 || model->abi_version >= N2UQ_ABI_VERSION)
    return N2UQ_OK;
  uint64_t bytes = model_bytes[model->abi_version];
  if (model->size != bytes || !n2uq_lies_in(segments, segment_count, model, 1, bytes))
    return n2uq_fail(N2UQ_BAD_FILE,
                     "'%s' is not a model that can be run: its descriptor is of another size than those of version %u",
                     path, (unsigned)model->abi_version);
  int64_t rows = model->abi_version == 1 ? model->codes_count : 0;
  if (rows < 0 || rows > max_codes ||
      !n2uq_lies_in(segments, segment_count, rows ? (const void *)model->codes : model, (uint64_t)rows,
                    first_codes_bytes))
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a model that can be run: its table of codes does not lie in it", path);

  size_t block_bytes = sizeof(upgraded_model) + (size_t)rows * sizeof(n2uq_codes);
  upgraded_model *made = calloc(1, block_bytes);
  if (!made)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot load '%s': out of memory", path);
  memcpy(&made->model, model, bytes);
  made->model.abi_version = N2UQ_ABI_VERSION;
  made->model.size = sizeof made->model;
  for (int64_t i = 0; i < rows; ++i) {
    memcpy(&made->codes[i], (const unsigned char *)model->codes + i * first_codes_bytes, first_codes_bytes);
    made->codes[i].storage_bits = 8;
  }
  if (rows > 0)
    made->model.codes = made->codes;
  *upgraded = &made->model;
  *block = (n2uq_segment){.begin = (uintptr_t)made, .end = (uintptr_t)made + block_bytes};
  return N2UQ_OK;
}
