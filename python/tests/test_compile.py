# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""n2uq.compile and n2uq.Model against the oracle: every code and every logit, bit for bit, for each x86 level."""

import os
import pathlib

import numpy as np
import pytest

import n2uq
import oracle
from n2uq import architecture, ordinary

ROOT = pathlib.Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif("N2UQ_BIN_DIR" not in os.environ and not (ROOT / "build/bin/n2uq-compile").exists(),
                                reason="n2uq-compile is not built")


def compare(name, bits, size, folder, seed, edge=False, batches=(1, 3), targets=("host",), **options):
    network = architecture.build(name, bits, classes=11, image=size, **options)
    state = ordinary.state_dict(network, seed, edge)
    n2uq.export(state, folder / "m.onnx", size)
    x = ordinary.images(max(batches), network.stem.inputs, size, seed, edge)
    logits, codes = oracle.run(state, x)
    for target in targets:
        with n2uq.compile(folder / "m.onnx", folder / f"{target}.so", target_cpu=target, keep_codes=True) as model:
            assert model.info["input"]["shape"] == ["N", network.stem.inputs, size, size]
            got = model.codes(x, threads=2)
            assert got.keys() == codes.keys()
            for quantizer, expected in codes.items():
                assert np.array_equal(got[quantizer], expected), (target, quantizer, (got[quantizer] != expected).sum())
            for batch in batches:
                for threads in (1, 2):
                    y = model(x[:batch], threads=threads)
                    assert np.array_equal(y.view(np.uint32), logits[:batch].view(np.uint32)), (target, batch, threads)


@pytest.mark.parametrize("edge,seed", [(False, 1), (True, 2), (True, 3)])
@pytest.mark.parametrize("quantized_downsample", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_small_resnets(bits, quantized_downsample, edge, seed, tmp_path):
    compare("resnet8", bits, 32, tmp_path, seed, edge, width=6, quantized_downsample=quantized_downsample)


def test_x86_levels(tmp_path):
    compare("resnet8", 2, 28, tmp_path, 4, True, targets=("x86-64", "x86-64-v3", "host"), in_channels=1)


@pytest.mark.parametrize("name,bits,size,seed,edge,options", [
    ("resnet18", 2, 64, 5, False, {"width": 16}), ("resnet18", 4, 37, 8, True, {"width": 5, "quantized_downsample": False}),
    ("resnet50", 3, 33, 8, True, {"width": 4}), ("mobilenet_v2", 4, 32, 5, False, {})])
def test_other_architectures(name, bits, size, seed, edge, options, tmp_path):
    compare(name, bits, size, tmp_path, seed, edge, **options)


def test_the_compiler_speaks_through_the_error(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"rubbish")
    with pytest.raises(n2uq.Error, match="bad.onnx"):
        n2uq.compile(tmp_path / "bad.onnx")
    with pytest.raises(n2uq.Error):
        n2uq.compile(tmp_path / "bad.onnx", no_such_option=True)


def test_images_of_bytes(tmp_path):
    """The library is the rewritten network, which the reference computes from the same bytes."""
    network = architecture.build("resnet8", 2, classes=11, image=32, width=6)
    n2uq.export(ordinary.state_dict(network, 9), tmp_path / "m.onnx", 32)
    pixels = np.random.default_rng(9).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "x.npy", pixels)
    options = {"image_input": True, "stem_bits": 16, "mean": "0.5,0.4,0.6", "std": "0.25"}
    n2uq.toolchain.run("n2uq-translate", [str(tmp_path / "m.onnx"), "--interpret", f"--input=input={tmp_path / 'x.npy'}",
                                          f"--output-dir={tmp_path / 'out'}", "--image-input", "--stem-bits=16",
                                          "--mean=0.5,0.4,0.6", "--std=0.25"])
    with n2uq.compile(tmp_path / "m.onnx", **options) as model:
        assert model.info["input"] == {"name": "input", "dtype": "uint8", "shape": ["N", 32, 32, 3]}
        for threads in (1, 2):
            assert np.array_equal(model(pixels, threads=threads), np.load(tmp_path / "out/output.npy"))
        with pytest.raises(n2uq.Error, match=r"expects input uint8 \[N,32,32,3\], got float32 \[3,3,32,32\]"):
            model(np.zeros((3, 3, 32, 32), np.float32))
