# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py make FOLDER: images as x.npy and as bytes in x.raw. compare.py same FOLDER NAME: whether NAME.raw holds
output.npy twice, image by image."""
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[2])
if sys.argv[1] == "make":
    images = np.random.default_rng(5).normal(0, 2, (7, 3, 8, 8)).astype(np.float32)
    np.save(folder / "x.npy", images)
    (folder / "x.raw").write_bytes(images.tobytes())
else:
    output = np.load(folder / "output.npy")
    assert len(np.unique(output[:, 0])) > 3, "outputs that differ say more"
    assert (folder / f"{sys.argv[3]}.raw").read_bytes() == np.concatenate([output, output], axis=1).tobytes()
