/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Uses a model without the runtime, as n2uq/model.h shows, with a parallel loop of its own that goes backwards in
 * pieces. Prints the outputs of one image of ones.
 */
#include <n2uq/model.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void backwards(void *context, int64_t count, n2uq_kernel_function body, const n2uq_frame *frame) {
  int64_t piece = *(const int64_t *)context;
  for (int64_t end = count; end > 0; end -= piece)
    body(frame, end > piece ? end - piece : 0, end);
}

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  const n2uq_model *model = library ? dlsym(library, N2UQ_DESCRIPTOR_SYMBOL) : NULL;
  if (!model || model->magic != N2UQ_MODEL_MAGIC || model->abi_version != N2UQ_ABI_VERSION)
    return 1;
  int64_t inputs = model->input.dims[1] * model->input.dims[2] * model->input.dims[3], outputs = model->output.dims[1];
  int64_t arena_bytes = (n2uq_arena_bytes(model, 1) + N2UQ_ARENA_ALIGNMENT - 1) & -N2UQ_ARENA_ALIGNMENT;
  float *input = malloc((size_t)inputs * sizeof *input), *output = malloc((size_t)outputs * sizeof *output);
  n2uq_frame frame = {aligned_alloc(N2UQ_ARENA_ALIGNMENT, (size_t)arena_bytes), input, output, 1};
  for (int64_t i = 0; i < inputs; ++i)
    input[i] = 1;
  for (int64_t piece = 0; piece < 3; ++piece) {
    model->run(&frame, piece ? backwards : NULL, &piece);
    for (int64_t i = 0; i < outputs; ++i)
      printf("%g%s", output[i], i + 1 < outputs ? " " : "\n");
  }
  free(frame.arena);
  free(input);
  free(output);
  return 0;
}
