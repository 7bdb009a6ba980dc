# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Another reading of fake_model.c, with nothing but the standard library: writes x.npy and the files that a run must write.

usage: fake_reference.py DIR [IMAGES [SEED]]
"""
import pathlib
import random
import struct
import sys

CHANNELS, HEIGHT, WIDTH, CLASSES = 2, 6, 5, 3


def write_npy(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def main():
    directory = pathlib.Path(sys.argv[1])
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    generator = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    (directory / "expected").mkdir(parents=True, exist_ok=True)

    special = [float("nan"), float("inf"), -float("inf"), 0.5, 1.0, 1.5, -0.0]
    values = [generator.choice(special) if generator.random() < 0.1 else generator.uniform(-1, 3)
              for _ in range(images * CHANNELS * HEIGHT * WIDTH)]
    packed = struct.pack(f"<{len(values)}f", *values)
    values = struct.unpack(f"<{len(values)}f", packed)
    write_npy(directory / "x.npy", "<f4", (images, CHANNELS, HEIGHT, WIDTH), packed)

    first, second, output = [], [], []
    for n in range(images):
        def code(y, x, c):
            if not (0 <= y < HEIGHT and 0 <= x < WIDTH):
                return 0
            value = values[((n * CHANNELS + c) * HEIGHT + y) * WIDTH + x]
            return sum(value > threshold for threshold in (0.5, 1.0, 1.5))

        first += [code(y, x, c) for y in range(HEIGHT) for x in range(WIDTH) for c in range(CHANNELS)]
        ones = [int(sum(code(y + dy, x + dx, c) for dy in (-1, 0, 1) for dx in (-1, 0, 1) for c in range(CHANNELS)) >= 9)
                for y in range(HEIGHT) for x in range(WIDTH)]
        second += ones
        output += [sum(ones[k * 2 * WIDTH:(k + 1) * 2 * WIDTH]) / 10 for k in range(CLASSES)]
    expected = directory / "expected"
    write_npy(expected / "stem.quan.npy", "|u1", (images, HEIGHT, WIDTH, CHANNELS), bytes(first))
    write_npy(expected / "block.quan.npy", "|u1", (images, HEIGHT, WIDTH, 1), bytes(second))
    write_npy(expected / "output.npy", "<f4", (images, CLASSES), struct.pack(f"<{len(output)}f", *output))


main()
