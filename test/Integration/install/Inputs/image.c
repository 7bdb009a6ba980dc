/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The example of n2uq/image.h, as a whole program: prints the size of a picture and the float in the middle of what a
 * network takes of it.
 */
#include <n2uq/image.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  n2uq_image image;
  n2uq_preprocessing how = n2uq_preprocessing_default();
  float *input = (float *)malloc((size_t)(how.crop_height * how.crop_width * 3) * sizeof *input);
  int code = 1;
  if (argc == 2 && input && n2uq_image_read(argv[1], &image) == N2UQ_OK) {
    if (n2uq_image_preprocess(&image, &how, N2UQ_FLOAT32, input) == N2UQ_OK) {
      printf("%d x %d pixels, %.4f in the middle\n", (int)image.width, (int)image.height,
             input[how.crop_width * (how.crop_height / 2) + how.crop_width / 2]);
      code = 0;
    }
    n2uq_image_free(&image);
  }
  if (code != 0)
    fprintf(stderr, "%s\n", n2uq_last_error());
  free(input);
  return code;
}
