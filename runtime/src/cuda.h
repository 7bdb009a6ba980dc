/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A session whose model runs on a GPU: what session.c hands over to. Arguments have been checked there.
 */
#ifndef N2UQ_RUNTIME_CUDA_H
#define N2UQ_RUNTIME_CUDA_H

#include "n2uq/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct n2uq_cuda_session n2uq_cuda_session;

/* Whether there is a driver and a device at all. */
n2uq_status n2uq_cuda_available(const char *path, const n2uq_model *model);

/* Puts the model's code and weights on the device of that index. `path` and `model` live longer than the session. */
n2uq_status n2uq_cuda_create(const char *path, const n2uq_model *model, int64_t device, n2uq_cuda_session **session);
void n2uq_cuda_destroy(n2uq_cuda_session *session);

/* Memory for batches of up to `batch` images: the arena and the dense input and output on the device, and pinned copies
 * of the latter two on the host. */
n2uq_status n2uq_cuda_reserve(n2uq_cuda_session *session, int64_t batch);

/* Starts a run of a reserved batch: copies the input away and returns. */
n2uq_status n2uq_cuda_start(n2uq_cuda_session *session, const void *input, int64_t batch);
/* Waits for it, and copies its output to `output`. */
n2uq_status n2uq_cuda_finish(n2uq_cuda_session *session, int64_t batch, void *output);

/* Starts the kernels on addresses of the device, in a stream of the caller; NULL: the legacy default stream. */
n2uq_status n2uq_cuda_start_on_device(n2uq_cuda_session *session, uint64_t input, int64_t batch, uint64_t output,
                                      void *stream);

n2uq_status n2uq_cuda_profile(n2uq_cuda_session *session, const void *input, int64_t batch, void *output,
                              double *seconds);
n2uq_status n2uq_cuda_run_codes(n2uq_cuda_session *session, const void *input, int64_t batch, void *output,
                                n2uq_codes_callback callback, void *user);

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_RUNTIME_CUDA_H */
