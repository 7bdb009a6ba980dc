# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small arrays for tests of the tools.

  npy.py make X.npy f4 2x1x1x2 1 -0.0 nan inf     writes an array of float32 (f4), int32 (i4), int8 (i1) or uint8 (u1)
  npy.py make X.npy f4 2x3 range                  0, 1, 2, ... (modulo 256 as u1)
  npy.py show X.npy ...                           prints type, shape and numbers, a file a line
"""
import sys

import numpy


def make(path, dtype, shape, *numbers):
    shape = [int(extent) for extent in shape.split("x")]
    count = int(numpy.prod(shape))
    values = numpy.arange(count) if numbers == ("range",) else numpy.array([float(number) for number in numbers])
    numpy.save(path, values.astype(dtype).reshape(shape))


def show(*paths):
    for path in paths:
        array = numpy.load(path)
        shape = "x".join(str(extent) for extent in array.shape)
        print(array.dtype, shape, *(repr(number) for number in array.ravel().tolist()))


if __name__ == "__main__":
    {"make": make, "show": show}[sys.argv[1]](*sys.argv[2:])
