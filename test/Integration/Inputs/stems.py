# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""First layers of networks, on floats and on pixels, with and without a pool behind them, against the reference, bit for bit.

    stems.py SCRATCH TARGET_CPU…

Pixels of 0 and 255 alone and filters of one sign bring sums to their bounds; floats bring NaN, infinities and both zeros to the
pool. Prints `N cases equal`.
"""
import pathlib
import sys

import numpy as np

from networks import Network, compile_and_compare, uneven_thresholds

# (height, width, channels, outputs, kernel, strides, padding, pool: kernel, strides, padding, or None)
SHAPES = [
    (24, 30, 3, 64, (7, 7), (2, 2), (3, 3, 3, 3), ((3, 3), (2, 2), (1, 1, 1, 1))),  # ResNet
    (17, 16, 3, 32, (3, 3), (2, 2), (1, 1, 1, 1), None),  # MobileNetV2
    (9, 11, 1, 16, (3, 3), (1, 1), (1, 1, 1, 1), None),  # ResNet-8
    (1, 1, 3, 5, (3, 3), (1, 1), (1, 1, 1, 1), ((3, 3), (1, 1), (1, 1, 1, 1))),
    (13, 33, 3, 33, (7, 7), (2, 2), (3, 2, 0, 3), ((3, 2), (2, 1), (1, 0, 0, 1))),
    (20, 9, 2, 17, (2, 5), (1, 3), (0, 1, 4, 2), ((2, 2), (3, 3), (0, 0, 1, 1))),
    (6, 7, 4, 16, (5, 5), (1, 1), (4, 4, 4, 4), ((5, 3), (1, 1), (2, 4, 2, 2))),
    (40, 400, 1, 16, (4, 4), (2, 1), (0, 0, 0, 0), ((2, 3), (2, 2), (0, 0, 0, 0))),  # rows in pieces
    (3, 600, 1, 16, (3, 70), (1, 2), (1, 1, 0, 0), None),  # rows of a window longer than a vector
]


def stem(case, rng, tail, extreme):
    """The network of a case: convolution, tail, pool, two quantizers and the floats that they read."""
    height, width, channels, outputs, kernel, strides, padding, pool = case
    net = Network(channels, height, width)
    weights = rng.normal(0, 1 / np.sqrt(channels * kernel[0] * kernel[1]), (outputs, *kernel, channels))
    if extreme:
        weights = np.abs(weights.max()) * np.where(rng.random((outputs, 1, 1, 1)) < 0.5, -1, 1) + 0 * weights
    if outputs > 5:
        weights[0] = 0
    x = net.float_conv2d(net.to_nhwc(), weights, "conv1", strides, padding)
    if tail != "bare":
        x = net.affine(x, rng.normal(0, 1, outputs), rng.normal(0, 0.5, outputs))
    if tail == "relu":
        x = net.clamp(x, 0.0, np.inf)
    if tail == "prelu":  # falls and rises, zeros of both signs
        x = net.prelu(x, rng.choice([-1.0, 0.0, 0.25], outputs))
    if pool:
        x = net.max_pool(x, *pool, name="pool")
    codes = [net.quantize(x, uneven_thresholds(rng, bits), bits, f"quan{bits}") for bits in (2, 4)]
    values = net.add(net.add(net.affine(codes[0], [0.5]), net.affine(codes[1], [0.125])), x)
    return net, net.flatten(values)


def main():
    scratch, cpus = pathlib.Path(sys.argv[1]), sys.argv[2:]
    scratch.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, case in enumerate(SHAPES):
        height, width, channels = case[:3]
        for index, tail in enumerate(("relu", "prelu", "bare")):
            for bits in (0, 8, 16, 24):  # 0: floats
                extreme = bits == (8, 16, 24)[index]
                rng = np.random.default_rng((number, index, bits))
                net, output = stem(case, rng, tail, extreme)
                if bits:
                    images = rng.integers(0, 256, (2, height, width, channels))
                    images = (np.where(images < 128, 0, 255) if extreme else images).astype(np.uint8)
                    options = ["--image-input", f"--stem-bits={bits}", "--mean=0.45", "--std=0.225"]
                else:
                    images = rng.normal(0, 1, (2, channels, height, width)).astype(np.float32)
                    odd = rng.random(images.shape)
                    for at, value in enumerate((np.nan, np.inf, -np.inf, -0.0, -np.nan)):
                        images[(odd > at / 500) & (odd < (at + 1) / 500)] = value
                    options = []
                for cpu in cpus:
                    failed, table = compile_and_compare(net, output, images, cpu, scratch, *options, diff_options=options)
                    if failed:
                        print(table, f"{case}, {tail}, {bits} bits, {cpu}: different", sep="\n")
                        return 1
                    count += 1
    print(f"{count} cases equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
