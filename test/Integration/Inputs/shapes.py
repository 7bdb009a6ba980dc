# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a table of convolution shapes through the compiler and compares every code with the reference.

    shapes.py SCRATCH TARGET_CPU[,TARGET_CPU…] [--kernel=FAMILY] [--table=all|wide|3x3|depthwise] [--part=I/N] [--seed=N]

Each case is one branch of a network: a float convolution that makes an image of the wanted size, a quantizer, the
convolution under test, its tail and a quantizer behind it. A dozen branches share a network, so that start-up times do not
dominate. Data of the kind `extreme` make all codes the largest and all weights of one sign in a channel: the accumulator
reaches its exact bounds. Prints `N cases equal`; at the first
difference the cases of that network, and exits 1.
"""
import argparse
import pathlib
import sys

import numpy as np

from networks import Network, compile_and_compare, learned_thresholds, odd_weights, uneven_thresholds

# (height, width, channels, outputs, kernel, strides, padding, dilations, groups, bits); bits of weights and of codes where
# they are not the same
SQUARE = (1, 1)
TABLE = [
    # every kernel size, stride and padding that the networks have
    (14, 14, 64, 64, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 2),
    (14, 14, 32, 64, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 1, 2),
    (14, 14, 32, 64, (1, 1), (2, 2), (0, 0, 0, 0), SQUARE, 1, 3),
    (7, 7, 48, 96, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 4),
    (12, 12, 3, 16, (7, 7), (2, 2), (3, 3, 3, 3), SQUARE, 1, 4),
    (9, 9, 16, 16, (5, 5), SQUARE, (2, 2, 2, 2), SQUARE, 1, 2),
    # one pixel, one row, one column, one channel
    (1, 1, 16, 16, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 2),
    (1, 1, 5, 7, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 2),
    (1, 13, 8, 8, (1, 3), SQUARE, (0, 0, 1, 1), SQUARE, 1, 3),
    (13, 1, 8, 8, (3, 1), SQUARE, (1, 1, 0, 0), SQUARE, 1, 3),
    (6, 6, 1, 1, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 4),
    # odd channels and every remainder of a tile of pixels
    (5, 11, 17, 33, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 2),
    (4, 15, 20, 36, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 3),
    (3, 16, 13, 50, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 4),
    (3, 2, 31, 80, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 2),
    (2, 9, 15, 112, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 1),
    # uneven padding, uneven strides, dilations, windows larger than the image
    (8, 10, 12, 24, (3, 3), (2, 1), (0, 1, 2, 0), SQUARE, 1, 2),
    (10, 8, 12, 24, (2, 4), (1, 3), (1, 0, 0, 3), SQUARE, 1, 3),
    (11, 11, 6, 18, (3, 3), SQUARE, (2, 2, 2, 2), (2, 2), 1, 2),
    (12, 9, 9, 9, (3, 2), (2, 2), (3, 0, 1, 4), (3, 2), 1, 4),
    (3, 3, 10, 10, (5, 5), SQUARE, (4, 4, 4, 4), SQUARE, 1, 2),
    # groups, and one channel a group
    (8, 8, 32, 32, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 4, 2),
    (7, 7, 18, 30, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 6, 3),
    (6, 6, 8, 16, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 8, 4),
    (14, 14, 32, 32, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 32, 4),
    (13, 11, 24, 24, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 24, 4),
    (7, 3, 17, 17, (5, 3), (1, 2), (2, 2, 1, 1), SQUARE, 17, 2),
    (9, 9, 19, 19, (3, 3), SQUARE, (2, 2, 2, 2), (2, 2), 19, 3),
    (1, 1, 40, 40, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 40, 4),
    # wide codes, whose products need more than 16 bits
    (6, 7, 16, 16, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 8),
    (6, 7, 21, 40, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 7),
    (6, 7, 16, 16, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 16, 8),
]
# many channels, for kernels that take them by dozens: whole vectors and every kind of rest
WIDE = [
    (6, 9, 200, 136, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 2),
    (7, 7, 130, 70, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 2),
    (9, 7, 128, 128, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 1, 2),
    (5, 13, 96, 200, (1, 1), (2, 2), (0, 0, 0, 0), SQUARE, 1, 2),
    (11, 5, 97, 64, (3, 3), SQUARE, (2, 2, 2, 2), (2, 2), 1, 2),
    (1, 1, 700, 300, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 2),
    (3, 10, 192, 80, (3, 1), (1, 2), (1, 1, 0, 0), SQUARE, 1, 1),
    (7, 3, 195, 66, (1, 3), (2, 1), (0, 0, 1, 1), SQUARE, 1, 1),
    (8, 8, 72, 144, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 3),
    (5, 6, 150, 65, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 3),
    (6, 6, 88, 100, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, 4),
    (4, 9, 320, 96, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 4),
    (5, 5, 40, 48, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 1, 5),
    (3, 7, 168, 32, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 6),
    (3, 4, 56, 176, (2, 2), SQUARE, (0, 1, 0, 1), SQUARE, 1, 6),
    (2, 6, 104, 24, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, 5),
    (5, 9, 70, 96, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, (1, 2)),
    (4, 7, 110, 72, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, (2, 1)),
    (6, 5, 64, 64, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 1, (2, 3)),
    (3, 8, 100, 64, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, (3, 2)),
    (2, 5, 66, 80, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, (3, 4)),
    (4, 4, 98, 130, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, (1, 4)),
    (5, 3, 64, 48, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 1, (4, 2)),
    (1, 9, 128, 64, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 1, (2, 4)),
]
# 3x3 of stride 1, for the algorithms that work on tiles of outputs: every remainder of 2, 3 and 4, several chunks of tiles,
# images of one tile and of less, all widths of channels, paddings of their own
THREE_BY_THREE = [
    (height, width, channels, outputs, (3, 3), SQUARE, padding, SQUARE, 1, bits)
    for height, width, channels, outputs, padding in (
        (14, 14, 64, 64, (1, 1, 1, 1)), (7, 7, 48, 96, (1, 1, 1, 1)), (4, 3, 16, 16, (1, 1, 1, 1)), (2, 2, 17, 33, (1, 1, 1, 1)),
        (5, 11, 20, 36, (1, 1, 1, 1)), (6, 5, 80, 32, (1, 1, 1, 1)), (9, 8, 33, 64, (0, 0, 0, 0)), (18, 17, 32, 32, (1, 1, 1, 1)),
        (10, 13, 12, 48, (2, 0, 1, 2)), (3, 16, 13, 50, (1, 1, 1, 1)), (1, 6, 8, 8, (1, 1, 1, 1)), (8, 12, 96, 128, (1, 1, 1, 1)))
    for bits in (2, 3, 4)
]
# One channel a group: every remainder of 16, 32 and 64 channels, strides, dilations, windows of one tap and of many
DEPTHWISE = [
    (height, width, channels, channels, kernel, strides, padding, dilations, channels, bits)
    for height, width, channels, kernel, strides, padding, dilations, bits in (
        (14, 14, 32, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 4), (7, 7, 144, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 4),
        (9, 9, 64, (3, 3), (2, 2), (1, 1, 1, 1), SQUARE, 3), (5, 3, 80, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 2),
        (6, 7, 17, (3, 3), (2, 1), (0, 1, 2, 0), SQUARE, 4), (4, 4, 48, (5, 5), SQUARE, (2, 2, 2, 2), SQUARE, 4),
        (8, 8, 96, (1, 1), SQUARE, (0, 0, 0, 0), SQUARE, 3), (11, 10, 33, (2, 4), (1, 3), (1, 0, 0, 3), SQUARE, 2),
        (12, 12, 130, (3, 3), SQUARE, (2, 2, 2, 2), (2, 2), 4), (1, 1, 200, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 4),
        (3, 18, 1, (3, 3), SQUARE, (1, 1, 1, 1), SQUARE, 4))
]
TABLES = {"depthwise": DEPTHWISE, "all": TABLE, "wide": WIDE, "3x3": THREE_BY_THREE}


def bits_of(case):
    """Bits of weights and of codes."""
    return case[9] if isinstance(case[9], tuple) else (case[9], case[9])


SOURCE = 18  # height and width of the network's input, not less than any case's
TAILS = ("threshold", "two_sided", "float")
KINDS = ("random", "extreme")


def source_codes(net, image, case, rng, kind, name):
    height, width, channels, bits = case[0], case[1], case[2], bits_of(case)[1]
    kernel = (channels, SOURCE - height + 1, SOURCE - width + 1, 2)
    x = net.float_conv2d(image, rng.normal(0, 1 / np.sqrt(kernel[1] * kernel[2]), kernel), name + ".make")
    if kind == "extreme":
        thresholds = np.full((1, 2**bits - 1), -3e38)
    else:
        thresholds = uneven_thresholds(rng, bits)
    return net.quantize(x, thresholds, bits, name + ".quan")


def filter_of(case, rng, kind):
    channels, outputs, (kh, kw), groups, bits = case[2], case[3], case[4], case[8], bits_of(case)[0]
    shape = (outputs, kh, kw, channels // groups)
    if bits > 6:
        weights = rng.integers(-128, 128, shape)
        return np.where(rng.random((outputs, 1, 1, 1)) < 0.5, -128, 127) + 0 * weights if kind == "extreme" else weights
    if kind == "extreme":
        top = 2**bits - 1
        return np.broadcast_to(np.where(rng.random((outputs, 1, 1, 1)) < 0.5, -top, top), shape)
    return odd_weights(rng, bits, shape)


def add_case(net, image, case, kind, tail, seed, name):
    """One branch of the network. Returns a [N, 4] tensor made of all of its codes."""
    rng = np.random.default_rng(seed)
    _, _, channels, outputs, (kh, kw), strides, padding, dilations, groups, _ = case
    weight_bits, bits = bits_of(case)
    codes = source_codes(net, image, case, rng, kind, name)
    acc = net.conv2d(codes, filter_of(case, rng, kind), name + ".conv", strides, padding, dilations, groups)
    # A scale that brings most accumulators among the thresholds, so that a wrong one changes a code.
    terms = kh * kw * channels // groups
    scale = 2.0 / (2**weight_bits * 2**bits * np.sqrt(terms)) * rng.uniform(0.5, 2, outputs) * rng.choice([-1, 1], outputs)
    x = net.affine(acc, scale, rng.normal(0, 0.2, outputs))
    x = net.prelu(x, rng.uniform(0.0, 0.5, outputs) if tail == "threshold" else rng.uniform(-0.9, 0.9, outputs))
    if tail == "float":
        x = net.add(x, net.affine(acc, np.abs(scale), name=name + ".residual"))
    thresholds = learned_thresholds(rng, bits) if rng.random() < 0.5 else uneven_thresholds(rng, bits)
    codes = net.quantize(x, thresholds, bits, name + ".behind")
    values = net.flatten(net.affine(codes, [0.25]))
    if tail == "float":
        values = net.flatten(net.add(net.affine(codes, [0.25]), x))
    return net.fully_connected(values, rng.normal(0, 0.1, (4, net.shape(values)[0])))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("cpus")
    parser.add_argument("--kernel", default="")
    parser.add_argument("--table", choices=TABLES, default="all")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    options.scratch.mkdir(parents=True, exist_ok=True)

    cases = [(case, kind, tail) for kind in KINDS for tail in TAILS for case in TABLES[options.table]]
    groups = [cases[i : i + 16] for i in range(0, len(cases), 16)][part::parts]
    count = 0
    for number, group in enumerate(groups):
        net = Network(2, SOURCE, SOURCE)
        image, total = net.to_nhwc(), None
        for index, (case, kind, tail) in enumerate(group):
            branch = add_case(net, image, case, kind, tail, (options.seed, part, number, index), f"case{index}")
            total = branch if total is None else net.add(total, branch)
        rng = np.random.default_rng((options.seed, number))
        images = rng.normal(0, 1, (3, 2, SOURCE, SOURCE)).astype(np.float32)
        force = [f"--kernel={options.kernel}"] if options.kernel else []
        for cpu in options.cpus.split(","):
            failed, table = compile_and_compare(net, total, images, cpu, options.scratch, *force)
            if failed:
                print(table, *group, f"different for {cpu}, seed {options.seed}, part {options.part}", sep="\n")
                return 1
            count += len(group)
    print(f"{count} cases equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
