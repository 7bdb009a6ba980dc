# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler's reference interpreter against the oracle: every code and every logit, bit for bit."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import torch

import oracle
from n2uq import architecture, exporter, ordinary

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("N2UQ_BIN_DIR", ROOT / "build" / "bin"))
pytestmark = pytest.mark.skipif("N2UQ_BIN_DIR" not in os.environ and not (BIN / "n2uq-translate").exists(),
                                reason="n2uq-translate is not built")


def translate(*arguments):
    done = subprocess.run([BIN / "n2uq-translate", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def compare(state, x, folder, name):
    """Checkpoint file → export → import → interpret, against the oracle on the state dict itself."""
    torch.save({"epoch": 0, "state_dict": {f"module.{key}": torch.from_numpy(value) for key, value in state.items()},
                "best_top1_acc": 0, "optimizer": {}}, folder / "checkpoint.pth.tar")
    exporter.export(folder / "checkpoint.pth.tar", folder / "m.onnx", x.shape[-1])
    np.save(folder / "x.npy", x)
    translate("--import-onnx", folder / "m.onnx", "-o", folder / "m.mlir")
    translate("--interpret", folder / "m.mlir", f"--input=input={folder / 'x.npy'}", f"--output-dir={folder}",
              "--dump-codes")
    logits, codes = oracle.run(state, x)
    for quantizer, expected in codes.items():
        got = np.load(folder / f"{quantizer}.npy")
        assert got.dtype == np.uint8 and got.shape == expected.shape, quantizer
        assert np.array_equal(got, expected), f"{name}: {(got != expected).sum()} codes of {quantizer} differ"
    got = np.load(folder / "output.npy")
    assert got.dtype == np.float32 and np.array_equal(got.view(np.uint32), logits.view(np.uint32)), name


@pytest.mark.parametrize("edge,seed", [(False, 1), (True, 2), (True, 3)])
@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_small_networks(bits, quantized, edge, seed, tmp_path):
    network = architecture.build("resnet14", bits, quantized, width=6)
    state = ordinary.state_dict(network, seed, edge)
    compare(state, ordinary.images(2, 3, 32, seed, edge), tmp_path, f"resnet14 {bits} bits seed {seed}")


@pytest.mark.parametrize("name,bits,size,options", [
    ("resnet18", 2, 64, {"width": 8}), ("resnet18", 4, 37, {"width": 5, "quantized_downsample": False}),
    ("resnet18", 3, 65, {}), ("resnet50", 3, 33, {"width": 4}), ("mobilenet_v2", 4, 32, {}), ("mobilenet_v2", 2, 35, {})])
@pytest.mark.parametrize("edge,seed", [(False, 4), (True, 6)])
def test_other_architectures(name, bits, size, options, edge, seed, tmp_path):
    network = architecture.build(name, bits, classes=12, image=size, **options)
    state = ordinary.state_dict(network, seed, edge)
    compare(state, ordinary.images(1, 3, size, seed, edge), tmp_path, name)


def test_not_a_number_and_infinity(tmp_path):
    network = architecture.build("mobilenet_v2", 4, classes=3, image=32)
    state = ordinary.state_dict(network, 1)
    # Keep a NaN of the image alive up to the last quantizer: PACT gives it the highest code, the others code 0.
    x = ordinary.images(3, 3, 32, 1)
    x[0, 0, 3, 4], x[1, 1, 5, 5], x[2, 2, 0, 0] = np.nan, np.inf, -np.inf
    compare(state, x, tmp_path, "mobilenet_v2")
