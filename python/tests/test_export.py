# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exported ONNX: read by the onnx package, evaluated by its reference evaluator, compared with the oracle."""

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from onnx import numpy_helper

import n2uq
import oracle
from n2uq import architecture, exporter, models, ordinary
from n2uq.errors import Error


class MultiThreshold(onnx.reference.op_run.OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, v, thresholds, out_dtype, out_scale, out_bias, data_layout, nan_code=0):
        assert data_layout == "NCHW" and out_bias == 0 and thresholds.shape[0] == 1
        counts = sum((v >= t).astype(np.float32) for t in thresholds[0])
        return (np.where(np.isnan(v), np.float32(nan_code), counts) * np.float32(out_scale),)


class Quant(onnx.reference.op_run.OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, x, scale, zeropt, bitwidth, signed, narrow, rounding_mode):
        assert (signed, narrow, rounding_mode) == (0, 0, "ROUND")
        y = np.rint(np.clip(x / scale + zeropt, 0, 2**bitwidth - 1))
        return ((y - zeropt) * scale,)


def evaluate(path, x):
    """(output, {name: value of every node})."""
    model = onnx.load(path)
    names = [node.output[0] for node in model.graph.node]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = onnx.reference.ReferenceEvaluator(model, new_ops=[MultiThreshold, Quant])
    values = dict(zip(names, session.run(None, {"input": x})))
    return values["output"], values


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_onnx_evaluator_gives_the_oracles_codes(bits, quantized, tmp_path):
    """With parameters on a coarse grid no sum rounds, so an evaluator with its own summation order gives equal codes."""
    network = architecture.build("resnet14", bits, quantized)
    state = ordinary.state_dict(network, 6, edge=True)
    n2uq.export(state, tmp_path / "m.onnx")
    x = ordinary.images(2, 3, 32, 3, edge=True)
    logits, codes = oracle.run(state, x)
    output, values = evaluate(tmp_path / "m.onnx", x)
    steps = {node.name: node.attribute[1].f for node in onnx.load(tmp_path / "m.onnx").graph.node
             if node.op_type == "MultiThreshold"}
    assert steps.keys() == codes.keys()
    for name, step in steps.items():
        assert np.array_equal(np.rint(values[name] / step).transpose(0, 2, 3, 1), codes[name]), name
    assert np.allclose(output, logits, atol=1e-4)


CASES = [("resnet8", 2, {"in_channels": 1, "classes": 7}), ("resnet20", 4, {"width": 5}), ("resnet18", 3, {"width": 8}),
         ("resnet50", 2, {"width": 8, "quantized_downsample": False}), ("mobilenet_v2", 4, {"classes": 10})]


@pytest.mark.parametrize("name,bits,options", CASES)
def test_form(name, bits, options, tmp_path):
    network = architecture.build(name, bits, **options)
    state, path = ordinary.state_dict(network, 2), tmp_path / "m.onnx"
    assert n2uq.export(state, path) == network
    model = onnx.load(path)
    onnx.checker.check_model(model)
    graph, levels = model.graph, network.levels
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17), ("qonnx.custom_op.general", 1)]
    dims = lambda v: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
    assert [(v.name, dims(v)) for v in graph.input] == [("input", ["N", network.stem.inputs] + [network.image] * 2)]
    assert [(v.name, dims(v)) for v in graph.output] == [("output", ["N", network.classes])]
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    assert all(c.dtype == np.float32 for c in constants.values())
    nodes = {node.name: node for node in graph.node}
    assert len(nodes) == len(graph.node)
    attributes = lambda node: {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}

    quantizers = [stage.quantizer for _, stage in network.stages() if stage.quantizer]
    assert quantizers and {n.name for n in graph.node if n.op_type == "MultiThreshold"} == set(quantizers)
    for quantizer in quantizers:
        node, pact = nodes[quantizer], f"{quantizer}.clip_val" in state
        known = attributes(node)
        assert known["out_dtype"] == f"UINT{bits}".encode() and known.get("nan_code", 0) == (levels if pact else 0)
        top = state[f"{quantizer}.clip_val"][0] if pact else np.float64(state[f"{quantizer}.scale2"][0]) * 2
        assert known["out_scale"] == np.float32(np.float64(top) / levels)
        assert constants[node.input[1]].shape == (1, levels)
        if not pact:
            scale = nodes[f"{quantizer}.scale1"]
            assert scale.op_type == "Mul" and scale.output[0] == node.input[0]
            assert np.array_equal(constants[scale.input[1]], state[f"{quantizer}.scale1"])
        assert all(n.op_type == "Conv" for n in graph.node if quantizer in n.input)

    for _, stage in network.stages():
        conv = attributes(nodes[stage.conv.name])
        assert conv["group"] == stage.conv.groups and conv["strides"] == [stage.conv.stride] * 2
        assert conv["pads"] == [stage.conv.kernel // 2] * 4
        if not stage.conv.quantized:
            assert np.array_equal(constants[nodes[stage.conv.name].input[1]], state[f"{stage.conv.name}.weight"])
            continue
        quant = nodes[f"{stage.conv.name}.weight_quant"]
        assert nodes[stage.conv.name].input[1] == quant.output[0]
        weight, scale, zero, width = (constants[i] for i in quant.input)
        assert zero == levels / 2 and width == bits and scale.shape == (stage.conv.outputs, 1, 1, 1)
        # Evaluating Quant gives whole levels: the weights are on their grid already.
        k = np.rint(weight / scale + zero)
        assert np.abs(weight / scale + zero - k).max() < 1e-5 and k.min() >= 0 and k.max() <= levels
        w = state[f"{stage.conv.name}.weight"].astype(np.float64)
        factor = (np.abs(w).mean((1, 2, 3)) * {2: 1.5, 3: 1.75, 4: 1.875}[bits]).astype("f")
        assert np.array_equal(scale.ravel(), 2 * (factor.astype("d") / levels).astype("f"))
        error = (2 * k - levels) * (factor.reshape(-1, 1, 1, 1) / levels) - np.clip(w, *(s * factor.reshape(-1, 1, 1, 1)
                                                                                       for s in (-1, 1)))
        assert np.abs(error).max() <= (factor.max() / levels) * 1.00001

    for name in {key.rpartition(".")[0] for key in state if key.endswith(".running_var")}:
        assert (nodes[f"{name}.scale"].op_type, nodes[f"{name}.offset"].op_type) == ("Mul", "Add")
        assert constants[f"{name}.scale.value"].shape[::2] == (1, 1)


def test_pact_thresholds_are_the_first_of_each_code():
    for clip in (2.0, 1.7341, 0.013, 6.5, 31.0):
        for levels in (3, 7, 15):
            clip = np.float32(clip)
            steps = np.float32(1) / clip * np.float32(levels)
            code = lambda x: np.rint(np.minimum(np.maximum(x, np.float32(0)), clip) * steps)
            thresholds = exporter.pact_thresholds(clip, levels, "q")
            assert np.array_equal(code(thresholds), np.arange(1, levels + 1))
            assert np.array_equal(code(np.nextafter(thresholds, np.float32(-1))), np.arange(levels))
    with pytest.raises(Error, match="clip_val"):
        exporter.pact_thresholds(-1.0, 15, "q")
    with pytest.raises(Error, match="clip_val"):
        exporter.pact_thresholds(1e-45, 15, "q")


def test_sources_give_the_same_file(tmp_path):
    """A module, its state dict, a checkpoint with `module.` and a bare one: byte for byte."""
    torch.manual_seed(1)
    model = models.resnet8(bits=3)
    torch.save({"epoch": 1, "state_dict": torch.nn.DataParallel(model).state_dict(), "best_top1_acc": 0,
                "optimizer": {}}, tmp_path / "a.pth.tar")
    torch.save(model.state_dict(), tmp_path / "b.pth")
    files = []
    for i, source in enumerate((model, model.state_dict(), tmp_path / "a.pth.tar", str(tmp_path / "b.pth"))):
        n2uq.export(source, tmp_path / f"{i}.onnx")
        files.append((tmp_path / f"{i}.onnx").read_bytes())
    assert len(set(files)) == 1


def test_errors(tmp_path):
    network = architecture.build("resnet8", 2)
    state = ordinary.state_dict(network, 2)
    dead = dict(state)
    dead["layer2.0.conv1.weight"] = dead["layer2.0.conv1.weight"].copy()
    dead["layer2.0.conv1.weight"][7] = 0
    with pytest.raises(Error, match="output channel 7 of 'layer2.0.conv1' is all zero"):
        n2uq.export(dead, tmp_path / "m.onnx")
    with pytest.raises(Error, match="float model"):
        n2uq.export(models.resnet8(bits=None), tmp_path / "m.onnx")
    with pytest.raises(Error, match="cannot be written"):
        n2uq.export(state, tmp_path / "no" / "m.onnx")
    with pytest.raises(Error, match="not a int"):
        n2uq.export(5, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
