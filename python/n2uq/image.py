# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures as a network's input: pixels equal to Pillow's, floats to torchvision's."""

import os

import numpy as np

from .errors import Error
from .runtime import extension as _runtime

_FILTERS = {"bilinear": 1, "bicubic": 2}  # n2uq_filter


def read(path):
    """The pixels of a JPEG, PNG or binary PPM/PGM file: uint8 [height, width, 3], red, green, blue; equal to those of
    Pillow's `Image.open(path).convert("RGB")`. Raises n2uq.Error where the file is missing, damaged or of another kind."""
    return _runtime().image_read(os.fsencode(path))


def decode(data, name="image"):
    """The same for the bytes of such a file; `name` is for error messages."""
    return _runtime().image_decode(bytes(data), name)


def resize(pixels, height, width, filter="bilinear"):
    """uint8 [height, width, 3] from uint8 [H, W, 3], antialiased, equal to Pillow's `resize((width, height), filter)`.
    `filter` is "bilinear" or "bicubic"."""
    return _runtime().image_resize(_checked(pixels), height, width, _filter(filter))


def preprocess(pixels, dtype=np.float32, resize=None, crop=None, filter=None, mean=None, std=None):
    """One image as a network takes it. The shorter side of `pixels` (uint8 [H, W, 3]) is resized to `resize` pixels (0:
    not at all), the middle `crop` (height, width) is cut out. With dtype uint8 the result is [height, width, 3], for a
    model compiled with image_input; with float32 it is [3, height, width], (pixel / 255 - mean) / std. What is None is
    what networks of ImageNet are evaluated with: 256, (224, 224), "bilinear", that data set's mean and std."""
    pixels = _checked(pixels)
    side, height, width, kind, *normalisation = _runtime().image_defaults()
    if resize is not None:
        side = resize
    if crop is not None:
        height, width = crop
    if filter is not None:
        kind = _filter(filter)
    for i, numbers in enumerate((mean, std)):
        if numbers is not None:
            if len(numbers) != 3:
                raise Error(f"mean and std are three numbers each, red, green and blue, not {len(numbers)}")
            normalisation[i] = [float(number) for number in numbers]
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.uint8):
        raise Error(f"an image becomes float32 or uint8, not {dtype}")
    if not 0 < height * width < 1 << 31:
        raise Error(f"crop is a height and a width in pixels, not {crop!r}")
    result = np.empty((height, width, 3) if dtype == np.uint8 else (3, height, width), dtype)
    _runtime().image_preprocess(pixels, (side, height, width, kind, *normalisation), result)
    return result


def _filter(name):
    if name not in _FILTERS:
        raise Error(f"filter is one of {', '.join(_FILTERS)}, not {name!r}")
    return _FILTERS[name]


def _checked(pixels):
    """The pixels as a dense array."""
    pixels = np.ascontiguousarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise Error(f"pixels are uint8 [height, width, 3], not {pixels.dtype} {list(pixels.shape)}")
    return pixels
