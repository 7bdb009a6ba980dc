# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures as a network's input, through libn2uq_image.so: pixels equal to Pillow's, floats to torchvision's."""

import ctypes
import functools
import os

import numpy as np

from . import runtime, toolchain
from .errors import Error

_FILTERS = {"bilinear": 1, "bicubic": 2}  # n2uq_filter
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2}  # n2uq_dtype


class _Image(ctypes.Structure):
    _fields_ = [("height", ctypes.c_int64), ("width", ctypes.c_int64), ("pixels", ctypes.POINTER(ctypes.c_uint8))]


class _Preprocessing(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("resize", ctypes.c_int64), ("crop_height", ctypes.c_int64),
                ("crop_width", ctypes.c_int64), ("filter", ctypes.c_int), ("mean", ctypes.c_float * 3),
                ("deviation", ctypes.c_float * 3)]


@functools.lru_cache(maxsize=None)
def _library():
    image, how = ctypes.POINTER(_Image), ctypes.POINTER(_Preprocessing)
    return toolchain.load("n2uq_image", {
        "n2uq_image_read": (ctypes.c_int, [ctypes.c_char_p, image]),
        "n2uq_image_decode": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, image]),
        "n2uq_image_free": (None, [image]),
        "n2uq_image_resize": (ctypes.c_int, [image, ctypes.c_int64, ctypes.c_int64, ctypes.c_int, image]),
        "n2uq_image_preprocess": (ctypes.c_int, [image, how, ctypes.c_int, ctypes.c_void_p]),
        "n2uq_preprocessing_default": (_Preprocessing, []),
    })


def read(path):
    """The pixels of a JPEG, PNG or binary PPM/PGM file: uint8 [height, width, 3], red, green, blue; equal to those of
    Pillow's `Image.open(path).convert("RGB")`. Raises n2uq.Error where the file is missing, damaged or of another kind."""
    image = _Image()
    runtime.check(_library().n2uq_image_read(os.fsencode(path), image))
    return _take(image)


def decode(data, name="image"):
    """The same for the bytes of such a file; `name` is for error messages."""
    image, data = _Image(), bytes(data)
    runtime.check(_library().n2uq_image_decode(name.encode(), data, len(data), image))
    return _take(image)


def resize(pixels, height, width, filter="bilinear"):
    """uint8 [height, width, 3] from uint8 [H, W, 3], antialiased, equal to Pillow's `resize((width, height), filter)`.
    `filter` is "bilinear" or "bicubic"."""
    pixels, image = _described(pixels)
    result = _Image()
    runtime.check(_library().n2uq_image_resize(image, height, width, _filter(filter), result))
    return _take(result)


def preprocess(pixels, dtype=np.float32, resize=None, crop=None, filter=None, mean=None, std=None):
    """One image as a network takes it. The shorter side of `pixels` (uint8 [H, W, 3]) is resized to `resize` pixels (0:
    not at all), the middle `crop` (height, width) is cut out. With dtype uint8 the result is [height, width, 3], for a
    model compiled with image_input; with float32 it is [3, height, width], (pixel / 255 - mean) / std. What is None is
    what networks of ImageNet are evaluated with: 256, (224, 224), "bilinear", that data set's mean and std."""
    pixels, image = _described(pixels)
    how = _library().n2uq_preprocessing_default()
    if resize is not None:
        how.resize = resize
    if crop is not None:
        how.crop_height, how.crop_width = crop
    if filter is not None:
        how.filter = _filter(filter)
    for name, numbers in (("mean", mean), ("deviation", std)):
        if numbers is not None:
            if len(numbers) != 3:
                raise Error(f"mean and std are three numbers each, red, green and blue, not {len(numbers)}")
            setattr(how, name, (ctypes.c_float * 3)(*numbers))
    dtype = np.dtype(dtype)
    if dtype not in _TYPES:
        raise Error(f"an image becomes float32 or uint8, not {dtype}")
    if not 0 < how.crop_height * how.crop_width < 1 << 31:
        raise Error(f"crop is a height and a width in pixels, not {crop!r}")
    shape = (how.crop_height, how.crop_width, 3) if dtype == np.uint8 else (3, how.crop_height, how.crop_width)
    result = np.empty(shape, dtype)
    runtime.check(_library().n2uq_image_preprocess(image, how, _TYPES[dtype], result.ctypes.data))
    return result


def _filter(name):
    if name not in _FILTERS:
        raise Error(f"filter is one of {', '.join(_FILTERS)}, not {name!r}")
    return _FILTERS[name]


def _described(pixels):
    """(a dense array, its description). The array must outlive the description."""
    pixels = np.ascontiguousarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise Error(f"pixels are uint8 [height, width, 3], not {pixels.dtype} {list(pixels.shape)}")
    return pixels, _Image(*pixels.shape[:2], pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))


def _take(image):
    """A copy of the image's pixels; frees the image."""
    try:
        return np.ctypeslib.as_array(image.pixels, (image.height, image.width, 3)).copy()
    finally:
        _library().n2uq_image_free(image)
