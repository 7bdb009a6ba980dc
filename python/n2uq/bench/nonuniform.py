# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench --nonuniform: what unevenly spaced levels cost, measured with one compiler on one network.

N2UQ's claim is that learned thresholds may be uneven as long as the levels are even: then a convolution is arithmetic on
the 2-bit codes themselves. LQ-Nets, APoT and LCQ leave uneven levels instead, a codebook for the weights of each output
channel and one for the activations of each layer. Codes of such a network mean nothing until they are decoded, so the
products are those of the levels. Three forms of the same ResNet-18 W2A2 with the same thresholds, stem and head:

uniform       the codes are the operands: every kernel that this compiler has for 2 bits
nonuniform,   levels in 8-bit fixed point, u8 activations and s8 weights, on the direct int8 dot product. This is
int8          decode-then-compute at its best: decoding costs nothing at run time, because weights are decoded when
              the network is compiled and an activation's level is written by the threshold comparison in place of its
              code (a level that lies m above the one before is a threshold that counts m times). What remains is the
              price of wide operands: one byte a weight and a code, 24-bit sums that no proof over all accumulators folds
              into integer thresholds (so the float tail stays), and none of the low-bit algorithms.
nonuniform,   levels in float32, as the codebooks are written down, on fused multiply-adds
float32

Both nonuniform forms compute one network: the float32 codebooks hold the same 8-bit numbers. Rounding a trained codebook to
8 bits changes it by up to 1/510 of its range; float32 would not, which is why it is there. A decoder that ran on packed
2-bit codes before each product would save memory and add instructions to the int8 form; it is not measured.
"""

import json
import zlib

import numpy as np

from .. import architecture, exporter, onnx_file, ordinary, runtime
from ..errors import Error
from . import contenders, measure, report, system

NETWORK, BITS = "resnet18", 2
_ACTIVATION_TOP, _WEIGHT_TOP = 255, 127


def activation_levels(name):
    """[0, v1, v2, v1 + v2], as a 2-bit learned basis spans them, in 8 bits."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    low = round(_ACTIVATION_TOP * rng.uniform(0.2, 0.45))
    return np.array([0, low, _ACTIVATION_TOP - low, _ACTIVATION_TOP])


def weight_levels(name, channels):
    """[-v1 - v2, -v1 + v2, v1 - v2, v1 + v2] for each output channel, in 8 bits."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    inner = np.rint(_WEIGHT_TOP * rng.uniform(0.15, 0.5, channels))
    return np.stack([np.full(channels, -_WEIGHT_TOP), -inner, inner, np.full(channels, _WEIGHT_TOP)], 1)


class Emitter(exporter.Emitter):
    """The network with uneven levels: in int8, or with weights that are float32 constants."""

    def __init__(self, network, state, int8):
        super().__init__(network, state)
        self.int8 = int8

    def multi_threshold(self, name, x, thresholds, step, **extra):
        repeated = np.repeat(thresholds, np.diff(activation_levels(name)))
        scale = np.float32(step * self.network.levels / _ACTIVATION_TOP)
        return self.onnx.node("MultiThreshold", name, [x, self.onnx.constant(f"{name}.thresholds", repeated[None])],
                              onnx_file.QONNX, out_dtype="UINT8", out_scale=float(scale), out_bias=0.0,
                              data_layout="NCHW", **extra)

    def quantized(self, conv):
        k, scale = exporter.quantized_weight(self.state, conv.name, self.network.bits)
        scale = (scale * np.float32(self.network.levels / _WEIGHT_TOP)).astype(np.float32).reshape(-1, 1, 1, 1)
        books = weight_levels(conv.name, len(k))
        levels = books[np.arange(len(k))[:, None], k.reshape(len(k), -1).astype(int)].reshape(k.shape).astype(np.float32)
        weight = self.onnx.constant(f"{conv.name}.weight", levels * scale)
        if not self.int8:
            return weight
        name = f"{conv.name}.weight_quant"
        inputs = [weight, self.onnx.constant(f"{name}.scale", scale), self.onnx.constant(f"{name}.zeropt", np.float32(0)),
                  self.onnx.constant(f"{name}.bitwidth", np.float32(8))]
        return self.onnx.node("Quant", name, inputs, onnx_file.QONNX, signed=1, narrow=0, rounding_mode="ROUND")


def write(network, state, int8, path):
    try:
        Emitter(network, state, int8).graph().write(path)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None


def prepare(folder, name=NETWORK, sizes=None):
    """The three forms as contenders, the uniform one first."""
    network = architecture.build(name, BITS, **(sizes or {}))
    state = ordinary.state_dict(network, 1)
    result = []
    for key, title, make in (
            ("uniform", "uniform levels, W2A2 codes", lambda path: exporter.export(state, path, network.image)),
            ("nonuniform-int8", "nonuniform levels, decoded to int8", lambda path: write(network, state, True, path)),
            ("nonuniform-float32", "nonuniform levels, decoded to float32", lambda path: write(network, state, False, path))):
        print(f"  prepare {name}: {title}", flush=True)
        model = folder / f"{name}_{key}.onnx"
        make(model)
        library = contenders.compiled(model, model.with_suffix(".so"), target_cpu="host")
        result.append(contenders.our_contender(key, title, library))
    return network, result


def bench(options, folder, name=NETWORK, sizes=None):
    network, found = prepare(folder, name, sizes)
    rows, files = [], {}
    for contender in found:
        with runtime.Model(contender.library) as model:
            info = model.info
        files[contender.key] = {"weight_bytes": info["weight_bytes"], "arena_bytes": info["arena_bytes"],
                                "file_bytes": contender.library.stat().st_size}
    for batch in options.batch:
        images = ordinary.images(batch, network.stem.inputs, network.image, 5)
        runs = {(c.key, count): c.start(count, images) for c in found for count in options.threads}
        print(f"  time {name}: batch {batch}, {options.seconds:g} s each", flush=True)
        samples = measure.measure(runs, options.seconds)
        rows += [{"batch": batch, "threads": count, "key": c.key, "title": c.title, **measure.figures(samples[c.key, count]),
                  "times_slower": measure.times_faster(samples["uniform", count], samples[c.key, count]), **files[c.key]}
                 for count in options.threads for c in found]
    return {"machine": system.machine(), "commit": system.commit(), "network": name,
            "contenders": {c.title: c.note for c in found}, "rows": rows}


def text(result):
    def cells(row):
        return (row["batch"], row["threads"], row["title"], f"{row['median_ms']:.2f}",
                f"{row['q1_ms']:.2f} to {row['q3_ms']:.2f}", f"{row['min_ms']:.2f}", f"{row['times_slower']:.2f}",
                f"{row['weight_bytes'] / 2**20:.2f}", f"{row['arena_bytes'] / 2**20:.2f}")
    head = ("batch", "threads", "levels", "median ms", "q1 to q3 ms", "min ms", "times slower", "weights MiB", "arena MiB, 1 image")
    lines = [f"{result['network']}, {result['machine']['cpu']}", "",
             report.markdown([head, *map(cells, result["rows"])], (2,)), ""]
    return "\n".join(lines + [f"{title}: {note}" for title, note in result["contenders"].items()])


def run(options, folder):
    result = bench(options, folder)
    shown = text(result)
    (folder / "nonuniform.txt").write_text(shown + "\n")
    (folder / "nonuniform.json").write_text(json.dumps(result, indent=2) + "\n")
    print("\n" + shown)
    return 0
