# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each layer of our networks against the chip: useful multiply-accumulates a cycle beside the int8 peak.

Useful are those of the convolution as it is written down. A kernel that needs fewer multiplications than that (Winograd,
tables) may therefore lie above the peak of an instruction that multiplies."""

import json

from .. import runtime, toolchain
from ..errors import Error
from . import contenders

_RUNS = 25


def peak():
    """What build/bin/n2uq-peak measures now: {"instruction", "macs_per_cycle", "ghz"}."""
    said = toolchain.run("n2uq-peak", [])
    try:
        return json.loads(said)
    except ValueError:
        raise Error("n2uq-peak printed no JSON; build the project again") from None


def profile(library, images, ghz, runs=_RUNS):
    """[{"name", "strategy", "family", "macs", "ms", "share", "macs_per_cycle"}] on one thread: of each layer the fastest of a
    few runs, which is the one that nothing else on the machine disturbed."""
    with runtime.Model(library) as model:
        images = contenders.suited(model, images)
        model(images, threads=1)
        taken = [model.profile(images, threads=1) for _ in range(runs)]
    rows = [{**rows[0], "ms": min(row["ms"] for row in rows)} for rows in zip(*taken)]
    total = sum(row["ms"] for row in rows) or 1.0
    return [{"name": row["name"], "strategy": row["strategy"], "family": row["strategy"].split()[0], "macs": row["macs"],
             "ms": row["ms"], "share": row["ms"] / total,
             "macs_per_cycle": row["macs"] / max(row["ms"], 1e-9) / 1e6 / ghz} for row in rows]


def of(network, contender, images, peak):
    layers = profile(contender.library, images, peak["ghz"])
    for row in layers:
        row["times_peak"] = row["macs_per_cycle"] / peak["macs_per_cycle"]
    ms, macs = sum(row["ms"] for row in layers), sum(row["macs"] for row in layers)
    return {"network": network, "title": contender.title, "key": contender.key, "ms": ms, "macs": macs,
            "macs_per_cycle": macs / max(ms, 1e-9) / 1e6 / peak["ghz"], "layers": layers}
