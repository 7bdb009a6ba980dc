# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench --pictures: from a picture to a network's input, beside Pillow, on one core.

What torchvision's PIL path does for ImageNet: the shorter side to 256 pixels, the middle 224 x 224. The pixels of both
sides are equal (compared here, too). Decoding is timed apart: both sides use the same kind of library for it."""

import io
import json
import os

import numpy as np
import PIL
from PIL import Image

from .. import image
from . import measure, report, system

SIZES = ((375, 500), (500, 333), (224, 224), (480, 640), (1080, 1920), (1200, 1600), (97, 131))  # height, width
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def picture(height, width):
    """Smooth shapes and a little noise, as a photograph's."""
    rng = np.random.default_rng(height * width)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 17 + c) * np.cos(y / 23 - c) for c in range(3)]
    return np.clip(np.stack(waves, -1) * 90 + 128 + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)


def with_pillow(picture, name):
    """Pixels [224, 224, 3] of a Pillow image."""
    short, long = sorted(picture.size)
    size = (256, int(256 * long / short)) if picture.width <= picture.height else (int(256 * long / short), 256)
    resized = picture.resize(size, _FILTERS[name])
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    return np.asarray(resized.crop((left, top, left + 224, top + 224)))


def _encoded(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def run(options, folder):
    pictures = {size: picture(*size) for size in SIZES}
    rows = []
    for name in _FILTERS:
        for size, pixels in pictures.items():
            theirs = Image.fromarray(pixels)
            if not np.array_equal(image.preprocess(pixels, np.uint8, filter=name), with_pillow(theirs, name)):
                raise AssertionError(f"{size}: pixels differ from Pillow's")
            rows.append((f"{size[1]} x {size[0]}, {name}", lambda p=pixels, n=name: image.preprocess(p, np.uint8, filter=n),
                         lambda p=theirs, n=name: with_pillow(p, n)))

    each = list(rows)
    rows.append(("all of them", lambda: [ours() for _, ours, _ in each], lambda: [pillow() for _, _, pillow in each]))
    data = [_encoded(pixels) for pixels in pictures.values()]
    rows.append(("decoding all of them, JPEG", lambda: [image.decode(d) for d in data],
                 lambda: [np.asarray(Image.open(io.BytesIO(d)).convert("RGB")) for d in data]))

    load, result = os.getloadavg()[0], []
    for name, ours, pillow in rows:
        samples = measure.measure({"ours": ours, "pillow": pillow}, min(options.seconds, 2.0))
        result.append({"picture": name, "ours": measure.figures(samples["ours"]),
                       "pillow": measure.figures(samples["pillow"]),
                       "times_faster": measure.times_faster(samples["ours"], samples["pillow"])})
    lines = [("picture to 224 x 224", "ours, ms", "Pillow, ms", "times faster")]
    lines += [(row["picture"], f"{row['ours']['median_ms']:.3f}", f"{row['pillow']['median_ms']:.3f}",
               f"{row['times_faster']:.2f}") for row in result]
    text = "\n".join([report.machine_line(system.machine(), load, os.getloadavg()[0], []),
                      f"Pillow {PIL.__version__}, medians of one thread", "", report.markdown(lines, (0,))])
    (folder / "pictures.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "pictures.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(text)
    return 0
