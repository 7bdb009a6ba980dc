/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Two kernels for model.c, compiled to PTX: codes of 2 bits, packed, and their weighted sum by way of shared memory.
 */
#include "shape.h"

#define GLOBAL __attribute__((address_space(1)))
#define KERNEL __attribute__((nvptx_kernel)) void

extern __attribute__((address_space(3))) unsigned sums[];

static unsigned code_of(unsigned value, unsigned weight) { return (value / 16 + weight) & 3; }

/* A unit is a pixel. */
KERNEL quantize(GLOBAL unsigned char *arena, GLOBAL const unsigned char *weights, GLOBAL const unsigned char *input,
                GLOBAL float *output, unsigned batch) {
  unsigned unit = __nvvm_read_ptx_sreg_ctaid_x() * threads + __nvvm_read_ptx_sreg_tid_x();
  if (unit >= batch * height * width)
    return;
  for (unsigned byte = 0; byte < (channels + 3) / 4; ++byte) {
    unsigned packed = 0;
    for (unsigned c = 4 * byte; c < channels && c < 4 * byte + 4; ++c)
      packed |= code_of(input[unit * channels + c], weights[c]) << 2 * (c % 4);
    arena[unit * pixel + byte] = (unsigned char)packed;
  }
}

/* A block is an image; its threads add what they have, then the first one adds all. */
KERNEL sum(GLOBAL unsigned char *arena, GLOBAL const unsigned char *weights, GLOBAL const unsigned char *input,
           GLOBAL float *output, unsigned batch) {
  unsigned image = __nvvm_read_ptx_sreg_ctaid_x(), t = __nvvm_read_ptx_sreg_tid_x();
  unsigned mine = 0;
  for (unsigned p = t; p < height * width; p += threads)
    for (unsigned c = 0; c < channels; ++c)
      mine += arena[(image * height * width + p) * pixel + c / 4] >> 2 * (c % 4) & 3;
  sums[t] = mine;
#ifndef WITHOUT_BARRIER
  __nvvm_bar_sync(0);
#endif
  if (t == 0) {
    unsigned all = 0;
    for (unsigned i = 0; i < threads; ++i)
      all += sums[i];
    output[image] = (float)all;
  }
}
