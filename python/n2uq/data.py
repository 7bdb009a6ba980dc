# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fashion-MNIST from the files of Debian's package dataset-fashion-mnist, as numpy arrays."""

import gzip
import pathlib

import numpy as np

from .errors import Error

FASHION_MNIST = "/usr/share/datasets/fashion-mnist"
MEAN, DEVIATION = 0.2860, 0.3530  # of the training images' pixels, scaled to 0..1


def _idx(path, dimensions):
    """Reads one idx file: big-endian magic, extents, then unsigned bytes."""
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise Error(f"{path}: cannot be read ({error}); install Debian's package dataset-fashion-mnist or name the "
                    "folder of the four idx files with --data") from None
    header = 4 * (1 + dimensions)
    extents = tuple(int.from_bytes(content[4 * i:4 * i + 4], "big") for i in range(1, dimensions + 1))
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) - header != int(np.prod(extents)):
        raise Error(f"{path}: not an idx file of unsigned bytes in {dimensions} dimensions; fetch it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(extents)


def fashion_mnist(split, folder=FASHION_MNIST):
    """(images uint8 [N,28,28], labels int64 [N]) of split "train" (60,000) or "test" (10,000)."""
    stem = {"train": "train", "test": "t10k"}[split]
    folder = pathlib.Path(folder)
    images = _idx(folder / f"{stem}-images-idx3-ubyte.gz", 3)
    labels = _idx(folder / f"{stem}-labels-idx1-ubyte.gz", 1)
    if len(images) != len(labels):
        raise Error(f"{folder}: {len(images)} images but {len(labels)} labels in the {split} files; fetch them again")
    return images, labels.astype(np.int64)


def normalise(images):
    """uint8 [N,H,W] to the network's input, float32 [N,1,H,W]."""
    table = ((np.arange(256) / 255 - MEAN) / DEVIATION).astype(np.float32)
    return table[images][:, None]


def augment(images, generator):
    """Mirrors every second image and shifts each by at most one pixel; what comes in at the border is background (0)."""
    count, height, width = images.shape
    flipped = np.where(generator.random(count)[:, None, None] < 0.5, images[:, :, ::-1], images)
    padded = np.zeros((count, height + 2, width + 2), np.uint8)
    padded[:, 1:-1, 1:-1] = flipped
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    dy, dx = generator.integers(0, 3, (2, count))
    return windows[np.arange(count), dy, dx]
