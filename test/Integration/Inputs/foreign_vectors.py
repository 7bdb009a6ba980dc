# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Test vectors of QONNX's quantizers: what its documentation says they give, number by number.

    foreign_vectors.py SCRATCH

Each vector is a list of numbers, what becomes of it as activations and as weights, and the expected result, which is written
down here or counted by the op's own formula. The qonnx package must say the same; then ours is held against it: the reference
on what is imported, and qonnx on what export makes of that. Prints `N vectors agree`.
"""
import pathlib
import sys
import warnings

import numpy as np
import onnx

import foreign

#: Of that table.
NUMBERS = [5.5, 2.5, 1.6, 1.1, 1.0, -1.0, -1.1, -1.6, -2.5, -5.5]
#: The table of rounding modes in the documentation of Quant, a row a mode.
ROUNDED = {
    "ROUND": [6, 2, 2, 1, 1, -1, -1, -2, -2, -6],
    "CEIL": [6, 3, 2, 2, 1, -1, -1, -1, -2, -5],
    "FLOOR": [5, 2, 1, 1, 1, -1, -2, -2, -3, -6],
    "UP": [6, 3, 2, 2, 1, -1, -2, -2, -3, -6],
    "DOWN": [5, 2, 1, 1, 1, -1, -1, -1, -2, -5],
    "HALF_UP": [6, 3, 2, 1, 1, -1, -1, -2, -3, -6],
    "HALF_DOWN": [5, 2, 2, 1, 1, -1, -1, -2, -2, -5],
}
#: Every tie of 8 bits, and its neighbours on both sides.
TIES = np.arange(-131.5, 132, dtype=np.float32)
TIES = np.concatenate([TIES, np.nextafter(TIES, np.float32(999)), np.nextafter(TIES, np.float32(-999)), np.arange(-131, 132)])
#: Where the sign turns, and as far away as numbers go. No NaN: numpy and this documentation say nothing of it.
SIGNS = [-np.inf, -3e38, -1, -1e-40, -0.0, 0.0, 1e-40, 0.5, 3e38, np.inf]


def rows(numbers):
    """The numbers as images of one row, the same for each of the batch."""
    return np.tile(np.asarray(numbers, np.float32), (foreign.BATCH, 1))


def activations(numbers, quantizer):
    g = foreign.Graph(1, (len(numbers),))
    return g, quantizer(g, g.input()), rows(numbers)


def weights(numbers, quantizer):
    """The quantized numbers as the product of 1, which is a code, and weights."""
    g = foreign.Graph(2, (1,))
    w = quantizer(g, g.constant(np.reshape(numbers, (1, -1))))
    return g, g.node("MatMul", g.bipolar(g.input()), w), np.ones((foreign.BATCH, 1), np.float32)


def quant(mode, **options):
    return lambda g, x: g.quant(x, options.get("scale", 1.0), options.get("bits", 8), options.get("zero", 0.0),
                                options.get("signed", 1), options.get("narrow", 0), mode)


def thresholds(count_of, channels, scale, bias, dtype):
    """MultiThreshold on numbers that meet its thresholds, against the count of those that each one reaches."""
    rng = np.random.default_rng(channels + count_of)
    table = (rng.integers(-40, 40, (channels, count_of)) / 4).astype(np.float32)  # in no order, some of them twice
    height = 7
    g = foreign.Graph(3, (channels if channels > 1 else 3, height, height))
    images = g.grid(g.shape, 0.25, 44)
    reached = images[..., None] >= (table[0] if channels == 1 else table[:, None, None, :])
    expected = (np.float32(scale) * reached.sum(-1).astype(np.float32) + np.float32(bias)).reshape(foreign.BATCH, -1)
    return g, g.node("Flatten", g.threshold(g.input(), table, scale, bias, dtype)), images, expected


def vectors():
    """(label, graph, its output, images, expected results of the first numbers; qonnx alone judges the others)"""
    for mode, expected in ROUNDED.items():
        for side in (activations, weights):
            yield f"{mode} {side.__name__}", *side([*NUMBERS, *TIES], quant(mode)), rows(expected)
    # As activations it has to be a step function; a scale and a zero point come in on both sides of the rounding.
    for label, options in {"scaled": {"scale": 0.5, "bits": 5}, "zero point": {"zero": 7.0, "signed": 0, "bits": 4},
                           "half zero point": {"zero": 7.5, "signed": 0, "bits": 4, "scale": 2.0},
                           "narrow": {"bits": 4, "narrow": 1}, "one bit": {"bits": 1, "scale": 4.0}}.items():
        for side in (activations, weights):
            yield f"{label} {side.__name__}", *side(TIES, quant("ROUND", **options)), None
    for side in (activations, weights):
        numbers = SIGNS if side is activations else SIGNS[1:-1]
        yield f"bipolar {side.__name__}", *side(numbers, lambda g, x: g.bipolar(x, 0.25)), \
            rows([0.25 if x >= 0 else -0.25 for x in numbers])
    yield "thresholds of all channels", *thresholds(7, 1, 1, 0, "UINT3")
    yield "thresholds of each channel", *thresholds(7, 3, 1, 0, "UINT3")
    yield "thresholds, scale 2, bias -1", *thresholds(7, 3, 2, -1, "INT5")
    yield "thresholds, bipolar", *thresholds(1, 5, 2, -1, "BIPOLAR")
    yield "thresholds, 8 bits", *thresholds(255, 1, 1, -128, "INT8")


def check(graph, output, images, expected, scratch):
    model = graph.model(output, (1,))
    # How many features there are is said by the executor.
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "features"
    onnx.save(model, scratch / "model.onnx")
    judged = foreign.execute(model, images)
    if expected is not None and not np.array_equal(judged[:, :expected.shape[1]], expected):
        return "the executor says something else than the documentation"
    return foreign.compare(judged, images, scratch, None, 0)


def main():
    scratch = pathlib.Path(sys.argv[1])
    scratch.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    agreed = failed = 0
    for label, *vector in vectors():
        problem = check(*vector, scratch)
        agreed, failed = agreed + (not problem), failed + bool(problem)
        if problem:
            print(f"{label}: {problem}")
    print(f"{agreed} vectors agree")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
