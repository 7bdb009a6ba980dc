/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The example of n2uq/runtime.h, as a whole program: prints the first output of one image of zeros.
 */
#include <n2uq/runtime.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  n2uq_loaded_model *model = NULL;
  n2uq_session *session = NULL;
  int code = 1;
  if (argc == 2 && n2uq_model_open(argv[1], &model) == N2UQ_OK &&
      n2uq_session_create(model, NULL, &session) == N2UQ_OK) {
    const n2uq_model *descriptor = n2uq_model_descriptor_of(model);
    void *input = calloc(1, (size_t)n2uq_tensor_bytes(&descriptor->input, 1));
    float *output = (float *)calloc(1, (size_t)n2uq_tensor_bytes(&descriptor->output, 1));
    if (input && output && n2uq_session_run(session, input, 1, output) == N2UQ_OK) {
      printf("%s of %s: %g\n", descriptor->output.name, descriptor->name, output[0]);
      code = 0;
    }
    free(input);
    free(output);
  }
  if (code != 0)
    fprintf(stderr, "%s\n", n2uq_last_error());
  n2uq_session_destroy(session);
  n2uq_model_close(model);
  return code;
}
