# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checkpoints that nothing of the package has made: keys from the table in test_architecture, parameters from here.

The paper's networks at their published bit widths, saved as the authors' training saves them, exported, imported, and run by the
reference: the stem's output, the codes behind every quantizer, pooled features and logits are those of the oracle, bit for bit.
The parameters are on the edge: values that tie with a threshold, negative scales of both kinds, interval widths at and below the
clamp, normalisation weights of 0, PReLU slopes of any sign; and the images hold a NaN and infinities.

Narrow networks on small images here. With N2UQ_FULL_CHECKPOINTS=1 those of the paper's own widths on 224x224 pixels, which the
compiled model runs as well; that takes an hour.
"""

import os
import pathlib
import subprocess

import numpy as np
import onnx
import pytest
import torch

import n2uq
import oracle
import test_architecture as table

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("N2UQ_BIN_DIR", ROOT / "build" / "bin"))
FULL = os.environ.get("N2UQ_FULL_CHECKPOINTS") == "1"
pytestmark = pytest.mark.skipif("N2UQ_BIN_DIR" not in os.environ and not (BIN / "n2uq-translate").exists(),
                                reason="n2uq-translate is not built")

F = np.float32


def parameters(rows, bits, rng):
    """A checkpoint's arrays. Sums of a layer are about as large as its normalisation expects, so that codes vary."""
    levels, state, fan = 2**bits - 1, {}, 1
    for key, shape in rows:
        name = key.rpartition(".")[2]
        if shape == ():
            value = np.array(7, np.int64)
        elif name in ("two", "one", "zero", "minusone", "eps"):
            value = np.full(shape, {"two": 2, "one": 1, "zero": 0, "minusone": -1, "eps": 1e-3}[name], F)
        elif name == "clip_val":
            value = np.full(shape, 1.7 if ".quan" in key else 2, F)
        elif name == "a":
            value = rng.uniform(0.4, 1.8, shape).astype(F) * F(2 / levels)
            if rng.random() < 0.3:  # at the clamp, below it, below zero
                value[rng.integers(levels)] = rng.choice(F([1e-3, 5e-4, 0, -0.3]))
        elif name == "start":
            # The lowest threshold is exactly 0, where a rectifier's zeros lie, or anywhere. `a` comes behind it in the table, so
            # its first width is made to fit below.
            value = np.zeros(shape, F) if rng.random() < 0.5 else rng.normal(0, 0.2, shape).astype(F)
        elif name in ("scale1", "scale2"):
            value = (rng.choice([-1, 1], p=[0.25, 0.75]) * rng.uniform(0.5, 1.5, shape)).astype(F)
        elif "prelu" in key:
            value = rng.normal(0.25, 0.3, shape).astype(F)
            value[rng.random(shape) < 0.2] = 0
        elif "bias" in key and len(shape) == 4:
            value = rng.normal(0, 0.2, shape).astype(F)
            value[rng.random(shape) < 0.3] = 0
        elif len(shape) == 4 or key == "fc.weight":
            fan = int(np.prod(shape[1:]))
            value = rng.normal(0, fan**-0.5, shape).astype(F)
        elif name == "running_mean":
            value = rng.normal(0, 0.2, shape).astype(F)
        elif name == "running_var":
            value = rng.uniform(0.2, 1.5, shape).astype(F)
        elif name == "weight":  # of a normalisation
            value = (rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.5, shape)).astype(F)
            value[rng.random(shape) < 0.1] = 0
        else:
            value = rng.normal(0, 0.3, shape).astype(F)
        state[key] = value
    for key in [key for key in state if key.endswith(".start") and state[key][0] == 0]:
        state[key] -= max(state[key[:-5] + "a"][0], F(1e-3)) / F(2)
    return state


def images(count, channels, size, rng):
    """Multiples of 1/8; the last two hold numbers that are none."""
    x = (np.rint(rng.normal(0, 8, (count, channels, size, size))) / 8).astype(F)
    x[-1, 0, size // 2, 1] = np.nan
    x[-2, 1, 2, 3], x[-2, 0, -1, -1] = np.inf, -np.inf
    return x


def translate(*arguments):
    done = subprocess.run([BIN / "n2uq-translate", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def interpret(model, folder, into, *options):
    translate("--interpret", model, f"--input=input={folder / 'x.npy'}", f"--output-dir={folder / into}", *options)
    return np.load(folder / into / "output.npy")


def equal(got, want, what):
    """Bit for bit, but that any NaN is one."""
    same = (got.view(np.uint32) == want.view(np.uint32)) | (np.isnan(got) & np.isnan(want))
    assert got.shape == want.shape and same.all(), f"{(~same).sum()} of {same.size} {what} differ"


def up_to(tensor, folder):
    """The network as far as that tensor, as a row of its elements in ONNX's order."""
    part = onnx.load(folder / "m.onnx")
    del part.graph.node[[node.output[0] for node in part.graph.node].index(tensor) + 1:]
    part.graph.output[0].name = tensor
    part.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(part, folder / "part.onnx")
    translate("--import-onnx", folder / "part.onnx", "-o", folder / "part.mlir")
    translate("--interpret", folder / "part.mlir", f"--input=input={folder / 'x.npy'}", f"--output-dir={folder / 'part'}")
    return np.load(folder / "part" / f"{tensor}.npy")


CASES = [("resnet18", 2, 8), ("resnet18", 3, 6), ("resnet18", 4, 5), ("resnet34", 3, 4), ("resnet50", 2, 4), ("resnet50", 4, 3),
         ("mobilenet_v2", 4, None)]


def rows_of(name, bits, width):
    if name == "mobilenet_v2":
        return table.mobilenet()
    width, classes = (64, 1000) if FULL else (width, 7)
    counts = table.BLOCKS.get(name, [3, 4, 6, 3])
    return table.resnet(counts, name == "resnet50", bits, True, f"conv conv1 {width} 3 7 | bn bn1 {width}", width, classes)


@pytest.mark.parametrize("name,bits,width", CASES)
def test_equal_to_the_oracle(name, bits, width, tmp_path):
    rng = np.random.default_rng([bits, len(name)])
    state = parameters(rows_of(name, bits, width), bits, rng)
    x = images(4, 3, 224 if FULL else 40, rng)
    np.save(tmp_path / "x.npy", x)
    torch.save({"epoch": 119, "state_dict": {f"module.{key}": torch.from_numpy(value) for key, value in state.items()},
                "best_top1_acc": torch.tensor(69.4), "optimizer": {"state": {}, "param_groups": []}},
               tmp_path / "model_best.pth.tar")
    n2uq.export(tmp_path / "model_best.pth.tar", tmp_path / "m.onnx", x.shape[-1])
    translate("--import-onnx", tmp_path / "m.onnx", "-o", tmp_path / "m.mlir")
    logits, codes, features = oracle.run_with_features(state, x)
    spread = [len(np.unique(code)) for code in codes.values()]
    assert np.mean(spread) > 2**bits / 3, f"the network says little: {spread}"

    equal(interpret(tmp_path / "m.mlir", tmp_path, "run", "--dump-codes"), logits, "logits")
    for quantizer, want in codes.items():
        got = np.load(tmp_path / "run" / f"{quantizer}.npy")
        assert got.shape == want.shape and np.array_equal(got, want), f"{(got != want).sum()} codes of {quantizer} differ"
    nodes = onnx.load(tmp_path / "m.onnx").graph.node
    stem = next(n for n in nodes if n.op_type == ("MaxPool" if name != "mobilenet_v2" else "Clip"))
    pooled = next(n for n in nodes if n.op_type == "GlobalAveragePool")
    equal(up_to(stem.output[0], tmp_path), features["stem"].transpose(0, 3, 1, 2).reshape(len(x), -1), "numbers of the stem")
    equal(up_to(pooled.output[0], tmp_path), features["pooled"], "pooled features")
    if FULL:
        with n2uq.compile(tmp_path / "m.onnx", keep_codes=True) as model:
            compiled = model.codes(x, threads=2)
            assert all(np.array_equal(compiled[quantizer], want) for quantizer, want in codes.items())
            equal(model(x, threads=2), logits, "compiled logits")
