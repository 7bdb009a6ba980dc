/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The functions of the CUDA driver that the runtime calls. The driver's library is opened when a model needs it:
 * nothing of CUDA is needed to build the runtime, or to run models on a CPU. Names, signatures and numbers are those of
 * the driver's own interface (cuda.h), which is stable.
 */
#ifndef N2UQ_RUNTIME_CUDA_DRIVER_H
#define N2UQ_RUNTIME_CUDA_DRIVER_H

#include "n2uq/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int n2uq_cu_result; /* CUresult; 0 is success */
typedef int n2uq_cu_device;
typedef unsigned long long n2uq_cu_pointer;
typedef void *n2uq_cu_handle; /* contexts, modules, functions, streams, graphs, events */

enum {
  n2uq_cu_success = 0,
  n2uq_cu_out_of_memory = 2,
  n2uq_cu_no_device = 100,
  n2uq_cu_unsupported_ptx = 222,

  n2uq_cu_attribute_major = 75, /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
  n2uq_cu_attribute_minor = 76,
  n2uq_cu_attribute_shared_optin = 97, /* …MAX_SHARED_MEMORY_PER_BLOCK_OPTIN */
  n2uq_cu_function_dynamic_shared = 8, /* CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
  n2uq_cu_stream_non_blocking = 1,
  n2uq_cu_capture_thread_local = 1,
  n2uq_cu_jit_error_log = 5, /* CU_JIT_ERROR_LOG_BUFFER */
  n2uq_cu_jit_error_log_bytes = 6
};

/* CUDA 11.4: the first version with every function below. */
#define N2UQ_CUDA_DRIVER_VERSION 11040

/* X(field, symbol, parameters) */
#define N2UQ_CUDA_FUNCTIONS(X)                                                                                         \
  X(init, "cuInit", (unsigned flags))                                                                                  \
  X(version, "cuDriverGetVersion", (int *version))                                                                     \
  X(device_count, "cuDeviceGetCount", (int *count))                                                                    \
  X(device_get, "cuDeviceGet", (n2uq_cu_device * device, int index))                                                   \
  X(device_name, "cuDeviceGetName", (char *name, int bytes, n2uq_cu_device device))                                    \
  X(device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, n2uq_cu_device device))                      \
  X(context_retain, "cuDevicePrimaryCtxRetain", (n2uq_cu_handle * context, n2uq_cu_device device))                     \
  X(context_release, "cuDevicePrimaryCtxRelease_v2", (n2uq_cu_device device))                                          \
  X(context_push, "cuCtxPushCurrent_v2", (n2uq_cu_handle context))                                                     \
  X(context_pop, "cuCtxPopCurrent_v2", (n2uq_cu_handle * context))                                                     \
  X(module_load, "cuModuleLoadDataEx",                                                                                 \
    (n2uq_cu_handle * module, const void *image, unsigned count, int *options, void **values))                         \
  X(module_unload, "cuModuleUnload", (n2uq_cu_handle module))                                                          \
  X(module_function, "cuModuleGetFunction", (n2uq_cu_handle * function, n2uq_cu_handle module, const char *name))      \
  X(function_set, "cuFuncSetAttribute", (n2uq_cu_handle function, int attribute, int value))                           \
  X(allocate, "cuMemAlloc_v2", (n2uq_cu_pointer * at, size_t bytes))                                                   \
  X(release, "cuMemFree_v2", (n2uq_cu_pointer at))                                                                     \
  X(host_allocate, "cuMemHostAlloc", (void **at, size_t bytes, unsigned flags))                                        \
  X(host_release, "cuMemFreeHost", (void *at))                                                                         \
  X(copy_to_device, "cuMemcpyHtoDAsync_v2",                                                                            \
    (n2uq_cu_pointer to, const void *from, size_t bytes, n2uq_cu_handle stream))                                       \
  X(copy_to_host, "cuMemcpyDtoHAsync_v2", (void *to, n2uq_cu_pointer from, size_t bytes, n2uq_cu_handle stream))       \
  X(stream_create, "cuStreamCreate", (n2uq_cu_handle * stream, unsigned flags))                                        \
  X(stream_destroy, "cuStreamDestroy_v2", (n2uq_cu_handle stream))                                                     \
  X(stream_wait, "cuStreamSynchronize", (n2uq_cu_handle stream))                                                       \
  X(capture_begin, "cuStreamBeginCapture_v2", (n2uq_cu_handle stream, int mode))                                       \
  X(capture_end, "cuStreamEndCapture", (n2uq_cu_handle stream, n2uq_cu_handle * graph))                                \
  X(graph_instantiate, "cuGraphInstantiateWithFlags",                                                                  \
    (n2uq_cu_handle * executable, n2uq_cu_handle graph, unsigned long long flags))                                     \
  X(graph_launch, "cuGraphLaunch", (n2uq_cu_handle executable, n2uq_cu_handle stream))                                 \
  X(graph_executable_destroy, "cuGraphExecDestroy", (n2uq_cu_handle executable))                                       \
  X(graph_destroy, "cuGraphDestroy", (n2uq_cu_handle graph))                                                           \
  X(launch, "cuLaunchKernel",                                                                                          \
    (n2uq_cu_handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,   \
     unsigned block_z, unsigned shared, n2uq_cu_handle stream, void **parameters, void **extra))                       \
  X(event_create, "cuEventCreate", (n2uq_cu_handle * event, unsigned flags))                                           \
  X(event_record, "cuEventRecord", (n2uq_cu_handle event, n2uq_cu_handle stream))                                      \
  X(event_seconds, "cuEventElapsedTime", (float *milliseconds, n2uq_cu_handle begin, n2uq_cu_handle end))              \
  X(event_destroy, "cuEventDestroy_v2", (n2uq_cu_handle event))                                                        \
  X(error_name, "cuGetErrorName", (n2uq_cu_result result, const char **name))                                          \
  X(error_text, "cuGetErrorString", (n2uq_cu_result result, const char **text))

typedef struct n2uq_cuda_driver {
#define N2UQ_FIELD(field, symbol, parameters) n2uq_cu_result(*field) parameters;
  N2UQ_CUDA_FUNCTIONS(N2UQ_FIELD)
#undef N2UQ_FIELD
  int devices; /* that it sees, at least 1 */
} n2uq_cuda_driver;

/* The driver, opened once for the process. NULL and a sentence that begins with `what` ("cannot run 'm.so': ") where
 * there is none, it is too old, or it sees no device. */
const n2uq_cuda_driver *n2uq_cuda_driver_open(const char *what);

/* Turns a result into a status; the sentence is "what: action: CUDA_ERROR_…, text". */
n2uq_status n2uq_cuda_check(const n2uq_cuda_driver *driver, n2uq_cu_result result, const char *what,
                            const char *action);

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_RUNTIME_CUDA_DRIVER_H */
