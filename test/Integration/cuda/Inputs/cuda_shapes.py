# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the table of convolution shapes in the machine that executes PTX and compares every code with the reference.

    cuda_shapes.py SCRATCH TARGET[:FAMILY][,…] [--table=all|wide|3x3|depthwise] [--part=I/N] [--seed=N]

The networks are those of ../../Inputs/shapes.py, a few of its cases each. TARGET is a chip (sm_80); FAMILY is taken wherever it
may run. Prints `N cases equal, K of them by FAMILY`, or the first difference, and exits 1.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Inputs"))
from networks import Network
from same_arrays import differences
from shapes import KINDS, SOURCE, TABLES, TAILS, add_case


def network_of(group, seed):
    net = Network(2, SOURCE, SOURCE)
    image, total = net.to_nhwc(), None
    for index, (case, kind, tail) in enumerate(group):
        branch = add_case(net, image, case, kind, tail, (seed, index), f"case{index}")
        total = branch if total is None else net.add(total, branch)
    return net.text(total)


def compile_for(model, library, target):
    """Compiles for CHIP[:FAMILY] and returns how each layer is computed."""
    chip, _, family = target.partition(":")
    report = library.with_suffix(".json")
    subprocess.run(["n2uq-compile", model, "-o", library, "--target=cuda", f"--target-cpu={chip}", "--keep-codes",
                    f"--report={report}", *([f"--kernel={family}"] if family else [])], check=True, stderr=subprocess.DEVNULL)
    return {row["name"]: row["strategy"].split()[0] for row in json.loads(report.read_text())["kernels"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("targets")
    parser.add_argument("--table", choices=TABLES, default="all")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    options.scratch.mkdir(parents=True, exist_ok=True)

    cases = [(case, kind, tail) for kind in KINDS for tail in TAILS for case in TABLES[options.table]]
    groups = [cases[i : i + 8] for i in range(0, len(cases), 8)][part::parts]
    model, images, library = (options.scratch / name for name in ("model.mlir", "images.npy", "model.so"))
    reference, ours = options.scratch / "reference", options.scratch / "ours"
    count, families = 0, {}
    for number, group in enumerate(groups):
        model.write_text(network_of(group, (options.seed, part, number)))
        rng = np.random.default_rng((options.seed, number))
        np.save(images, rng.normal(0, 1, (2, 2, SOURCE, SOURCE)).astype(np.float32))
        for folder in (reference, ours):
            folder.mkdir(exist_ok=True)
            for file in folder.glob("*.npy"):
                file.unlink()
        subprocess.run(["n2uq-translate", "--interpret", model, f"--input=input={images}", f"--output-dir={reference}",
                        "--dump-codes"], check=True)
        for target in options.targets.split(","):
            strategies = compile_for(model, library, target)
            ran = subprocess.run(["n2uq-test-cuda", library, f"--input=input={images}", f"--output-dir={ours}"],
                                 stderr=subprocess.PIPE, text=True)
            lines = [ran.stderr] if ran.returncode else differences(reference, ours)[0]
            if lines:
                print(*lines, *group, f"different for {target}, seed {options.seed}, part {options.part}", sep="\n")
                return 1
            for index in range(len(group)):
                family = strategies[f"case{index}.conv"]
                families[family] = families.get(family, 0) + 1
                count += 1
    print(f"{count} cases equal,", ", ".join(f"{families[name]} by {name}" for name in sorted(families)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
