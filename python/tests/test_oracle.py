# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle's own footing: its fused multiply-add against libm's, its convolutions and networks against torch."""

import ctypes
import ctypes.util

import numpy as np
import pytest
import torch

import oracle
from n2uq import architecture, models, ordinary


def test_fma_equals_libm():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    libm.fmaf.restype, libm.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
    rng = np.random.default_rng(3)
    x, w = (rng.normal(0, 1, 30000).astype("f") for _ in range(2))
    acc = (rng.normal(0, 1, 30000) * 2.0**rng.integers(-40, 40, 30000)).astype("f")
    acc[:10000] = -(x[:10000] * w[:10000])                       # cancellation leaves the product's low bits
    x[10000:20000] = np.rint(x[10000:20000] * 64) / 64           # short factors: sums that are exact ties
    w[10000:20000] = np.float32(2)**rng.integers(-26, -22, 10000)
    acc[10000:20000] = np.rint(acc[10000:20000]) + 1
    x[20000:20100], w[20000:20100], acc[20000:20100] = 1e-30, 1e-15, 1e-40  # subnormal results
    x[20100], acc[20101], w[20102], acc[20103] = np.inf, -np.inf, np.nan, 3e38
    with np.errstate(all="ignore"):
        got = oracle.fma(x.astype("d"), w.astype("d"), acc.astype("d")).astype("f")
    want = np.array([libm.fmaf(*map(float, row)) for row in zip(x, w, acc)], np.float32)
    assert np.array_equal(got, want, equal_nan=True)


@pytest.mark.parametrize("kernel,stride,pad,size", [(7, 2, 3, 15), (3, 1, 1, 1), (1, 2, 0, 6), (3, 2, 1, 8), (7, 2, 3, 2)])
def test_convolutions_equal_torch(kernel, stride, pad, size):
    rng = np.random.default_rng(kernel)
    x, w = rng.normal(0, 1, (2, size, size, 5)), rng.normal(0, 1, (6, 5, kernel, kernel))
    want = torch.nn.functional.conv2d(torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(w), None, stride, pad)
    got = oracle.float_conv(x.astype("f"), w.astype("f"), stride, pad)
    assert np.allclose(got, want.permute(0, 2, 3, 1), atol=1e-4)
    codes, weight = rng.integers(0, 16, x.shape).astype(np.uint8), rng.integers(-15, 16, w.shape)
    want = torch.nn.functional.conv2d(torch.tensor(codes).double().permute(0, 3, 1, 2), torch.tensor(weight).double(), None,
                                      stride, pad)
    assert np.array_equal(oracle.integer_conv(codes, weight, stride, pad, 1), want.permute(0, 2, 3, 1))
    depthwise = rng.integers(-15, 16, (5, 1, kernel, kernel))
    want = torch.nn.functional.conv2d(torch.tensor(codes).double().permute(0, 3, 1, 2), torch.tensor(depthwise).double(),
                                      None, stride, pad, 1, 5)
    assert np.array_equal(oracle.integer_conv(codes, depthwise, stride, pad, 5), want.permute(0, 2, 3, 1))


@pytest.mark.parametrize("name,bits,size,options", [
    ("resnet8", 2, 28, {"in_channels": 1}), ("resnet14", 4, 32, {"quantized_downsample": False}), ("resnet18", 3, 64, {}),
    ("resnet50", 2, 64, {}), ("mobilenet_v2", 4, 96, {})])
def test_networks_agree_with_torch(name, bits, size, options):
    """The torch layers compute in other orders, so few codes may differ and logits are close, not equal."""
    network = architecture.build(name, bits, **options)
    state = ordinary.state_dict(network, 8)
    module = models.by_name[name](bits=bits, **options).eval()
    module.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    seen, hooks = {}, []
    for layer, part in module.named_modules():
        if type(part).__name__ in ("LTQ", "PACT"):
            hooks.append(part.register_forward_hook(lambda m, i, o, layer=layer: seen.__setitem__(layer, (m, o))))
    x = ordinary.images(1, network.stem.inputs, size, 4)
    with torch.no_grad():
        want = module(torch.from_numpy(x)).numpy()
    got, codes = oracle.run(state, x)
    assert sorted(codes) == sorted(seen)
    different = total = 0
    for layer, (part, values) in seen.items():
        top = 2 * float(part.scale2) if hasattr(part, "scale2") else float(part.clip_val)
        other = np.rint(values.numpy().transpose(0, 2, 3, 1) / top * (2**bits - 1))
        different, total = different + (other != codes[layer]).sum(), total + other.size
    assert different < 0.01 * total
    assert np.abs(got - want).max() < 0.2 * want.std()
