# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Names, order, shapes and types of every network's state dict, against the tables of the checkpoint format.

The tables are kept here in their own notation and expanded by the few lines below, apart from the package."""

import numpy as np
import pytest
import torch

from n2uq import architecture, models, ordinary
from n2uq.errors import Error


class Table:
    """Expands the notation of the format's tables into [(key, shape)]."""

    def __init__(self, bits):
        self.levels, self.rows = 2**bits - 1, []

    def add(self, prefix, text):
        for group in text.split("|"):
            kind, *words = group.split()
            getattr(self, kind)(prefix, *(int(w) if w.isdigit() else w for w in words))

    def put(self, name, *shape):
        self.rows.append((name, shape))

    def ltq(self, p, q):
        for key, size in (("start", 1), ("a", self.levels), ("scale1", 1), ("scale2", 1), ("two", 1), ("one", 1),
                          ("zero", 1), ("minusone", 1), ("eps", 1)):
            self.put(f"{p}{q}.{key}", size)

    def qconv(self, p, n, o, i, k):
        self.put(f"{p}{n}.clip_val", 1)
        self.put(f"{p}{n}.zero", 1)
        self.conv(p, n, o, i, k)

    def conv(self, p, n, o, i, k):
        self.put(f"{p}{n}.weight", o, i, k, k)

    def bn(self, p, n, c):
        for key in ("weight", "bias", "running_mean", "running_var"):
            self.put(f"{p}{n}.{key}", c)
        self.put(f"{p}{n}.num_batches_tracked")

    def rprelu(self, p, j, c):
        self.put(f"{p}bias{j}1.bias", 1, c, 1, 1)
        self.put(f"{p}prelu{j}.weight", c)
        self.put(f"{p}bias{j}2.bias", 1, c, 1, 1)

    def pact(self, p, q):
        self.put(f"{p}{q}.clip_val", 1)

    def fc(self, p, n, o, i):
        self.put(f"{p}{n}.weight", o, i)
        self.put(f"{p}{n}.bias", o)


def down(cin, co, quantized):
    return (f"ltq downsample.0 | qconv downsample.1 {co} {cin} 1 | bn downsample.2 {co}" if quantized else
            f"conv downsample.0 {co} {cin} 1 | bn downsample.1 {co}")


def resnet(counts, bottleneck, bits, quantized, stem="conv conv1 64 3 7 | bn bn1 64", width=64, classes=1000):
    table, cin = Table(bits), width
    table.add("", stem)
    for s, count in enumerate(counts):
        c = width << s
        out = 4 * c if bottleneck else c
        for i in range(count):
            branch = f"{down(cin, out, quantized)} | " if cin != out or (s > 0 and i == 0) else ""
            table.add(f"layer{s + 1}.{i}.",
                      (f"rprelu 1 {cin} | ltq quan1 | qconv conv1 {c} {cin} 1 | bn bn1 {c} | rprelu 2 {c} | ltq quan2 | "
                       f"qconv conv2 {c} {c} 3 | bn bn2 {c} | rprelu 3 {c} | ltq quan3 | qconv conv3 {out} {c} 1 | "
                       f"bn bn3 {out} | {branch}rprelu 0 {out}") if bottleneck else
                      (f"rprelu 1 {cin} | ltq quan1 | qconv conv1 {c} {cin} 3 | bn bn1 {c} | rprelu 2 {c} | ltq quan2 | "
                       f"qconv conv2 {c} {c} 3 | bn bn2 {c} | {branch}rprelu 3 {c}"))
            cin = out
    table.add("", f"fc fc {classes} {cin}")
    return table.rows


def mobilenet():
    table, cin = Table(4), 32
    table.add("feature.0.", "conv conv1 32 3 3 | bn bn1 32")
    outputs = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320]
    for f, co in enumerate(outputs, 1):
        mid = 32 if f == 1 else 6 * cin
        table.add(f"feature.{f}.", f"rprelu 1 {cin} | ltq quan1 | qconv conv1 {mid} {cin} 1 | bn bn1 {mid} | rprelu 2 {mid} | "
                  f"ltq quan2 | qconv conv2 {mid} 1 3 | bn bn2 {mid} | rprelu 3 {mid} | ltq quan3 | "
                  f"qconv conv3 {co} {mid} 1 | bn bn3 {co}")
        cin = co
    table.add("feature.18.", "pact quan1 | qconv conv1 1280 320 1 | bn bn1 1280")
    table.add("", "fc fc 1000 1280")
    return table.rows


COUNTS = {"resnet18": (403, 370), "resnet34": (747, 714), "resnet50": (1084, 1040)}
BLOCKS = {"resnet18": [2, 2, 2, 2], "resnet34": [3, 4, 6, 3]}
CASES = [(name, bits, q) for name in COUNTS for bits in (2, 3, 4) for q in (True, False)] + [("mobilenet_v2", 4, None)] + \
    [(name, bits, q) for name in ("resnet8", "resnet14", "resnet20") for bits in (2, 4) for q in (True, False)]


def expected(name, bits, quantized):
    if name == "mobilenet_v2":
        return mobilenet()
    if name in COUNTS:
        return resnet(BLOCKS.get(name, [3, 4, 6, 3]), name == "resnet50", bits, quantized)
    blocks = {"resnet8": 1, "resnet14": 2, "resnet20": 3}[name]
    return resnet([blocks] * 3, False, bits, quantized, "conv conv1 16 3 3 | bn bn1 16", 16, 10)


@pytest.mark.parametrize("name,bits,quantized", CASES)
def test_modules_and_descriptions_have_the_tables_entries(name, bits, quantized):
    table = expected(name, bits, quantized)
    assert len(table) == (1037 if quantized is None else COUNTS[name][not quantized] if name in COUNTS else len(table))
    options = {} if quantized is None else {"quantized_downsample": quantized}
    state = models.by_name[name](bits=bits, **options).state_dict()
    assert [(key, tuple(value.shape)) for key, value in state.items()] == table
    for key, value in state.items():
        assert value.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float32)
    network = architecture.build(name, bits, quantized is not False)
    assert architecture.entries(network) == table
    arrays = {key: value.numpy() for key, value in state.items()}
    assert architecture.recognise(arrays) == network and architecture.name_of(network) == name


def test_initial_values():
    state = models.resnet8(bits=3).state_dict()
    at = "layer2.0.downsample.0."
    for key, value in (("start", 0), ("a", 2 / 7), ("scale1", 1), ("scale2", 1), ("two", 2), ("one", 1), ("zero", 0),
                       ("minusone", -1), ("eps", 1e-3)):
        assert (state[at + key] == torch.tensor(value, dtype=torch.float64).float()).all(), key
    assert state["layer1.0.conv1.clip_val"] == 2 and (state["layer1.0.prelu1.weight"] == 0.25).all()
    trained = {name for name, p in models.resnet8(bits=3).named_parameters() if p.requires_grad}
    assert at + "a" in trained and at + "eps" not in trained and "layer1.0.conv1.clip_val" not in trained


def test_float_twin_has_no_quantizer():
    state = models.resnet8(bits=None).state_dict()
    assert not any(".quan" in key or key.endswith("clip_val") for key in state)
    with pytest.raises(Error, match="float model"):
        architecture.recognise({key: value.numpy() for key, value in state.items()})


@pytest.fixture(scope="module")
def small():
    return ordinary.state_dict(architecture.build("resnet8", 2), 5)


def test_batch_counts_may_be_missing(small):
    state = {key: value for key, value in small.items() if not key.endswith("num_batches_tracked")}
    assert architecture.recognise(state) == architecture.build("resnet8", 2)


@pytest.mark.parametrize("key,change,said", [
    ("layer1.0.conv2.weight", None, "no entry 'layer1.0.conv2.weight'"),
    ("fc.weight", None, "no entry 'fc.weight'"),
    ("layer1.0.quan1.a", np.full(7, 0.5, np.float32), "interval widths"),
    ("layer2.0.bn1.bias", np.zeros(31, np.float32), "'layer2.0.bn1.bias' has shape"),
    ("layer2.0.bn1.bias", np.zeros(32, np.float64), "float64"),
    ("layer2.0.bn1.running_var", np.full(32, -1, np.float32), "negative variance"),
    ("layer2.0.bn1.bias", np.full(32, np.nan, np.float32), "NaN"),
    ("layer1.0.quan1.eps", np.array([1e-4], np.float32), "'layer1.0.quan1.eps' is 0.0001"),
    ("layer3.0.conv1.clip_val", np.array([2.5], np.float32), "'layer3.0.conv1.clip_val' is 2.5"),
    ("conv1.weight", np.zeros((16, 3, 5, 5), np.float32), "5x5"),
    ("layer1.0.quan9.start", np.zeros(1, np.float32), "'layer1.0.quan9.start'"),
])
def test_wrong_entries_are_named(small, key, change, said):
    state = dict(small)
    if change is None:
        del state[key]
    else:
        state[key] = change
    with pytest.raises(Error, match=said):
        architecture.recognise(state)
