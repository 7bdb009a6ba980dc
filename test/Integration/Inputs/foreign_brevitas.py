# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks made and exported by Brevitas, against the qonnx executor.

    foreign_brevitas.py SCRATCH TARGET_CPU

Three untrained networks with scales that are no powers of two, as Brevitas learns them: a residual one of 2 bits, a depthwise
one of 4 bits, one of 1-bit weights and 2-bit activations, each exported as QONNX by Brevitas' own exporter (TorchScript). The
reference's output agrees with that of qonnx but for the order of float sums; the compiled model equals the reference bit for bit,
codes included; export gives a file that qonnx executes with the same output. Prints `N networks agree`.
"""
import pathlib
import sys
import warnings

import numpy as np
import onnx
import torch
from torch import nn

import foreign

#: In units of the last place of the largest output: float sums in another order.
TOLERANCE = 32


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
    expected = foreign.execute(onnx.load(scratch / "model.onnx"), images)
    return foreign.compare(expected, images, scratch, cpu, TOLERANCE)


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
