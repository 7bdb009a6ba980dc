/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The runtime of compiled models: opens and checks them, owns their threads and buffers, runs them.
 *
 *   n2uq_loaded_model *model;
 *   n2uq_session *session;
 *   if (n2uq_model_open("model.so", &model) || n2uq_session_create(model, NULL, &session) ||
 *       n2uq_session_run(session, input, batch, output))
 *     fprintf(stderr, "%s\n", n2uq_last_error());
 *   n2uq_session_destroy(session);
 *   n2uq_model_close(model);
 *
 * Every function that can fail returns a status and leaves one sentence behind for n2uq_last_error(). Out-parameters
 * come last and are set to NULL on failure. A model may be used from any thread. A session is used by one thread at a
 * time; several sessions, of one model or of many, run in parallel.
 */
#ifndef N2UQ_RUNTIME_H
#define N2UQ_RUNTIME_H

#include "n2uq/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef N2UQ_API
#define N2UQ_API __attribute__((visibility("default")))
#endif

typedef enum n2uq_status {
  N2UQ_OK = 0,
  N2UQ_BAD_ARGUMENT = 1,  /* a pointer, number or option that the call does not take */
  N2UQ_BAD_FILE = 2,      /* it cannot be opened, or it is no compiled model, or it was cut or changed */
  N2UQ_BAD_VERSION = 3,   /* a model of another version of the binary interface */
  N2UQ_BAD_CPU = 4,       /* this CPU, or its operating system, lacks what the model was compiled for */
  N2UQ_OUT_OF_MEMORY = 5, /* memory or threads */
  N2UQ_STOPPED = 6,       /* the caller's callback asked for it */
  N2UQ_BAD_DEVICE = 7,    /* no CUDA driver, one that is too old, or no GPU that can run the model */
  N2UQ_DEVICE_FAILED = 8  /* the CUDA driver reports an error */
} n2uq_status;

/* The version of this library, "0.1.0". */
N2UQ_API const char *n2uq_version(void);

/* What went wrong in this thread's last failed call: one sentence without a period or line break. It belongs to the
 * runtime and lives until the thread's next failed call. Empty where nothing failed yet. */
N2UQ_API const char *n2uq_last_error(void);

/* Stores a sentence for n2uq_last_error() and returns `status`: for libraries over this one, as that of n2uq/image.h.
 */
N2UQ_API n2uq_status n2uq_fail(n2uq_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- CPU ---- */

/* Features of n2uq/cpu_features.def that this CPU has and its operating system supports, a bit each. */
N2UQ_API uint64_t n2uq_cpu_features(void);

/* The name of a feature bit as LLVM spells it, or NULL for a bit without a meaning. The string is constant. */
N2UQ_API const char *n2uq_cpu_feature_name(int32_t bit);

/* Cores that this process may run on, at least 1. */
N2UQ_API int64_t n2uq_cpu_count(void);

/* ---- Models ---- */

typedef struct n2uq_loaded_model n2uq_loaded_model;

/* Checks the file (whole and unchanged, of this interface's version, for features that this CPU has, every number and
 * pointer of its descriptor plausible) and loads it. The file must not be overwritten in place while it is open;
 * replacing it by another file is fine. The caller owns `*model` and closes it. */
N2UQ_API n2uq_status n2uq_model_open(const char *path, n2uq_loaded_model **model);

/* The same whatever CPU the model was compiled for: it can be described here, and n2uq_session_create refuses it where
 * this CPU lacks something. */
N2UQ_API n2uq_status n2uq_model_inspect(const char *path, n2uq_loaded_model **model);

/* The same as n2uq_model_open for a model that is linked into the program: checks what can be checked without a file.
 * `descriptor` stays the caller's and must outlive the model. */
N2UQ_API n2uq_status n2uq_model_adopt(const n2uq_model *descriptor, n2uq_loaded_model **model);

/* Gives up the caller's hold on the model. It is unloaded when its last session is gone as well. NULL is fine. */
N2UQ_API void n2uq_model_close(n2uq_loaded_model *model);

/* The descriptor, owned by the model. It and all it points to live until the model is unloaded. */
N2UQ_API const n2uq_model *n2uq_model_descriptor_of(const n2uq_loaded_model *model);

/* Bytes of a dense network input or output of `batch` images; -1 where that is no number. */
N2UQ_API int64_t n2uq_tensor_bytes(const n2uq_tensor *tensor, int64_t batch);

/* Bytes of the arena of a batch; -1 where a batch of this size cannot be run. Peak memory of a run: this +
 * weight_bytes. */
N2UQ_API int64_t n2uq_model_arena_bytes(const n2uq_loaded_model *model, int64_t batch);

/* ---- Sessions ---- */

typedef struct n2uq_session n2uq_session;

/* Set `size` to sizeof(n2uq_session_options) and the rest to 0, then what is wanted. */
typedef struct n2uq_session_options {
  size_t size;
  int64_t threads; /* that compute, the caller's included; 0: one for each core that this process may run on */
  int64_t spin_microseconds; /* how long idle threads watch for work before they sleep; 0: a default; negative: not at
                                all */
  int64_t streams; /* for throughput: so many threads (negative: one for each core), each of which computes whole images
                      in an arena of its own; `threads` is 0 then. 0: the threads share the work of each image */
  int64_t device;  /* for a GPU's model: which GPU, as the CUDA driver counts them from 0 */
} n2uq_session_options;

/* Makes a session: its threads start here. `options` may be NULL. The caller owns `*session` and destroys it. It holds
 * the model. After fork() a session is of no use in the child. */
N2UQ_API n2uq_status n2uq_session_create(n2uq_loaded_model *model, const n2uq_session_options *options,
                                         n2uq_session **session);

/* Ends the threads and frees all that the session owns. NULL is fine. */
N2UQ_API void n2uq_session_destroy(n2uq_session *session);

/* Threads that compute, the caller's included. */
N2UQ_API int64_t n2uq_session_threads(const n2uq_session *session);

/* Whether they compute an image each (n2uq_session_options.streams) and do not share one: 1 or 0. */
N2UQ_API int32_t n2uq_session_has_streams(const n2uq_session *session);

/* Gets the memory for runs of up to `batch` images now, so that they allocate nothing. With streams this does not
 * depend on the batch: the arenas of as many images as there are streams. */
N2UQ_API n2uq_status n2uq_session_reserve(n2uq_session *session, int64_t batch);

/* Computes `batch` images from `input` to `output`: dense arrays, owned by the caller, of n2uq_tensor_bytes(…, batch)
 * bytes, aligned to their elements, not overlapping. Reserves what was not reserved. The bytes of `output` depend on
 * the input alone: not on the batch, the number of threads, or the caller's floating-point modes. */
N2UQ_API n2uq_status n2uq_session_run(n2uq_session *session, const void *input, int64_t batch, void *output);

/* Starts a run and returns while it goes on, where the model runs on a GPU; on a CPU it is the same as
 * n2uq_session_run. The input has been copied when it returns; the output is there after n2uq_session_wait, and until
 * then the session takes no other call. Two sessions let the copies of one overlap the kernels of the other. */
N2UQ_API n2uq_status n2uq_session_start(n2uq_session *session, const void *input, int64_t batch, void *output);

/* Waits for what n2uq_session_start started. Nothing to wait for is fine. */
N2UQ_API n2uq_status n2uq_session_wait(n2uq_session *session);

/* For a GPU's model: starts the kernels on an input and an output in the memory of the session's GPU, aligned to 16
 * bytes, in a CUDA stream of the caller (a CUstream of the primary context; NULL: the default stream), and returns. The
 * caller waits for the stream. Runs of one session share its memory: the caller puts them in order. */
N2UQ_API n2uq_status n2uq_session_start_on_device(n2uq_session *session, const void *input, int64_t batch, void *output,
                                                  void *stream);

/* The same as n2uq_session_run, with the seconds that each kernel took in `seconds[kernel_count]`, which is the
 * caller's. Not with streams: no kernel runs by itself there. */
N2UQ_API n2uq_status n2uq_session_profile(n2uq_session *session, const void *input, int64_t batch, void *output,
                                          double *seconds);

/* A piece of work of a run: some items of one kernel, in one thread. */
typedef struct n2uq_trace_event {
  int64_t kernel;     /* its index among the descriptor's kernels */
  int64_t thread;     /* 0: the caller; the others are numbered in the order in which they begin to work */
  int64_t image;      /* with streams: which image of the batch; else -1 */
  int64_t begin, end; /* items [begin, end): of the image with streams, else of the batch */
  double start, stop; /* seconds since the run began */
} n2uq_trace_event;

/* Sees one piece of work; it lives during the call. Any result but 0 ends the report. It may use the session no more
 * than the callback of n2uq_session_run_codes may. */
typedef int32_t (*n2uq_trace_callback)(void *user, const n2uq_trace_event *event);

/* The same as n2uq_session_run; then hands over what was done when and where, ordered by `start`. It costs two looks at
 * the clock for each piece. Kernels of a GPU are one piece each, in a thread 0, one after the other. The first run of a
 * session is slower than others; trace a later one. A run whose pieces are more than there was room for is repeated.
 * N2UQ_STOPPED where the callback ended the report; `output` is complete then. */
N2UQ_API n2uq_status n2uq_session_trace(n2uq_session *session, const void *input, int64_t batch, void *output,
                                        n2uq_trace_callback callback, void *user);

/* Sees the codes of one quantizer: `codes` is dense, batch x height x width x channels of descriptor->codes[index], one
 * byte a code, and lives during the call. Any result but 0 stops the run. It must not use the session. */
typedef int32_t (*n2uq_codes_callback)(void *user, int64_t index, const uint8_t *codes);

/* Runs kernel by kernel and hands over the codes of every quantizer, each right after its kernel. Allocates a buffer of
 * one quantizer's codes for the call. Not with streams. N2UQ_STOPPED where the callback stopped it; `output` is then
 * not complete. */
N2UQ_API n2uq_status n2uq_session_run_codes(n2uq_session *session, const void *input, int64_t batch, void *output,
                                            n2uq_codes_callback callback, void *user);

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_RUNTIME_H */
