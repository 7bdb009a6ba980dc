# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench's second half: makes the contenders, times them, writes table, JSON and pictures."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

from .. import ordinary, toolchain
from ..errors import Error
from . import arguments, contenders, measure, plot, report, roofline, system

_TOO_SLOW = 3.0  # seconds of one run: then it is the machine that is measured, not the contender
_START_RUNS = 15


def prepare(task, peers, precisions, say):
    """All contenders of a network; `say` hears who is missing and why."""
    result = contenders.ours(task, say)
    for name in peers:
        print(f"  prepare {task.name}: {name}", flush=True)
        try:
            result += contenders.peer(name, task, precisions)
        except Error as error:
            say(f"{task.name}: {error}")
    return result


def start(found, threads, images, say, network):
    """{(key, threads): function}, each called once and its logits looked at."""
    runs = {}
    for contender in found:
        for count in threads:
            system.unpin()
            try:
                run = contender.start(count, images)
            except Error as error:
                say(f"{network}: {error}")
                continue
            logits = np.asarray(run())
            if not np.isfinite(logits).all():
                raise Error(f"{network}: {contender.key} computes values that are not finite, so timing it means nothing")
            before = time.perf_counter()
            run()
            if time.perf_counter() - before > _TOO_SLOW:
                say(f"{network}, {contender.title}, {count} threads, batch {len(images)}: not timed, one run takes "
                    f"{time.perf_counter() - before:.1f} s; its threads wait for cores that other programs have")
                continue
            runs[contender.key, count] = run
    return runs


def rows_of(network, found, threads, batch, samples):
    rows = []
    for count in threads:
        int8 = [(c.key, count) for c in found if c.precision == "int8" and (c.key, count) in samples]
        reference = measure.fastest(samples, int8)
        for contender in found:
            key = contender.key, count
            if key not in samples:
                continue
            single = samples.get((contender.key, 1)) if count > 1 else None
            rows.append({"network": network, "batch": batch, "threads": count, "key": contender.key,
                         "title": contender.title, "precision": contender.precision, "wanted": contender.wanted,
                         **measure.figures(samples[key]), "reference": key == reference,
                         "times_faster": measure.times_faster(samples[key], samples[reference]) if reference else None,
                         "speedup": measure.times_faster(samples[key], single) if single else None})
    return rows


def start_ms(library):
    """How long n2uq-run takes to start, to check a model and to describe it."""
    command = [toolchain.tool("n2uq-run"), str(library), "--info"]
    taken = []
    for _ in range(_START_RUNS):
        before = time.perf_counter()
        subprocess.run(command, capture_output=True)
        taken.append(1e3 * (time.perf_counter() - before))
    return float(np.median(taken))


def bench(options, folder, sizes=None):
    """Prepares and times everything; returns what the JSON holds. `sizes`: of architecture.build, for tests."""
    rows, notes, missing, profiles = [], {}, [], []
    result = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
              "commit": system.commit(), "machine": system.machine(), "seconds": options.seconds,
              "load_before": os.getloadavg()[0]}

    def say(sentence):
        if sentence not in missing:
            missing.append(sentence)
            print(f"  {sentence}", flush=True)

    peers = [name for name in options.peers if name != "none"]
    for name in options.networks:
        print(f"  prepare {name}: n2uq", flush=True)
        task = contenders.Task(name, folder, sizes or {}, options.streams)
        found = prepare(task, peers, options.precisions, say)
        for contender in found:
            notes[f"{name}, {contender.title} {contender.version}"] = contender.note
        network = task.network
        for batch in options.batch:
            images = ordinary.images(batch, network.stem.inputs, network.image, 5)
            runs = start(found, options.threads, images, say, name)
            print(f"  time {name}: batch {batch}, {len(runs)} of contenders and threads, {options.seconds:g} s each",
                  flush=True)
            rows += rows_of(name, found, options.threads, batch, measure.measure(runs, options.seconds))
            runs.clear()
        system.unpin()
        result["peak"] = best_of(result.get("peak"), roofline.peak())
        images = ordinary.images(1, network.stem.inputs, network.image, 5)
        for contender in found:
            if contender.library:
                profiles.append(roofline.of(name, contender, images, result["peak"]))
        result["start_ms"] = start_ms(found[0].library)
    return {**result, "load_after": os.getloadavg()[0], "contenders": notes, "missing": missing, "rows": rows,
            "profiles": profiles}


def best_of(one, other):
    """Of two measurements of the peak the one that was disturbed less."""
    return other if one is None or other["macs_per_cycle"] * other["ghz"] > one["macs_per_cycle"] * one["ghz"] else one


def write(path, text):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None


def compare(options, folder):
    result = bench(options, folder)
    shown = report.text(result)
    write(folder / "bench.txt", shown + "\n")
    write(folder / "readme.md", report.readme(result) + "\n")
    write(folder / "layers.txt", report.layers(result) + "\n")
    write(pathlib.Path(options.json or folder / "bench.json"), json.dumps(result, indent=2) + "\n")
    print("\n" + shown, flush=True)
    plot.bench(result, pathlib.Path(options.png or folder / "bench.png"))
    plot.roofline(result, folder / "layers.png")
    print(f"\nEach layer against the int8 peak: {folder}/layers.txt and layers.png")
    failed = False
    if options.check:
        print()
        for holds, sentence in report.verdicts(result):
            print(("holds: " if holds else "fails: ") + sentence)
            failed = failed or not holds
    return int(failed)


def main(words=None, folder=None):
    options = arguments.parse(words)
    folder = pathlib.Path(folder or os.environ.get("N2UQ_BENCH_DIR", "build/bench"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if options.nonuniform:
            from . import nonuniform
            return nonuniform.run(options, folder)
        if options.sweep:
            from . import sweep
            return sweep.run(options, folder)
        if options.micro:
            from . import micro
            return micro.run(options, folder)
        if options.pictures:
            from . import pictures
            return pictures.run(options, folder)
        return compare(options, folder)
    except Error as error:
        print(f"tools/bench: {error}", file=sys.stderr)
    except OSError as error:
        print(f"tools/bench: {error.filename}: cannot be used ({error.strerror}); check the folder", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
