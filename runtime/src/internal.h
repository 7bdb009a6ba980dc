/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What the runtime's files share, and what its unit tests reach. Not installed.
 */
#ifndef N2UQ_RUNTIME_INTERNAL_H
#define N2UQ_RUNTIME_INTERNAL_H

#include "n2uq/runtime.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- cpu.c ---- */

/* Where answers about the CPU come from; tests put CPUs here that they do not have. */
typedef struct n2uq_cpu_source {
  /* Registers eax, ebx, ecx, edx of a leaf; all 0 for a leaf that the CPU does not know. */
  void (*cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);
  /* XCR0: the register states that the operating system saves. Asked only where CPUID says that it can be read. */
  uint64_t (*xcr0)(void);
} n2uq_cpu_source;

uint64_t n2uq_cpu_features_from(const n2uq_cpu_source *source);

/* Fails with a sentence that names what of `needed` is not in `present`. `path` is for the sentence. */
n2uq_status n2uq_check_cpu(const char *path, const char *target_cpu, uint64_t needed, uint64_t present);

/* Asks the kernel for what a process has to ask for before its first use (AMX tiles). */
n2uq_status n2uq_request_cpu(const char *path, uint64_t needed);

/* ---- file.c ---- */

/* Checks the bytes of a model's file: an ELF library for this machine, and the trailer. */
n2uq_status n2uq_check_image(const char *path, const unsigned char *bytes, uint64_t size);

/* ---- descriptor.c ---- */

/* A loaded range that pointers of the descriptor may lie in. */
typedef struct n2uq_segment {
  uintptr_t begin, end;
  bool executable, writable;
} n2uq_segment;

/* Whether `count` elements at `at` lie in one of the segments; any pointer but NULL does where there are none. */
bool n2uq_lies_in(const n2uq_segment *segments, int64_t segment_count, const void *at, uint64_t count,
                  uint64_t element_bytes);

/* Checks each number and pointer of a descriptor of this version. With `segment_count` 0 pointers are only compared
 * with NULL. */
n2uq_status n2uq_check_descriptor(const char *path, const n2uq_model *model, const n2uq_segment *segments,
                                  int64_t segment_count);

/* arena_bytes_per_image * batch + arena_bytes_fixed and the work items of a batch must be numbers. -1 where not. */
int64_t n2uq_checked_arena_bytes(const n2uq_model *model, int64_t batch);

/* ---- versions.c ---- */

/* Makes a descriptor of this version of one of an older version: it lies in `*block`, from malloc, and is to be checked
 * like any other. NULL where `model` is of this version, or of none that is known. */
n2uq_status n2uq_upgrade_descriptor(const char *path, const n2uq_model *model, const n2uq_segment *segments,
                                    int64_t segment_count, n2uq_model **upgraded, n2uq_segment *block);

/* ---- model.c ---- */

void n2uq_model_retain(n2uq_loaded_model *model);
const char *n2uq_model_path(const n2uq_loaded_model *model);
/* Whether this CPU can run it. A model that was opened to be run has answered already. */
n2uq_status n2uq_model_check_cpu(const n2uq_loaded_model *model);

/* ---- session.c ---- */

/* Bytes of a batch's codes of the largest quantizer, one byte a code; -1 where that is no size. */
int64_t n2uq_largest_codes(const n2uq_model *model, int64_t batch);

/* ---- pages.c ---- */

/* Puts what is only read, as far as it fills large pages, on large pages, where the system has them. The bytes stay
 * where they are and what they are; where it does not succeed, nothing changes. */
void n2uq_use_large_pages(const n2uq_segment *segments, int64_t count);

/* ---- pool.c ---- */

typedef struct n2uq_pool n2uq_pool;

enum { n2uq_max_threads = 1024 }; /* more than any loop has items for */

/* Starts threads - 1 threads; the caller of n2uq_pool_run is the last one. */
n2uq_status n2uq_pool_create(int64_t threads, int64_t spin_microseconds, n2uq_pool **pool);
void n2uq_pool_destroy(n2uq_pool *pool);
int64_t n2uq_pool_threads(const n2uq_pool *pool);

/* Is an n2uq_parallel_for; `pool` is the n2uq_pool. One caller at a time. */
void n2uq_pool_run(void *pool, int64_t count, n2uq_kernel_function body, const n2uq_frame *frame);

/* The floating-point modes (rounding, denormals) of the running thread. Models are computed in the default ones. */
uint32_t n2uq_float_modes_enter(void);
void n2uq_float_modes_leave(uint32_t saved);

/* ---- trace.c ---- */

/* Places for pieces of work that are written down. More pieces than places is no error: n2uq_tracer_pieces tells. */
typedef struct n2uq_tracer n2uq_tracer;
n2uq_tracer *n2uq_tracer_create(int64_t places); /* NULL: out of memory */
void n2uq_tracer_destroy(n2uq_tracer *tracer);
int64_t n2uq_tracer_pieces(const n2uq_tracer *tracer);

/* All kernels in order, each shared by the threads of the pool. */
void n2uq_trace_kernels(n2uq_tracer *tracer, const n2uq_model *model, n2uq_pool *pool, const n2uq_frame *frame);
/* All kernels in order for one image, in this thread; `image` is its number in the batch. */
void n2uq_trace_image(n2uq_tracer *tracer, const n2uq_model *model, int64_t image, const n2uq_frame *frame);
/* What is known of a run on a GPU: how long each kernel took. */
void n2uq_trace_profile(n2uq_tracer *tracer, const n2uq_model *model, int64_t batch, const double *seconds);

/* Hands over all pieces in the order of their starts; there are at most as many as places. */
n2uq_status n2uq_tracer_report(n2uq_tracer *tracer, n2uq_trace_callback callback, void *user);

/* ---- streams.c ---- */

/* Computes a batch, a frame without an arena: each thread whole images, in one of n2uq_pool_threads(pool) arenas of
 * `arena_bytes` each. `tracer` may be NULL. */
void n2uq_streams_run(const n2uq_model *model, n2uq_pool *pool, uint8_t *arenas, int64_t arena_bytes,
                      const n2uq_frame *batch, n2uq_tracer *tracer);

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_RUNTIME_INTERNAL_H */
