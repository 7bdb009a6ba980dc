# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Residual blocks whose two convolutions are one kernel, and blocks behind them that write their floats where they read them,
against the reference, bit for bit.

    joined.py SCRATCH TARGET_CPU…

Slopes below 0, of 0, of 1 and above 1 bring both forms of PReLU. Prints `N cases equal, M kernels of two convolutions`.
"""
import json
import pathlib
import sys

import numpy as np

from networks import Network, compile_and_compare, odd_weights, uneven_thresholds

# (height, width, channels of the inputs, outputs, window and stride of the first convolution)
SHAPES = [
    (8, 8, 64, 256, 1, 1),  # ResNet-50, layer1
    (9, 14, 48, 128, 1, 2),
    (7, 7, 40, 72, 3, 2),  # blocks that memory has no room for
    (1, 1, 33, 64, 1, 1),
    (5, 5, 17, 33, 1, 1),   # tiles that overlap: not in place
    (3, 11, 100, 192, 3, 1),  # Winograd for the first: apart
]


def block(case, rng, slopes):
    height, width, inputs, outputs, kernel, stride = case
    net = Network(2, height, width)
    x = net.float_conv2d(net.to_nhwc(), rng.normal(0, 1, (inputs, 1, 1, 2)), "make")
    codes = [net.quantize(x, uneven_thresholds(rng, 2), 2, f"in{i}") for i in range(2)]

    def branch(codes, window, stride, name):
        pad = (window // 2,) * 4
        depth = net.shape(codes)[2]
        acc = net.conv2d(codes, odd_weights(rng, 2, (outputs, window, window, depth)), name, (stride, stride), pad)
        return net.affine(acc, rng.uniform(0.02, 0.2, outputs), rng.normal(0, 1, outputs))

    x = net.add(branch(codes[0], kernel, stride, "conv"), branch(codes[1], 1, stride, "down"))
    x = net.prelu(x, rng.choice(slopes, outputs))
    for number in range(2):  # residuals, each over the one before
        q = net.quantize(x, uneven_thresholds(rng, 2), 2, f"mid{number}")
        x = net.prelu(net.add(branch(q, 1, 1, f"next{number}"), x), rng.choice(slopes, outputs))
    return net, net.flatten(net.affine(x, None, rng.normal(0, 1, outputs)))


def main():
    scratch, cpus = pathlib.Path(sys.argv[1]), sys.argv[2:]
    scratch.mkdir(parents=True, exist_ok=True)
    count = joined = 0
    for number, case in enumerate(SHAPES):
        rng = np.random.default_rng(number)
        net, output = block(case, rng, [[-0.5, 0.25, 1.0], [0.0, 0.5, 1.5]][number % 2])
        images = rng.normal(0, 1, (2, 2, *case[:2])).astype(np.float32)
        images[0].flat[:3] = [np.inf, -np.inf, 0]
        for cpu in cpus:
            report = scratch / "report.json"
            failed, table = compile_and_compare(net, output, images, cpu, scratch, f"--report={report}")
            if failed:
                print(table, f"{case}, {cpu}: different", sep="\n")
                return 1
            count += 1
            joined += sum(kernel["name"] == "conv+down" for kernel in json.loads(report.read_text())["kernels"])
    print(f"{count} cases equal, {joined} kernels of two convolutions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
