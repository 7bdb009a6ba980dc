# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of one convolution, for what is measured kernel by kernel: a quantizer of the input, the convolution with
normalisation and quantizer behind it (one kernel, named "conv"), and a mean over the image, since a network ends in
features."""

import dataclasses
import zlib

import numpy as np

from .. import __version__, onnx_file, runtime
from . import contenders


@dataclasses.dataclass(frozen=True)
class Layer:
    image: int
    channels: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    bits: int = 2
    depthwise: bool = False

    @property
    def name(self):
        kind = "dw" if self.depthwise else ""
        stride = f"s{self.stride}" if self.stride > 1 else ""
        return (f"{self.image}x{self.image}_{self.channels}to{self.outputs}_{self.kernel}x{self.kernel}{kind}{stride}_"
                f"w{self.bits}a{self.bits}")


def write(layer, path):
    """The layer with random odd weights and uneven thresholds, at accumulators as they are in a network."""
    rng = np.random.default_rng(zlib.crc32(layer.name.encode()))
    graph, levels = onnx_file.Graph(layer.name, __version__), 2**layer.bits - 1
    groups = layer.channels if layer.depthwise else 1
    terms = layer.kernel**2 * layer.channels // groups

    def quantizer(name, x, spread):
        thresholds = np.sort(rng.normal(0, spread, (1, levels)), 1).astype(np.float32)
        return graph.node("MultiThreshold", name, [x, graph.constant(f"{name}.thresholds", thresholds)], onnx_file.QONNX,
                          out_dtype=f"UINT{layer.bits}", out_scale=1.0, out_bias=0.0, data_layout="NCHW")

    x = quantizer("quan", graph.input("input", ["N", layer.channels, layer.image, layer.image]), 1.0)
    shape = layer.outputs, layer.channels // groups, layer.kernel, layer.kernel
    weights = graph.constant("conv.weight", (2 * rng.integers(0, levels + 1, shape) - levels).astype(np.float32))
    inputs = [weights, graph.constant("conv.scale", np.full((layer.outputs, 1, 1, 1), 2, np.float32)),
              graph.constant("conv.zeropt", np.float32(levels / 2)), graph.constant("conv.bitwidth", np.float32(layer.bits))]
    quantized = graph.node("Quant", "conv.weight_quant", inputs, onnx_file.QONNX, signed=0, narrow=0, rounding_mode="ROUND")
    x = graph.node("Conv", "conv", [x, quantized], kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2,
                   pads=[layer.kernel // 2] * 4, group=groups, dilations=[1, 1])
    # Codes and weights are both about as wide as `levels`, so a sum of `terms` products is about this wide.
    scale = rng.uniform(0.5, 2, (1, layer.outputs, 1, 1)) / (0.4 * levels * levels * np.sqrt(terms))
    x = graph.node("Mul", "norm.scale", [x, graph.constant("norm.scale.value", scale.astype(np.float32))])
    offset = rng.normal(0, 0.3, (1, layer.outputs, 1, 1)).astype(np.float32)
    x = graph.node("Add", "norm.offset", [x, graph.constant("norm.offset.value", offset)])
    slope = np.abs(rng.normal(0.25, 0.1, (layer.outputs, 1, 1))).astype(np.float32)
    x = graph.node("PRelu", "prelu", [x, graph.constant("prelu.slope", slope)])
    x = quantizer("quan2", x, 0.7)
    graph.node("Flatten", "flatten", [graph.node("GlobalAveragePool", "mean", [x])], output="output", axis=1)
    graph.output("output", ["N", layer.outputs])
    graph.write(path)


def compiled(layer, folder, kernel=None):
    """The compiled library; `kernel` forces a family wherever it may run."""
    model = folder / f"{layer.name}.onnx"
    write(layer, model)
    library = folder / f"{layer.name}{'_' + kernel if kernel else ''}.so"
    return contenders.compiled(model, library, target_cpu="host", **({"kernel": kernel} if kernel else {}))


def conv_of(library):
    """The convolution's kernel, as Model.info describes it."""
    with runtime.Model(library) as model:
        return next(kernel for kernel in model.info["kernels"] if kernel["macs"])
