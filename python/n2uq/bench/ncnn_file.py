# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A float network as the two files that ncnn reads, in float32 or in ncnn's int8 form.

In that form a layer has int8 weights with a scale for each output channel (127 / the largest magnitude) and a scale for
what comes in (the same, of calibration images). Where a convolution's result goes to one other convolution only, it hands
over int8 (`int8_scale_term` above 100), as ncnn's own quantization tool arranges it; elsewhere float32.
"""

import dataclasses

import numpy as np

from .. import float_network

_INT8_WEIGHTS = 0x000D4B38  # the mark before an array of int8


@dataclasses.dataclass
class Layer:
    kind: str
    name: str
    inputs: list  # of layers' names
    params: dict
    weight: np.ndarray = None
    bias: np.ndarray = None
    largest_input: float = 0.0

    @property
    def is_conv(self):
        return self.kind.startswith("Convolution")


class NcnnNodes:
    """Collects layers; see float_network.OnnxNodes for the methods."""

    def __init__(self, int8):
        self.int8, self.layers = int8, []

    def emit(self, kind, name, inputs, params, **parameters):
        self.layers.append(Layer(kind, name, inputs, params, **parameters))
        return name

    def input(self, network):
        return self.emit("Input", "input", [], {0: network.image, 1: network.image, 2: network.stem.inputs})

    def conv(self, conv, x, weight, bias, activation, values):
        params = {0: conv.outputs, 1: conv.kernel, 3: conv.stride, 4: conv.kernel // 2, 5: 1, 6: weight.size}
        if conv.groups > 1:
            params[7] = conv.groups
        if activation is not None:
            params[9] = 3 if activation else 1
            if activation:
                params[-23310] = "2,0.0,6.0"
        kind = "ConvolutionDepthWise" if conv.groups > 1 else "Convolution"
        return self.emit(kind, conv.name, [x], params, weight=weight, bias=bias, largest_input=np.abs(values).max())

    def activation(self, name, x, activation):
        return self.emit("ReLU", name, [x], {}) if activation == 0 else self.emit("Clip", name, [x], {0: 0.0, 1: 6.0})

    def add(self, name, x, y):
        return self.emit("BinaryOp", name, [x, y], {0: 0})

    def max_pool(self, name, x):
        return self.emit("Pooling", name, [x], {0: 0, 1: 3, 2: 2, 3: 1, 5: 1})

    def head(self, network, x, weight, bias, values):
        pooled = self.emit("Pooling", "avgpool", [x], {0: 1, 4: 1})
        self.emit("InnerProduct", "output", [pooled], {0: network.classes, 1: 1, 2: weight.size}, weight=weight, bias=bias,
                  largest_input=np.abs(values).max())

    def files(self):
        """(param text, bin bytes)."""
        readers = {layer.name: [] for layer in self.layers}
        for layer in self.layers:
            for name in layer.inputs:
                readers[name].append(layer)
        lines, blobs, data, handed_out = [], 0, bytearray(), {layer.name: 0 for layer in self.layers}

        def blob(name):
            """The name of a reader's own copy."""
            if len(readers[name]) == 1:
                return name
            handed_out[name] += 1
            return f"{name}_{handed_out[name] - 1}"

        for layer in self.layers:
            inputs = [blob(name) for name in layer.inputs]
            params = dict(layer.params)
            if layer.weight is not None:
                then = readers[layer.name]
                data += self.parameters(layer, params, then[0] if len(then) == 1 and then[0].is_conv else None)
            text = " ".join(f"{key}={value}" for key, value in params.items())
            lines.append(" ".join([layer.kind, layer.name, str(len(inputs)), "1", *inputs, layer.name, text]).rstrip())
            blobs += 1
            count = len(readers[layer.name])
            if count > 1:
                copies = [f"{layer.name}_{i}" for i in range(count)]
                lines.append(" ".join(["Split", f"{layer.name}_split", "1", str(count), layer.name, *copies]))
                blobs += count
        return "\n".join(["7767517", f"{len(lines)} {blobs}", *lines, ""]), bytes(data)

    def parameters(self, layer, params, next_conv):
        """A layer's part of the bin file; writes its int8 form into `params`."""
        bias = layer.bias.astype("<f4").tobytes()
        if not self.int8:
            return np.uint32(0).tobytes() + layer.weight.astype("<f4").tobytes() + bias
        rows = layer.weight.reshape(len(layer.weight), -1)
        scales = (127 / np.maximum(np.abs(rows).max(1), 1e-8)).astype(np.float32)
        quantized = np.clip(np.rint(rows * scales[:, None]), -127, 127).astype(np.int8).tobytes()
        quantized += bytes(-len(quantized) % 4)
        ends = [scales, np.float32([_input_scale(layer)])]
        term = 1 if layer.kind == "ConvolutionDepthWise" else 2
        if layer.is_conv and next_conv:
            term += 100
            ends.append(np.float32([_input_scale(next_conv)]))
        params[8] = term
        return np.uint32(_INT8_WEIGHTS).tobytes() + quantized + bias + b"".join(e.astype("<f4").tobytes() for e in ends)


def _input_scale(layer):
    return 127 / max(float(layer.largest_input), 1e-8)


def write(network, int8, param, data, seed=1):
    """Writes the two files of the network that float_network.write() draws from the same seed."""
    nodes = NcnnNodes(int8)
    float_network.Walk(network, seed, nodes).run()
    text, binary = nodes.files()
    param.write_text(text)
    data.write_bytes(binary)
