# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench without peers and almost without a clock: networks that peers run, figures from given samples, tables,
pictures, verdicts, and one whole run on a tiny network."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.reference
import pytest

import n2uq
from n2uq import Error, architecture, float_network, ordinary
from n2uq.bench import (arguments, contenders, main, measure, micro, ncnn_file, nonuniform, one_layer, peer_iree,
                        peer_ncnn, peer_onnxruntime, peer_openvino, plot, report, sweep)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = {"width": 8}  # of a resnet8 on 32x32 images


def logits(path, x):
    """By the onnx package's own slow interpreter."""
    return onnx.reference.ReferenceEvaluator(str(path)).run(None, {"input": x})[0]


# ---- What peers run ----

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


def test_float_mobilenet_v2_has_its_own_activations_and_ends(tmp_path):
    float_network.write("mobilenet_v2", tmp_path / "m.onnx", image=32)
    graph = onnx.load(tmp_path / "m.onnx").graph
    ops = [node.op_type for node in graph.node]
    # 17 bottlenecks of three convolutions, stem and head; the third of a bottleneck has no activation; 10 shortcuts.
    assert (ops.count("Conv"), ops.count("Clip"), ops.count("Add"), ops.count("Relu")) == (53, 36, 10, 0)
    grouped = [a.i for node in graph.node if node.op_type == "Conv" for a in node.attribute if a.name == "group" and a.i > 1]
    assert len(grouped) == 17 and grouped[1] == 96


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
    with pytest.raises(Error, match="unknown architecture 'vgg'"):
        float_network.write("vgg", tmp_path / "m.onnx")
    with pytest.raises(Error, match="no/m.onnx: cannot be written"):
        float_network.write("resnet8", tmp_path / "no/m.onnx")


def ncnn_layers(text):
    """[(kind, name, inputs, outputs, {parameter: text})] of a param file, its counts checked."""
    magic, counts, *lines = text.splitlines()
    layers = []
    for line in lines:
        kind, name, inputs, outputs, *rest = line.split()
        inputs, outputs = int(inputs), int(outputs)
        layers.append((kind, name, rest[:inputs], rest[inputs:inputs + outputs],
                       dict(word.split("=", 1) for word in rest[inputs + outputs:])))
    assert magic == "7767517" and counts == f"{len(layers)} {sum(len(layer[3]) for layer in layers)}"
    return layers


def test_ncnn_files_are_what_ncnn_reads(tmp_path):
    network = architecture.build("resnet18", 2, quantized_downsample=False, image=64, width=8)
    sizes = {}
    for int8 in (False, True):
        ncnn_file.write(network, int8, tmp_path / "p", tmp_path / "b")
        layers = ncnn_layers((tmp_path / "p").read_text())
        written, read = [blob for layer in layers for blob in layer[3]], [blob for layer in layers for blob in layer[2]]
        assert len(set(written)) == len(written) and len(set(read)) == len(read)  # one writer and one reader a blob
        assert set(written) - set(read) == {"output"} and set(read) <= set(written)
        sizes[int8] = len((tmp_path / "b").read_bytes())
    terms = {name: parameters.get("8") for kind, name, _, _, parameters in layers if kind == "Convolution"}
    # Within a block int8 is handed over; where two read, or a sum follows, it is not.
    assert terms["layer1.0.conv1"] == "102" and terms["layer1.0.conv2"] == "2" and terms["conv1"] == "2"
    weights = sum(int(p["6" if kind == "Convolution" else "2"]) for kind, _, _, _, p in layers
                  if kind in ("Convolution", "InnerProduct"))
    assert 3.5 < sizes[False] / weights < 4.5 and 1 < sizes[True] / weights < 2


@pytest.mark.parametrize("peer,module,name", [(peer_onnxruntime, "onnxruntime", "ONNX Runtime"), (peer_iree, "iree", "IREE"),
                                              (peer_openvino, "openvino", "OpenVINO"), (peer_ncnn, "ncnn", "ncnn")])
def test_a_peer_that_is_not_installed_is_a_sentence(peer, module, name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Error, match=f"{name} takes no part") as error:
        peer.prepare(contenders.Task("resnet18", tmp_path), ["int8"])
    assert "\n" not in str(error.value)


# ---- The clock ----

def test_every_contender_has_as_many_runs_in_every_round():
    order = []
    samples = measure.measure({key: lambda key=key: order.append(key) for key in "abc"}, 0.001)
    assert [len(rounds) for rounds in samples.values()] == [5, 5, 5]
    assert all(len(taken) >= 3 for rounds in samples.values() for taken in rounds)
    turns = [key for key, before in zip(order, [None, *order]) if key != before]
    assert "".join(turns).startswith("abcbca")


def test_who_pins_the_thread_pins_nobody_else():
    cores = os.sched_getaffinity(0)
    seen = []
    pin = {"pins": lambda: os.sched_setaffinity(0, {min(cores)}), "other": lambda: seen.append(os.sched_getaffinity(0))}
    measure.measure(pin, 0.001)
    os.sched_setaffinity(0, cores)
    assert seen and all(mask == cores for mask in seen)


def test_a_ratio_compares_moments_not_machines_that_drift():
    ours, theirs = [[(10, 9), (12, 9), (11, 9)], [(40, 9), (44, 9), (48, 9)]], [[(22, 8)] * 3, [(88, 8)] * 3]
    assert measure.times_faster(ours, theirs) == 2 and measure.times_faster(theirs, ours) == 0.5
    figures = measure.figures(ours)
    assert figures["median_ms"] == 26 and figures["runs"] == 6 and figures["q1_ms"] <= 26 <= figures["q3_ms"]
    assert figures["min_ms"] == 10 and figures["cpu_ms"] == 9
    assert measure.fastest({"a": theirs, "b": ours}, ["a", "b"]) == "b" and measure.fastest({}, []) is None


# ---- Tables, pictures, verdicts ----

def row(key, title, precision, ratio, **more):
    return {"network": "resnet18", "batch": 1, "threads": 1, "key": key, "title": title, "precision": precision,
            "wanted": None, "median_ms": 20.0, "q1_ms": 19.5, "q3_ms": 123.25, "min_ms": 19.0, "cpu_ms": 19.9, "runs": 9,
            "rounds": 3, "reference": False, "times_faster": ratio, "speedup": None, **more}


def result(**more):
    rows = [row("n2uq-2bit", "n2uq W2A2", "n2uq", 2.5, wanted=2.0), row("peer-int8", "Peer int8", "int8", 1.0, reference=True),
            row("peer-int8", "Peer int8", "int8", 1.0, threads=2, speedup=1.9), row("peer-float32", "P f", "float32", 0.25)]
    layers = [{"name": "conv1", "strategy": "float_fma lanes=16", "family": "float_fma", "macs": 118_000_000, "ms": 2.0,
               "share": 0.5, "macs_per_cycle": 16.0, "times_peak": 0.25},
              {"name": "pool", "strategy": "pool lanes=16", "family": "pool", "macs": 0, "ms": 2.0, "share": 0.5,
               "macs_per_cycle": 0.0, "times_peak": 0.0}]
    profile = {"network": "resnet18", "title": "n2uq W2A2", "key": "n2uq-2bit", "ms": 4.0, "macs": 118_000_000,
               "macs_per_cycle": 8.0, "layers": layers}
    return {"machine": {"cpu": "Some CPU", "cpu_family": "6", "cpu_model": "1", "cores": 2, "vnni": True},
            "load_before": 3.0, "load_after": 4.0, "date": "2026-01-01 00:00 UTC", "commit": "abc", "start_ms": 4.5,
            "peak": {"instruction": "vpdpbusd zmm", "macs_per_cycle": 64.0, "ghz": 3.7},
            "contenders": {"n2uq W2A2": "kernels"}, "missing": ["Peer takes no part: reason"], "rows": rows,
            "profiles": [profile], **more}


def test_table():
    lines = report.table(result()["rows"]).splitlines()
    assert len(lines) == 6 and len({len(line) for line in lines}) == 1 and set(lines[1]) == set("|-:")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[2] == ["resnet18", "1", "1", "n2uq W2A2", "20.00", "19.50 to 123.25", "20.00", "19.90", "2.50"]
    assert cells[3][-1] == "1.00 (int8)"
    assert report.table([row("a", "A", "n2uq", None)]).splitlines()[2].split("|")[-2].strip() == ""


def test_text_says_what_was_measured_and_what_is_missing():
    said = report.text(result())
    assert said.startswith("Some CPU (family 6, model 1), 2 cores, with VNNI, load 3.0 before") and "too long" not in said
    for part in ("64.0 multiply-accumulates a cycle (vpdpbusd zmm), 3.70 GHz", "in 4.5 ms", "takes no part",
                 "times faster than 1 thread", "1.90"):
        assert part in said, part
    busy = result()
    busy["rows"][0]["cpu_ms"] = 10
    assert "too long" in report.text(busy)


def test_the_short_table_sets_ours_beside_the_fastest_int8_peer():
    lines = report.readme(result()).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells[0][2:] == ["ms, 1 thread", "fastest int8 peer, ms", "times faster", "ms, 2 threads",
                            "fastest int8 peer, ms", "times faster"]
    assert cells[2] == ["resnet18", "n2uq W2A2", "20.00", "Peer int8 20.00", "2.50", "", "", ""] and len(cells) == 3


def test_layers_against_the_peak():
    said = report.layers(result())
    assert "118 million multiply-accumulates, 8.0 a cycle, 0.12 times the int8 peak" in said
    pool = next(line for line in said.splitlines() if line.startswith("| pool"))
    assert [cell.strip() for cell in pool.split("|")[5:7]] == ["", ""]  # it multiplies nothing
    assert report.layers({"profiles": []}) == ""


@pytest.mark.parametrize("ratio,holds", [(2.0, True), (1.99, False), (None, False)])
def test_check(ratio, holds):
    rows = [row("n2uq-2bit", "n2uq W2A2", "n2uq", ratio, wanted=2.0), row("n2uq-3bit", "n2uq W3A3", "n2uq", 0.1),
            row("n2uq-2bit", "n2uq W2A2", "n2uq", 0.1, wanted=2.0, batch=8)]
    assert [held for held, _ in report.verdicts({"rows": rows})] == [holds]
    assert [held for held, _ in report.verdicts({"rows": rows[1:]})] == [False]  # nothing was asked of these


def test_check_of_threads_and_layers():
    rows = [row("n2uq-2bit", "n2uq W2A2", "n2uq", 2.5, wanted=2.0, threads=2, speedup=speedup) for speedup in (1.9, 1.8)]
    layers = [{"name": name, "times_peak": ratio} for name, ratio in (
        ("layer2.0.conv1", 0.5), ("layer2.0.conv2", 2.6), ("layer2.1.conv1", 2.7), ("layer2.1.conv2", 2.8), ("layer4.1.conv2", 1.9))]
    profiles = [{"network": "resnet18", "title": "n2uq W2A2", "key": "n2uq-2bit", "layers": layers}]
    found = report.verdicts({"rows": rows, "profiles": profiles})
    assert [held for held, _ in found] == [True, True, True, False, True, False]
    assert "layer2: 3x3 convolutions at 2.70 times the int8 peak, wanted is 2.6" in found[4][1]


def test_pictures_are_written(tmp_path):
    plot.bench(result(), tmp_path / "bench.png")
    plot.roofline(result(), tmp_path / "layers.png")
    plot.curves([("title", "x", {"line": [(1, 2.0), (2, 3.0)]})], tmp_path / "curves.png", "y")
    for name in ("bench", "layers", "curves"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG", name
    with pytest.raises(Error, match="no/p.png: cannot be written"):
        plot.bench(result(), tmp_path / "no/p.png")


# ---- The command line ----

@pytest.mark.parametrize("words,said", [
    (["--wrong"], "unrecognized arguments: --wrong"), (["--threads", "0"], "--threads: takes numbers from 1"),
    (["--batch=x"], "--batch: takes numbers"), (["--seconds"], "--seconds: expected one argument"),
    (["--seconds=0"], "--seconds: takes a number like"), (["--seconds=nan"], "--seconds: takes a number like"),
    (["--networks=vgg"], "--networks: knows resnet18, resnet34"), (["--peers=tvm"], "--peers: knows openvino"),
    (["--peers=none,ncnn"], "--peers is 'none' or"), (["--check", "--batch=2"], "--check compares one image"),
    (["--micro", "--sweep"], "choose one"), (["--precisions=int4"], "--precisions: knows int8")])
def test_mistakes_end_before_anything_is_built(words, said):
    done = subprocess.run([ROOT / "tools/bench", *words], capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


def test_options():
    options = arguments.parse(["--networks=resnet50,resnet50", "--threads", "2,1", "--seconds=0.5"])
    assert options.networks == ["resnet50"] and options.threads == [2, 1] and options.seconds == 0.5
    assert options.batch == [1, 8] and options.peers == list(arguments.PEERS) and not options.check
    assert set(contenders.FORMS) == set(arguments.NETWORKS)


def test_pixels_are_dense():
    """Else every timed run of ours begins with a transposition, which no peer has."""
    pixels = contenders.pixels(ordinary.images(2, 3, 8, 5))
    assert pixels.shape == (2, 8, 8, 3) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous


# ---- Whole runs on tiny networks ----

def test_a_whole_run(tmp_path, monkeypatch):
    options = arguments.parse(["--peers=none", "--batch=1,2", "--threads=1,2", "--seconds=0.01"])
    options.networks = ["resnet8"]
    found = main.bench(options, tmp_path, TINY)
    assert json.loads(json.dumps(found)) == found
    assert [(r["batch"], r["threads"]) for r in found["rows"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(0 < r["q1_ms"] <= r["median_ms"] <= r["q3_ms"] and r["times_faster"] is None for r in found["rows"])
    assert [r["speedup"] is None for r in found["rows"]] == [True, False, True, False]
    assert found["peak"]["macs_per_cycle"] > 1 and 0.3 < found["peak"]["ghz"] < 10 and found["start_ms"] > 0
    profile, = found["profiles"]
    names = [layer["name"] for layer in profile["layers"] if layer["macs"]]
    assert "layer1.0.conv1" in names and abs(sum(layer["share"] for layer in profile["layers"]) - 1) < 1e-6
    assert "resnet8" in report.text(found) and "layer1.0.conv1" in report.layers(found)
    # The same model by the same compiler is not compiled again.
    monkeypatch.setattr(contenders.toolchain, "compile_file", lambda *_, **__: pytest.fail("compiled twice"))
    contenders.ours(contenders.Task("resnet8", tmp_path, TINY), pytest.fail)


def test_peers_that_take_no_part_are_named(tmp_path, monkeypatch):
    def refuse(name, task, precisions):
        raise Error(f"{name} takes no part: it is a test")
    monkeypatch.setattr(contenders, "peer", refuse)
    heard = []
    found = main.prepare(contenders.Task("resnet8", tmp_path, TINY), ["ncnn"], ["int8"], heard.append)
    assert [c.precision for c in found] == ["n2uq"] and heard == ["resnet8: ncnn takes no part: it is a test"]


def test_nonuniform_levels_are_uneven_and_the_thresholds_the_same(tmp_path):
    network = architecture.build("resnet8", 2, **TINY)
    state = ordinary.state_dict(network, 1)
    n2uq.export(state, tmp_path / "u.onnx", network.image)
    nonuniform.write(network, state, True, tmp_path / "n.onnx")
    uniform, uneven = (onnx.load(tmp_path / f"{name}.onnx").graph for name in "un")

    def tensors(graph):
        return {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    before, after = tensors(uniform), tensors(uneven)
    names = [name for name in before if name.endswith(".thresholds")]
    assert len(names) > 5
    for name in names:
        edges, counts = np.unique(after[name], return_counts=True)
        assert after[name].size == 255 and (edges == np.unique(before[name])).all() and len(set(counts)) > 1
    weight, scale = after["layer1.0.conv1.weight"], after["layer1.0.conv1.weight_quant.scale"]
    levels = np.rint(weight / scale).reshape(len(weight), -1)
    for channel in levels:
        found = np.unique(channel)
        assert set(found) <= {-127, *found, 127} and len(found) <= 4 and (found == -found[::-1]).all()
    # Signs and order of the weights are those of the uniform network.
    assert (np.sign(weight) == np.sign(before["layer1.0.conv1.weight"])).all()


def test_a_nonuniform_run(tmp_path):
    options = arguments.parse(["--nonuniform", "--batch=1", "--threads=1", "--seconds=0.01"])
    found = nonuniform.bench(options, tmp_path, "resnet8", TINY)
    assert json.loads(json.dumps(found)) == found
    assert [r["key"] for r in found["rows"]] == ["uniform", "nonuniform-int8", "nonuniform-float32"]
    uniform, int8, float32 = found["rows"]
    assert uniform["times_slower"] == 1 and float32["weight_bytes"] > 2 * int8["weight_bytes"]
    assert "nonuniform levels, decoded to int8" in nonuniform.text(found)
    # Both forms are one network: integer sums against float32 sums.
    x = ordinary.images(8, 3, 32, 6)
    y = [n2uq.Model(tmp_path / f"resnet8_nonuniform-{kind}.so")(x) for kind in ("int8", "float32")]
    assert np.corrcoef(y[0].ravel(), y[1].ravel())[0, 1] > 0.999


def test_layers_of_the_microbenchmark(tmp_path):
    assert {"direct_dot", "depthwise", "portable"} <= set(micro.families())
    shapes = [one_layer.Layer(7, 16, 16), one_layer.Layer(7, 16, 16, depthwise=True)]
    found = micro.libraries(tmp_path, shapes, bits=(2,))
    kinds = [(one_layer.conv_of(library)["strategy"].split()[0], "dw" in library.name) for library in found]
    assert ("direct_dot", False) in kinds and ("depthwise", True) in kinds and ("depthwise", False) not in kinds


def test_a_sweep(tmp_path):
    options = arguments.parse(["--sweep", "--seconds=0.01"])
    points = [(one_layer.Layer(5, c, c), 1) for c in (8, 33)]
    assert sweep.run(options, tmp_path, {"channels": ("channels", points), "batch": ("batch", [(points[0][0], 3)])}) == 0
    lines = (tmp_path / "sweep.csv").read_text().splitlines()
    assert lines[0].startswith("series,channels,image,batch,strategy,macs") and len(lines) == 4
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_cliffs_of_a_sweep_are_named():
    def at(channels, cost):
        return {"series": "channels", "channels": channels, "ps_per_mac": cost, "strategy": "direct_dot tile"}
    assert sweep.steps([at(8, 4.0), at(16, 3.0), at(17, 3.6)]) == []
    assert sweep.steps([at(16, 3.0), at(17, 6.0)])[0].startswith("channels 17: 2.00 times the time of 16")


def test_pictures(tmp_path, monkeypatch, capsys):
    from n2uq.bench import pictures
    monkeypatch.setattr(pictures, "SIZES", ((300, 260), (90, 400)))
    assert main.main(["--pictures", "--seconds=0.05"], tmp_path) == 0
    text = (tmp_path / "pictures.txt").read_text()
    assert "| 260 x 300, bilinear " in text and "| all of them " in text and text.strip() in capsys.readouterr().out
    rows = json.loads((tmp_path / "pictures.json").read_text())
    assert len(rows) == 6 and all(row["times_faster"] > 0 and row["ours"]["runs"] > 0 for row in rows)
