# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pools, float tails and shared tensors in every place where a network may have them, against the reference.

    pools.py SCRATCH TARGET_CPU…

Max-pool between a convolution and its quantizer (rising, falling, both), on codes, on the residual stream; average pools of
part of an image; one tensor with two different quantizers; clamps; unevenly spaced levels; a quantizer on the image itself;
images with NaN and infinity. Prints `N networks equal`.
"""
import sys

import numpy as np

from networks import Network, compare_all, odd_weights, uneven_thresholds


def pooled_tail(rng, slopes):
    """conv -> affine -> prelu -> max_pool -> affine -> quantize."""
    net = Network(3, 12, 12)
    codes = net.quantize(net.to_nhwc(), uneven_thresholds(rng, 2), 2, "quan0")
    acc = net.conv2d(codes, odd_weights(rng, 2, (20, 3, 3, 3)), "conv", (1, 1), (1, 1, 1, 1))
    x = net.affine(acc, rng.normal(0, 0.1, 20), rng.normal(0, 0.3, 20))
    x = net.prelu(x, rng.uniform(*slopes, 20))
    x = net.max_pool(x, (3, 3), (2, 2), (1, 1, 1, 1), "pool")
    x = net.affine(x, rng.uniform(0.5, 2, 20), rng.normal(0, 0.1, 20))
    codes = net.quantize(x, uneven_thresholds(rng, 2), 2, "quan1")
    acc = net.conv2d(codes, odd_weights(rng, 2, (8, 3, 3, 20)), "conv2", (1, 1), (1, 1, 1, 1))
    return net, net.affine(acc, [0.05])


def pooled_codes(rng):
    """quantize -> max_pool on codes -> two convolutions with different windows."""
    net = Network(5, 11, 9)
    codes = net.quantize(net.to_nhwc(), uneven_thresholds(rng, 3, 5), 3, "quan0")
    codes = net.max_pool(codes, (2, 3), (2, 1), (0, 1, 1, 1), "pool")
    a = net.affine(net.conv2d(codes, odd_weights(rng, 3, (7, 3, 3, 5)), "conv1", (2, 2), (1, 1, 1, 1)), [0.1])
    b = net.affine(net.conv2d(codes, odd_weights(rng, 3, (7, 1, 1, 5)), "conv2", (2, 2)), [0.1])
    return net, net.add(a, b)


def residual_stream(rng):
    """One stream with two quantizers, a pool, a clamp and an add of itself."""
    net = Network(4, 10, 10)
    x = net.float_conv2d(net.to_nhwc(), rng.normal(0, 0.4, (18, 3, 3, 4)), "stem", (1, 1), (1, 1, 1, 1))
    x = net.clamp(x, 0, 6, "relu6")
    q1 = net.quantize(x, uneven_thresholds(rng, 2), 2, "quan1")
    q2 = net.quantize(x, uneven_thresholds(rng, 4), 4, "quan2", nan_is_top=True)
    a = net.affine(net.conv2d(q1, odd_weights(rng, 2, (18, 3, 3, 18)), "conv1", (1, 1), (1, 1, 1, 1)), [0.03])
    b = net.affine(net.conv2d(q2, odd_weights(rng, 4, (18, 3, 3, 1)), "conv2", (1, 1), (1, 1, 1, 1), groups=18), [0.03])
    x = net.add(net.add(a, b), x)
    q3 = net.quantize(net.prelu(x, rng.normal(0, 0.5, 18)), uneven_thresholds(rng, 2), 2, "quan3")
    c = net.affine(net.conv2d(q3, odd_weights(rng, 2, (18, 1, 1, 18)), "conv3"), [0.1])
    x = net.max_pool(net.add(c, x), (3, 3), (1, 1), (1, 1, 1, 1), "pool")
    return net, net.avg_pool(net.add(x, x), (3, 2), (2, 3), "avgpool")


def uneven_levels(rng):
    """Quantizers of 8 bits whose thresholds repeat, so that four unevenly spaced levels leave them; behind an accumulator
    in integers, with thresholds per channel and one row for all in floats."""
    def repeated(rows):
        return np.repeat(np.sort(rng.normal(0, 1, (rows, 3)), 1).astype(np.float32), (60, 95, 100), axis=1)
    net = Network(4, 9, 9)
    codes = net.quantize(net.to_nhwc(), repeated(4), 8, "quan0")
    acc = net.conv2d(codes, rng.integers(-3, 4, (21, 1, 1, 4)), "conv0")
    codes = net.quantize(net.affine(acc, rng.normal(0, 0.004, 21)), repeated(21), 8, "quan1")
    acc = net.conv2d(codes, rng.integers(-127, 128, (17, 3, 3, 21)), "conv1", (1, 1), (1, 1, 1, 1))
    x = net.add(net.affine(acc, rng.normal(0, 0.0002, 17)), net.affine(acc, [0.0001]))
    codes = net.quantize(x, repeated(1), 8, "quan2")
    return net, net.affine(net.conv2d(codes, odd_weights(rng, 2, (8, 1, 1, 17)), "conv2"), [0.05])


CASES = {
    "rising": lambda rng: pooled_tail(rng, (0, 0.5)),
    "both": lambda rng: pooled_tail(rng, (-0.9, 0.9)),
    "steep": lambda rng: pooled_tail(rng, (-3, 3)),
    "codes": pooled_codes,
    "stream": residual_stream,
    "levels": uneven_levels,
}


def networks():
    for number, (name, build) in enumerate(CASES.items()):
        rng = np.random.default_rng(number)
        net, x = build(rng)
        x = net.flatten(x, "flatten")
        x = net.affine(net.fully_connected(x, rng.normal(0, 0.1, (5, net.shape(x)[0])), "fc"), None, rng.normal(0, 1, 5))
        pixels = rng.normal(0, 1.5, (4, *net.input_shape)).astype(np.float32)
        pixels[1].flat[::7] = np.nan
        pixels[2].flat[::5] = np.inf
        pixels[2].flat[1::5] = -np.inf
        yield name, net, x, pixels


if __name__ == "__main__":
    sys.exit(compare_all(networks(), "networks"))
