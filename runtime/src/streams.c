/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Throughput: every thread computes whole images, each in an arena of its own.
 *
 * No thread ever waits for another one inside of an image, and an image's data stays in the cache of one core. The same
 * kernels compute the same items as in any other run, so the bytes are the same.
 */
#include "internal.h"

#include <stdatomic.h>

enum { bits_per_word = 64, words = (n2uq_max_threads + bits_per_word - 1) / bits_per_word };

/* A batch, for the body of a parallel loop over images. The frame is the first member: the body gets its address. */
typedef struct job {
  n2uq_frame batch; /* without an arena */
  const n2uq_model *model;
  n2uq_tracer *tracer; /* may be NULL */
  uint8_t *arenas;
  int64_t arena_bytes, input_bytes, output_bytes; /* of an image */
  _Atomic uint64_t taken[words];                  /* a bit for each arena that a thread computes in */
} job;

/* An arena that nobody computes in. There is one: at most as many threads as arenas are here at once. */
static int64_t take_arena(job *j) {
  for (;;)
    for (int64_t word = 0; word < words; ++word) {
      uint64_t taken = atomic_load_explicit(&j->taken[word], memory_order_relaxed);
      while (~taken) {
        int64_t bit = __builtin_ctzll(~taken);
        if (atomic_compare_exchange_weak_explicit(&j->taken[word], &taken, taken | UINT64_C(1) << bit,
                                                  memory_order_acquire, memory_order_relaxed))
          return word * bits_per_word + bit;
      }
    }
}

static void give_arena(job *j, int64_t arena) {
  atomic_fetch_and_explicit(&j->taken[arena / bits_per_word], ~(UINT64_C(1) << arena % bits_per_word),
                            memory_order_release);
}

static void run_images(const n2uq_frame *frame, int64_t begin, int64_t end) {
  job *j = (job *)frame;
  int64_t arena = take_arena(j);
  for (int64_t image = begin; image < end; ++image) {
    n2uq_frame one = {j->arenas + arena * j->arena_bytes, (const uint8_t *)frame->input + image * j->input_bytes,
                      (uint8_t *)frame->output + image * j->output_bytes, 1};
    if (j->tracer)
      n2uq_trace_image(j->tracer, j->model, image, &one);
    else
      j->model->run(&one, NULL, NULL);
  }
  give_arena(j, arena);
}

void n2uq_streams_run(const n2uq_model *model, n2uq_pool *pool, uint8_t *arenas, int64_t arena_bytes,
                      const n2uq_frame *batch, n2uq_tracer *tracer) {
  job j = {.batch = *batch, .model = model, .tracer = tracer, .arenas = arenas, .arena_bytes = arena_bytes};
  j.input_bytes = n2uq_tensor_bytes(&model->input, 1);
  j.output_bytes = n2uq_tensor_bytes(&model->output, 1);
  n2uq_pool_run(pool, batch->batch, run_images, &j.batch);
}
