# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Float convolutions and fully connected layers against the reference, bit for bit, on numbers of every size.

    float_convs.py SCRATCH TARGET_CPU…

What a fused multiply-add rounds differs from two roundings in the last bit; numbers whose products are subnormal, cancel, or
overflow tell every wrong one. Prints `N cases equal`.
"""
import sys

import numpy as np

from networks import Network, compare_all


def full_mantissas(rng, shape, low, high, signed=True):
    """Floats with random mantissas and exponents from low to high."""
    values = rng.uniform(1, 2, shape) * np.exp2(rng.integers(low, high + 1, shape))
    return (values * rng.choice([-1, 1], shape) if signed else values).astype(np.float32)


# (name, exponents of the image, exponents of the weights, signed)
RANGES = [("ordinary", -4, 4, True), ("cancelling", 0, 0, True), ("subnormal", -78, -60, True), ("huge", 60, 64, False)]
# (height, width, channels, outputs, kernel, strides, padding, dilations, groups)
SHAPES = [
    (9, 9, 3, 20, (7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1),
    (5, 8, 4, 33, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    (6, 6, 6, 16, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    (7, 9, 4, 8, (3, 2), (1, 3), (2, 0, 1, 3), (2, 1), 2),
    (4, 4, 5, 5, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 5),
    (2, 3, 3, 7, (3, 3), (1, 1), (2, 2, 2, 2), (1, 1), 1),
]


def cases():
    for number, (height, width, channels, outputs, kernel, strides, padding, dilations, groups) in enumerate(SHAPES):
        for name, low, high, signed in RANGES:
            rng = np.random.default_rng((number, low + 100))
            net = Network(channels, height, width)
            filter = full_mantissas(rng, (outputs, *kernel, channels // groups), low, high, signed)
            x = net.float_conv2d(net.to_nhwc(), filter, "conv", strides, padding, dilations, groups)
            x = net.flatten(x, "flatten")
            if name in ("ordinary", "cancelling"):
                x = net.fully_connected(x, full_mantissas(rng, (19, net.shape(x)[0]), -4, 4), "fc")
            images = full_mantissas(rng, (2, channels, height, width), low, high, signed)
            yield f"shape {number}, {name} numbers", net, x, images


if __name__ == "__main__":
    sys.exit(compare_all(cases(), "cases"))
