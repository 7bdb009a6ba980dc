# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures: pixels equal to Pillow's, floats to torchvision's, and one sentence for what is no picture."""

import io
import os
import zlib

import numpy as np
import pytest
from PIL import Image

import n2uq

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def picture(rng, height, width):
    """Smooth shapes and noise, so that every stage of a codec has work, clipping included."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / rng.uniform(2, 40) + rng.uniform(0, 6)) * np.cos(y / rng.uniform(2, 40)) for _ in range(3)]
    return np.clip(np.stack(waves, -1) * 160 + 128 + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


def png(rng, mode, pixels):
    image = Image.fromarray(pixels)
    if mode == "RGB;16":  # Pillow writes none: signature, header, data of both bytes, end
        raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels.astype(np.uint16) * 257 - (pixels > 0))
        chunks = [(b"IHDR", len(pixels[0]).to_bytes(4, "big") + len(pixels).to_bytes(4, "big") + b"\x10\2\0\0\0"),
                  (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
                                             for kind, data in chunks)
    if mode in ("RGBA", "LA"):
        image = image.convert(mode)
        image.putalpha(Image.fromarray(rng.integers(0, 256, pixels.shape[:2], dtype=np.uint8)))
    elif mode == "P;transparent":
        image = image.quantize(17)
        image.info["transparency"] = 3
    elif mode != "RGB":
        image = image.quantize(int(rng.integers(2, 257))) if mode == "P" else image.convert(mode)
    return saved(image, "PNG", compress_level=1)


def saved(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def files(rng, height, width):
    """(format, bytes): one of every form that is read."""
    pixels = picture(rng, height, width)
    image = Image.fromarray(pixels)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield "JPEG " + subsampling, saved(image, "JPEG", quality=int(rng.integers(20, 100)), subsampling=subsampling)
    yield "JPEG progressive", saved(image, "JPEG", progressive=True)
    yield "JPEG gray", saved(image.convert("L"), "JPEG")
    yield "JPEG inks", saved(image.convert("CMYK"), "JPEG")
    for mode in ("RGB", "RGBA", "L", "LA", "P", "P;transparent", "1", "RGB;16"):
        yield "PNG " + mode, png(rng, mode, pixels)
    yield "PPM", saved(image, "PPM")
    yield "PGM", saved(image.convert("L"), "PPM")


def test_a_thousand_pictures_are_pillows():
    rng, count = np.random.default_rng(7), 0
    while count < 1000:
        height, width = (int(extent) for extent in rng.integers(1, (24, 160, 420)[count % 3], 2))
        for form, data in files(rng, height, width):
            expected = Image.open(io.BytesIO(data)).convert("RGB")
            pixels = n2uq.image.decode(data, form)
            assert np.array_equal(pixels, np.asarray(expected)), (form, height, width)
            name = list(FILTERS)[count % 2]
            new_height, new_width = (int(extent) for extent in rng.integers(1, 300, 2))
            resized = n2uq.image.resize(pixels, new_height, new_width, name)
            assert np.array_equal(resized, np.asarray(expected.resize((new_width, new_height), FILTERS[name]))), (
                name, height, width, new_height, new_width)
            count += 1


def evaluated(image, size, crop, name):
    """torchvision's Resize and CenterCrop on Pillow's images."""
    short, long = sorted(image.size)
    longer = int(size * long / short)
    width, height = (size, longer) if image.width <= image.height else (longer, size)
    image = image.resize((width, height), FILTERS[name])
    top, left = int(round((height - crop[0]) / 2.0)), int(round((width - crop[1]) / 2.0))
    return np.asarray(image.crop((left, top, left + crop[1], top + crop[0])))


@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (256, 256), (33, 1001), (1001, 33), (224, 300), (17, 19)])
@pytest.mark.parametrize("name", FILTERS)
def test_preprocessing_is_torchvisions(shape, name):
    rng = np.random.default_rng(shape[0])
    pixels = picture(rng, *shape)
    for size, crop in ((256, (224, 224)), (64, (64, 33)), (40, (1, 1))):
        expected = evaluated(Image.fromarray(pixels), size, crop, name)
        how = {"resize": size, "crop": crop, "filter": name}
        assert np.array_equal(n2uq.image.preprocess(pixels, np.uint8, **how), expected)
        mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
        floats = (expected.astype(np.float32) / np.float32(255) - mean) / std
        result = n2uq.image.preprocess(pixels, **how)
        assert result.dtype == np.float32 and np.array_equal(result, floats.transpose(2, 0, 1))


def test_own_size_is_only_cropped():
    pixels = picture(np.random.default_rng(0), 50, 61)
    assert np.array_equal(n2uq.image.preprocess(pixels, np.uint8, resize=0, crop=(48, 60)), pixels[1:49, 0:60])


def test_reads_files(tmp_path):
    pixels = picture(np.random.default_rng(1), 20, 30)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(n2uq.image.read(tmp_path / "a.png"), pixels)


def test_damaged_files_are_refused_or_read():
    rng = np.random.default_rng(3)
    for form, data in files(rng, 40, 50):
        for size in {0, 1, 2, 3, 9, 20, len(data) // 3, len(data) - 30}:
            with pytest.raises(n2uq.Error, match="'cut' is"):
                n2uq.image.decode(data[:size], "cut")
        for _ in range(20):
            changed = bytearray(data)
            for place in rng.integers(0, len(data), int(rng.integers(1, 6))):
                changed[place] = rng.integers(256)
            try:
                assert n2uq.image.decode(changed).dtype == np.uint8
            except n2uq.Error as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("data, sentence", [
    (b"GIF89a", "is not a picture that is known here: JPEG, PNG, or PPM and PGM in binary form"),
    (b"P6 70000 70000 255\n", "at most 134217728 are decoded"),
    (b"P6 0 3 255\n", "has no pixels"),
    (b"P6 99999999999999999999 3 255\n", "its header does not give"),
    (b"P5 2 2 65535\n12345678", "only those up to 255 are read"),
    (b"P5 #two\n2 2 255\n123", "it is cut off"),
])
def test_no_pictures(data, sentence):
    with pytest.raises(n2uq.Error, match=sentence):
        n2uq.image.decode(data)


def test_bad_arguments(tmp_path):
    pixels = np.zeros((10, 12, 3), np.uint8)
    for call, sentence in [
            (lambda: n2uq.image.read(tmp_path), "it is not a file"),
            (lambda: n2uq.image.read(tmp_path / "none.png"), "cannot open .*No such file"),
            (lambda: n2uq.image.resize(pixels, 0, 5), "cannot be resized from 12 x 10 to 5 x 0"),
            (lambda: n2uq.image.resize(pixels, 1 << 21, 5), "cannot be resized"),
            (lambda: n2uq.image.resize(pixels, 5, 5, "box"), "filter is one of bilinear, bicubic"),
            (lambda: n2uq.image.resize(pixels[..., 0], 5, 5), r"uint8 \[height, width, 3\], not uint8 \[10, 12\]"),
            (lambda: n2uq.image.preprocess(pixels, resize=8, crop=(9, 3)), "3 x 9 pixels cannot be cut out of .* 9 x 8"),
            (lambda: n2uq.image.preprocess(pixels, crop=(0, 3)), "crop is a height and a width"),
            (lambda: n2uq.image.preprocess(pixels, np.float64), "becomes float32 or uint8"),
            (lambda: n2uq.image.preprocess(pixels, std=(0, 1, 1)), "the deviation not 0"),
            (lambda: n2uq.image.preprocess(pixels, mean=(0, 1)), "three numbers each")]:
        with pytest.raises(n2uq.Error, match=sentence):
            call()
