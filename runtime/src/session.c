/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A session: one model, its threads, its arena; or the GPU's part of both (cuda.c).
 */
#define _GNU_SOURCE
#include "cuda.h"
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct n2uq_session {
  n2uq_loaded_model *model;
  n2uq_cuda_session *cuda; /* NULL for a CPU's model; else there is no pool and no arena here */
  n2uq_pool *pool;
  uint8_t *arena;
  size_t arena_bytes;   /* mapped */
  int64_t batch;        /* that the arena is enough for */
  int64_t stream_bytes; /* of the arena of one stream; 0: the session has no streams */
  int64_t started;      /* images of a run on a GPU that is not waited for; 0: none */
  void *output;         /* of that run */
};

/* Arenas of streams stand apart by whole pages: no two cores write to one cache line, or look up one page. */
enum { huge_page = 2 << 20, page = 4096 };

static int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

n2uq_status n2uq_session_create(n2uq_loaded_model *model, const n2uq_session_options *options, n2uq_session **session) {
  if (!session)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_create needs a place for the session");
  *session = NULL;
  if (!model)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_create needs a model");
  /* Options that were added after the caller was compiled are 0; ones that this runtime does not know must be. */
  n2uq_session_options known = {.size = sizeof known};
  if (options) {
    size_t common = options->size < sizeof known ? options->size : sizeof known;
    if (options->size < sizeof options->size || options->size > 4096)
      return n2uq_fail(N2UQ_BAD_ARGUMENT, "the size in n2uq_session_options is not set");
    memcpy(&known, options, common);
    for (size_t i = sizeof known; i < options->size; ++i)
      if (((const unsigned char *)options)[i])
        return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_options holds an option that this runtime (%s) does not know",
                         n2uq_version());
  }
  if (known.streams != 0 && known.threads != 0)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a session has threads or streams: each stream is one thread");
  if (known.device != 0 && !n2uq_model_descriptor_of(model)->cuda)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a device is for a GPU's model, and this one was compiled for a CPU");
  if (known.streams != 0 && n2uq_model_descriptor_of(model)->cuda)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "streams are for a CPU's model: a GPU computes a batch as a whole");
  n2uq_status runs = n2uq_model_check_cpu(model);
  if (runs != N2UQ_OK)
    return runs;
  n2uq_session *made = calloc(1, sizeof *made);
  if (!made)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot make a session: out of memory");
  const n2uq_model *descriptor = n2uq_model_descriptor_of(model);
  n2uq_status status =
      descriptor->cuda
          ? n2uq_cuda_create(n2uq_model_path(model), descriptor, known.device, &made->cuda)
          : n2uq_pool_create(known.streams > 0 ? known.streams : known.threads, known.spin_microseconds, &made->pool);
  if (status != N2UQ_OK) {
    free(made);
    return status;
  }
  n2uq_model_retain(model);
  made->model = model;
  if (known.streams != 0) {
    int64_t bytes = n2uq_model_arena_bytes(model, 1);
    made->stream_bytes = bytes < INT64_MAX - page ? round_up(bytes + 1, page) : INT64_MAX; /* which no machine has */
  }
  *session = made;
  return N2UQ_OK;
}

void n2uq_session_destroy(n2uq_session *session) {
  if (!session)
    return;
  n2uq_cuda_destroy(session->cuda);
  if (session->pool)
    n2uq_pool_destroy(session->pool);
  if (session->arena)
    munmap(session->arena, session->arena_bytes);
  n2uq_model_close(session->model);
  free(session);
}

int64_t n2uq_session_threads(const n2uq_session *session) {
  return !session ? 0 : session->pool ? n2uq_pool_threads(session->pool) : 1;
}

int32_t n2uq_session_has_streams(const n2uq_session *session) { return session && session->stream_bytes > 0; }

static int64_t physical_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? (int64_t)pages * bytes : INT64_MAX;
}

n2uq_status n2uq_session_reserve(n2uq_session *session, int64_t batch) {
  if (!session)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_reserve needs a session");
  if (batch < 1)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a batch holds at least 1 image, not %" PRId64, batch);
  if (session->started)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a run of this session is under way; call n2uq_session_wait first");
  if (batch <= session->batch)
    return N2UQ_OK;
  int64_t needed = n2uq_model_arena_bytes(session->model, batch);
  bool too_large =
      needed < 0 ||
      (session->stream_bytes && __builtin_mul_overflow(session->stream_bytes, n2uq_session_threads(session), &needed));
  if (too_large)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a batch of %" PRId64 " images is too large; run fewer images at a time",
                     batch);
  if (session->cuda) {
    n2uq_status status = n2uq_cuda_reserve(session->cuda, batch);
    if (status == N2UQ_OK)
      session->batch = batch;
    return status;
  }
  /* Where the system promises memory that it does not have, the promise ends in a killed process. */
  if (needed > physical_memory())
    return n2uq_fail(N2UQ_OUT_OF_MEMORY,
                     "a batch of %" PRId64 " images needs %" PRId64
                     " bytes, more than this machine's memory; run fewer "
                     "images at a time",
                     batch, needed);
  size_t bytes = (size_t)round_up(needed, needed >= huge_page ? huge_page : page);
  if (bytes == 0)
    bytes = page;
  if (bytes > session->arena_bytes) {
    void *arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
      return n2uq_fail(N2UQ_OUT_OF_MEMORY,
                       "cannot get %zu bytes of memory for a batch of %" PRId64 " images; run fewer images at a time",
                       bytes, batch);
    /* Both are advice: large pages where the system has them, and the pages now rather than in the first run. */
    if (bytes >= huge_page)
      madvise(arena, bytes, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
    madvise(arena, bytes, MADV_POPULATE_WRITE);
#endif
    if (session->arena)
      munmap(session->arena, session->arena_bytes);
    session->arena = arena;
    session->arena_bytes = bytes;
  }
  session->batch = batch;
  return N2UQ_OK;
}

static bool overlap(const void *a, int64_t a_bytes, const void *b, int64_t b_bytes) {
  uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
  return x < y ? y - x < (uintptr_t)a_bytes : x - y < (uintptr_t)b_bytes;
}

static bool aligned(const void *at, const n2uq_tensor *tensor) {
  return tensor->dtype != N2UQ_FLOAT32 || (uintptr_t)at % sizeof(float) == 0;
}

/* Checks a run's arguments, reserves, and fills the frame. */
static n2uq_status begin_run(n2uq_session *session, const void *input, int64_t batch, void *output, n2uq_frame *frame) {
  if (!session || !input || !output)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a run needs a session, an input and an output");
  n2uq_status status = n2uq_session_reserve(session, batch);
  if (status != N2UQ_OK)
    return status;
  const n2uq_model *model = n2uq_model_descriptor_of(session->model);
  if (!aligned(input, &model->input) || !aligned(output, &model->output))
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "the input and the output must be aligned to their elements");
  if (overlap(input, n2uq_tensor_bytes(&model->input, batch), output, n2uq_tensor_bytes(&model->output, batch)))
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "the input and the output must not overlap");
  *frame = (n2uq_frame){session->arena, input, output, batch};
  return N2UQ_OK;
}

n2uq_status n2uq_session_run(n2uq_session *session, const void *input, int64_t batch, void *output) {
  n2uq_frame frame;
  n2uq_status status = begin_run(session, input, batch, output, &frame);
  if (status != N2UQ_OK)
    return status;
  if (session->cuda) {
    status = n2uq_cuda_start(session->cuda, input, batch);
    return status == N2UQ_OK ? n2uq_cuda_finish(session->cuda, batch, output) : status;
  }
  const n2uq_model *model = n2uq_model_descriptor_of(session->model);
  bool alone = n2uq_pool_threads(session->pool) == 1;
  uint32_t modes = n2uq_float_modes_enter();
  if (session->stream_bytes)
    n2uq_streams_run(model, session->pool, session->arena, session->stream_bytes, &frame, NULL);
  else
    model->run(&frame, alone ? NULL : n2uq_pool_run, alone ? NULL : session->pool);
  n2uq_float_modes_leave(modes);
  return N2UQ_OK;
}

n2uq_status n2uq_session_start(n2uq_session *session, const void *input, int64_t batch, void *output) {
  if (!session || !session->cuda)
    return n2uq_session_run(session, input, batch, output);
  n2uq_frame frame;
  n2uq_status status = begin_run(session, input, batch, output, &frame);
  if (status == N2UQ_OK)
    status = n2uq_cuda_start(session->cuda, input, batch);
  if (status == N2UQ_OK) {
    session->started = batch;
    session->output = output;
  }
  return status;
}

n2uq_status n2uq_session_wait(n2uq_session *session) {
  if (!session)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_wait needs a session");
  int64_t batch = session->started;
  session->started = 0;
  return batch ? n2uq_cuda_finish(session->cuda, batch, session->output) : N2UQ_OK;
}

n2uq_status n2uq_session_start_on_device(n2uq_session *session, const void *input, int64_t batch, void *output,
                                         void *stream) {
  if (!session || !session->cuda)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_start_on_device needs a session of a GPU's model");
  enum { alignment = 16 };
  if (!input || !output || (uintptr_t)input % alignment || (uintptr_t)output % alignment)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "the input and the output must be aligned to %d bytes", alignment);
  n2uq_status status = n2uq_session_reserve(session, batch);
  if (status != N2UQ_OK)
    return status;
  return n2uq_cuda_start_on_device(session->cuda, (uintptr_t)input, batch, (uintptr_t)output, stream);
}

static void run_kernel(n2uq_session *session, const n2uq_kernel *kernel, const n2uq_frame *frame) {
  uint32_t modes = n2uq_float_modes_enter();
  n2uq_pool_run(session->pool, kernel->items_per_image * frame->batch, kernel->run, frame);
  n2uq_float_modes_leave(modes);
}

static double seconds_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

n2uq_status n2uq_session_profile(n2uq_session *session, const void *input, int64_t batch, void *output,
                                 double *seconds) {
  if (!seconds)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a profile needs a place for the seconds");
  if (n2uq_session_has_streams(session))
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "a session with streams runs no kernel by itself; profile one with threads");
  n2uq_frame frame;
  n2uq_status status = begin_run(session, input, batch, output, &frame);
  if (status != N2UQ_OK)
    return status;
  if (session->cuda)
    return n2uq_cuda_profile(session->cuda, input, batch, output, seconds);
  const n2uq_model *model = n2uq_model_descriptor_of(session->model);
  double before = seconds_now();
  for (int64_t i = 0; i < model->kernel_count; ++i) {
    run_kernel(session, &model->kernels[i], &frame);
    double after = seconds_now();
    seconds[i] = after - before;
    before = after;
  }
  return N2UQ_OK;
}

/* One run of which each piece of work is written down. The clock begins with the tracer. */
static n2uq_status run_traced(n2uq_session *session, const n2uq_frame *frame, void *output, n2uq_tracer *tracer) {
  const n2uq_model *model = n2uq_model_descriptor_of(session->model);
  if (session->cuda) {
    double *seconds = calloc((size_t)model->kernel_count + 1, sizeof *seconds);
    n2uq_status status = seconds ? n2uq_cuda_profile(session->cuda, frame->input, frame->batch, output, seconds)
                                 : n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot get the memory for a trace");
    if (status == N2UQ_OK)
      n2uq_trace_profile(tracer, model, frame->batch, seconds);
    free(seconds);
    return status;
  }
  uint32_t modes = n2uq_float_modes_enter();
  if (session->stream_bytes)
    n2uq_streams_run(model, session->pool, session->arena, session->stream_bytes, frame, tracer);
  else
    n2uq_trace_kernels(tracer, model, session->pool, frame);
  n2uq_float_modes_leave(modes);
  return N2UQ_OK;
}

n2uq_status n2uq_session_trace(n2uq_session *session, const void *input, int64_t batch, void *output,
                               n2uq_trace_callback callback, void *user) {
  if (!callback)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_trace needs a callback");
  n2uq_frame frame;
  n2uq_status status = begin_run(session, input, batch, output, &frame);
  if (status != N2UQ_OK)
    return status;
  /* Mostly enough; where it is not, the number is known after the first run. */
  enum { usual_places = 1 << 12 };
  int64_t places = usual_places;
  for (;;) {
    n2uq_tracer *tracer = n2uq_tracer_create(places);
    if (!tracer)
      return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot get the memory for a trace of %" PRId64 " pieces of work", places);
    status = run_traced(session, &frame, output, tracer);
    int64_t pieces = n2uq_tracer_pieces(tracer);
    bool complete = pieces <= places;
    if (status == N2UQ_OK && complete)
      status = n2uq_tracer_report(tracer, callback, user);
    n2uq_tracer_destroy(tracer);
    if (status != N2UQ_OK || complete)
      return status;
    places = pieces;
  }
}

/* Copies the codes of a quantizer out of the arena, dense. */
static void gather(const n2uq_codes *codes, const n2uq_frame *frame, uint8_t *dense) {
  size_t row_bytes = (size_t)(codes->width * codes->channels);
  for (int64_t n = 0; n < frame->batch; ++n)
    for (int64_t y = 0; y < codes->height; ++y, dense += row_bytes) {
      const uint8_t *row = frame->arena + codes->offset_per_batch * frame->batch + n * codes->image_bytes +
                           codes->origin + y * codes->row_bytes;
      if (codes->pixel_bytes == codes->channels)
        memcpy(dense, row, row_bytes);
      else
        for (int64_t x = 0; x < codes->width; ++x)
          memcpy(dense + x * codes->channels, row + x * codes->pixel_bytes, (size_t)codes->channels);
    }
}

int64_t n2uq_largest_codes(const n2uq_model *model, int64_t batch) {
  int64_t largest = 1;
  for (int64_t i = 0; i < model->codes_count; ++i) {
    const n2uq_codes *codes = &model->codes[i];
    int64_t bytes;
    if (__builtin_mul_overflow(codes->height * codes->width, codes->channels, &bytes) ||
        __builtin_mul_overflow(bytes, batch, &bytes))
      return -1;
    largest = bytes > largest ? bytes : largest;
  }
  return largest;
}

n2uq_status n2uq_session_run_codes(n2uq_session *session, const void *input, int64_t batch, void *output,
                                   n2uq_codes_callback callback, void *user) {
  if (!callback)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_session_run_codes needs a callback");
  if (n2uq_session_has_streams(session))
    return n2uq_fail(N2UQ_BAD_ARGUMENT,
                     "a session with streams runs no kernel by itself; take codes from one with threads");
  n2uq_frame frame;
  n2uq_status status = begin_run(session, input, batch, output, &frame);
  if (status != N2UQ_OK)
    return status;
  if (session->cuda)
    return n2uq_cuda_run_codes(session->cuda, input, batch, output, callback, user);
  const n2uq_model *model = n2uq_model_descriptor_of(session->model);
  int64_t bytes = n2uq_largest_codes(model, batch);
  uint8_t *dense = bytes < 0 ? NULL : malloc((size_t)bytes);
  if (!dense)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot get the memory for the codes of %" PRId64 " images", batch);
  for (int64_t k = 0; k < model->kernel_count && status == N2UQ_OK; ++k) {
    run_kernel(session, &model->kernels[k], &frame);
    for (int64_t i = 0; i < model->codes_count && status == N2UQ_OK; ++i) {
      if (model->codes[i].kernel != k)
        continue;
      gather(&model->codes[i], &frame, dense);
      if (callback(user, i, dense) != 0)
        status = n2uq_fail(N2UQ_STOPPED, "the run was stopped after '%s'", model->codes[i].name);
    }
  }
  free(dense);
  return status;
}
