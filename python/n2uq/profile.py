# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the time of a run goes, layer by layer: as a list, as a table, as a Chrome trace."""

import json
import statistics

from .errors import Error


def median(profiles):
    """The profile of each kernel's median time among several of one model."""
    rows = [{**rows[0], "ms": statistics.median(row["ms"] for row in rows)} for rows in zip(*profiles)]
    total = sum(row["ms"] for row in rows) or 1.0
    return Profile({**row, "share": row["ms"] / total} for row in rows)


class Profile(list):
    """Rows {"name", "strategy", "ms", "share", "macs", "weight_bytes", "activation_bytes"}, a kernel each, in the order in
    which they ran. `str()` is a table; `trace()` is what chrome://tracing and Perfetto load."""

    @property
    def ms(self):
        """Milliseconds of all kernels together."""
        return sum(row["ms"] for row in self)

    def __str__(self):
        """ms, share, GMAC/s, layer and strategy of each kernel, then the sum."""
        lines = [f"{'ms':>9}  {'share':>6}  {'GMAC/s':>8}  {'MiB':>7}  layer"]
        for row in self:
            speed = f"{row['macs'] / row['ms'] / 1e6:8.1f}" if row["macs"] and row["ms"] else ""
            bytes_moved = row["weight_bytes"] + row["activation_bytes"]
            lines.append(f"{row['ms']:9.3f}  {100 * row['share']:5.1f}%  {speed:>8}  {bytes_moved / 2**20:7.2f}  {row['name']}  "
                         f"{row['strategy']}")
        lines.append(f"{self.ms:9.3f}  100.0%  all {len(self)} kernels")
        return "\n".join(lines)

    def trace(self):
        """The run in Chrome's trace event format: a complete event ("X") a kernel, microseconds from the run's beginning.
        Kernels run one after another, each on all threads, so each begins where the one before it ends."""
        events, begin = [{"name": "thread_name", "ph": "M", "pid": 0, "tid": 0, "args": {"name": "kernels"}}], 0.0
        for row in self:
            micros = 1e3 * row["ms"]
            events.append({"name": row["name"], "cat": row["strategy"].split()[0] if row["strategy"] else "kernel", "ph": "X",
                           "ts": begin, "dur": micros, "pid": 0, "tid": 0,
                           "args": {key: row[key] for key in ("strategy", "macs", "weight_bytes", "activation_bytes")}})
            begin += micros
        return {"traceEvents": events, "displayTimeUnit": "ms"}

    def save_trace(self, path):
        """Writes trace() as JSON, for chrome://tracing or ui.perfetto.dev."""
        try:
            with open(path, "w", encoding="utf-8") as stream:
                json.dump(self.trace(), stream)
        except OSError as error:
            raise Error(f"{path}: cannot be written ({error.strerror}); check the folder") from None
