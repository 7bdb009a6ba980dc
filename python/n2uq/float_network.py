# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A plain float ResNet as ONNX: what a peer runs where we run the N2UQ network of the same name.

The same stem, convolutions, shortcuts and head, with ReLU where an N2UQ network has RPReLU and a quantizer, and with
batch normalisation already folded into weights and biases, which every peer would do by itself. As in ordinary.py,
images flow along while the parameters are drawn, so that activations keep an ordinary range: values that die or explode
would give int8 calibration nothing to work on, and denormal numbers would slow float arithmetic down.
"""

import zlib

import numpy as np

from . import __version__, architecture, onnx_file, ordinary
from .errors import Error


def write(name, path, seed=1, **sizes):
    """Writes `path` with random but ordinary parameters and returns the architecture.Network whose layers it has.
    `sizes`: those of architecture.build (classes, in_channels, width, image)."""
    if name not in architecture.RESNETS:
        raise Error(f"{name}: has no plain float network; known are {', '.join(architecture.RESNETS)}")
    network = architecture.build(name, 2, quantized_downsample=False, **sizes)
    graph = _Writer(name, network, seed).graph()
    try:
        graph.write(path)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None
    return network


class _Writer:
    """Emits a node and computes it on a few images, side by side; a value is (name in the graph, array NHWC)."""

    def __init__(self, name, network, seed):
        self.network, self.seed = network, seed
        self.out = onnx_file.Graph(name, __version__)

    def graph(self):
        network, out = self.network, self.out
        size = min(network.image, 64)
        out.input("input", ["N", network.stem.inputs, network.image, network.image])
        x = "input", ordinary.images(8, network.stem.inputs, size, self.seed).transpose(0, 2, 3, 1)
        x = self.relu(self.conv(network.stem, x), "relu")
        if network.max_pool:
            x = self.max_pool(x)
        for block in network.blocks:
            x = self.block(block, x)
        pooled = out.node("GlobalAveragePool", "avgpool", [x[0]])
        flat = out.node("Flatten", "flatten", [pooled], axis=1)
        rng = self.rng("fc")
        weight = rng.normal(0, 1 / np.sqrt(network.features), (network.classes, network.features))
        out.constant("fc.weight", weight.astype(np.float32))
        out.constant("fc.bias", rng.normal(0, 0.1, network.classes).astype(np.float32))
        out.node("Gemm", "fc", [flat, "fc.weight", "fc.bias"], output="output", transB=1)
        out.output("output", ["N", network.classes])
        return out

    def rng(self, name):
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def block(self, block, x):
        y = x
        for i, stage in enumerate(block.stages):
            y = self.conv(stage.conv, y)
            if i + 1 < len(block.stages):
                y = self.relu(y, f"{block.name}.relu{i + 1}")
        shortcut = self.conv(block.downsample.conv, x) if block.downsample else x
        total = self.out.node("Add", f"{block.name}.add", [y[0], shortcut[0]]), y[1] + shortcut[1]
        return self.relu(total, f"{block.name}.relu")

    def conv(self, conv, x):
        """A convolution whose outputs have, on the images, a mean near 0 and a deviation near 1 in every channel."""
        rng = self.rng(conv.name)
        weight = rng.normal(0, np.sqrt(2 / np.prod(conv.shape[1:])), conv.shape)
        y = ordinary.convolve(x[1], weight.astype(np.float32), conv)
        mean, var = y.mean((0, 1, 2), dtype=np.float64), y.var((0, 1, 2), dtype=np.float64)
        samples = y[..., 0].size
        var = (var * samples + var.mean() * 16) / (samples + 16) + 1e-6  # few samples: lean on the other channels
        scale = np.maximum(0.2, rng.normal(1, 0.25, conv.outputs)) / np.sqrt(var)
        bias = (rng.normal(0, 0.3, conv.outputs) - mean * scale).astype(np.float32)
        inputs = [x[0], self.out.constant(f"{conv.name}.weight", (weight * scale[:, None, None, None]).astype(np.float32)),
                  self.out.constant(f"{conv.name}.bias", bias)]
        name = self.out.node("Conv", conv.name, inputs, kernel_shape=[conv.kernel] * 2, strides=[conv.stride] * 2,
                             pads=[conv.kernel // 2] * 4)
        return name, y * scale.astype(np.float32) + bias

    def relu(self, x, name):
        return self.out.node("Relu", name, [x[0]]), np.maximum(x[1], 0)

    def max_pool(self, x):
        padded = np.pad(x[1], ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        y = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))
        return self.out.node("MaxPool", "maxpool", [x[0]], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), y
