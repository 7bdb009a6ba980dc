# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""N2UQ layers for PyTorch. Their state_dict entries have the names, order and shapes of the authors' checkpoints."""

import torch
from torch import nn

from . import functional as F


def _constant(value):
    """An entry of the authors' files that training never changes."""
    return nn.Parameter(torch.tensor([value], dtype=torch.float32), requires_grad=False)


class LTQ(nn.Module):
    """Learned-threshold quantizer of activations: per-tensor thresholds in, equidistant levels 0 .. 2*scale2 out."""

    def __init__(self, bits):
        super().__init__()
        levels = 2**bits - 1
        self.bits = bits
        self.start = nn.Parameter(torch.zeros(1))
        self.a = nn.Parameter(torch.full([levels], 2 / levels))
        self.scale1 = nn.Parameter(torch.ones(1))
        self.scale2 = nn.Parameter(torch.ones(1))
        self.two, self.one, self.zero = _constant(2.0), _constant(1.0), _constant(0.0)
        self.minusone, self.eps = _constant(-1.0), _constant(F.EPSILON)

    def forward(self, x):
        return F.LearnedThreshold.apply(x, self.start, self.a, self.scale1, self.scale2)

    def extra_repr(self):
        return f"bits={self.bits}"

    @torch.no_grad()
    def calibrate(self, x):
        """Sets scale1 and scale2 = 1/scale1 so that the initial, uniform levels fit x with the least square error."""
        sample = x.detach().flatten()
        sample = sample[torch.randperm(len(sample))[:20000]]
        top = torch.clamp(sample, min=0).max()
        if top <= 0:
            return
        step = 2 / len(self.a)
        best = None
        for share in torch.linspace(0.05, 1.0, 40):
            scale = 2 / (top * share)
            error = ((torch.round(torch.clamp(sample * scale, 0, 2) / step) * step / scale - torch.relu(sample))**2).mean()
            if best is None or error < best[0]:
                best = error, scale
        self.scale1.fill_(float(best[1]))
        self.scale2.fill_(1 / float(best[1]))


class PACT(nn.Module):
    """ReLU, clip at a learned value, uniform levels; MobileNetV2 uses it before its last convolution."""

    def __init__(self, bits):
        super().__init__()
        self.bits = bits
        self.clip_val = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x):
        return F.Pact.apply(x, self.clip_val, self.bits)


class QConv2d(nn.Module):
    """Convolution without bias whose weights are rescaled per output channel and rounded to odd multiples of sf/L."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, bits=2):
        super().__init__()
        self.bits, self.stride, self.padding, self.groups = bits, stride, kernel // 2, groups
        self.clip_val, self.zero = _constant(2.0), _constant(0.0)
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        weight = F.RescaledWeight.apply(self.weight, self.bits)
        return nn.functional.conv2d(x, weight, None, self.stride, self.padding, 1, self.groups)

    def extra_repr(self):
        return f"{self.weight.shape[1] * self.groups}, {len(self.weight)}, kernel={self.weight.shape[-1]}, bits={self.bits}"


class Bias(nn.Module):
    """One learned number a channel, added by the RPRelu that owns the pair."""

    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x):
        return x + self.bias


def add_rprelu(module, number, channels):
    """Gives `module` the three entries of an RPReLU under the authors' names (bias11, prelu1, bias12 for number 1)."""
    setattr(module, f"bias{number}1", Bias(channels))
    setattr(module, f"prelu{number}", nn.PReLU(channels))
    setattr(module, f"bias{number}2", Bias(channels))


def rprelu(module, number, x):
    """Applies the RPReLU that add_rprelu() made."""
    before, after = getattr(module, f"bias{number}1").bias, getattr(module, f"bias{number}2").bias
    return F.RPRelu.apply(x, before, getattr(module, f"prelu{number}").weight, after)
