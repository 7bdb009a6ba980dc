# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench --sweep: one 3x3 convolution W2A2 over channels, image sizes and batches.

A kernel's time for each multiply-accumulate should be a smooth curve; a step up between neighbours is a cliff that some
shape falls off. Small images and few channels cost more by nature: borders, remainders of a vector, the call itself."""

import csv

import numpy as np

from .. import ordinary, runtime
from . import one_layer, plot, roofline
from .one_layer import Layer

CHANNELS = (8, 12, 16, 17, 24, 32, 33, 48, 64, 65, 80, 96, 100, 127, 128, 160, 192, 255, 256, 320, 384, 448, 511, 512)
IMAGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 19, 27, 28, 29, 41, 55, 56, 57, 83, 111, 112, 113, 167, 223, 224)
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
SERIES = {  # name: (what varies, [(layer, batch)])
    "channels": ("channels, 14x14 image, batch 1", [(Layer(14, c, c), 1) for c in CHANNELS]),
    "image": ("image height and width, 64 channels, batch 1", [(Layer(i, 64, 64), 1) for i in IMAGES]),
    "batch": ("batch, 14x14 image, 256 channels", [(Layer(14, 256, 256), b) for b in BATCHES]),
}
_FIELDS = ("series", "channels", "image", "batch", "strategy", "macs", "us", "ps_per_mac", "macs_per_cycle")


def point(series, layer, batch, folder, seconds, ghz):
    """A row of the CSV: the fastest of dozens of runs of the kernel on one thread, most of which other programs may disturb."""
    library = one_layer.compiled(layer, folder)
    images = ordinary.images(batch, layer.channels, layer.image, 3)
    with runtime.Model(library) as model:
        once = sum(row["ms"] for row in model.profile(images, threads=1))
        runs = int(np.clip(1e3 * seconds / max(once, 1e-3), 40, 2000))
        rows = [next(row for row in model.profile(images, threads=1) if row["macs"]) for _ in range(runs)]
    ms, macs = min(row["ms"] for row in rows), rows[0]["macs"]
    return {"series": series, "channels": layer.channels, "image": layer.image, "batch": batch,
            "strategy": rows[0]["strategy"], "macs": macs, "us": 1e3 * ms, "ps_per_mac": 1e9 * ms / macs,
            "macs_per_cycle": macs / ms / 1e6 / ghz}


def x_of(row):
    return row[{"channels": "channels", "image": "image", "batch": "batch"}[row["series"]]]


def steps(rows, limit=1.25):
    """Where a point costs more than `limit` times its neighbour with the smaller x, or with the larger one: the cliffs."""
    result = []
    for series in dict.fromkeys(row["series"] for row in rows):
        line = [row for row in rows if row["series"] == series]
        for left, right in zip(line, line[1:]):
            ratio = right["ps_per_mac"] / left["ps_per_mac"]
            if ratio > limit:
                result.append(f"{series} {x_of(right)}: {ratio:.2f} times the time of {x_of(left)} for each multiply-accumulate "
                              f"({left['strategy']} -> {right['strategy']})")
    return result


def run(options, folder, series=None):
    scratch = folder / "sweep"
    scratch.mkdir(parents=True, exist_ok=True)
    ghz, rows, panels = roofline.peak()["ghz"], [], []
    for name, (title, points) in (series or SERIES).items():
        print(f"  sweep {name}: {len(points)} points", flush=True)
        line = [point(name, layer, batch, scratch, min(options.seconds, 1.0) / 10, ghz) for layer, batch in points]
        rows += line
        panels.append((title, name, {"3x3 W2A2": [(x_of(row), row["ps_per_mac"]) for row in line]}))
    with open(folder / "sweep.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, _FIELDS)
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
                         for row in rows)
    plot.curves(panels, folder / "sweep.png", "picoseconds for each multiply-accumulate")
    found = steps(rows)
    print("\n".join([f"{len(rows)} points: {folder}/sweep.csv and sweep.png",
                     *(found or ["no point costs more than 1.25 times its smaller neighbour"])]))
    return 0
