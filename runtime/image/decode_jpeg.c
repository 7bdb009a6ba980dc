/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * JPEG, by libjpeg with its default settings, which are Pillow's too.
 */
#include "internal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

/* libjpeg's errors must not return; they jump back to the decoder with their message. */
typedef struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf back;
  char message[JMSG_LENGTH_MAX];
} failure;

static void leave(j_common_ptr state) {
  failure *f = (failure *)state->err;
  f->manager.format_message(state, f->message);
  longjmp(f->back, 1);
}

/* A file that ends too early is only a warning to libjpeg, which makes up the rest; so do not we. Other warnings are of
 * damage that every reader of pictures overlooks. */
static void listen(j_common_ptr state, int level) {
  if (level < 0 && (state->err->msg_code == JWRN_JPEG_EOF || state->err->msg_code == JWRN_HIT_MARKER))
    leave(state);
}

static void say_nothing(j_common_ptr state) { (void)state; }

bool n2uq_is_jpeg(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* Four inks to three lights, the row in place: each light is what its ink and black leave of it, (255 - ink) * (255 -
 * black) / 255 rounded as Pillow rounds it. */
static uint8_t light(uint8_t ink, uint8_t black) {
  unsigned white = 255u - black, product = ink * white + 128;
  return (uint8_t)(white - (((product >> 8) + product) >> 8));
}

static void inks_to_lights(const uint8_t *inks, int64_t width, bool inverted, uint8_t *lights) {
  uint8_t flip = inverted ? 255 : 0;
  for (int64_t x = 0; x < width; ++x, inks += 4, lights += 3)
    for (int c = 0; c < 3; ++c)
      lights[c] = light(inks[c] ^ flip, inks[3] ^ flip);
}

/* All that a jump may leave behind is here, where the caller of the function that jumps can free it. */
typedef struct decoder {
  struct jpeg_decompress_struct jpeg;
  failure failure;
  uint8_t *row;
} decoder;

static n2uq_status decode(decoder *d, const char *name, const uint8_t *bytes, size_t size, n2uq_image *image) {
  struct jpeg_decompress_struct *jpeg = &d->jpeg;
  jpeg->err = jpeg_std_error(&d->failure.manager);
  d->failure.manager.error_exit = leave;
  d->failure.manager.emit_message = listen;
  d->failure.manager.output_message = say_nothing;
  if (setjmp(d->failure.back))
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is damaged: %s", name, d->failure.message);
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, bytes, size);
  jpeg_read_header(jpeg, TRUE);
  bool inks = jpeg->num_components == 4;
  jpeg->out_color_space = inks ? JCS_CMYK : jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  n2uq_status status = n2uq_allocate_image(name, jpeg->image_height, jpeg->image_width, image);
  if (status != N2UQ_OK)
    return status;
  jpeg_start_decompress(jpeg);
  if (inks && !(d->row = malloc((size_t)image->width * 4)))
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for a row of '%s'", name);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *to = image->pixels + (int64_t)jpeg->output_scanline * image->width * 3;
    JSAMPROW row = inks ? d->row : to;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (inks)
      inks_to_lights(d->row, image->width, jpeg->saw_Adobe_marker, to);
    else if (jpeg->num_components == 1) /* backwards: a pixel is written behind where it was read */
      for (int64_t x = image->width - 1; x >= 0; --x)
        to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = to[x];
  }
  jpeg_finish_decompress(jpeg);
  return N2UQ_OK;
}

n2uq_status n2uq_decode_jpeg(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image) {
  decoder *d = calloc(1, sizeof *d);
  if (!d)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for decoding '%s'", name);
  n2uq_status status = decode(d, name, bytes, size, image);
  if (status != N2UQ_OK)
    n2uq_image_free(image);
  jpeg_destroy_decompress(&d->jpeg);
  free(d->row);
  free(d);
  return status;
}
