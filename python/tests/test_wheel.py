# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The small wheel: built, installed where nothing else of ours is, it runs what the compiler made."""

import importlib.util
import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import n2uq

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETWORK = ROOT / "test" / "Models" / "resnet8_fmnist_w2a2.onnx"
IMAGES = ROOT / "test" / "Models" / "fmnist_24.npy"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("scikit_build_core") is None,
                                reason="python/requirements-build.txt is not installed")


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_runtime_alone(tmp_path):
    # Python names the compiler that it was made with, which need not be installed.
    compilers = os.environ | {"CC": "clang-22", "CXX": "clang++-22"}
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "-w",
        tmp_path, ROOT / "python" / "runtime-only", env=compilers)
    wheel, = tmp_path.glob("n2uq_runtime-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("n2uq/_runtime.") for name in names) and "n2uq/py.typed" in names
    assert not any("_compiler" in name or "LLVM" in name or "MLIR" in name for name in names)
    assert wheel.stat().st_size < 4 << 20

    with n2uq.compile(NETWORK, tmp_path / "m.so") as model:
        expected = model(np.load(IMAGES))
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = ("import sys, numpy as np, n2uq\n"
            "assert n2uq.__file__.startswith(sys.argv[1]), n2uq.__file__\n"
            "model = n2uq.Model(sys.argv[2]); np.save(sys.argv[4], model(np.load(sys.argv[3])))\n"
            "try: n2uq.compile(sys.argv[3], cache=False)\n"
            "except n2uq.Error as error: assert 'install the whole package' in str(error), error\n"
            "else: raise SystemExit('compiled without a compiler')\n")
    environment = {"PATH": os.path.dirname(sys.executable), "PYTHONPATH": str(tmp_path / "site")}
    run(sys.executable, "-c", code, tmp_path / "site", tmp_path / "m.so", IMAGES, tmp_path / "y.npy", env=environment, cwd=tmp_path)
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)
