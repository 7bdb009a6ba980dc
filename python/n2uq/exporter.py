# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""export(): a network's parameters as ONNX in QONNX form, every constant rounded to float32 once.

The file holds what the compiled model computes (n2uq-semantics section 4): normalisation as a multiplication and an
addition, thresholds as sums of clamped widths, weights on their grid with the scale that makes them integers.
"""

import os

import numpy as np

from . import __version__, architecture, checkpoint, onnx_file
from .errors import Error

_EPSILON = np.float32(1e-3)  # the least interval width
_BN_EPSILON = 1e-5


def export(source, path, image_size=None):
    """Writes `path` from a torch module, a checkpoint's path, or a state dict (names with arrays); returns the Network.

    `image_size`: height and width of the input where they are not the usual ones (224, 32, or 28 with one channel).
    """
    state = parameters(source)
    network = architecture.recognise(state, image_size)
    graph = Emitter(network, state).graph()
    try:
        graph.write(path)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None
    return network


def parameters(source):
    """{name: numpy array} of whatever export() takes."""
    if isinstance(source, (str, os.PathLike)):
        return checkpoint.state_dict(source)
    if hasattr(source, "state_dict"):
        source = source.state_dict()
    if not isinstance(source, dict):
        raise Error(f"export takes a torch module, a path or a state dict, not a {type(source).__name__}")
    arrays = {key[7:] if key.startswith("module.") else key: value for key, value in source.items()}
    return {key: value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
            for key, value in arrays.items()}


def folded_norm(state, name):
    """(α, β) of a batch normalisation: float64 inside, each rounded to float32 once."""
    weight, bias, mean, var = (state[f"{name}.{key}"].astype(np.float64)
                               for key in ("weight", "bias", "running_mean", "running_var"))
    quotient = weight / np.sqrt(var + _BN_EPSILON)
    return quotient.astype(np.float32), (bias - mean * quotient).astype(np.float32)


def quantized_weight(state, name, bits):
    """(k, s_w): levels k in 0..L, float32, and the float32 scale s_w of the integer 2k - L, one a channel."""
    weight, levels = state[f"{name}.weight"], 2**bits - 1
    mean = np.abs(weight).astype(np.float64).reshape(len(weight), -1).mean(1)
    factor = (mean * (levels / 2**(bits - 1))).astype(np.float32)
    for channel in np.flatnonzero(~(factor > 0)):
        raise Error(f"the filter of output channel {channel} of '{name}' is all zero, so its weights have no scale; "
                    "prune the channel or train again")
    ratio = np.clip(weight / factor.reshape(-1, 1, 1, 1), np.float32(-1), np.float32(1))
    k = np.rint((ratio + np.float32(1)) * np.float32(levels / 2))
    scale = (factor.astype(np.float64) / levels).astype(np.float32)
    if not (scale >= np.finfo(np.float32).tiny).all():
        raise Error(f"the weights of '{name}' are too small for a float32 scale; train it again")
    return k, scale


def ltq_thresholds(state, name):
    """T_1..T_L of a learned quantizer: code = #{i : u > T_i}."""
    half = np.where(state[f"{name}.a"] > _EPSILON, state[f"{name}.a"], _EPSILON) / np.float32(2)
    thresholds = [state[f"{name}.start"][0] + half[0]]
    for before, after in zip(half, half[1:]):
        thresholds.append(thresholds[-1] + (before + after))
    return np.array(thresholds, np.float32)


def pact_thresholds(clip, levels, name):
    """The least float32 x of each code 1..L, found by bisection over the floats with the very chain that defines it."""
    clip, high = np.float32(clip), np.float32(levels)
    with np.errstate(all="ignore"):
        steps = np.float32(1) / clip * high

        def code(bits):
            x = np.array([bits], np.uint32).view(np.float32)
            return np.rint(np.minimum(np.maximum(x, np.float32(0)), clip) * steps)[0]

        top = int(np.array([clip]).view(np.uint32)[0])
        if not (clip > 0 and np.isfinite(steps) and code(top) == levels):
            raise Error(f"entry '{name}.clip_val' is {clip:g}, which gives no {levels} levels; train the network again")
        thresholds = []
        for level in range(1, levels + 1):
            low, found = 0, top  # positive floats are ordered like their bits, and code is monotone
            while low < found:
                middle = (low + found) // 2
                low, found = (low, middle) if code(middle) >= level else (middle + 1, found)
            thresholds.append(found)
    return np.array(thresholds, np.uint32).view(np.float32)


class Emitter:
    """The nodes of a network, in order. Other forms of it override how levels are written: `multi_threshold`, `quantized`."""

    def __init__(self, network, state):
        self.network, self.state = network, state
        self.onnx = onnx_file.Graph(architecture.name_of(network) or "n2uq", __version__)

    def graph(self):
        network, onnx = self.network, self.onnx
        x = onnx.input("input", ("N", network.stem.inputs, network.image, network.image))
        x = self.norm(network.stem_bn, self.conv(network.stem, x))
        x = self.activation(*network.stem_activation, x)
        if network.max_pool:
            x = onnx.node("MaxPool", "maxpool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        for block in network.blocks:
            x = self.block(block, x)
        if network.head:
            x = self.norm(network.head.bn, self.conv(network.head.conv, self.pact(network.head.quantizer, x)))
            x = self.activation("Relu6", "feature.18.relu6", x)
        x = onnx.node("GlobalAveragePool", "avgpool", [x])
        x = onnx.node("Flatten", "flatten", [x], axis=1)
        weights = [onnx.constant(f"fc.{key}", self.state[f"fc.{key}"]) for key in ("weight", "bias")]
        onnx.node("Gemm", "fc", [x, *weights], output="output", alpha=1.0, beta=1.0, transA=0, transB=1)
        onnx.output("output", ("N", network.classes))
        return onnx

    def block(self, block, x):
        y, identity = x, x
        for stage in block.stages:
            y = self.stage(block, stage, y)
        if block.downsample:
            identity = self.stage(block, block.downsample, x)
        if block.skip:
            y = self.onnx.node("Add", f"{block.name}.add", [y, identity])
        if block.last_rprelu is not None:
            y = self.rprelu(block, block.last_rprelu, y)
        return y

    def stage(self, block, stage, x):
        if stage.rprelu is not None:
            x = self.rprelu(block, stage.rprelu, x)
        if stage.quantizer:
            x = self.quantizer(stage.quantizer, x)
        return self.norm(stage.bn, self.conv(stage.conv, x))

    def binary(self, op, name, x, constant):
        return self.onnx.node(op, name, [x, self.onnx.constant(f"{name}.value", constant)])

    def norm(self, name, x):
        scale, offset = (c.reshape(1, -1, 1, 1) for c in folded_norm(self.state, name))
        if not (np.isfinite(scale).all() and np.isfinite(offset).all()):
            raise Error(f"the normalisation '{name}' overflows float32; train the network again")
        return self.binary("Add", f"{name}.offset", self.binary("Mul", f"{name}.scale", x, scale), offset)

    def rprelu(self, block, number, x):
        at = block.name
        x = self.binary("Add", f"{at}.bias{number}1", x, self.state[f"{at}.bias{number}1.bias"])
        slope = self.onnx.constant(f"{at}.prelu{number}.slope",
                                   self.state[f"{at}.prelu{number}.weight"].reshape(-1, 1, 1))
        x = self.onnx.node("PRelu", f"{at}.prelu{number}", [x, slope])
        return self.binary("Add", f"{at}.bias{number}2", x, self.state[f"{at}.bias{number}2.bias"])

    def activation(self, op, name, x):
        if op == "Relu":
            return self.onnx.node("Relu", name, [x])
        low, high = (self.onnx.constant(f"{name}.{k}", np.float32(v)) for k, v in (("min", 0), ("max", 6)))
        return self.onnx.node("Clip", name, [x, low, high])

    def quantizer(self, name, x):
        scale2, levels = self.state[f"{name}.scale2"][0], self.network.levels
        step = np.float32(np.float64(scale2) * 2 / levels)
        thresholds = ltq_thresholds(self.state, name)
        if not (np.isfinite(thresholds).all() and np.isfinite(step)):
            raise Error(f"the quantizer '{name}' overflows float32; train the network again")
        x = self.binary("Mul", f"{name}.scale1", x, self.state[f"{name}.scale1"])
        # `>=` in the file, strict `>` in the network: the next float up makes the two the same.
        return self.multi_threshold(name, x, np.nextafter(thresholds, np.float32(np.inf)), step)

    def pact(self, name, x):
        clip, levels = self.state[f"{name}.clip_val"][0], self.network.levels
        step = np.float32(np.float64(clip) / levels)
        return self.multi_threshold(name, x, pact_thresholds(clip, levels, name), step, nan_code=levels)

    def multi_threshold(self, name, x, thresholds, step, **extra):
        return self.onnx.node("MultiThreshold", name, [x, self.onnx.constant(f"{name}.thresholds", thresholds[None])],
                              onnx_file.QONNX, out_dtype=f"UINT{self.network.bits}", out_scale=float(step), out_bias=0.0,
                              data_layout="NCHW", **extra)

    def conv(self, conv, x):
        weight = self.quantized(conv) if conv.quantized else \
            self.onnx.constant(f"{conv.name}.weight", self.state[f"{conv.name}.weight"])
        k, pad = conv.kernel, conv.kernel // 2
        return self.onnx.node("Conv", conv.name, [x, weight], kernel_shape=[k, k], strides=[conv.stride] * 2,
                              pads=[pad] * 4, group=conv.groups, dilations=[1, 1])

    def quantized(self, conv):
        k, scale = quantized_weight(self.state, conv.name, self.network.bits)
        zero = np.float32(self.network.levels / 2)
        scale = (2 * scale).reshape(-1, 1, 1, 1)
        name = f"{conv.name}.weight_quant"
        inputs = [self.onnx.constant(f"{conv.name}.weight", (k - zero) * scale),
                  self.onnx.constant(f"{name}.scale", scale), self.onnx.constant(f"{name}.zeropt", zero),
                  self.onnx.constant(f"{name}.bitwidth", np.float32(self.network.bits))]
        return self.onnx.node("Quant", name, inputs, onnx_file.QONNX, signed=0, narrow=0, rounding_mode="ROUND")
