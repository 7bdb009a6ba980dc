# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench's second half: times the contenders of peers.py in one process, alternating, and writes one table.

A machine's speed drifts, so nobody is timed in one go: in each round everybody runs for a moment, in an order that
rotates, after two uncounted runs that bring caches back and let the threads of the one before fall asleep. A ratio is the
median over the rounds of (median of the contender) / (median of ours): both sides of it saw the same moment.
"""

import argparse
import datetime
import gc
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import numpy as np

from . import architecture, ordinary, peers
from .errors import Error

_SLICE = 0.25  # seconds of a contender in a round
_LIMITS = {"onnxruntime-int8": 2.0, "onnxruntime-float32": 1.0}  # --check: ours / theirs is at most this
_COLUMNS = ("network", "batch", "threads", "contender", "median ms", "p10 ms", "p90 ms", "CPU ms", "time / ours")


def measure(runs, x, seconds):
    """{key: rounds}, a round being [(wall ms, CPU ms of the process)], for {key: function of x}."""
    keys, rounds = list(runs), max(5, round(seconds / _SLICE))
    samples = {key: [] for key in keys}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            turn = number % len(keys)
            for key in keys[turn:] + keys[:turn]:
                run, taken = runs[key], []
                run(x)
                run(x)
                end = time.perf_counter() + _SLICE
                while len(taken) < 3 or time.perf_counter() < end:
                    cpu, wall = time.process_time(), time.perf_counter()
                    run(x)
                    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                    taken.append((1e3 * wall, 1e3 * cpu))
                samples[key].append(taken)
    finally:
        gc.enable()
    return samples


def summary(samples, reference):
    """{key: figures} of what measure() returns."""
    medians = {key: np.array([np.median([wall for wall, _ in taken]) for taken in rounds])
               for key, rounds in samples.items()}
    result = {}
    for key, rounds in samples.items():
        wall, cpu = np.array([sample for taken in rounds for sample in taken]).T
        p10, median, p90 = np.quantile(wall, (0.1, 0.5, 0.9))
        result[key] = {"median_ms": float(median), "p10_ms": float(p10), "p90_ms": float(p90),
                       "cpu_ms": float(np.median(cpu)), "runs": len(wall), "rounds": len(rounds),
                       "ratio": float(np.median(medians[key] / medians[reference]))}
    return result


def table(rows):
    """Markdown that is readable as it is."""
    cells = [_COLUMNS] + [(row["network"], str(row["batch"]), str(row["threads"]), row["title"],
                           *(f"{row[key]:.2f}" for key in ("median_ms", "p10_ms", "p90_ms", "cpu_ms", "ratio")))
                          for row in rows]
    left = (0, 3)
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
    lines = ["| " + " | ".join(cell.ljust(width) if i in left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) if i in left else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def machine():
    facts = peers.cpu()
    return {"cpu": facts.get("model name", platform.machine()), "cpu_family": facts.get("cpu family", ""),
            "cpu_model": facts.get("model", ""), "cores": len(os.sched_getaffinity(0)), "vnni": peers.has_vnni(),
            "system": platform.release(), "python": platform.python_version()}


def machine_line(facts, load_before, load_after, rows):
    family = f" (family {facts['cpu_family']}, model {facts['cpu_model']})" if facts["cpu_family"] else ""
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    line = (f"{facts['cpu']}{family}, {cores}, {'with' if facts['vnni'] else 'without'} VNNI, load "
            f"{load_before:.1f} before and {load_after:.1f} after")
    # A thread that computes alone on its core has as much CPU time as time.
    if any(row["median_ms"] > 1.1 * row["cpu_ms"] for row in rows if row["threads"] == 1):
        line += "; other programs took the cores, so times are too long and CPU times are the better guide"
    return line


def verdicts(rows):
    """[(holds, sentence)] of --check: one thread, one image."""
    result = []
    for key, limit in _LIMITS.items():
        found = [row for row in rows if row["key"] == key and row["threads"] == 1 and row["batch"] == 1]
        if not found:
            result.append((False, f"{key} was not timed with one thread and one image, so nothing is known about it"))
        for row in found:
            ours = 1 / row["ratio"]
            holds = ours <= limit if limit != 1 else ours < 1
            wanted = "less than" if limit == 1 else f"at most {limit:g} times"
            result.append((holds, f"{row['network']}: ours takes {ours:.2f} times the time of {row['title']}, wanted is "
                           f"{wanted} {'its time' if limit == 1 else 'that'}"))
    return result


def commit():
    root = pathlib.Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def bench(models, threads, batch, seconds, folder):
    """Prepares and times everything; returns what the JSON holds."""
    rows, notes, missing = [], {}, []
    before = os.getloadavg()[0]
    for name in models:
        contenders = []
        for prepare in peers.CONTENDERS:
            print(f"  prepare {name}: {prepare.__name__}", flush=True)
            try:
                contenders += prepare(name, folder)
            except Error as error:
                if prepare is peers.ours:
                    raise
                missing.append(str(error))
                print(f"  {error}", flush=True)
        network = architecture.build(name, peers.MODELS[name])
        x = ordinary.images(batch, network.stem.inputs, network.image, 5)
        for contender in contenders:
            notes[contender.title] = f"{contender.version}: {contender.note}"
        for count in threads:
            print(f"  time {name}: {len(contenders)} contenders, {seconds:g} s each, threads {count}, batch {batch}",
                  flush=True)
            runs = {contender.key: contender.start(count, batch) for contender in contenders}
            for key, run in runs.items():
                if not np.isfinite(run(x)).all():
                    raise Error(f"{name}: {key} computes values that are not finite, so timing it means nothing")
            figures = summary(measure(runs, x, seconds), contenders[0].key)
            rows += [{"network": name, "batch": batch, "threads": count, "key": contender.key, "title": contender.title,
                      **figures[contender.key]} for contender in contenders]
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(),
            "machine": machine(), "load_before": before, "load_after": os.getloadavg()[0], "contenders": notes,
            "missing": missing, "rows": rows}


def text(result):
    lines = [machine_line(result["machine"], result["load_before"], result["load_after"], result["rows"]),
             result["date"] + (f", commit {result['commit']}" if result["commit"] else ""), "", table(result["rows"]), ""]
    lines += [f"{title} {note}" for title, note in result["contenders"].items()] + result["missing"]
    lines.append("Times of one run of the batch, alternating in one process. CPU ms: of all threads together. "
                 "time / ours: above 1 is slower than ours.")
    return "\n".join(lines)


def main(arguments=None):
    p = argparse.ArgumentParser(prog="tools/bench")
    p.add_argument("--models", required=True)
    p.add_argument("--threads", required=True)
    p.add_argument("--batch", type=int, required=True)
    p.add_argument("--seconds", type=float, required=True)
    p.add_argument("--output", type=pathlib.Path, required=True)
    p.add_argument("--check", action="store_true")
    options = p.parse_args(arguments)
    try:
        models = options.models.split(",")
        for name in models:
            if name not in peers.MODELS:
                raise Error(f"--models knows {', '.join(peers.MODELS)}, not '{name}'")
        options.output.mkdir(parents=True, exist_ok=True)
        threads = list(dict.fromkeys(int(count) for count in options.threads.split(",")))
        result = bench(models, threads, options.batch, options.seconds, options.output)
        shown = text(result)
        (options.output / "bench.txt").write_text(shown + "\n")
        (options.output / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    except Error as error:
        print(f"tools/bench: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"tools/bench: {error.filename}: cannot be written ({error.strerror}); check the folder", file=sys.stderr)
        return 1
    print("\n" + shown)
    failed = False
    if options.check:
        print()
        for holds, sentence in verdicts(result["rows"]):
            print(("holds: " if holds else "fails: ") + sentence)
            failed = failed or not holds
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
