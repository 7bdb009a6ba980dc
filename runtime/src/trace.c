/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What a run does when, and in which thread.
 *
 * The pieces of work are those of any other run: a kernel's function is called through one that looks at the clock
 * before and after. Pieces are written down without a lock, each in a place of its own; what finds no place is counted
 * all the same, so that the session knows how many there are and repeats the run with as many places.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct n2uq_tracer {
  int64_t began; /* nanoseconds */
  int64_t places;
  _Atomic int64_t pieces; /* that were seen; only `places` of them are written down */
  n2uq_trace_event events[];
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

n2uq_tracer *n2uq_tracer_create(int64_t places) {
  size_t bytes;
  n2uq_tracer *tracer = places < 0 || __builtin_mul_overflow((size_t)places, sizeof tracer->events[0], &bytes) ||
                                __builtin_add_overflow(bytes, sizeof *tracer, &bytes)
                            ? NULL
                            : malloc(bytes);
  if (!tracer)
    return NULL;
  for (int64_t i = 0; i < places; ++i)
    tracer->events[i].kernel = -1; /* touched, so that no page is missing during the run */
  tracer->places = places;
  atomic_init(&tracer->pieces, 0);
  tracer->began = now();
  return tracer;
}

void n2uq_tracer_destroy(n2uq_tracer *tracer) { free(tracer); }

int64_t n2uq_tracer_pieces(const n2uq_tracer *tracer) { return atomic_load(&tracer->pieces); }

static void write_down(n2uq_tracer *tracer, const n2uq_trace_event *event) {
  int64_t place = atomic_fetch_add_explicit(&tracer->pieces, 1, memory_order_relaxed);
  if (place < tracer->places)
    tracer->events[place] = *event;
}

static void run_piece(n2uq_tracer *tracer, const n2uq_kernel *kernel, n2uq_trace_event event, const n2uq_frame *frame) {
  int64_t start = now();
  kernel->run(frame, event.begin, event.end);
  int64_t stop = now();
  event.thread = gettid(); /* numbered from 0 at the end */
  event.start = 1e-9 * (double)(start - tracer->began);
  event.stop = 1e-9 * (double)(stop - tracer->began);
  write_down(tracer, &event);
}

/* A frame for the body of a parallel loop, and what that body has to know. The frame is the first member: the body gets
 * its address. */
typedef struct traced_loop {
  n2uq_frame frame;
  n2uq_tracer *tracer;
  const n2uq_kernel *kernel;
  int64_t index;
} traced_loop;

static void run_items(const n2uq_frame *frame, int64_t begin, int64_t end) {
  const traced_loop *loop = (const traced_loop *)frame;
  n2uq_trace_event event = {.kernel = loop->index, .image = -1, .begin = begin, .end = end};
  run_piece(loop->tracer, loop->kernel, event, frame);
}

void n2uq_trace_kernels(n2uq_tracer *tracer, const n2uq_model *model, n2uq_pool *pool, const n2uq_frame *frame) {
  for (int64_t k = 0; k < model->kernel_count; ++k) {
    traced_loop loop = {*frame, tracer, &model->kernels[k], k};
    n2uq_pool_run(pool, loop.kernel->items_per_image * frame->batch, run_items, &loop.frame);
  }
}

void n2uq_trace_image(n2uq_tracer *tracer, const n2uq_model *model, int64_t image, const n2uq_frame *frame) {
  for (int64_t k = 0; k < model->kernel_count; ++k) {
    n2uq_trace_event event = {.kernel = k, .image = image, .end = model->kernels[k].items_per_image};
    run_piece(tracer, &model->kernels[k], event, frame);
  }
}

void n2uq_trace_profile(n2uq_tracer *tracer, const n2uq_model *model, int64_t batch, const double *seconds) {
  double at = 0;
  for (int64_t k = 0; k < model->kernel_count; ++k) {
    n2uq_trace_event event = {.kernel = k,
                              .thread = gettid(),
                              .image = -1,
                              .end = model->kernels[k].items_per_image * batch,
                              .start = at,
                              .stop = at + seconds[k]};
    at = event.stop;
    write_down(tracer, &event);
  }
}

static int compare_starts(const void *a, const void *b) {
  const n2uq_trace_event *x = a, *y = b;
  if (x->start != y->start)
    return x->start < y->start ? -1 : 1;
  return (x->kernel > y->kernel) - (x->kernel < y->kernel);
}

n2uq_status n2uq_tracer_report(n2uq_tracer *tracer, n2uq_trace_callback callback, void *user) {
  int64_t count = n2uq_tracer_pieces(tracer), threads = 1;
  qsort(tracer->events, (size_t)count, sizeof tracer->events[0], compare_starts);
  /* The caller is thread 0, the others follow in the order of their first piece. */
  int64_t seen[n2uq_max_threads] = {gettid()};
  for (int64_t i = 0; i < count; ++i) {
    n2uq_trace_event *event = &tracer->events[i];
    int64_t thread = 0;
    while (thread < threads && seen[thread] != event->thread)
      ++thread;
    if (thread == threads && threads < n2uq_max_threads)
      seen[threads++] = event->thread;
    event->thread = thread;
    if (callback(user, event) != 0)
      return n2uq_fail(N2UQ_STOPPED, "the trace was stopped after %lld of %lld pieces of work", (long long)(i + 1),
                       (long long)count);
  }
  return N2UQ_OK;
}
