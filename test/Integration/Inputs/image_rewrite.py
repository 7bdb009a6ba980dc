# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What n2uq-image-input makes of a convolution is that convolution, borders included, up to the rounding of its weights.

    image_rewrite.py SCRATCH

The exact sum of normalised pixels and weights is computed here in float64, taps outside of the image left out. A weight is off
by at most half a unit of its grid, largest weight / (127, 32639, 8355711), and meets a pixel's distance from the mean, at most
255; a few float32 roundings come on top. Prints for each number of bits whether all outputs are within that bound.
"""
import pathlib
import subprocess
import sys

import numpy as np

from networks import Network

MEAN, DEVIATION = (0.485, 0.1, 0.9), (0.229, 0.5, 0.11)
CASES = [((7, 7), (2, 2), (3, 3, 3, 3)), ((3, 3), (2, 2), (1, 1, 1, 1)), ((3, 3), (1, 1), (1, 1, 1, 1)),
         ((4, 2), (1, 3), (3, 0, 1, 2)), ((1, 1), (2, 1), (0, 0, 0, 0))]


def exact(x, weights, strides, padding):
    """float64 [N,C,H,W] with OHWI weights to [N,H,W,O]."""
    top, bottom, left, right = padding
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[1:3], axis=(2, 3))[:, :, ::strides[0], ::strides[1]]
    return np.einsum("nchwij,oijc->nhwo", windows, weights)


def main():
    scratch = pathlib.Path(sys.argv[1])
    scratch.mkdir(parents=True, exist_ok=True)
    for bits, largest in ((8, 127), (16, 127 * 257), (24, 127 * 65793)):
        worst = 0.0
        for number, (kernel, strides, padding) in enumerate(CASES):
            rng = np.random.default_rng(number)
            pixels = rng.integers(0, 256, (2, 12, 11, 3), dtype=np.uint8)
            weights = rng.normal(0, 1, (9, *kernel, 3)).astype(np.float32)
            net = Network(3, 12, 11)
            conv = net.float_conv2d(net.to_nhwc(), weights, "conv1", strides, padding)
            (scratch / "m.mlir").write_text(net.text(conv))
            np.save(scratch / "x.npy", pixels)
            subprocess.run(["n2uq-translate", "--interpret", scratch / "m.mlir", f"--input=input={scratch}/x.npy",
                            f"--output-dir={scratch}", "--image-input", f"--stem-bits={bits}",
                            "--mean=" + ",".join(map(str, MEAN)), "--std=" + ",".join(map(str, DEVIATION))], check=True)
            got = np.load(scratch / "output.npy")
            x = ((pixels / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2)
            want = exact(x, weights.astype(float), strides, padding)
            v = np.abs(weights.astype(float) / (255 * np.array(DEVIATION)))
            taps = kernel[0] * kernel[1] * 3
            bound = taps * 255 * 0.5 * v.max(axis=(1, 2, 3)) / largest
            rounding = 4 * 2.0**-24 * 255 * v.sum(axis=(1, 2, 3))
            worst = max(worst, (np.abs(got - want) / (bound + rounding)).max())
        print(f"{bits} bits: {'within' if worst <= 1 else 'beyond'} the bound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
