/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * PNG, by libpng: every form becomes red, green and blue of 8 bits, without gamma and without transparency.
 */
#include "internal.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* What a jump of libpng may leave behind. */
typedef struct decoder {
  png_structp png;
  png_infop info;
  png_bytep *rows;
  const uint8_t *bytes;
  size_t left;
  char message[128];
} decoder;

static void read_bytes(png_structp png, png_bytep to, size_t count) {
  decoder *d = png_get_io_ptr(png);
  if (count > d->left)
    png_error(png, "it is cut off");
  memcpy(to, d->bytes, count);
  d->bytes += count;
  d->left -= count;
}

static void leave(png_structp png, png_const_charp message) {
  decoder *d = png_get_error_ptr(png);
  strncpy(d->message, message, sizeof d->message - 1);
  png_longjmp(png, 1);
}

static void say_nothing(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

bool n2uq_is_png(const uint8_t *bytes, size_t size) { return size >= 8 && png_sig_cmp(bytes, 0, 8) == 0; }

static n2uq_status decode(decoder *d, const char *name, n2uq_image *image) {
  d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, leave, say_nothing);
  d->info = d->png ? png_create_info_struct(d->png) : NULL;
  if (!d->info)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for decoding '%s'", name);
  if (setjmp(png_jmpbuf(d->png)))
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is damaged: %s", name, d->message);
  png_set_read_fn(d->png, d, read_bytes);
  /* Its own limit of a million rows and columns stands; ours of all pixels comes right behind the header. */
  png_read_info(d->png, d->info);
  n2uq_status status =
      n2uq_allocate_image(name, png_get_image_height(d->png, d->info), png_get_image_width(d->png, d->info), image);
  if (status != N2UQ_OK)
    return status;
  int color = png_get_color_type(d->png, d->info), depth = png_get_bit_depth(d->png, d->info);
  if (depth == 16)
    png_set_strip_16(d->png);
  if (color == PNG_COLOR_TYPE_PALETTE)
    png_set_palette_to_rgb(d->png);
  if (!(color & PNG_COLOR_MASK_COLOR)) {
    if (depth < 8)
      png_set_expand_gray_1_2_4_to_8(d->png);
    png_set_gray_to_rgb(d->png);
  }
  if (color & PNG_COLOR_MASK_ALPHA || png_get_valid(d->png, d->info, PNG_INFO_tRNS))
    png_set_strip_alpha(d->png);
  png_set_interlace_handling(d->png);
  png_read_update_info(d->png, d->info);
  if (png_get_rowbytes(d->png, d->info) != (size_t)image->width * 3)
    png_error(d->png, "its rows do not come as red, green and blue");
  d->rows = malloc((size_t)image->height * sizeof *d->rows);
  if (!d->rows)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for the rows of '%s'", name);
  for (int64_t y = 0; y < image->height; ++y)
    d->rows[y] = image->pixels + y * image->width * 3;
  png_read_image(d->png, d->rows);
  return N2UQ_OK;
}

n2uq_status n2uq_decode_png(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image) {
  decoder *d = calloc(1, sizeof *d);
  if (!d)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for decoding '%s'", name);
  d->bytes = bytes;
  d->left = size;
  n2uq_status status = decode(d, name, image);
  if (status != N2UQ_OK)
    n2uq_image_free(image);
  png_destroy_read_struct(&d->png, &d->info, NULL);
  free(d->rows);
  free(d);
  return status;
}
