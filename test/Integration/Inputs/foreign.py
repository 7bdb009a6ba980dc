# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Foreign low-bit networks against an executor that is not ours.

    foreign.py SCRATCH TARGET_CPU [CASE…]

Each case is an ONNX graph of random parameters. The qonnx package executes it (its own numpy code for quantizers, ONNX Runtime
for the rest); ours is imported, interpreted by the reference and compiled. Compared are

* the reference with the executor: equal, or within the tolerance that the case names (floats that are summed in another order);
* the compiled model with the reference: equal bit for bit, codes behind every quantizer included;
* what export makes of the import: qonnx executes it with the same result, and it imports to the same ops.

Steps are powers of two and parameters multiples of small ones wherever a case asks for equality, so that every executor's floats
are exact and quantizers sit on ties as often as elsewhere. Prints `N networks agree`.
"""
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"
BATCH = 3


class Graph:
    """An ONNX graph node by node; methods return the name of their result."""

    def __init__(self, seed, shape, opset=13):
        self.rng = np.random.default_rng(seed)
        self.shape, self.opset = [BATCH, *shape], opset
        self.nodes, self.initializers = [], []

    def constant(self, array, dtype=np.float32):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def small_integers(self, array, element_type):
        """Integers of an element type that numpy does not have."""
        name = f"c{len(self.initializers)}"
        array = np.asarray(array)
        self.initializers.append(helper.make_tensor(name, element_type, array.shape, array.reshape(-1).tolist()))
        return name

    def node(self, op, *inputs, domain="", outputs=1, **attributes):
        names = [f"t{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(outputs)]
        inputs = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op.lower()}{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def quant(self, x, scale, bits, zero=0.0, signed=1, narrow=0, rounding="ROUND"):
        return self.node("Quant", x, scale, zero, float(bits), domain=QONNX, signed=signed, narrow=narrow,
                         rounding_mode=rounding)

    def bipolar(self, x, scale=1.0):
        return self.node("BipolarQuant", x, scale, domain=QONNX)

    def threshold(self, x, thresholds, scale=1.0, bias=0.0, dtype="UINT8", layout="NCHW"):
        return self.node("MultiThreshold", x, np.asarray(thresholds, np.float32), domain=QONNX, out_dtype=dtype,
                         out_scale=float(scale), out_bias=float(bias), data_layout=layout)

    def grid(self, shape, step, spread):
        """Random multiples of `step` up to `spread` of them."""
        return (self.rng.integers(-spread, spread + 1, shape) * step).astype(np.float32)

    def weights(self, shape, bits, step=1.0, **options):
        """Random weights behind a Quant, some of which it clamps."""
        w = self.rng.normal(0, 2.0 ** max(bits - 2, 0), shape).astype(np.float32)
        return self.bipolar(w, step) if bits == 1 else self.quant(w * np.float32(np.max(step)), step, bits, **options)

    def batch_norm(self, x, channels):
        """gamma / sqrt(var + eps) is a power of two, of either sign; the offset a multiple of an eighth."""
        gamma = self.rng.choice([-0.5, 0.25, 0.5, 1.0], channels)
        return self.node("BatchNormalization", x, gamma, self.grid(channels, 0.125, 16), self.grid(channels, 0.25, 8),
                         np.full(channels, 1.0 - 2.0**-10), epsilon=2.0**-10)

    def input(self):
        return "input"

    def images(self):
        """Multiples of a quarter, which quantizers of these steps meet on their ties."""
        return self.grid(self.shape, 0.25, 24)

    def model(self, output, shape):
        graph = helper.make_graph(self.nodes, "main", [helper.make_tensor_value_info("input", TensorProto.FLOAT, self.shape)],
                                  [helper.make_tensor_value_info("output", TensorProto.FLOAT, [BATCH, *shape])],
                                  self.initializers)
        graph.node.append(helper.make_node("Identity", [output], ["output"], "end"))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)],
                                 ir_version=10)


# ---------------------------------------------------------------------------------------------------------------------
# One quantizer and one convolution of each kind
# ---------------------------------------------------------------------------------------------------------------------

def conv_behind(g, codes, channels, weight_bits=2, outputs=7, padding=1, groups=1, **options):
    """A padded convolution behind a quantizer and another quantizer behind it, as one row."""
    w = g.weights((outputs, channels // groups, 3, 3), weight_bits, **options)
    x = g.node("Conv", codes, w, pads=[padding] * 4, group=groups)
    x = g.batch_norm(x, outputs)
    x = g.quant(x, 1.0, 4, signed=0)
    return g.node("Flatten", x)


def quant_case(seed, bits, **options):
    g = Graph(seed, (5, 6, 6))
    x = g.quant(g.input(), options.pop("scale", 0.5), bits, **options)
    return g, conv_behind(g, x, 5), [7 * 36]


def rounding_case(mode):
    return lambda: quant_case(1, 3, rounding=mode)


def per_channel_depthwise():
    g = Graph(2, (6, 5, 5))
    scale = (2.0 ** g.rng.integers(-2, 2, 6)).reshape(1, 6, 1, 1)
    x = g.quant(g.input(), scale, 4)
    return g, conv_behind(g, x, 6, outputs=12, groups=6), [12 * 25]


def per_channel_full():
    g = Graph(3, (6, 5, 5))
    scale = (2.0 ** g.rng.integers(-2, 2, 6)).reshape(1, 6, 1, 1)
    x = g.quant(g.input(), scale, 4)
    return g, conv_behind(g, x, 6), [7 * 25]


def per_channel_weights():
    g = Graph(4, (4, 6, 6))
    x = g.quant(g.input(), 0.5, 4)
    step = (2.0 ** g.rng.integers(-3, 1, 7)).reshape(7, 1, 1, 1)
    return g, conv_behind(g, x, 4, weight_bits=3, step=step, narrow=1), [7 * 36]


def wide(activation_bits, weight_bits, signed):
    g = Graph(5 + activation_bits, (9, 7, 7))
    x = g.quant(g.input(), 0.25, activation_bits, signed=signed)
    w = g.weights((6, 9, 3, 3), weight_bits, step=0.25)
    x = g.node("Conv", x, w, pads=[1, 1, 1, 1], strides=[2, 2])
    x = g.quant(g.batch_norm(x, 6), 4.0, 8)
    return g, g.node("Flatten", x), [6 * 16]


def half_weights(bits):
    """The learned network's own weights: a zero point between two levels."""
    g = Graph(6, (4, 6, 6))
    x = g.quant(g.input(), 0.5, 2, signed=0)
    return g, conv_behind(g, x, 4, weight_bits=bits, signed=0, zero=(2.0**bits - 1) / 2), [7 * 36]


def bipolar_codes():
    g = Graph(7, (4, 6, 6))
    return g, conv_behind(g, g.bipolar(g.input()), 4, weight_bits=1), [7 * 36]


def threshold_case(rows, count, scale, bias, dtype="INT4", layout="NCHW"):
    g = Graph(8 + rows, (5, 6, 6))
    thresholds = g.grid((rows, count), 0.25, 16)  # unsorted, with duplicates
    x = g.input()
    if layout == "NHWC":
        x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = g.threshold(x, thresholds, scale, bias, dtype, layout)
    if layout == "NHWC":
        x = g.node("Transpose", x, perm=[0, 3, 1, 2])
    return g, conv_behind(g, x, 5), [7 * 36]


def scales_between():
    """A quantizer of integers whose scale and zero point stand as nodes of their own, in front and behind."""
    g = Graph(9, (5, 6, 6))
    x = g.node("Mul", g.input(), [2.0])
    x = g.node("Add", x, g.grid((1, 5, 1, 1), 0.25, 8))
    x = g.threshold(x, [np.arange(15) - 7.0])
    x = g.node("Sub", x, [8.0])
    x = g.node("Mul", x, [0.25])
    w = g.weights((7, 5, 3, 3), 3)
    x = g.node("Conv", x, w, pads=[1, 0, 1, 2])
    x = g.node("Mul", x, g.rng.choice([-0.5, 0.25, 2.0], (1, 7, 1, 1)))
    x = g.node("Add", x, g.grid((1, 7, 1, 1), 0.125, 9))
    x = g.batch_norm(x, 7)
    x = g.node("Div", x, [4.0])
    return g, g.node("Flatten", g.quant(x, 0.5, 3)), [7 * 36]


# ---------------------------------------------------------------------------------------------------------------------
# QuantizeLinear, Clip, DequantizeLinear
# ---------------------------------------------------------------------------------------------------------------------

def qcdq(element_type, low=None, high=None, zero=0, opset=21, clip_type=np.int8):
    g = Graph(10 + element_type, (4, 6, 6), opset)

    def pair(x, scale, zero, axis=None):
        attributes = {} if axis is None else {"axis": axis}
        zeros = g.small_integers(zero, element_type)
        x = g.node("QuantizeLinear", x, scale, zeros, **attributes)
        if low is not None:
            x = g.node("Clip", x, g.constant(low, clip_type), g.constant(high, clip_type))
        return g.node("DequantizeLinear", x, scale, zeros, **attributes)

    x = pair(g.input(), 0.5, zero)
    # Weights as floats behind a pair, per output; a second convolution has them as integers.
    w = pair(g.grid((6, 4, 3, 3), 0.125, 40), 2.0 ** g.rng.integers(-3, 0, 6), np.zeros(6, int), 0)
    x = g.node("Conv", x, w, g.grid(6, 0.25, 8), pads=[1, 1, 1, 1])
    x = pair(g.node("Relu", g.batch_norm(x, 6)), 1.0, zero)
    levels = [low if low is not None else -2, high if high is not None else 1] if zero == 0 else [zero - 1, zero + 1]
    integers = g.rng.integers(max(levels[0], 0 if element_type in UNSIGNED else levels[0]), levels[1] + 1, (5, 6, 1, 1))
    w = g.node("DequantizeLinear", g.small_integers(integers, element_type), np.full(5, 0.25),
               g.small_integers(np.full(5, zero), element_type), axis=0)
    bias = g.node("DequantizeLinear", g.constant(g.rng.integers(-99, 99, 5), np.int32), 0.125)
    x = g.node("Conv", x, w, bias)
    # Unsigned weights make large sums.
    return g, g.node("Flatten", pair(x, 8.0 if element_type in UNSIGNED else 0.25, zero)), [5 * 36]


UNSIGNED = (TensorProto.UINT8, TensorProto.UINT4)


# ---------------------------------------------------------------------------------------------------------------------
# Layers between
# ---------------------------------------------------------------------------------------------------------------------

def shuffle():
    """ShuffleNet's unit: split, a branch of its own, concat, shuffle."""
    g = Graph(20, (8, 6, 6))
    x = g.quant(g.input(), 0.5, 4)
    left, right = g.node("Split", x, g.constant([4, 4], np.int64), axis=1, outputs=2)
    w = g.weights((4, 4, 1, 1), 3)
    right = g.quant(g.node("Conv", right, w), 0.5, 4)
    x = g.node("Concat", left, right, axis=1)
    x = g.node("Reshape", x, g.constant([BATCH, 2, 4, 6, 6], np.int64))
    x = g.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = g.node("Reshape", x, g.constant([BATCH, 8, 6, 6], np.int64))
    return g, conv_behind(g, x, 8), [7 * 36]


def upsample():
    """U-Net's way up: pool, nearest neighbour, crop, concat; a padded average pool."""
    g = Graph(21, (4, 8, 8))
    x = g.quant(g.input(), 0.5, 4)
    down = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    down = g.quant(g.node("Conv", down, g.weights((4, 4, 3, 3), 2), pads=[1, 1, 1, 1]), 2.0, 4)
    up = g.node("Resize", down, "", g.constant([1, 1, 2, 2]), mode="nearest", coordinate_transformation_mode="asymmetric",
                nearest_mode="floor")
    up = g.node("Pad", up, g.constant([0, 0, 1, 0, 0, 0, 0, 1], np.int64), g.constant(0.0), mode="constant")
    up = g.node("Slice", up, g.constant([1, 1], np.int64), g.constant([9, 9], np.int64), g.constant([2, 3], np.int64))
    x = g.node("Concat", x, up, axis=1)
    x = g.node("Conv", x, g.weights((6, 8, 3, 3), 2), pads=[1, 1, 1, 1])
    x = g.node("AveragePool", x, kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    x = g.node("Gather", x, g.constant([5, 0, 3], np.int64), axis=1)
    return g, g.node("Flatten", g.quant(x, 0.25, 6)), [3 * 16]


def rectifiers():
    g = Graph(22, (6, 6, 6))
    x = g.quant(g.input(), 0.5, 4)
    x = g.node("Conv", x, g.weights((6, 6, 3, 3), 2), pads=[1, 1, 1, 1])
    x = g.node("LeakyRelu", x, alpha=0.125)
    x = g.node("PRelu", x, g.rng.choice([-0.5, 0.25, 2.0], (6, 1, 1)))
    x = g.quant(g.node("Clip", x, g.constant(-6.0), g.constant(6.0)), 1.0, 4)
    x = g.node("Conv", x, g.weights((6, 6, 1, 1), 2))
    x = g.quant(g.node("Clip", x, g.constant(0.0), g.constant(6.0)), 1.0, 2, signed=0)
    x = g.node("Conv", x, g.weights((6, 6, 1, 1), 2))
    x = g.node("GlobalAveragePool", g.node("Clip", x, g.constant(-1.0), g.constant(1.0)))
    return g, g.node("Sigmoid", g.node("Flatten", x)), [6]


def arithmetic():
    """What meets element by element beside sums: upstream's ops in our network."""
    g = Graph(25, (6, 6, 6))
    x = g.quant(g.input(), 0.5, 4)
    x = g.node("Conv", x, g.weights((6, 6, 3, 3), 2), pads=[1, 1, 1, 1])
    y = g.node("Relu", x)
    x = g.node("Sub", g.node("Mul", x, y), g.node("Div", y, [3.0]))
    x = g.node("Div", x, g.rng.integers(1, 9, (1, 6, 1, 1)) + 0.25)
    x = g.node("Min", g.node("Max", x, y), g.node("Neg", g.node("Abs", x)))
    x = g.node("Sqrt", g.node("Max", g.node("Abs", x), g.constant(0.5)))
    x = g.node("Flatten", g.node("Div", [5.0], x))
    return g, g.node("Div", x, [7.0]), [6 * 36]


def inner_means():
    """Pools that leave padding out of their means, the last window's rest with it."""
    g = Graph(26, (5, 7, 7))
    x = g.quant(g.input(), 0.5, 4)
    x = g.node("Conv", x, g.weights((5, 5, 3, 3), 2))
    x = g.node("AveragePool", x, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    x = g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    return g, g.quant(x, 0.5, 4), [5, 3, 3]


def residual():
    """W2A2 with shortcuts: one quantizer before both branches' sum, as Brevitas makes it."""
    g = Graph(23, (3, 10, 10))
    x = g.node("Conv", g.input(), g.grid((8, 3, 3, 3), 0.25, 4), g.grid(8, 0.25, 4), pads=[1, 1, 1, 1])
    x = g.quant(g.node("Relu", g.batch_norm(x, 8)), 2.0, 2, signed=0)
    for stride in (1, 2):
        y = g.node("Conv", x, g.weights((8, 8, 3, 3), 2, narrow=1), pads=[1, 1, 1, 1], strides=[stride, stride])
        y = g.quant(g.node("Relu", g.batch_norm(y, 8)), 1.0, 2, signed=0)
        y = g.quant(g.batch_norm(g.node("Conv", y, g.weights((8, 8, 3, 3), 2, narrow=1), pads=[1, 1, 1, 1]), 8), 0.5, 4)
        if stride == 2:
            x = g.node("Conv", x, g.weights((8, 8, 1, 1), 2), strides=[2, 2])
        x = g.quant(g.node("Relu", g.node("Add", x, y)), 1.0, 2, signed=0)
    x = g.node("Flatten", g.node("AveragePool", x, kernel_shape=[4, 4]))
    return g, g.node("Gemm", x, g.weights((10, 32), 4, step=0.5), g.grid(10, 0.5, 9), transB=1), [10]


def depthwise():
    """W4A4 depthwise separable."""
    g = Graph(24, (3, 8, 8))
    x = g.quant(g.input(), 0.5, 8)
    x = g.node("Conv", x, g.weights((16, 3, 3, 3), 8, step=0.125), pads=[1, 1, 1, 1])
    for outputs in (16, 24):
        x = g.quant(g.node("Clip", g.batch_norm(x, 16), g.constant(0.0), g.constant(6.0)), 0.5, 4, signed=0)
        x = g.node("Conv", x, g.weights((16, 1, 3, 3), 4), pads=[1, 1, 1, 1], group=16)
        x = g.quant(g.node("Relu", g.batch_norm(x, 16)), 1.0, 4, signed=0)
        x = g.node("Conv", x, g.weights((outputs, 16, 1, 1), 4))
    x = g.node("ReduceMean", g.quant(x, 4.0, 4), axes=[2, 3], keepdims=0)
    x = g.node("MatMul", x, g.node("Transpose", g.weights((5, 24), 4, step=0.25), perm=[1, 0]))
    return g, x, [5]


# ---------------------------------------------------------------------------------------------------------------------
# The small networks of QONNX's zoo, in shape
# ---------------------------------------------------------------------------------------------------------------------

def dense(g, x, widths, weight_bits, activation, last_bits=None):
    """Fully connected layers as Brevitas exports them: weights behind Quant and Transpose, MatMul, batch norm, quantizer."""
    for inputs, outputs in zip(widths, widths[1:]):
        bits = last_bits if last_bits and outputs == widths[-1] else weight_bits
        w = g.node("Transpose", g.weights((outputs, inputs), bits, narrow=1) if bits > 1 else
                   g.weights((outputs, inputs), 1), perm=[1, 0])
        x = g.batch_norm(g.node("MatMul", x, w), outputs)
        if outputs != widths[-1]:
            x = activation(x)
    return x


def tfc(weight_bits, activation_bits):
    g = Graph(30 + weight_bits + activation_bits, (1, 28, 28))
    def activation(x):
        return g.bipolar(x) if activation_bits == 1 else g.quant(x, 1.0, activation_bits, narrow=1)
    x = g.node("Sub", g.node("Mul", g.input(), [0.5]), [1.0])
    x = activation(g.node("Reshape", x, g.constant([BATCH, 784], np.int64)))
    return g, dense(g, x, (784, 64, 64, 64, 10), weight_bits, activation), [10]


def kws():
    g = Graph(40, (490,))
    x = g.quant(g.input(), 0.25, 8)
    return g, dense(g, x, (490, 256, 256, 256, 12), 3, lambda x: g.quant(g.node("Relu", x), 1.0, 3, signed=0)), [12]


def unsw():
    g = Graph(41, (593,))
    x = dense(g, g.bipolar(g.input()), (593, 64, 64, 64, 1), 2, lambda x: g.quant(g.node("Relu", x), 1.0, 2, signed=0))
    return g, g.node("Add", x, g.bipolar(x)), [1]


def jet_tagging():
    g = Graph(42, (16,))
    x = g.node("Gemm", g.input(), g.weights((64, 16), 4, step=0.25), g.quant(g.grid(64, 0.25, 9), 0.25, 8), transB=1)
    x = g.quant(g.node("Relu", g.batch_norm(x, 64)), 0.5, 4, signed=0)
    x = dense(g, x, (64, 32, 32, 5), 4, lambda x: g.quant(g.node("Relu", x), 1.0, 4, signed=0), 6)
    return g, x, [5]


CASES = {
    **{f"rounding {mode}": rounding_case(mode) for mode in ("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")},
    **{f"signed {bits} bits": (lambda bits: lambda: quant_case(50 + bits, bits))(bits) for bits in (1, 2, 5, 8)},
    "unsigned narrow": lambda: quant_case(60, 3, signed=0, narrow=1),
    "signed narrow": lambda: quant_case(61, 3, narrow=1),
    "zero point": lambda: quant_case(62, 4, signed=0, zero=5.0),
    "half zero point": lambda: quant_case(63, 3, signed=0, zero=3.5),
    "no pad code": lambda: quant_case(64, 3, signed=0, zero=20.0),
    "scale channels, depthwise": per_channel_depthwise,
    "scale channels": per_channel_full,
    "scale outputs": per_channel_weights,
    "W8A8 signed": lambda: wide(8, 8, 1),
    "W6A7": lambda: wide(7, 6, 0),
    "W2A5": lambda: wide(5, 2, 1),
    "half weights 2": lambda: half_weights(2),
    "half weights 8": lambda: half_weights(8),
    "W1A1": bipolar_codes,
    "thresholds, bias -8": lambda: threshold_case(1, 15, 1.0, -8.0),
    "thresholds, bias -7/2": lambda: threshold_case(5, 14, 0.5, -3.5),
    "thresholds, bipolar": lambda: threshold_case(1, 1, 2.0, -1.0, "BIPOLAR"),
    "thresholds, bias between levels": lambda: threshold_case(5, 3, 1.0, 0.25),
    "thresholds, channels last": lambda: threshold_case(5, 7, 1.0, 0.0, "UINT4", "NHWC"),
    "scales between": scales_between,
    "QCDQ int8 as 4 bits": lambda: qcdq(TensorProto.INT8, -7, 7),
    "QCDQ uint8 as 3 bits": lambda: qcdq(TensorProto.UINT8, 0, 7, clip_type=np.uint8),
    "QDQ int8": lambda: qcdq(TensorProto.INT8),
    "QDQ uint8, zero 100": lambda: qcdq(TensorProto.UINT8, zero=100),
    "QDQ INT4": lambda: qcdq(TensorProto.INT4),
    "QDQ UINT4, zero 3": lambda: qcdq(TensorProto.UINT4, zero=3),
    "shuffle": shuffle,
    "upsample": upsample,
    "rectifiers": rectifiers,
    "arithmetic": arithmetic,
    "means without padding": inner_means,
    "W2A2 residual": residual,
    "W4A4 depthwise": depthwise,
    "TFC 1W1A": lambda: tfc(1, 1),
    "TFC 1W2A": lambda: tfc(1, 2),
    "TFC 2W2A": lambda: tfc(2, 2),
    "KWS W3A3": kws,
    "UNSW-NB15 W2A2": unsw,
    "jet tagging": jet_tagging,
}
#: Largest difference from qonnx in units of the last place of the largest number; 0 where it is not named.
TOLERANCE = {"rectifiers": 4}
#: Where floats are made of codes at one place by the import and at another by that of the export: the same ops in another order.
REORDERED = {"upsample", "means without padding"}


def run(*command):
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{result.stdout}")
    return result.stdout


def execute(model, images):
    if all(node.domain in ("", "ai.onnx") for node in model.graph.node):
        # qonnx hands arrays from node to node, which have no type of 4 bits.
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(["output"], {"input": images})[0]
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes
    # qonnx wants to know the batch.
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_value = len(images)
    return execute_onnx(ModelWrapper(model).transform(InferShapes()), {"input": images})["output"]


def interpret(model, images, scratch):
    np.save(scratch / "input.npy", images)
    run("n2uq-translate", "--interpret", model, f"--input=input={scratch / 'input.npy'}", f"--output-dir={scratch}")
    return np.load(scratch / "output.npy")


def difference(ours, theirs):
    """In units of the last place of the largest number."""
    if ours.shape != theirs.shape:
        return f"shapes {ours.shape} and {theirs.shape}"
    unit = np.spacing(np.float32(np.abs(theirs).max()))
    return float(np.abs(ours.astype(np.float64) - theirs).max() / unit)


def compare(expected, images, scratch, cpu, tolerance, reordered=False):
    """What is wrong with our scratch/model.onnx; None where nothing is. Nothing is compiled where `cpu` is None."""
    if np.ptp(expected) == 0:
        return "says nothing: all outputs are the same"
    notes = run("n2uq-translate", "--import-onnx", scratch / "model.onnx", "-o", scratch / "model.mlir")
    # An image comes as a row of its elements.
    expected = expected.reshape(len(expected), -1)
    apart = difference(interpret(scratch / "model.mlir", images, scratch), expected)
    if isinstance(apart, str) or apart > tolerance:
        return f"differs from the executor: {apart}\n{notes}"
    if cpu:
        run("n2uq-compile", scratch / "model.mlir", "-o", scratch / "model.so", f"--target-cpu={cpu}", "--keep-codes", "-O1")
        run("n2uq-diff", scratch / "model.mlir", scratch / "model.so", f"--input=input={scratch / 'input.npy'}")
    run("n2uq-translate", "--export-onnx", scratch / "model.mlir", "-o", scratch / "again.onnx")
    run("n2uq-translate", "--import-onnx", scratch / "again.onnx", "-o", scratch / "again.mlir")
    texts = [run("n2uq-opt", "--canonicalize", "--cse", scratch / name) for name in ("model.mlir", "again.mlir")]
    if texts[0] != texts[1] and not (reordered and texts[0].count("\n") == texts[1].count("\n")):
        return "imports to other ops when exported"
    apart = difference(execute(onnx.load(scratch / "again.onnx"), images), expected)
    return f"differs when exported: {apart}" if isinstance(apart, str) or apart > tolerance else None


def check(label, case, scratch, cpu):
    g, output, shape = case()
    model, images = g.model(output, shape), g.images()
    onnx.save(model, scratch / "model.onnx")
    return compare(execute(model, images), images, scratch, cpu, TOLERANCE.get(label, 0),
                   label in REORDERED)


def main():
    scratch, cpu, labels = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or CASES
    scratch.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    failures = {}
    for label in labels:
        try:
            problem = check(label, CASES[label], scratch, cpu)
        except Exception as error:  # an executor's own complaints are of any kind
            problem = str(error)
        if problem:
            failures[label] = problem
            print(f"{label}: {problem}")
    print(f"{len(labels) - len(failures)} networks agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
