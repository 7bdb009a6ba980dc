# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: what it writes, and that every mistake ends in one sentence and exit code 1."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

from n2uq import architecture, models, ordinary


def n2uq(*arguments, **environment):
    return subprocess.run([sys.executable, "-m", "n2uq", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **environment})


def test_export_with_a_seed(tmp_path):
    done = n2uq("export", "--arch", "resnet18", "--bits", 2, "--seed", 7, "--width", 8, "--classes", 5, "--image-size", 64,
                "--downsample", "float", "--edge", "-o", tmp_path / "m.onnx")
    assert done.returncode == 0 and "resnet18, 2 bits, input [N,3,64,64], 5 classes" in done.stdout
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] == [0, 3, 64, 64]
    assert any(n.name == "layer2.0.downsample.0" and n.op_type == "Conv" for n in graph.node)


def test_export_of_a_checkpoint(tmp_path):
    state = ordinary.state_dict(architecture.build("resnet8", 3), 1)
    path = tmp_path / "c.pth.tar"
    torch.save({"state_dict": {"module." + key: torch.from_numpy(value) for key, value in state.items()}}, path)
    done = n2uq("export", "--arch", "resnet8", "--bits", 3, "--checkpoint", path, "-o", tmp_path / "m.onnx")
    assert done.returncode == 0, done.stderr
    assert len(onnx.load(tmp_path / "m.onnx").graph.node) == 85
    for arguments, said in (((("--arch", "resnet18"), "is resnet8, not resnet18")), (("--bits", 2), "has 3 bits, not 2"),
                            (("--edge",), "--edge goes with --seed"), (("--width", 3), "--width goes with --seed")):
        wrong = n2uq("export", "--checkpoint", path, *arguments, "-o", tmp_path / "n.onnx")
        assert wrong.returncode == 1 and said in wrong.stderr and wrong.stderr.count("\n") == 1


def test_data(tmp_path):
    assert n2uq("data", "--fashion-mnist", "test", "--count", 9, "-o", tmp_path / "x.npy", "--labels",
                tmp_path / "y.npy").returncode == 0
    x, y = np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy")
    assert x.shape == (9, 1, 28, 28) and x.dtype == np.float32 and y.tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5]
    assert n2uq("data", "--seed", 1, "--count", 2, "--image-size", 40, "--edge", "-o", tmp_path / "x.npy").returncode == 0
    x = np.load(tmp_path / "x.npy")
    assert x.shape == (2, 3, 40, 40) and np.array_equal(x * 16, np.rint(x * 16))


@pytest.mark.parametrize("arguments,said", [
    ((), "required"), (("nothing",), "invalid choice"), (("export",), "required"), (("export", "--seed", "1"), "--arch"),
    (("export", "--seed", "1", "--arch", "resnet8"), "--bits"), (("export", "--seed", "x"), "invalid int"),
    (("export", "--seed", "-1", "--arch", "resnet8", "--bits", "2"), "at least 0"),
    (("export", "--seed", "1", "--arch", "mobilenet_v2", "--width", "8"), "fixed widths"),
    (("export", "--checkpoint", "none.pth"), "none.pth: cannot be read"), (("export", "--wrong"), "required"),
    (("data", "--seed", "1", "-o", "no/x.npy"), "no/x.npy: cannot be written"),
    (("data", "--fashion-mnist", "test", "--data", "no", "-o", "x.npy"), "dataset-fashion-mnist"),
    (("train", "-o", "out", "--data", "no"), "dataset-fashion-mnist"), (("run", "no.so", "--wrong"), "required"),
    (("run", "no.so", "--input", "x.npy", "--wrong"), "unknown argument '--wrong'"),
])
def test_mistakes(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = n2uq(*arguments)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_tool_that_is_not_there_is_named(tmp_path):
    done = n2uq("compile", "m.onnx", N2UQ_BIN_DIR=str(tmp_path))
    assert done.returncode == 1 and "n2uq-compile: no such program" in done.stderr


def test_options_go_to_the_compiler(tmp_path):
    """A stand-in records its arguments."""
    tool = tmp_path / "n2uq-compile"
    tool.write_text("#!/bin/sh\necho \"$@\"\n")
    tool.chmod(0o755)
    done = n2uq("compile", "a.b/m.onnx", "--keep-codes", "-O2", N2UQ_BIN_DIR=str(tmp_path))
    assert done.stdout.split() == ["a.b/m.onnx", "-o", "a.b/m.so", "--target-cpu=host", "--keep-codes", "-O2"]
    tool.write_text("#!/bin/sh\necho 'error: a sentence of the tool' >&2\nexit 1\n")
    done = n2uq("compile", "m.onnx", N2UQ_BIN_DIR=str(tmp_path))
    assert done.returncode == 1 and done.stderr == "n2uq: error: a sentence of the tool\n"


def test_help_and_version():
    for command in ("export", "train", "compile", "run", "bench", "data"):
        done = n2uq(command, "--help")
        assert done.returncode == 0 and command in done.stdout
    assert n2uq("--version").stdout == "n2uq 0.1.0\n"


def test_the_package_needs_no_torch(tmp_path):
    """Export and run without PyTorch; what needs it says so."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    code = ("import n2uq, sys\n"
            "from n2uq import architecture, ordinary\n"
            "n2uq.export(ordinary.state_dict(architecture.build('resnet8', 2), 1), 'm.onnx')\n"
            "try: n2uq.models\n"
            "except n2uq.Error as error: print(error)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path)] + sys.path[1:])})
    assert done.returncode == 0 and done.stdout.startswith("n2uq.models needs PyTorch"), done.stderr
    done = subprocess.run([sys.executable, "-m", "n2uq", "train", "-o", "out"], capture_output=True, text=True,
                          cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path)] + sys.path[1:])})
    assert done.returncode == 1 and "needs PyTorch" in done.stderr and done.stderr.count("\n") == 1, done.stderr
