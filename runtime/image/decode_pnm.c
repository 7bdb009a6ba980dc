/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * PPM and PGM in binary form with one byte a sample: "P6" or "P5", width, height and 255 as words with comments between
 * them, one white space, the samples.
 */
#include "internal.h"

#include <string.h>

bool n2uq_is_pnm(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6') && (bytes[2] <= ' ' || bytes[2] == '#');
}

typedef struct reader {
  const uint8_t *at, *end;
} reader;

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next word as a number; UINT64_MAX where it is none, or too large to be meant. */
static uint64_t number(reader *r) {
  while (r->at < r->end && (is_space(*r->at) || *r->at == '#'))
    if (*r->at++ == '#')
      while (r->at < r->end && *r->at != '\n')
        ++r->at;
  uint64_t value = 0;
  const uint8_t *start = r->at;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; ++r->at)
    if ((value = value * 10 + (uint64_t)(*r->at - '0')) > UINT32_MAX)
      return UINT64_MAX;
  return r->at == start ? UINT64_MAX : value;
}

n2uq_status n2uq_decode_pnm(const char *name, const uint8_t *bytes, size_t size, n2uq_image *image) {
  bool gray = bytes[1] == '5';
  reader r = {bytes + 2, bytes + size};
  uint64_t width = number(&r), height = number(&r), white = number(&r);
  if (width == UINT64_MAX || height == UINT64_MAX || white == UINT64_MAX || r.at == r.end || !is_space(*r.at))
    return n2uq_fail(N2UQ_BAD_FILE,
                     "'%s' is damaged: its header does not give a width, a height and the value of white", name);
  if (white != 255)
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' has samples up to %llu; only those up to 255 are read", name,
                     (unsigned long long)white);
  ++r.at;
  n2uq_status status = n2uq_allocate_image(name, height, width, image);
  if (status != N2UQ_OK)
    return status;
  uint64_t samples = height * width * (gray ? 1 : 3);
  if (samples > (uint64_t)(r.end - r.at)) {
    n2uq_image_free(image);
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is damaged: it is cut off", name);
  }
  if (!gray)
    memcpy(image->pixels, r.at, samples);
  else
    for (uint64_t i = 0; i < samples; ++i)
      memset(image->pixels + 3 * i, r.at[i], 3);
  return N2UQ_OK;
}
