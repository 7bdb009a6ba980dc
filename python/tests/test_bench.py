# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench without a clock: the float network that peers run, figures from given samples, the table, the verdict."""

import pathlib
import subprocess

import numpy as np
import onnx
import onnx.reference
import pytest

from n2uq import Error, benchmark, float_network, ordinary, peers

ROOT = pathlib.Path(__file__).resolve().parents[2]


def logits(path, x):
    """By ONNX Runtime where it is installed, else by the onnx package's own slow interpreter."""
    try:
        import onnxruntime
    except ImportError:
        return onnx.reference.ReferenceEvaluator(str(path)).run(None, {"input": x})[0]
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"input": x})[0]


def test_float_resnet18_is_a_whole_resnet18(tmp_path):
    network = float_network.write("resnet18", tmp_path / "m.onnx", image=32)
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    ops = [node.op_type for node in graph.node]
    assert (ops.count("Conv"), ops.count("Add"), ops.count("Relu"), ops.count("MaxPool")) == (20, 8, 17, 1)
    assert ops[-3:] == ["GlobalAveragePool", "Flatten", "Gemm"]
    parameters = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
    assert parameters == 11_689_512 - 4800  # torchvision's, whose 4800 channels have a weight and a bias each: one folds
    shapes = {value.name: [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]
              for value in graph.value_info}
    for name, shape in (("maxpool", [64, 8, 8]), ("layer2.0.add", [128, 4, 4]), ("layer4.1.relu", [512, 1, 1])):
        assert shapes[name] == ["N", *shape], name
    assert network.classes == 1000 and [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim] == [0, 1000]


@pytest.mark.parametrize("name,sizes", [("resnet8", {"image": 28, "in_channels": 1}),
                                        ("resnet18", {"image": 64, "width": 8, "classes": 9}),
                                        ("resnet50", {"image": 64, "width": 4})])
def test_float_networks_run_and_stay_ordinary(name, sizes, tmp_path):
    network = float_network.write(name, tmp_path / "m.onnx", **sizes)
    y = logits(tmp_path / "m.onnx", ordinary.images(3, network.stem.inputs, network.image, 4))
    assert y.shape == (3, network.classes) and np.isfinite(y).all()
    assert 0.1 < y.std() < 10 and np.ptp(y, 0).max() > 0.05  # images give different logits


def test_the_same_seed_gives_the_same_float_network(tmp_path):
    for number, seed in enumerate((1, 1, 2)):
        float_network.write("resnet8", tmp_path / str(number), seed)
    files = [(tmp_path / str(number)).read_bytes() for number in range(3)]
    assert files[0] == files[1] != files[2]


def test_float_network_refusals(tmp_path):
    with pytest.raises(Error, match="mobilenet_v2: has no plain float network; known are resnet18"):
        float_network.write("mobilenet_v2", tmp_path / "m.onnx")
    with pytest.raises(Error, match="no/m.onnx: cannot be written"):
        float_network.write("resnet8", tmp_path / "no/m.onnx")


def test_every_contender_has_as_many_runs_in_every_round():
    order, arrays = [], []

    def function(key):
        return lambda x: (order.append(key), arrays.append(x))
    samples = benchmark.measure({key: function(key) for key in "abc"}, 7, 0)
    assert set(arrays) == {7} and [len(rounds) for rounds in samples.values()] == [5, 5, 5]
    assert all(len(taken) >= 3 for rounds in samples.values() for taken in rounds)
    turns = [key for key, before in zip(order, [None, *order]) if key != before]
    assert "".join(turns).startswith("abcbca")


def rows(ratio_int8, ratio_float32, threads=1):
    figures = {"network": "resnet18", "batch": 1, "threads": threads, "median_ms": 20.0, "p10_ms": 19.5, "p90_ms": 123.25,
               "cpu_ms": 19.9}
    return [{**figures, "key": key, "title": title, "ratio": ratio} for key, title, ratio in
            (("n2uq", "n2uq W2A2", 1.0), ("onnxruntime-int8", "ONNX Runtime int8", ratio_int8),
             ("onnxruntime-float32", "ONNX Runtime float32", ratio_float32))]


def test_a_ratio_compares_moments_not_machines_that_drift():
    ours, theirs = [[(10, 9), (12, 9), (11, 9)], [(40, 9), (44, 9), (48, 9)]], [[(22, 8)] * 3, [(88, 8)] * 3]
    figures = benchmark.summary({"n2uq": ours, "peer": theirs}, "n2uq")
    assert figures["peer"]["ratio"] == 2 and figures["n2uq"]["ratio"] == 1
    assert figures["n2uq"]["median_ms"] == 26 and figures["n2uq"]["runs"] == 6 and figures["peer"]["cpu_ms"] == 8


def test_table():
    lines = benchmark.table(rows(0.5, 1.75)).splitlines()
    assert len(lines) == 5 and len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == [
        "resnet18", "1", "1", "ONNX Runtime int8", "20.00", "19.50", "123.25", "19.90", "0.50"]
    assert set(lines[1]) == set("|-:")


@pytest.mark.parametrize("ratios,holds", [((0.5, 1.01), [True, True]), ((0.49, 1.5), [False, True]),
                                          ((0.7, 1.0), [True, False])])
def test_check(ratios, holds):
    assert [held for held, _ in benchmark.verdicts(rows(*ratios))] == holds
    assert [held for held, _ in benchmark.verdicts(rows(*ratios, threads=2))] == [False, False]


def test_text_says_when_the_machine_was_busy():
    result = {"machine": {"cpu": "Some CPU", "cpu_family": "6", "cpu_model": "1", "cores": 2, "vnni": True},
              "load_before": 3.0, "load_after": 4.0, "date": "2026-01-01 00:00 UTC", "commit": "abc",
              "contenders": {"n2uq W2A2": "0.1.0: kernels"}, "missing": ["ONNX Runtime takes no part: reason"],
              "rows": rows(0.5, 2)}
    said = benchmark.text(result)
    assert said.startswith("Some CPU (family 6, model 1), 2 cores, with VNNI, load 3.0 before") and "too long" not in said
    assert "takes no part" in said
    result["rows"][0]["cpu_ms"] = 10
    assert "too long" in benchmark.text(result)


def test_a_peer_that_is_not_installed_is_a_sentence(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Error, match="ONNX Runtime takes no part") as error:
        peers.onnx_runtime("resnet18", tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("arguments,said", [
    (["--wrong"], "unknown option '--wrong'"), (["--threads", "0"], "--threads takes"), (["--batch=x"], "--batch takes"),
    (["--seconds"], "--seconds takes a value"), (["--models=A"], "--models takes"), (["--check", "--batch=2"], "--check is")])
def test_mistakes_end_before_anything_is_built(arguments, said):
    done = subprocess.run([ROOT / "tools/bench", *arguments], capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1 and not done.stdout
