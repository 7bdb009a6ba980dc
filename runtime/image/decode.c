/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * From files to pixels: reads the bytes, and hands them to the format that knows them.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* No picture's file is longer. */
static const int64_t max_file_bytes = INT64_C(1) << 30;

n2uq_status n2uq_allocate_image(const char *name, uint64_t height, uint64_t width, n2uq_image *image) {
  if (height == 0 || width == 0)
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is damaged: its picture has no pixels", name);
  if (height > N2UQ_IMAGE_MAX_PIXELS / width)
    return n2uq_fail(N2UQ_BAD_FILE,
                     "'%s' says that its picture has %" PRIu64 " x %" PRIu64 " pixels; at most %" PRId64 " are decoded",
                     name, width, height, N2UQ_IMAGE_MAX_PIXELS);
  image->pixels = malloc((size_t)(height * width * 3));
  if (!image->pixels)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for the %" PRIu64 " x %" PRIu64 " pixels of '%s'", width,
                     height, name);
  image->height = (int64_t)height;
  image->width = (int64_t)width;
  return N2UQ_OK;
}

void n2uq_image_free(n2uq_image *image) {
  if (image) {
    free(image->pixels);
    memset(image, 0, sizeof *image);
  }
}

n2uq_status n2uq_image_decode(const char *name, const void *bytes, size_t size, n2uq_image *image) {
  if (!image)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_image_decode needs a place for the image");
  memset(image, 0, sizeof *image);
  if (!name || !bytes)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_image_decode needs a name and the bytes of a file");
  if (n2uq_is_jpeg(bytes, size))
    return n2uq_decode_jpeg(name, bytes, size, image);
  if (n2uq_is_png(bytes, size))
    return n2uq_decode_png(name, bytes, size, image);
  if (n2uq_is_pnm(bytes, size))
    return n2uq_decode_pnm(name, bytes, size, image);
  return n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a picture that is known here: JPEG, PNG, or PPM and PGM in binary form",
                   name);
}

n2uq_status n2uq_image_read(const char *path, n2uq_image *image) {
  if (!image)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_image_read needs a place for the image");
  memset(image, 0, sizeof *image);
  if (!path)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_image_read needs the path of a file");
  FILE *file = fopen(path, "rb");
  if (!file)
    return n2uq_fail(N2UQ_BAD_FILE, "cannot open '%s': %s", path, strerror(errno));
  struct stat about;
  n2uq_status status = N2UQ_OK;
  uint8_t *bytes = NULL;
  if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
    status = n2uq_fail(N2UQ_BAD_FILE, "cannot read '%s': it is not a file", path);
  else if (about.st_size > max_file_bytes)
    status = n2uq_fail(N2UQ_BAD_FILE, "'%s' is no picture: it has more than %" PRId64 " bytes", path, max_file_bytes);
  else if (!(bytes = malloc((size_t)about.st_size + 1)))
    status = n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for the bytes of '%s'", path);
  else {
    size_t size = fread(bytes, 1, (size_t)about.st_size, file);
    status = ferror(file) ? n2uq_fail(N2UQ_BAD_FILE, "cannot read '%s': %s", path, strerror(errno))
                          : n2uq_image_decode(path, bytes, size, image);
  }
  free(bytes);
  fclose(file);
  return status;
}
