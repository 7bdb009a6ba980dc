# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks made and exported by Brevitas, against the qonnx executor.

    foreign_brevitas.py SCRATCH TARGET_CPU

Three untrained networks with scales that are no powers of two, as Brevitas learns them: a residual one of 2 bits, a depthwise
one of 4 bits, one of 1-bit weights and 2-bit activations, each exported as QONNX by Brevitas' own exporter (TorchScript).

* The codes behind every quantizer are those of the qonnx executor.
* The output is that of the network in float64 within the roundings of its last layer: qonnx sums products of float32 and is
  further away from that than we are, so it cannot be the judge of floats.
* The compiled model equals the reference bit for bit, codes included, and export gives a file that qonnx executes with the
  output that it gave before but for such sums.

Prints `N networks agree`.
"""
import pathlib
import re
import sys
import warnings

import numpy as np
import onnx
import onnx.reference
import torch
from onnx import numpy_helper
from torch import nn

import foreign

#: In units of the last place of the largest output. The scale of the sums, their product with it and the bias round once each.
ROUNDINGS = 1.5
#: What the executor's float sums add to that.
EXECUTOR = 32


def convolution(inputs, outputs, kernel, bits, **options):
    import brevitas.nn as qnn
    from brevitas.quant import Int8WeightPerChannelFloat, SignedBinaryWeightPerTensorConst
    quant = SignedBinaryWeightPerTensorConst if bits == 1 else Int8WeightPerChannelFloat
    return qnn.QuantConv2d(inputs, outputs, kernel, bias=False, weight_quant=quant, weight_bit_width=bits, **options)


def unit(inputs, outputs, kernel, weight_bits, bits, **options):
    import brevitas.nn as qnn
    return nn.Sequential(convolution(inputs, outputs, kernel, weight_bits, **options), nn.BatchNorm2d(outputs),
                         qnn.QuantReLU(bit_width=bits))


class Residual(nn.Module):
    def __init__(self):
        import brevitas.nn as qnn
        super().__init__()
        self.stem = unit(3, 16, 3, 4, 2, padding=1)
        self.first = unit(16, 16, 3, 2, 2, padding=1)
        self.second = nn.Sequential(convolution(16, 16, 3, 2, padding=1), nn.BatchNorm2d(16))
        self.shared = qnn.QuantIdentity(bit_width=4)
        self.relu = qnn.QuantReLU(bit_width=2)
        self.head = qnn.QuantLinear(16, 10, bias=True, weight_bit_width=4)

    def forward(self, x):
        x = self.stem(x)
        x = self.relu(self.shared(self.second(self.first(x))) + self.shared(x))
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


class Depthwise(nn.Module):
    def __init__(self):
        import brevitas.nn as qnn
        super().__init__()
        self.input = qnn.QuantIdentity(bit_width=8)
        self.body = nn.Sequential(unit(3, 16, 3, 8, 4, padding=1), unit(16, 16, 3, 4, 4, padding=1, groups=16, stride=2),
                                  unit(16, 24, 1, 4, 4), nn.Dropout(0.1))
        self.head = qnn.QuantLinear(24 * 16, 10, bias=True, weight_bit_width=4)

    def forward(self, x):
        return self.head(torch.flatten(self.body(self.input(x)), 1))


class OneBit(nn.Module):
    def __init__(self):
        import brevitas.nn as qnn
        super().__init__()
        self.body = nn.Sequential(qnn.QuantIdentity(bit_width=2), unit(3, 16, 3, 1, 2, padding=1), nn.MaxPool2d(2),
                                  unit(16, 20, 3, 1, 2))
        self.head = qnn.QuantLinear(20 * 4, 10, bias=False, weight_bit_width=2)

    def forward(self, x):
        return self.head(torch.flatten(self.body(x), 1))


class Quant(onnx.reference.op_run.OpRun):
    op_domain = "onnx.brevitas"

    def _run(self, x, scale, zero, bits, signed, narrow, rounding_mode):
        low, high = (-2.0**(bits - 1) + narrow, 2.0**(bits - 1) - 1) if signed else (0, 2.0**bits - 1 - narrow)
        return ((np.rint(np.clip(x / scale + zero, low, high)) - zero) * scale,)


class BipolarQuant(onnx.reference.op_run.OpRun):
    op_domain = "onnx.brevitas"

    def _run(self, x, scale):
        return (np.where(x >= 0, scale, -scale),)


def in_double(model, images):
    """The network with every number and every step in float64."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "momentum":  # the evaluator trains; this is how it learns nothing
                attribute.f = 1
    evaluator = onnx.reference.ReferenceEvaluator(model, new_ops=[Quant, BipolarQuant])
    return evaluator.run(None, {"input": images.astype(np.float64)})[0]


def codes_differ(model, images, scratch):
    """Which quantizer of activations has other levels than the executor says; None where none has."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes
    tensors = execute_onnx(ModelWrapper(model).transform(InferShapes()), {"input": images}, return_full_exec_context=True)
    found = 0
    for node in model.graph.node:
        file = scratch / (re.sub(r"[^A-Za-z0-9._-]", "_", node.name) + ".npy")
        if node.op_type != "Quant" or not file.exists():
            continue
        levels = np.rint(tensors[node.output[0]] / tensors[node.input[1]])
        codes = np.load(file).astype(np.float32)
        if levels.ndim == 4:
            levels = levels.transpose(0, 2, 3, 1)
        if np.ptp(codes.reshape(levels.shape) - levels) != 0:  # a code counts from the lowest level
            return node.name
        found += 1
    return None if found >= 2 else f"only {found} quantizers were found"


def check(build, scratch, cpu):
    from brevitas.export import export_qonnx
    torch.manual_seed(1)
    network = build()
    images = torch.randn(foreign.BATCH, 3, 8, 8)
    # A few batches, so that the quantizers and batch norms have seen what they scale.
    network.train()
    with torch.no_grad():
        for _ in range(4):
            network(torch.randn(16, 3, 8, 8))
    network.eval()
    # The exporter prints what it does.
    export_qonnx(network, images, str(scratch / "model.onnx"), opset_version=13, input_names=["input"],
                 output_names=["output"])
    images = images.numpy()
    model = onnx.load(scratch / "model.onnx")
    exact = in_double(model, images)
    if problem := foreign.compare(foreign.execute(model, images), images, scratch, cpu, EXECUTOR):
        return problem
    foreign.run("n2uq-translate", "--interpret", scratch / "model.mlir", f"--input=input={scratch / 'input.npy'}",
                f"--output-dir={scratch}", "--dump-codes")
    apart = foreign.difference(np.load(scratch / "output.npy"), exact)
    if isinstance(apart, str) or apart > ROUNDINGS:
        return f"is {apart} units of the last place away from float64"
    quantizer = codes_differ(model, images, scratch)
    return f"codes differ: {quantizer}" if quantizer else None


def main():
    scratch, cpu = pathlib.Path(sys.argv[1]), sys.argv[2]
    scratch.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    agreed = 0
    for build in (Residual, Depthwise, OneBit):
        problem = check(build, scratch, cpu)
        print(f"{build.__name__}: {problem or 'agrees'}")
        agreed += not problem
    print(f"{agreed} networks agree")
    return agreed != 3


if __name__ == "__main__":
    sys.exit(main())
