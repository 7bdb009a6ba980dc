# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The clock.

A machine's speed drifts, so nobody is timed in one go: in each round everybody runs for a moment, in an order that
rotates, after two uncounted runs that bring caches back and let the threads of the one before fall asleep. A ratio is the
median over the rounds of (median of one) / (median of the other): both sides of it saw the same moment.
"""

import gc
import time

import numpy as np

from . import system

SLICE = 0.25  # seconds of a contender in a round
_LONG = 0.5  # seconds: a run that takes longer finds its own caches, and one sample of it is a round


def measure(runs, seconds):
    """{key: rounds}, a round being [(wall ms, CPU ms of the process)], for {key: function without arguments}."""
    keys, rounds = list(runs), max(5, round(seconds / SLICE))
    moment = min(SLICE, seconds / rounds)
    samples = {key: [] for key in keys}
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            turn = number % len(keys)
            for key in keys[turn:] + keys[:turn]:
                run, taken = runs[key], []
                system.unpin()
                begin = time.perf_counter()
                run()
                least = 3
                if time.perf_counter() - begin < _LONG:
                    run()
                else:
                    least = 1
                end = time.perf_counter() + moment
                while len(taken) < least or time.perf_counter() < end:
                    cpu, wall = time.process_time(), time.perf_counter()
                    run()
                    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                    taken.append((1e3 * wall, 1e3 * cpu))
                samples[key].append(taken)
    finally:
        if was_enabled:
            gc.enable()
    return samples


def figures(rounds):
    """Of all runs of a contender."""
    wall, cpu = np.array([sample for taken in rounds for sample in taken]).T
    q1, median, q3 = np.quantile(wall, (0.25, 0.5, 0.75))
    return {"median_ms": float(median), "q1_ms": float(q1), "q3_ms": float(q3), "min_ms": float(wall.min()),
            "cpu_ms": float(np.median(cpu)), "runs": len(wall), "rounds": len(rounds)}


def times_faster(rounds, others):
    """How many times faster than the other one: above 1 is faster."""
    medians = [[np.median([wall for wall, _ in taken]) for taken in side] for side in (others, rounds)]
    return float(np.median(np.divide(*medians)))


def fastest(samples, keys):
    """Of `keys`; None of none."""
    return min(keys, key=lambda key: figures(samples[key])["median_ms"], default=None)
