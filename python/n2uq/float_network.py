# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A plain float network: what a peer runs where we run the N2UQ network of the same name.

The same stem, convolutions, shortcuts and head, with ReLU (ReLU6 in a MobileNetV2, whose bottlenecks end without one)
where an N2UQ network has RPReLU and a quantizer, and with batch normalisation already folded into weights and biases,
which every peer would do by itself. As in ordinary.py,
images flow along while the parameters are drawn, so that activations keep an ordinary range: values that die or explode
would give int8 calibration nothing to work on, and denormal numbers would slow float arithmetic down.
"""

import zlib

import numpy as np

from . import __version__, architecture, onnx_file, ordinary
from .errors import Error


def write(name, path, seed=1, **sizes):
    """Writes the ONNX file `path` with random but ordinary parameters and returns the architecture.Network whose layers
    it has. `sizes`: those of architecture.build (classes, in_channels, width, image)."""
    network = architecture.build(name, 2, quantized_downsample=False, **sizes)
    nodes = OnnxNodes(name)
    Walk(network, seed, nodes).run()
    try:
        nodes.graph.write(path)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None
    return network


class OnnxNodes:
    """The nodes of a network as ONNX. Every method emits one and returns its name; `x` is the name of a node before it."""

    def __init__(self, name):
        self.graph = onnx_file.Graph(name, __version__)

    def input(self, network):
        return self.graph.input("input", ["N", network.stem.inputs, network.image, network.image])

    def conv(self, conv, x, weight, bias, activation, values):
        """`activation` is None, 0 (ReLU) or 6 (ReLU6) and follows at once; `values` are what arrives here (NHWC)."""
        graph = self.graph
        inputs = [x, graph.constant(f"{conv.name}.weight", weight), graph.constant(f"{conv.name}.bias", bias)]
        name = graph.node("Conv", conv.name, inputs, kernel_shape=[conv.kernel] * 2, strides=[conv.stride] * 2,
                          pads=[conv.kernel // 2] * 4, group=conv.groups)
        return name if activation is None else self.activation(f"{conv.name}.relu", name, activation)

    def activation(self, name, x, activation):
        if activation == 0:
            return self.graph.node("Relu", name, [x])
        bounds = [self.graph.constant(f"{name}.{key}", np.float32(value)) for key, value in (("min", 0), ("max", 6))]
        return self.graph.node("Clip", name, [x, *bounds])

    def add(self, name, x, y):
        return self.graph.node("Add", name, [x, y])

    def max_pool(self, name, x):
        return self.graph.node("MaxPool", name, [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)

    def head(self, network, x, weight, bias, values):
        """Mean over the image and the fully connected layer."""
        graph = self.graph
        flat = graph.node("Flatten", "flatten", [graph.node("GlobalAveragePool", "avgpool", [x])], axis=1)
        parameters = [graph.constant("fc.weight", weight), graph.constant("fc.bias", bias)]
        graph.node("Gemm", "fc", [flat, *parameters], output="output", transB=1)
        graph.output("output", ["N", network.classes])


def activate(values, activation):
    if activation is None:
        return values
    return np.clip(values, 0, 6) if activation else np.maximum(values, 0)


class Walk:
    """Draws parameters, computes each layer on a few images and hands it to `nodes` (OnnxNodes, or another format's).
    A value is (what `nodes` returned for it, array NHWC)."""

    def __init__(self, network, seed, nodes):
        self.network, self.seed, self.nodes = network, seed, nodes
        self.activation = 6 if network.head else 0

    def run(self):
        network, nodes = self.network, self.nodes
        size = min(network.image, 64)
        images = ordinary.images(8, network.stem.inputs, size, self.seed).transpose(0, 2, 3, 1)
        x = self.conv(network.stem, (nodes.input(network), images), self.activation)
        if network.max_pool:
            x = self.max_pool(x)
        for block in network.blocks:
            x = self.block(block, x)
        if network.head:
            x = self.conv(network.head.conv, x, self.activation)
        rng = self.rng("fc")
        weight = rng.normal(0, 1 / np.sqrt(network.features), (network.classes, network.features))
        bias = rng.normal(0, 0.1, network.classes)
        nodes.head(network, x[0], weight.astype(np.float32), bias.astype(np.float32), x[1].mean((1, 2)))

    def rng(self, name):
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def block(self, block, x):
        y = x
        for i, stage in enumerate(block.stages):
            y = self.conv(stage.conv, y, self.activation if i + 1 < len(block.stages) else None)
        if not block.skip:
            return y
        shortcut = self.conv(block.downsample.conv, x, None) if block.downsample else x
        total = self.nodes.add(f"{block.name}.add", y[0], shortcut[0]), y[1] + shortcut[1]
        if self.network.head:  # a MobileNetV2
            return total
        return self.nodes.activation(f"{block.name}.relu", total[0], 0), np.maximum(total[1], 0)

    def conv(self, conv, x, activation):
        """A convolution whose outputs have, on the images, a mean near 0 and a deviation near 1 in every channel."""
        rng = self.rng(conv.name)
        weight = rng.normal(0, np.sqrt(2 / np.prod(conv.shape[1:])), conv.shape)
        y = ordinary.convolve(x[1], weight.astype(np.float32), conv)
        mean, var = y.mean((0, 1, 2), dtype=np.float64), y.var((0, 1, 2), dtype=np.float64)
        samples = y[..., 0].size
        var = (var * samples + var.mean() * 16) / (samples + 16) + 1e-6  # few samples: lean on the other channels
        scale = np.maximum(0.2, rng.normal(1, 0.25, conv.outputs)) / np.sqrt(var)
        bias = (rng.normal(0, 0.3, conv.outputs) - mean * scale).astype(np.float32)
        weight = (weight * scale[:, None, None, None]).astype(np.float32)
        name = self.nodes.conv(conv, x[0], weight, bias, activation, x[1])
        return name, activate(y * scale.astype(np.float32) + bias, activation)

    def max_pool(self, x):
        padded = np.pad(x[1], ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        y = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))
        return self.nodes.max_pool("maxpool", x[0]), y
