/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Finds the CUDA driver.
 */
#include "cuda_driver.h"
#include "internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What the first call found: a driver, or why there is none. Both stay for the process. */
static n2uq_cuda_driver the_driver;
static char refusal[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_driver(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    snprintf(refusal, sizeof refusal,
             "there is no CUDA driver on this machine (%s); install NVIDIA's driver, or compile "
             "the model for this CPU",
             why ? why : "libcuda.so.1 cannot be loaded");
    return;
  }
  /* A driver that cannot even say its version is no driver; one that lacks a function says its version. */
  const char *missing = NULL;
#define N2UQ_FIND(field, symbol, parameters)                                                                           \
  *(void **)&the_driver.field = dlsym(library, symbol);                                                                \
  missing = the_driver.field || missing ? missing : symbol;
  N2UQ_CUDA_FUNCTIONS(N2UQ_FIND)
#undef N2UQ_FIND
  int version = 0;
  if (!the_driver.version || the_driver.version(&version) != n2uq_cu_success) {
    snprintf(refusal, sizeof refusal, "libcuda.so.1 is no CUDA driver: it does not say its version");
    return;
  }
  if (version < N2UQ_CUDA_DRIVER_VERSION || missing) {
    snprintf(refusal, sizeof refusal,
             "the CUDA driver on this machine is too old: it is for CUDA %d.%d, and %d.%d is needed", version / 1000,
             version % 1000 / 10, N2UQ_CUDA_DRIVER_VERSION / 1000, N2UQ_CUDA_DRIVER_VERSION % 1000 / 10);
    return;
  }
  n2uq_cu_result result = the_driver.init(0);
  if (result == n2uq_cu_success)
    result = the_driver.device_count(&the_driver.devices);
  if (result == n2uq_cu_no_device || (result == n2uq_cu_success && the_driver.devices < 1)) {
    snprintf(refusal, sizeof refusal, "there is a CUDA driver on this machine, but no GPU that it can use");
  } else if (result != n2uq_cu_success) {
    const char *name = NULL;
    the_driver.error_name(result, &name);
    snprintf(refusal, sizeof refusal, "the CUDA driver on this machine does not start: %s",
             name ? name : "unknown error");
  }
}

const n2uq_cuda_driver *n2uq_cuda_driver_open(const char *what) {
  pthread_once(&once, find_driver);
  if (!refusal[0])
    return &the_driver;
  n2uq_fail(N2UQ_BAD_DEVICE, "%s%s", what, refusal);
  return NULL;
}

n2uq_status n2uq_cuda_check(const n2uq_cuda_driver *driver, n2uq_cu_result result, const char *what,
                            const char *action) {
  if (result == n2uq_cu_success)
    return N2UQ_OK;
  const char *name = NULL, *text = NULL;
  driver->error_name(result, &name);
  driver->error_text(result, &text);
  return n2uq_fail(result == n2uq_cu_out_of_memory ? N2UQ_OUT_OF_MEMORY : N2UQ_DEVICE_FAILED,
                   "%sthe CUDA driver cannot %s: %s (%s)", what, action, name ? name : "unknown error",
                   text ? text : "no text");
}
