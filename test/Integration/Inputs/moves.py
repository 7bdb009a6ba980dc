# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ops that move elements, in front of and behind every kind of kernel, against the reference.

    moves.py SCRATCH TARGET_CPU…

Padding with a code, enlarging, shuffling and joining of codes and floats, with numbers of channels that fill whole units of
memory and that do not; rows of features as images; a sigmoid. What only memory has of a tensor must not reach a result: codes
that were not moved lie beside those that were. Prints `N networks equal`.
"""
import sys

import numpy as np

from networks import Network, compare_all, odd_weights, uneven_thresholds


def on_codes(rng, bits, channels):
    """quantize -> pad with a code -> convolution; shuffled and joined codes -> convolution."""
    net = Network(channels, 7, 6)
    codes = net.quantize(net.to_nhwc(), uneven_thresholds(rng, bits), bits, "quan0")
    top = 2**bits - 1
    padded = net.gather(codes, [-1, *range(7), -1], [-1, *range(6), -1], None, top, "pad")
    a = net.affine(net.conv2d(padded, odd_weights(rng, bits, (24, 3, 3, channels)), "conv1"), [0.01])
    shuffled = net.gather(codes, None, None, rng.permutation(channels), 0, "shuffle")
    joined = net.concat(codes, shuffled, codes, name="join")
    b = net.conv2d(joined, odd_weights(rng, bits, (24, 3, 3, 3 * channels)), "conv2", (1, 1), (1, 1, 1, 1))
    codes = net.quantize(net.affine(b, rng.normal(0, 0.02, 24)), uneven_thresholds(rng, bits), bits, "quan1")
    enlarged = net.gather(codes, [0, 0, 3, 3, 5, 5, 6], [5, 5, 5, -1, 1, 0], [*range(20), -1], top, "enlarge")
    c = net.affine(net.conv2d(enlarged, odd_weights(rng, bits, (24, 1, 1, 21)), "conv3"), [0.01])
    return net, net.add(a, c)


def on_floats(rng, channels):
    net = Network(3, 9, 9)
    x = net.float_conv2d(net.to_nhwc(), rng.normal(0, 0.4, (channels, 3, 3, 3)), "stem", (2, 2), (1, 1, 1, 1))
    up = net.gather(x, np.arange(9) // 2, np.arange(9) // 2, None, 0, "up")
    down = net.avg_pool(net.gather(up, [-1, *range(9), -1], None, None, 0.0, "pad"), (3, 1), (2, 2), "pool")
    x = net.concat(x, down, net.gather(x, None, None, [0, channels - 1], 0, "ends"), name="join")
    x = net.prelu(x, rng.normal(0, 0.5, 2 * channels + 2))
    codes = net.quantize(x, uneven_thresholds(rng, 2), 2, "quan")
    w = odd_weights(rng, 2, (8, 3, 3, 2 * channels + 2))
    return net, net.sigmoid(net.affine(net.conv2d(codes, w, "conv", (1, 1), (1, 1, 1, 1)), [0.05]))


def rows(rng):
    """Features of an image as an image of one pixel and of several."""
    net = Network(5, 4, 3)
    codes = net.quantize(net.to_nhwc(), uneven_thresholds(rng, 2), 2, "quan0")
    features = net.flatten(codes, "flatten1")
    one = net.unflatten(features, 1, 1, 60, "pixel")
    x = net.affine(net.conv2d(one, odd_weights(rng, 2, (36, 1, 1, 60)), "product"), rng.normal(0, 0.05, 36))
    codes = net.quantize(net.flatten(x, "flatten2"), uneven_thresholds(rng, 3), 3, "quan1")
    image = net.unflatten(codes, 2, 3, 6, "image")
    return net, net.affine(net.conv2d(image, odd_weights(rng, 3, (4, 2, 2, 6)), "conv"), [0.1])


CASES = {
    "2 bits, 5 channels": lambda rng: on_codes(rng, 2, 5),
    "2 bits, 16 channels": lambda rng: on_codes(rng, 2, 16),
    "4 bits, 11 channels": lambda rng: on_codes(rng, 4, 11),
    "8 bits, 32 channels": lambda rng: on_codes(rng, 8, 32),
    "floats, 16 channels": lambda rng: on_floats(rng, 16),
    "floats, 7 channels": lambda rng: on_floats(rng, 7),
    "rows": rows,
}


def networks():
    for number, (name, build) in enumerate(CASES.items()):
        rng = np.random.default_rng(number)
        net, x = build(rng)
        x = net.flatten(x, "flatten")
        x = net.fully_connected(x, rng.normal(0, 0.1, (5, net.shape(x)[0])), "fc")
        images = rng.normal(0, 1.5, (3, *net.input_shape)).astype(np.float32)
        images[1].flat[::7] = np.nan
        images[2].flat[::5] = np.inf
        images[2].flat[1::5] = -np.inf
        yield name, net, x, images


if __name__ == "__main__":
    sys.exit(compare_all(networks(), "networks"))
