# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small random networks as text of the n2uq dialect, for tests that run them against the reference.

Arrays are numpy arrays in the dialect's own order (images NHWC, filters OHWI). Locations name the quantizers, so that
their codes are compared one by one.
"""
import pathlib
import subprocess
import sys

import numpy as np


def _dense(array):
    array = np.ascontiguousarray(array)
    element = {"float32": "f32", "int32": "i32", "int8": "i8"}[array.dtype.name]
    shape = "x".join(map(str, array.shape))
    return f'dense<"0x{array.tobytes().hex().upper()}"> : tensor<{shape}x{element}>'


class Network:
    """Builds @main op by op. Every method returns the name of its result."""

    def __init__(self, channels, height, width):
        self.lines, self.types, self.count = [], {}, 0
        self.input_shape = (channels, height, width)
        self.types["%input"] = f"tensor<?x{channels}x{height}x{width}xf32>"

    def _emit(self, text, result_type, name=None):
        self.count += 1
        value = f"%v{self.count}"
        location = f' loc("{name}")' if name else ""
        self.lines.append(f"  {value} = {text}{location}")
        self.types[value] = result_type
        return value

    def constant(self, array):
        text = _dense(np.asarray(array))
        return self._emit("arith.constant " + text, text.rsplit(" : ", 1)[1])

    def shape(self, value):
        return [int(n) for n in self.types[value][len("tensor<?x"):].rsplit("x", 1)[0].split("x")]

    def _image(self, height, width, channels, element):
        return f"tensor<?x{height}x{width}x{channels}x{element}>"

    def to_nhwc(self):
        c, h, w = self.input_shape
        result = self._image(h, w, c, "f32")
        return self._emit(f"n2uq.to_nhwc %input : {self.types['%input']} -> {result}", result, "to_nhwc")

    def quantize(self, x, thresholds, bits, name, nan_is_top=False):
        t = self.constant(np.asarray(thresholds, np.float32))
        result = self.types[x].rsplit("x", 1)[0] + f"xui{bits}>"
        top = " nan_is_top" if nan_is_top else ""
        return self._emit(f"n2uq.quantize {x}, {t}{top} : {self.types[x]}, {self.types[t]} -> {result}", result, name)

    def _window(self, strides, padding, dilations, groups=1):
        text = f" strides = [{strides[0]}, {strides[1]}] padding = [{', '.join(map(str, padding))}]"
        text += f" dilations = [{dilations[0]}, {dilations[1]}]"
        return text + (f" groups = {groups}" if groups != 1 else "")

    def _conv(self, op, x, filter, element, name, strides, padding, dilations, groups):
        w = self.constant(filter)
        h_in, w_in, _ = self.shape(x)
        o, kh, kw, _ = filter.shape
        h = (h_in + padding[0] + padding[1] - dilations[0] * (kh - 1) - 1) // strides[0] + 1
        v = (w_in + padding[2] + padding[3] - dilations[1] * (kw - 1) - 1) // strides[1] + 1
        result = self._image(h, v, o, element)
        window = self._window(strides, padding, dilations, groups)
        return self._emit(f"n2uq.{op} {x}, {w}{window} : {self.types[x]}, {self.types[w]} -> {result}", result, name)

    def conv2d(self, x, filter, name, strides=(1, 1), padding=(0, 0, 0, 0), dilations=(1, 1), groups=1):
        return self._conv("conv2d", x, np.asarray(filter, np.int8), "i32", name, strides, padding, dilations, groups)

    def float_conv2d(self, x, filter, name, strides=(1, 1), padding=(0, 0, 0, 0), dilations=(1, 1), groups=1):
        filter = np.asarray(filter, np.float32)
        return self._conv("float_conv2d", x, filter, "f32", name, strides, padding, dilations, groups)

    def affine(self, x, scale=None, offset=None, name=None):
        text = f"n2uq.affine {x}"
        for word, values in (("scale", scale), ("offset", offset)):
            if values is not None:
                c = self.constant(np.asarray(values, np.float32))
                text += f" {word}({c} : {self.types[c]})"
        result = self.types[x].rsplit("x", 1)[0] + "xf32>"
        return self._emit(f"{text} : {self.types[x]} -> {result}", result, name)

    def prelu(self, x, slope, name=None):
        s = self.constant(np.asarray(slope, np.float32))
        return self._emit(f"n2uq.prelu {x}, {s} : {self.types[x]}, {self.types[s]}", self.types[x], name)

    def clamp(self, x, low, high, name=None):
        bits = [f"0x{int(np.float32(v).view(np.uint32)):08X}" for v in (low, high)]
        return self._emit(f"n2uq.clamp {x} min = {bits[0]} max = {bits[1]} : {self.types[x]}", self.types[x], name)

    def add(self, a, b, name=None):
        return self._emit(f"n2uq.add {a}, {b} : {self.types[a]}", self.types[a], name)

    def max_pool(self, x, kernel, strides, padding, name=None):
        h_in, w_in, c = self.shape(x)
        h = (h_in + padding[0] + padding[1] - kernel[0]) // strides[0] + 1
        w = (w_in + padding[2] + padding[3] - kernel[1]) // strides[1] + 1
        result = self._image(h, w, c, self.types[x].rsplit("x", 1)[1][:-1])
        window = f" strides = [{strides[0]}, {strides[1]}] padding = [{', '.join(map(str, padding))}]"
        text = f"n2uq.max_pool {x} kernel = [{kernel[0]}, {kernel[1]}]{window} : {self.types[x]} -> {result}"
        return self._emit(text, result, name)

    def avg_pool(self, x, kernel, strides=(1, 1), name=None):
        h_in, w_in, c = self.shape(x)
        result = self._image((h_in - kernel[0]) // strides[0] + 1, (w_in - kernel[1]) // strides[1] + 1, c, "f32")
        text = f"n2uq.avg_pool {x} kernel = [{kernel[0]}, {kernel[1]}] strides = [{strides[0]}, {strides[1]}]"
        return self._emit(f"{text} : {self.types[x]} -> {result}", result, name)

    def flatten(self, x, name=None):
        result = f"tensor<?x{int(np.prod(self.shape(x)))}x{self.types[x].rsplit('x', 1)[1]}"
        return self._emit(f"n2uq.flatten {x} : {self.types[x]} -> {result}", result, name)

    def gather(self, x, rows=None, columns=None, channels=None, fill=0, name=None):
        lists = [rows, columns, channels]
        shape = [extent if places is None else len(places) for extent, places in zip(self.shape(x), lists)]
        text = f"n2uq.gather {x}"
        for word, places in zip(("rows", "columns", "channels"), lists):
            text += "" if places is None else f" {word} = [{', '.join(map(str, places))}]"
        result = self._image(*shape, self.types[x].rsplit("x", 1)[1][:-1])
        return self._emit(f"{text} fill = {float(fill)} : {self.types[x]} -> {result}", result, name)

    def concat(self, *inputs, name=None):
        height, width, _ = self.shape(inputs[0])
        channels = sum(self.shape(x)[-1] for x in inputs)
        result = self._image(height, width, channels, self.types[inputs[0]].rsplit("x", 1)[1][:-1])
        types = ", ".join(self.types[x] for x in inputs)
        return self._emit(f"n2uq.concat {', '.join(inputs)} : {types} -> {result}", result, name)

    def unflatten(self, x, height, width, channels, name=None):
        result = self._image(height, width, channels, self.types[x].rsplit("x", 1)[1][:-1])
        return self._emit(f"n2uq.unflatten {x} : {self.types[x]} -> {result}", result, name)

    def sigmoid(self, x, name=None):
        return self._emit(f"n2uq.sigmoid {x} : {self.types[x]}", self.types[x], name)

    def fully_connected(self, x, weights, name=None):
        w = self.constant(np.asarray(weights, np.float32))
        result = f"tensor<?x{len(weights)}xf32>"
        text = f"n2uq.fully_connected {x}, {w} : {self.types[x]}, {self.types[w]} -> {result}"
        return self._emit(text, result, name)

    def text(self, output):
        signature = f"func.func @main(%input: {self.types['%input']}) -> {self.types[output]}"
        return "\n".join([signature + " {"] + self.lines + [f"  return {output} : {self.types[output]}", "}", ""])


def uneven_thresholds(rng, bits, rows=1, spread=1.0):
    """Learned thresholds: unevenly spaced, rising, [rows, 2^bits - 1] float32."""
    return np.sort(rng.normal(0, spread, (rows, 2**bits - 1)), axis=1).astype(np.float32)


def learned_thresholds(rng, bits):
    """Thresholds as training leaves them, [1, 2^bits - 1] float32: intervals of 0.3 to 2 times their mean width, which an axis
    that all channels share can separate."""
    top = 2**bits - 1
    return (np.cumsum(rng.uniform(0.3, 2.0, (1, top)) * 2 / top, axis=1) - rng.uniform(0.5, 1.5)).astype(np.float32)


def odd_weights(rng, bits, shape):
    """Odd integers of the weight quantizer, -(2^bits - 1) to 2^bits - 1."""
    return (2 * rng.integers(0, 2**bits, shape) - (2**bits - 1)).astype(np.int8)


def compile_and_compare(net, output, images, cpu, scratch, *options, diff_options=()):
    """Compiles a network for `cpu` and compares it with the reference on `images`. Returns n2uq-diff's exit code and table."""
    model, library, inputs = scratch / "model.mlir", scratch / "model.so", scratch / "images.npy"
    model.write_text(net.text(output))
    np.save(inputs, images)
    subprocess.run(["n2uq-compile", model, "-o", library, f"--target-cpu={cpu}", "--keep-codes", *options], check=True)
    diff = ["n2uq-diff", model, library, f"--input=input={inputs}", "--threads=2", *diff_options]
    result = subprocess.run(diff, stdout=subprocess.PIPE, text=True)
    return result.returncode, result.stdout


def compare_all(cases, what):
    """For scripts that are called SCRIPT SCRATCH TARGET_CPU…: compares each of (label, network, output, images) on each
    CPU. Prints `N <what> equal`, or the first table with a difference, and returns the exit code."""
    scratch, cpus = pathlib.Path(sys.argv[1]), sys.argv[2:]
    scratch.mkdir(parents=True, exist_ok=True)
    count = 0
    for label, net, output, images in cases:
        for cpu in cpus:
            failed, table = compile_and_compare(net, output, images, cpu, scratch)
            if failed:
                print(table, f"{label}, {cpu}: different", sep="\n")
                return 1
            count += 1
    print(f"{count} {what} equal")
    return 0
