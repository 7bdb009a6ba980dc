/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A program without the runtime: two models are linked in, as n2uq-compile --emit=obj made them. Reads the floats of
 * images from the standard input and writes both models' outputs to the standard output, image by image.
 */
#include "first.h"
#include "second.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
  static float input[FIRST_INPUT_VALUES], outputs[FIRST_OUTPUT_VALUES + SECOND_OUTPUT_VALUES];
  /* aligned_alloc takes whole multiples of the alignment. */
  size_t bytes = (size_t)(FIRST_ARENA_BYTES(1) > SECOND_ARENA_BYTES(1) ? FIRST_ARENA_BYTES(1) : SECOND_ARENA_BYTES(1));
  uint8_t *arena =
      (uint8_t *)aligned_alloc(N2UQ_ARENA_ALIGNMENT, (bytes / N2UQ_ARENA_ALIGNMENT + 1) * N2UQ_ARENA_ALIGNMENT);
  if (!arena || FIRST_INPUT_VALUES != SECOND_INPUT_VALUES || first.magic != N2UQ_MODEL_MAGIC)
    return 1;
  while (fread(input, sizeof input, 1, stdin) == 1) {
    first_run(arena, input, 1, outputs);
    second_run(arena, input, 1, outputs + FIRST_OUTPUT_VALUES);
    if (fwrite(outputs, sizeof outputs, 1, stdout) != 1)
      return 1;
  }
  free(arena);
  return 0;
}
