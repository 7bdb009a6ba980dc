# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of tosa ops against TOSA's own reference model, and with our quantizers in them against numpy.

    tosa.py SCRATCH TARGET_CPU

The reference model (tosa-tools) executes the float networks from the very module that we read, serialized by its tosa-opt. Ours is
converted, interpreted by the reference and compiled; the compiled model equals the reference bit for bit. Numbers are multiples
of small powers of two, so that sums are exact and results equal wherever the case names no tolerance. Prints `N networks agree`.
"""
import importlib.metadata
import pathlib
import sys

import numpy as np

from foreign import difference, interpret, run
from networks import _dense

BATCH = 2


class Module:
    """A module's text, op by op; every method returns the name of its result."""

    def __init__(self, seed, shape):
        self.rng = np.random.default_rng(seed)
        self.lines, self.shapes = [], {"%input": [BATCH, *shape]}
        self.types = {}  # of what is not f32, or not a tensor

    def grid(self, *shape, step=0.25, spread=6):
        return (self.rng.integers(-spread, spread + 1, shape) * step).astype(np.float32)

    def add(self, text, shape):
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        self.shapes[name] = list(shape)
        return name

    def type(self, name):
        return self.types.get(name) or f"tensor<{'x'.join(map(str, self.shapes[name]))}xf32>"

    def constant(self, array):
        text = _dense(np.asarray(array))
        kind = text.rsplit(" : ", 1)[1]
        name = self.add(f'"tosa.const"() <{{values = {text}}}> : () -> {kind}', np.shape(array))
        self.types[name] = kind
        return name

    def extents(self, *numbers):
        kind = f"!tosa.shape<{len(numbers)}>"
        name = self.add(f"tosa.const_shape {{values = dense<{list(numbers)}> : tensor<{len(numbers)}xindex>}} : () -> {kind}",
                        [len(numbers)])
        self.types[name] = kind
        return name

    def op(self, name, operands, shape, attributes="", element="f32"):
        types = ", ".join(map(self.type, operands))
        result = f"tensor<{'x'.join(map(str, shape))}x{element}>"
        value = self.add(f"tosa.{name} {', '.join(operands)}{' {' + attributes + '}' if attributes else ''} : ({types}) -> "
                         f"{result}", shape)
        if element != "f32":
            self.types[value] = result
        return value

    def window(self, image, kernel, pad, stride):
        n, height, width, _ = self.shapes[image]
        return n, (height + pad[0] + pad[1] - kernel[0]) // stride + 1, (width + pad[2] + pad[3] - kernel[1]) // stride + 1

    def conv(self, x, w, bias, pad=(0, 0, 0, 0), stride=1, depthwise=False):
        shape = self.shapes[w]
        kernel, outputs = (shape[:2], shape[2] * shape[3]) if depthwise else (shape[1:3], shape[0])
        zero = self.constant(np.zeros(1, np.float32))
        return self.op("depthwise_conv2d" if depthwise else "conv2d", [x, w, bias, zero, zero],
                       [*self.window(x, kernel, pad, stride), outputs],
                       f"pad = array<i64: {', '.join(map(str, pad))}>, stride = array<i64: {stride}, {stride}>, "
                       "dilation = array<i64: 1, 1>, acc_type = f32")

    def pool(self, x, kind, kernel, pad=(0, 0, 0, 0), stride=1):
        zero = [self.constant(np.zeros(1, np.float32))] * 2 if kind == "avg" else []
        return self.op(f"{kind}_pool2d", [x, *zero], [*self.window(x, (kernel, kernel), pad, stride), self.shapes[x][3]],
                       f"kernel = array<i64: {kernel}, {kernel}>, stride = array<i64: {stride}, {stride}>, "
                       f"pad = array<i64: {', '.join(map(str, pad))}>" + (", acc_type = f32" if kind == "avg" else ""))

    def transpose(self, x, *perms):
        return self.op("transpose", [x], [self.shapes[x][p] for p in perms], f"perms = array<i32: {', '.join(map(str, perms))}>")

    def clamp(self, x, low, high):
        return self.op("clamp", [x], self.shapes[x], f"min_val = {low:.6e} : f32, max_val = {high:.6e} : f32")

    def mul(self, x, y):
        return self.op("mul", [x, y, self.constant(np.zeros(1, np.int8))], self.shapes[x])

    def reshape(self, x, *shape):
        return self.op("reshape", [x, self.extents(*shape)], shape)

    def custom(self, name, operands, shape, attributes=""):
        return self.op("custom", operands, shape,
                       f'domain_name = "n2uq", operator_name = "{name}", implementation_attrs = "{attributes}"')

    def text(self, output):
        body = "\n".join(self.lines)
        return (f"func.func @main(%input: {self.type('%input')}) -> {self.type(output)} {{\n{body}\n"
                f"  return {output} : {self.type(output)}\n}}\n")


def channels_last():
    """As converters of TFLite write it; every move, both pools with padding."""
    m = Module(1, (9, 9, 3))
    x = m.conv("%input", m.constant(m.grid(8, 3, 3, 3)), m.constant(m.grid(8)), (1, 1, 1, 1))
    x = m.clamp(x, 0, 6)
    x = m.pool(x, "max", 3, (1, 1, 1, 1), 2)
    y = m.conv(x, m.constant(m.grid(3, 3, 8, 1)), m.constant(m.grid(8)), (1, 1, 1, 1), depthwise=True)
    x = m.op("add", [x, y], m.shapes[x])
    x = m.pool(x, "avg", 2, (1, 0, 1, 0))
    x = m.op("concat", [x, y], [BATCH, 5, 5, 16], "axis = 3 : i32")
    x = m.op("pad", [x, m.extents(0, 0, 1, 0, 0, 2, 0, 0), m.constant(np.full(1, 0.5, np.float32))], [BATCH, 6, 7, 16])
    x = m.op("slice", [x, m.extents(0, 0, 1, 2), m.extents(BATCH, 4, 4, 9)], [BATCH, 4, 4, 9])
    x = m.op("resize", [x, m.extents(4, 2, 6, 2), m.extents(-1, 0), m.extents(1, 4)], [BATCH, 8, 12, 9],
             "mode = NEAREST_NEIGHBOR")
    x = m.op("maximum", [x, m.constant(np.full((1, 1, 1, 1), -2, np.float32))], m.shapes[x])
    x = m.op("sub", [m.constant(m.grid(1, 1, 1, 9)), x], m.shapes[x])
    x = m.reshape(x, BATCH, 8 * 12 * 9)
    return m, x, 0


def channels_first():
    """As converters of PyTorch write it: transpositions around every layer, a rectifier of four ops, a matrix product."""
    m = Module(2, (3, 8, 8))
    x = m.op("sub", ["%input", m.constant(m.grid(1, 3, 1, 1))], m.shapes["%input"])
    x = m.transpose(x, 0, 2, 3, 1)
    x = m.conv(x, m.constant(m.grid(6, 3, 3, 3)), m.constant(m.grid(6)), (0, 1, 0, 1), 2)
    x = m.transpose(x, 0, 3, 1, 2)
    greater = m.op("greater", [x, m.constant(np.zeros((1, 1, 1, 1), np.float32))], m.shapes[x], element="i1")
    x = m.op("select", [greater, x, m.mul(x, m.constant(m.grid(1, 6, 1, 1)))], m.shapes[x])
    x = m.mul(x, m.op("minimum", [x, m.op("abs", [x], m.shapes[x])], m.shapes[x]))
    x = m.reshape(x, BATCH, 6 * 16)
    x = m.reshape(x, 1, BATCH, 6 * 16)
    zero = m.constant(np.zeros(1, np.float32))
    x = m.op("matmul", [x, m.constant(m.grid(1, 96, 5, spread=2)), zero, zero], [1, BATCH, 5])
    x = m.reshape(x, BATCH, 5)
    x = m.op("add", [x, m.constant(m.grid(1, 5))], m.shapes[x])
    x = m.op("sigmoid", [m.mul(x, m.constant(np.full((1, 1), 2.0**-9, np.float32)))], m.shapes[x])
    return m, x, 4


def reference_model(scratch, images):
    """What TOSA's reference model says to scratch/model.mlir."""
    tools = importlib.metadata.distribution("tosa-tools").locate_file("bin")
    run(tools / "tosa-opt", scratch / "model.mlir", "--tosa-attach-target=specification_version=1.0 profiles=pro_fp",
        "--tosa-serialize", f"--tosa-flatbuffer-filename={scratch / 'model.tosa'}", "-o", scratch / "ignored.mlir")
    np.save(scratch / "tosa-input.npy", images)
    run(tools / "tosa_reference_model", f"--tosa_file={scratch / 'model.tosa'}", "--ifm_name=TosaInput_0",
        f"--ifm_file={scratch / 'tosa-input.npy'}", "--ofm_name=TosaOutput_0", f"--ofm_file={scratch / 'expected.npy'}",
        "--tosa_level=NONE", f"--output_dir={scratch}")
    return np.load(scratch / "expected.npy")


def check_float(build, scratch, cpu):
    m, output, tolerance = build()
    (scratch / "model.mlir").write_text(m.text(output))
    images = m.grid(*m.shapes["%input"])
    expected = reference_model(scratch, images)
    return check(expected, images, scratch, cpu, tolerance)


def check_quantized(scratch, cpu):
    """Codes of signed and per-channel thresholds, depthwise and 1x1 integer convolutions, a pool of codes between them."""
    m = Module(3, (4, 4, 6))
    rows = np.sort(m.grid(6, 3), axis=1)
    depthwise, pointwise = m.rng.integers(-3, 4, (3, 3, 6, 1)), m.rng.integers(-3, 4, (5, 1, 1, 6))
    scale, bias, table = 2.0**m.rng.integers(-3, 1, 5), m.grid(5), np.sort(m.grid(1, 15))
    x = m.custom("quantize", ["%input", m.constant(rows)], m.shapes["%input"], "bits = 2, scale = -0.5")
    w = m.custom("dequantize", [m.constant(depthwise.astype(np.int8)), m.constant(np.full(1, 0.25, np.float32))], [3, 3, 6, 1])
    x = m.conv(x, w, m.constant(np.zeros(6, np.float32)), (1, 1, 1, 1), depthwise=True)
    x = m.custom("quantize", [x, m.constant(table)], m.shapes[x], "bits = 4, scale = 0.125")
    x = m.pool(x, "max", 2, stride=2)
    w = m.custom("dequantize", [m.constant(pointwise.astype(np.int8)), m.constant(scale.astype(np.float32))], [5, 1, 1, 6])
    x = m.conv(x, w, m.constant(bias))
    x = m.reshape(x, BATCH, 20)
    (scratch / "model.mlir").write_text(m.text(x))

    images = m.grid(*m.shapes["%input"])
    y = -0.5 * (images[..., None] >= rows).sum(-1)
    padded = np.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = 0.25 * sum(padded[:, i:i + 4, j:j + 4] * depthwise[i, j, :, 0] for i in range(3) for j in range(3))
    y = 0.125 * (y[..., None] >= table[0]).sum(-1)
    y = y.reshape(BATCH, 2, 2, 2, 2, 6).max((2, 4))
    expected = (y @ pointwise[:, 0, 0].T * scale + bias).reshape(BATCH, 20).astype(np.float32)
    problem = check(expected, images, scratch, cpu, 0)
    converted = run("n2uq-opt", "--convert-tosa-to-n2uq", scratch / "model.mlir")
    return problem or (None if converted.count("n2uq.conv2d") == 2 else "its convolutions are not of integers")


def check(expected, images, scratch, cpu, tolerance):
    if np.ptp(expected) == 0:
        return "says nothing: all outputs are the same"
    apart = difference(interpret(scratch / "model.mlir", images, scratch), expected)
    if isinstance(apart, str) or apart > tolerance:
        return f"differs: {apart}"
    run("n2uq-compile", scratch / "model.mlir", "-o", scratch / "model.so", f"--target-cpu={cpu}", "--keep-codes", "-O1")
    run("n2uq-diff", scratch / "model.mlir", scratch / "model.so", f"--input=input={scratch / 'input.npy'}")
    return None


def main():
    scratch, cpu = pathlib.Path(sys.argv[1]), sys.argv[2]
    scratch.mkdir(parents=True, exist_ok=True)
    problems = {build.__name__: check_float(build, scratch, cpu) for build in (channels_last, channels_first)}
    problems["quantized"] = check_quantized(scratch, cpu)
    for name, problem in problems.items():
        if problem:
            print(f"{name}: {problem}")
    print(f"{sum(not problem for problem in problems.values())} networks agree")
    return any(problems.values())


if __name__ == "__main__":
    sys.exit(main())
