# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine that a table was made on."""

import os
import pathlib
import platform
import subprocess

_CORES = os.sched_getaffinity(0)


def unpin():
    """Lets the calling thread run on all cores again. A peer that pins its threads leaves ours pinned as well, and threads
    that anybody starts from it would all share one core."""
    os.sched_setaffinity(0, _CORES)


def cpu():
    """{"model name", "cpu family", "model", "flags"} of the first core, as far as the system tells."""
    facts = {}
    try:
        with open("/proc/cpuinfo") as stream:
            for line in stream:
                key, _, value = line.partition(":")
                facts.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    return facts


def has_vnni():
    return bool({"avx512_vnni", "avx_vnni"} & set(cpu().get("flags", "").split()))


def machine():
    facts = cpu()
    return {"cpu": facts.get("model name", platform.machine()), "cpu_family": facts.get("cpu family", ""),
            "cpu_model": facts.get("model", ""), "cores": len(_CORES), "vnni": has_vnni(),
            "system": platform.release(), "python": platform.python_version()}


def commit():
    root = pathlib.Path(__file__).resolve().parents[3]
    try:
        done = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()
