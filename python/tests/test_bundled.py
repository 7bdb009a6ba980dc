# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The trained network in test/Models, read by the compiler's reference."""

import os
import pathlib
import subprocess

import numpy as np
import onnx
import pytest

from n2uq import data

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "test" / "Models" / "resnet8_fmnist_w2a2.onnx"
BIN = pathlib.Path(os.environ.get("N2UQ_BIN_DIR", ROOT / "build" / "bin"))


def test_is_a_small_two_bit_network():
    assert MODEL.stat().st_size < 1_000_000
    model = onnx.load(MODEL)
    onnx.checker.check_model(model)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("MultiThreshold") == 8 and kinds.count("Quant") == 8 and kinds.count("Conv") == 9


def test_images_are_the_first_of_the_test_set():
    images, labels = data.fashion_mnist("test")
    assert np.array_equal(np.load(MODEL.with_name("fmnist_24.npy")), data.normalise(images[:24]))
    assert np.array_equal(np.load(MODEL.with_name("fmnist_24_labels.npy")), labels[:24])


@pytest.mark.skipif("N2UQ_BIN_DIR" not in os.environ and not (BIN / "n2uq-translate").exists(),
                    reason="n2uq-translate is not built")
def test_recognises_clothes(tmp_path):
    images, labels = data.fashion_mnist("test")
    np.save(tmp_path / "x.npy", data.normalise(images[:500]))
    done = subprocess.run([BIN / "n2uq-translate", "--interpret", MODEL, f"--input=input={tmp_path / 'x.npy'}",
                           f"--output-dir={tmp_path}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (np.load(tmp_path / "output.npy").argmax(1) == labels[:500]).mean() > 0.88
