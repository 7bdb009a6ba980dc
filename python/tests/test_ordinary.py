# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random parameters are ordinary: nothing dies or saturates; edge parameters have the edges that they promise."""

import numpy as np
import pytest

import oracle
from n2uq import architecture, ordinary


@pytest.mark.parametrize("name,bits,size,options", [
    ("resnet8", 2, 28, {"in_channels": 1}), ("resnet20", 3, 32, {}), ("resnet18", 2, 112, {"quantized_downsample": False}),
    ("resnet18", 4, 96, {}), ("resnet50", 2, 64, {}), ("mobilenet_v2", 4, 96, {}), ("mobilenet_v2", 2, 96, {})])
def test_codes_use_all_levels(name, bits, size, options):
    network = architecture.build(name, bits, **options)
    state = ordinary.state_dict(network, 3)
    logits, codes = oracle.run(state, ordinary.images(1, network.stem.inputs, size, 1))
    assert np.isfinite(logits).all() and 0.1 < logits.std() < 10
    for quantizer, values in codes.items():
        share = np.bincount(values.ravel(), minlength=2**bits) / values.size
        assert share.max() < 0.97, (quantizer, share)
        assert len(values.ravel()) < 500 or (share > 0).sum() >= min(4, 2**bits), (quantizer, share)


def test_parameters_have_every_sign():
    state = ordinary.state_dict(architecture.build("resnet18", 2), 1)
    for key, low, high in (("prelu1.weight", 0.05, 0.4), ("bn1.weight", 0.03, 0.2)):
        values = np.concatenate([v for k, v in state.items() if k.endswith(key)])
        assert low < (values < 0).mean() < high, key
    for key in (".scale1", ".scale2"):
        values = np.concatenate([v for k, v in state.items() if k.endswith(key)])
        assert (values < 0).any() and (values > 0).sum() > len(values) / 2, key
    widths = state["layer1.0.quan1.a"]
    assert len(set(widths.tolist())) == 3 and (widths > 1e-3).all()


def test_the_same_seed_gives_the_same_parameters():
    a, b, c = (ordinary.state_dict(architecture.build("resnet8", 2), seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert not np.array_equal(a["conv1.weight"], c["conv1.weight"])


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("seed", [4, 5])
def test_edges(bits, seed, monkeypatch):
    network = architecture.build("resnet14", bits)
    state = ordinary.state_dict(network, seed, edge=True)
    norms = np.concatenate([v for k, v in state.items() if ".bn" in k and k.endswith(".weight")])
    assert 0.03 < (norms == 0).mean() < 0.3
    widths = np.concatenate([v for k, v in state.items() if k.endswith(".a")])
    assert (widths <= np.float32(1e-3)).sum() >= 2
    # Count values exactly on a threshold, as the oracle meets them.
    ties = {}
    original = oracle._Network.ltq

    def counting(self, name, x):
        u = x * self.s[name + ".scale1"]
        a = np.maximum(self.s[name + ".a"], np.float32(1e-3))
        levels = self.s[name + ".start"][0] + np.cumsum(a / 2) + np.concatenate([[0], np.cumsum(a[:-1] / 2)])
        ties[name] = int(np.isin(u, levels.astype("f")).sum())
        return original(self, name, x)

    monkeypatch.setattr(oracle._Network, "ltq", counting)
    oracle.run(state, ordinary.images(1, 3, 32, 2, edge=True))
    exact = [count for name, count in ties.items() if seed % 2 == 0 or name.startswith("layer1.0") and "quan2" in name]
    assert sum(count > 20 for count in exact) > len(exact) / 2, ties
