# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gradients of the quantizers (G-STE) against automatic differentiation of what they stand for, in float64."""

import numpy as np
import pytest
import torch

from n2uq import functional as F
from n2uq import fused

torch.manual_seed(0)


def parameters(bits, dtype=torch.float64, clamp=False, scale1=0.9, scale2=1.2, start=0.1):
    levels = 2**bits - 1
    widths = 2 / levels * torch.exp(0.4 * torch.randn(levels, dtype=torch.float64))
    if clamp:
        widths[1], widths[-1] = -0.3, 1e-3
    values = (torch.tensor([start]), widths, torch.tensor([scale1]), torch.tensor([scale2]))
    return [v.to(dtype).requires_grad_() for v in values]


def ramp(x, start, widths, scale1, scale2):
    """The piecewise linear function through the quantizer's edges: G-STE is its derivative."""
    widths = torch.where(widths > F.EPSILON, widths, torch.full_like(widths, F.EPSILON))
    edges = start + torch.cumsum(widths, 0) - widths
    rise = torch.clamp((x[..., None] * scale1 - edges) / widths, 0, 1)
    return scale2 * 2 / len(widths) * rise.sum(-1)


@pytest.mark.parametrize("scale1,scale2", [(0.9, 1.2), (-0.8, 1.1), (1.3, -0.7), (-1.0, -1.0)])
@pytest.mark.parametrize("clamp", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_learned_threshold_gradients(bits, clamp, scale1, scale2):
    x = (torch.randn(2, 3, 11, 13, dtype=torch.float64) * 1.5).requires_grad_()
    own = parameters(bits, clamp=clamp, scale1=scale1, scale2=scale2)
    weights = torch.randn_like(x)
    got = torch.autograd.grad((F.LearnedThreshold.apply(x, *own) * weights).sum(), [x, *own])
    want = list(torch.autograd.grad((ramp(x, *own) * weights).sum(), [x, *own]))
    # scale2 multiplies the steps themselves, not the ramp.
    codes = (x[..., None] * own[2] > F.thresholds(own[0], own[1])).sum(-1)
    want[-1] = (weights * codes * 2 / (2**bits - 1)).sum().reshape(1)
    for name, a, b in zip(("x", "start", "a", "scale1", "scale2"), got, want):
        assert torch.allclose(a, b, rtol=1e-11, atol=1e-12), name


def test_widths_at_the_clamp_get_no_gradient():
    own = parameters(2, clamp=True)
    x = torch.linspace(-1, 3, 500, dtype=torch.float64)
    gradient, = torch.autograd.grad(F.LearnedThreshold.apply(x, *own).sum(), [own[1]])
    assert gradient[1] == 0 and gradient[2] == 0 and gradient[0] != 0


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_codes_are_strictly_above(bits):
    """A value on a threshold has the code below it, a NaN has code 0."""
    own = [p.detach() for p in parameters(bits, torch.float32, scale1=1.0, scale2=1.0)]
    levels = F.thresholds(own[0], own[1])
    step = torch.tensor(2 / (2**bits - 1), dtype=torch.float64).float()
    above = torch.from_numpy(np.nextafter(levels.numpy(), np.float32(np.inf)))
    for x, code in ((levels, torch.arange(len(levels))), (above, torch.arange(len(levels)) + 1),
                    (torch.tensor([float("nan"), float("inf"), -float("inf")]), torch.tensor([0, len(levels), 0]))):
        assert torch.equal(F.LearnedThreshold.apply(x.contiguous(), *own), code.float() * step)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "odd"])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_fused_equals_plain(bits, layout, monkeypatch):
    assert fused.library() is not None, "the tests need a C compiler"
    x = torch.randn(3, 16, 9, 10)
    x = {"contiguous": x, "channels_last": x.contiguous(memory_format=torch.channels_last), "odd": x[:, ::2]}[layout]
    weights, results = torch.randn_like(x), []
    torch.manual_seed(bits)
    own = parameters(bits, torch.float32, clamp=True, scale1=-1.1)
    before, after = torch.randn(1, x.shape[1], 1, 1), torch.randn(1, x.shape[1], 1, 1)
    relu = [before.requires_grad_(), torch.randn(x.shape[1]).requires_grad_(), after.requires_grad_()]
    for plain in (False, True):
        if plain:
            monkeypatch.setattr(fused, "library", lambda: None)
        data = x.detach().clone().requires_grad_()
        values = F.LearnedThreshold.apply(data, *own)
        rectified = F.RPRelu.apply(data, *relu)
        gradients = torch.autograd.grad((values * weights).sum(), [data, *own])
        results.append((values, rectified, *gradients,
                        *torch.autograd.grad((rectified * weights).sum(), [data, *relu])))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    for a, b in zip(results[0][2:], results[1][2:]):
        assert a.shape == b.shape and torch.allclose(a, b, rtol=2e-5, atol=2e-5 * float(b.abs().max()))


def test_rprelu_gradients():
    x = torch.randn(2, 5, 4, 3, dtype=torch.float64, requires_grad=True)
    own = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((1, 5, 1, 1), (5,), (1, 5, 1, 1))]
    weights = torch.randn_like(x)
    got = torch.autograd.grad((F.RPRelu.apply(x, *own) * weights).sum(), [x, *own])
    plain = torch.nn.functional.prelu(x + own[0], own[1]) + own[2]
    for a, b in zip(got, torch.autograd.grad((plain * weights).sum(), [x, *own])):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_rescaled_weight(bits):
    weight = torch.randn(6, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    value = F.RescaledWeight.apply(weight, bits)
    levels = 2**bits - 1
    factor = (levels / 2**(bits - 1)) * weight.detach().abs().mean((1, 2, 3), keepdim=True)
    integers = value.detach() / factor * levels
    assert torch.allclose(integers, integers.round(), atol=1e-9)
    assert set(integers.round().int().flatten().tolist()) == set(range(-levels, levels + 1, 2))
    gradient = torch.randn_like(weight)
    assert torch.allclose(torch.autograd.grad(value, weight, gradient)[0], gradient / factor, rtol=1e-12)


def test_zero_weight_rounds_to_plus_one():
    value = F.RescaledWeight.apply(torch.tensor([0.0, -0.9, 0.9, 2.2]).reshape(1, 4, 1, 1), 2)
    assert value[0, 0] == value[0, 2] > 0  # 0 is a tie between -1 and +1 and goes to the even k = 2
    assert torch.allclose(value[0, 3], 3 * value[0, 0]) and torch.allclose(value[0, 1], -value[0, 0])


def test_pact_gradients():
    """Straight through in x; clip gets the saturated part and code/L, for its forward value is not detached."""
    x = (2 * torch.randn(400, dtype=torch.float64)).requires_grad_()
    clip = torch.tensor([1.7], dtype=torch.float64, requires_grad=True)
    weights, levels = torch.randn_like(x), 15
    got = torch.autograd.grad((F.Pact.apply(x, clip, 4) * weights).sum(), [x, clip])
    limited = torch.where(torch.relu(x) < clip, torch.relu(x), clip)
    scale = levels / clip
    plain = torch.round(limited * scale).detach() / scale - limited.detach() + limited
    for a, b in zip(got, torch.autograd.grad((plain * weights).sum(), [x, clip])):
        assert torch.allclose(a, b, rtol=1e-10)
