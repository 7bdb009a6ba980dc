/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * calls MODEL.so: every call of the runtime on a GPU's model, with batches that come and go. Prints one sentence where
 * one fails, and gives all back.
 */
#include "n2uq/runtime.h"
#include "shape.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { image = height * width * channels, most = 40 };

static float expected(const unsigned char *input) {
  static const unsigned char weights[] = {0, 1, 2, 3, 1};
  float sum = 0;
  for (int i = 0; i < image; ++i)
    sum += (float)((input[i] / 16 + weights[i % channels]) & 3);
  return sum;
}

static int wrong(const unsigned char *input, const float *output, int batch) {
  for (int n = 0; n < batch; ++n)
    if (output[n] != expected(input + n * image)) {
      printf("image %d of %d is wrong\n", n, batch);
      return 1;
    }
  return 0;
}

static int32_t count_codes(void *user, int64_t index, const uint8_t *codes) {
  int64_t *sum = user;
  for (int i = 0; i < 3 * image; ++i)
    *sum += codes[i];
  return 0;
}

/* The driver's part of a program that has its own buffers on the device. */
static int on_device(n2uq_session *session, const unsigned char *input, float *output, int batch) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  int (*retain)(void **, int) = dlsym(driver, "cuDevicePrimaryCtxRetain");
  int (*release)(int) = dlsym(driver, "cuDevicePrimaryCtxRelease_v2");
  int (*push)(void *) = dlsym(driver, "cuCtxPushCurrent_v2");
  int (*pop)(void **) = dlsym(driver, "cuCtxPopCurrent_v2");
  int (*allocate)(unsigned long long *, size_t) = dlsym(driver, "cuMemAlloc_v2");
  int (*give_back)(unsigned long long) = dlsym(driver, "cuMemFree_v2");
  int (*to_device)(unsigned long long, const void *, size_t, void *) = dlsym(driver, "cuMemcpyHtoDAsync_v2");
  int (*to_host)(void *, unsigned long long, size_t, void *) = dlsym(driver, "cuMemcpyDtoHAsync_v2");
  int (*synchronize)(void *) = dlsym(driver, "cuStreamSynchronize");
  void *context;
  unsigned long long in, out;
  int failed = retain(&context, 0) || push(context) || allocate(&in, (size_t)(batch * image)) ||
               allocate(&out, (size_t)batch * 4) || to_device(in, input, (size_t)(batch * image), NULL) ||
               n2uq_session_start_on_device(session, (const void *)in, batch, (void *)out, NULL) ||
               to_host(output, out, (size_t)batch * 4, NULL) || synchronize(NULL) || give_back(in) || give_back(out) ||
               pop(&context) || release(0);
  return failed || wrong(input, output, batch);
}

static int all(n2uq_session *session, const unsigned char *input, unsigned char *changing, float *output) {
  /* More batch sizes than graphs are kept, growing and shrinking. */
  for (int i = 0; i < 30; ++i) {
    int batch = 1 + i * 17 % most;
    if (n2uq_session_run(session, input, batch, output) || wrong(input, output, batch))
      return 1;
  }
  /* The input may change as soon as the call is back; the output is there after the wait. */
  memcpy(changing, input, most * image);
  if (n2uq_session_start(session, changing, 7, output))
    return 1;
  memset(changing, 0, most * image);
  if (n2uq_session_run(session, input, 1, output) != N2UQ_BAD_ARGUMENT || n2uq_session_wait(session) ||
      n2uq_session_wait(session) || wrong(input, output, 7))
    return 1;
  double seconds[2] = {-1, -1};
  int64_t sum = 0;
  if (n2uq_session_profile(session, input, 5, output, seconds) || wrong(input, output, 5) || seconds[0] < 0 ||
      seconds[1] < 0 || n2uq_session_run_codes(session, input, 3, output, count_codes, &sum) ||
      wrong(input, output, 3) || sum != (int64_t)(output[0] + output[1] + output[2]))
    return 1;
  if (n2uq_session_start_on_device(session, (const void *)8, 1, (void *)16, NULL) != N2UQ_BAD_ARGUMENT ||
      n2uq_session_reserve(session, INT64_C(1) << 40) != N2UQ_BAD_ARGUMENT)
    return 1;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  unsigned char *input = malloc(most * image), *changing = malloc(most * image);
  float *output = malloc(most * sizeof *output);
  for (int i = 0; i < most * image; ++i)
    input[i] = (unsigned char)(i * 37 >> 2);
  n2uq_loaded_model *model;
  n2uq_session *session = NULL, *second = NULL;
  n2uq_session_options options = {.size = sizeof options, .device = getenv("DEVICE") ? atoi(getenv("DEVICE")) : 0};
  int failed = n2uq_model_open(argv[1], &model) || n2uq_session_create(model, &options, &session) ||
               n2uq_session_create(model, &options, &second) || all(session, input, changing, output) ||
               (options.device == 0 && on_device(second, input, output, 9));
  if (failed)
    printf("%s\n", n2uq_last_error());
  else
    printf("all calls are right\n");
  n2uq_session_destroy(session);
  n2uq_session_destroy(second);
  n2uq_model_close(model);
  free(input);
  free(changing);
  free(output);
  return failed;
}
