# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""expected.py make DIR IMAGES: images for model.c.   expected.py compare DIR: what n2uq-run wrote to DIR/out."""
import sys

import numpy as np

command, folder = sys.argv[1:3]
if command == "make":
    images = np.random.default_rng(5).integers(0, 256, (int(sys.argv[3]), 3, 7, 5), dtype=np.uint8)
    np.save(f"{folder}/x.npy", images)
else:
    codes = (np.load(f"{folder}/x.npy") // 16 + np.array([0, 1, 2, 3, 1], np.uint8)) & 3
    assert np.array_equal(np.load(f"{folder}/out/layer.quan.npy"), codes)
    assert np.array_equal(np.load(f"{folder}/out/output.npy"), codes.sum((1, 2, 3), dtype=np.float32)[:, None])
    print(f"{len(codes)} images are right")
