/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Appends a model's trailer to a file, as n2uq-compile does: for models that tests write by hand.
 */
#include "n2uq/model.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "r+b") : NULL;
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "n2uq-test-seal: needs one file that can be read and written\n");
    return 1;
  }
  long size = ftell(file);
  unsigned char *bytes = malloc((size_t)size + 1);
  rewind(file);
  if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    fprintf(stderr, "n2uq-test-seal: cannot read '%s'\n", argv[1]);
    return 1;
  }
  n2uq_trailer trailer = {N2UQ_TRAILER_MAGIC, (uint64_t)size, n2uq_checksum(bytes, (uint64_t)size)};
  free(bytes);
  if (fseek(file, 0, SEEK_END) != 0 || fwrite(&trailer, sizeof trailer, 1, file) != 1 || fclose(file) != 0) {
    fprintf(stderr, "n2uq-test-seal: cannot write '%s'\n", argv[1]);
    return 1;
  }
  return 0;
}
