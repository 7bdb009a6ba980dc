# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Assembles a network's kernels by NVIDIA's ptxas for several chips and prints what they take.

    ptxas_table.py PTXAS MODEL SCRATCH CHIP[,…] [--optimize-for=GOAL]

A row a kernel, a column a chip: registers of a thread, bytes of shared memory of a block, warps that a multiprocessor holds of
those that it has places for. The last lines name kernels with spills or local memory.
"""
import argparse
import json
import pathlib
import re
import subprocess

# Warps, blocks, registers and bytes of shared memory of a multiprocessor, from the CUDA programming guide's table of technical
# specifications.
CHIPS = {"sm_80": (64, 32, 65536, 164 << 10), "sm_86": (48, 16, 65536, 100 << 10), "sm_89": (48, 24, 65536, 100 << 10),
         "sm_90": (64, 32, 65536, 228 << 10), "sm_100": (64, 32, 65536, 228 << 10)}
# Registers are given out by this many a warp, shared memory with this much of the system's own a block.
REGISTER_UNIT, SHARED_UNIT, SHARED_SYSTEM = 256, 128, 1 << 10


def round_up(value, unit):
    return -(-value // unit) * unit


def warps_held(chip, registers, threads, shared):
    """Warps of one kernel that a multiprocessor holds at a time."""
    warps, blocks, all_registers, all_shared = CHIPS[chip]
    per_block = -(-threads // 32)
    by_registers = all_registers // round_up(registers * 32, REGISTER_UNIT) // per_block
    by_shared = all_shared // (round_up(shared, SHARED_UNIT) + SHARED_SYSTEM)
    return min(warps // per_block, blocks, by_registers, by_shared) * per_block


def assemble(ptxas, ptx, chip):
    """{kernel: (registers, bytes of spills and stack)}"""
    said = subprocess.run([ptxas, "-v", f"-arch={chip}", ptx, "-o", "/dev/null"], check=True, capture_output=True,
                          text=True).stderr
    kernels, name, local = {}, None, 0
    for line in said.splitlines():
        if found := re.search(r"Compiling entry function '(\w+)'", line):
            name = found[1]
        elif found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            local = sum(map(int, found.groups()))
        elif found := re.search(r"Used (\d+) registers", line):
            kernels[name] = int(found[1]), local
    return kernels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ptxas")
    parser.add_argument("model")
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("chips", type=lambda text: text.split(","))
    parser.add_argument("--optimize-for", default="speed")
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    ptx, report = options.scratch / "model.ptx", options.scratch / "report.json"
    cells, local = {}, []
    for chip in options.chips:
        subprocess.run(["n2uq-compile", options.model, "-o", ptx, "--emit=ptx", "--target=cuda", f"--target-cpu={chip}",
                        f"--report={report}", f"--optimize-for={options.optimize_for}"], check=True)
        kernels = assemble(options.ptxas, ptx, chip)
        for row in json.loads(report.read_text())["kernels"]:
            registers, bytes_of_local = kernels[row["function"]]
            if bytes_of_local:
                local.append(f"{row['name']} for {chip} ({bytes_of_local} bytes)")
            shared, threads = row["launch"]["shared_bytes"], row["launch"]["threads"]
            held = warps_held(chip, registers, threads, shared)
            cells.setdefault(row["name"], {})[chip] = f"{registers} {shared} {held}/{CHIPS[chip][0]}"
    print("| kernel |", *(f"{chip} |" for chip in options.chips))
    print("|---|" + "---|" * len(options.chips))
    for name, row in cells.items():
        print(f"| {name} |", *(f"{row.get(chip, '')} |" for chip in options.chips))
    print(f"{len(local)} kernels with spills or local memory", *local, sep="\n")


if __name__ == "__main__":
    main()
