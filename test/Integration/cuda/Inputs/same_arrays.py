# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: same_arrays.py REFERENCE FOLDER…: compares the .npy files of each folder with those of the reference, byte for byte.

Every array of a folder must be one of the reference's, and output.npy must be there."""
import pathlib
import sys

import numpy as np


def differences(reference, folder):
    """One line for each array that is not the reference's, and how many arrays there are."""
    lines, files = [], sorted(folder.glob("*.npy"))
    if folder / "output.npy" not in files:
        lines.append(f"{folder}: no output.npy")
    for file in files:
        ours, theirs = np.load(file), np.load(reference / file.name)
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            lines.append(f"{file}: {ours.dtype}{ours.shape}, expected {theirs.dtype}{theirs.shape}")
        elif ours.tobytes() != theirs.tobytes():
            lines.append(f"{file}: {np.count_nonzero(ours != theirs)} of {ours.size} differ")
    return lines, len(files)


def main():
    reference, *folders = map(pathlib.Path, sys.argv[1:])
    counts = set()
    for folder in folders:
        lines, count = differences(reference, folder)
        counts.add(count)
        if lines:
            print(*lines, sep="\n")
            return 1
    print(f"{len(folders)} folders of {', '.join(map(str, sorted(counts)))} arrays equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
