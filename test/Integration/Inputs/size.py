# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The size of libraries that are compiled with --optimize-for=size, and their codes against the reference.

    size.py SCRATCH TARGET_CPU…

Networks of large convolutions with weights of 1 to 4 bits. A library may be 10 % larger than its weights at their true width and
its floats. Prints `N libraries small and equal`, or the first one that is not, and exits 1.
"""
import pathlib
import sys

import numpy as np

from networks import Network, compile_and_compare, odd_weights, uneven_thresholds

CHANNELS, SIDE = 512, 3


def network(bits, rng):
    """Returns the network, its output, and the bytes of its parameters."""
    net = Network(3, SIDE, SIDE)
    stem = rng.normal(0, 1, (CHANNELS, 1, 1, 3))
    x, parameters = net.float_conv2d(net.to_nhwc(), stem, "stem"), 4 * stem.size
    for index in range(2):
        thresholds = uneven_thresholds(rng, 2)
        codes = net.quantize(x, thresholds, 2, f"quan{index}")
        weights = odd_weights(rng, bits, (CHANNELS, 3, 3, CHANNELS))
        acc = net.conv2d(codes, weights, f"conv{index}", (1, 1), (1, 1, 1, 1))
        scale = rng.normal(0, 2**-bits / 100, CHANNELS)
        x = net.affine(acc, scale, rng.normal(0, 0.3, CHANNELS))
        parameters += weights.size * bits // 8 + 4 * (thresholds.size + 2 * CHANNELS)
    return net, net.quantize(x, uneven_thresholds(rng, 2), 2, "behind"), parameters


def main():
    scratch, cpus = pathlib.Path(sys.argv[1]), sys.argv[2:]
    scratch.mkdir(parents=True, exist_ok=True)
    count = 0
    for bits in (1, 2, 3, 4):
        rng = np.random.default_rng(bits)
        net, codes, parameters = network(bits, rng)
        output = net.flatten(net.affine(codes, [0.25]))
        images = rng.normal(0, 1, (2, 3, SIDE, SIDE)).astype(np.float32)
        for cpu in cpus:
            failed, table = compile_and_compare(net, output, images, cpu, scratch, "--optimize-for=size")
            size = (scratch / "model.so").stat().st_size
            if failed or size > 1.1 * parameters:
                print(table, f"{bits} bits, {cpu}: {size} bytes for {parameters} bytes of parameters", sep="\n")
                return 1
            count += 1
    print(f"{count} libraries small and equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
