# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models that need not be compiled again.

An entry is named by the SHA-256 of all that its bytes depend on: the model's content, the options, the compiler, and this
machine's CPU. It is a file KEY.so and a report KEY.json in $N2UQ_CACHE_DIR, else in `n2uq/models` below $XDG_CACHE_HOME or
~/.cache. When they exceed $N2UQ_CACHE_MIB (2048), those that were not used for the longest time go; 0 turns the cache off.

Any number of processes may share a folder: files appear whole, by renaming, under names that say what is in them, and one
that vanishes while it is looked at is a file that is not there. A cache that cannot be written is none."""

import contextlib
import hashlib
import json
import os
import pathlib
import platform
import secrets
import shutil
import time

from .errors import Error

_DEFAULT_MIB = 2048


def folder():
    """Where entries lie."""
    if os.environ.get("N2UQ_CACHE_DIR"):
        return pathlib.Path(os.environ["N2UQ_CACHE_DIR"])
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(home) / "n2uq" / "models"


def limit():
    """Bytes that all entries together may have; 0 where the cache is off."""
    text = os.environ.get("N2UQ_CACHE_MIB", str(_DEFAULT_MIB))
    if not text.isdecimal():
        raise Error(f"N2UQ_CACHE_MIB is '{text}' and must be a number of MiB; 0 turns the cache off")
    return int(text) << 20


def this_cpu():
    """What tells this machine's CPU from others: its name and features."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as text:
            lines = text.read().split("\n\n")[0].splitlines()
        return "\n".join(line for line in lines if line.startswith(("vendor_id", "cpu family", "model", "flags", "stepping")))
    except OSError:
        return platform.processor()


def digest(path):
    """SHA-256 of a file's bytes."""
    state = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()


def key(model, arguments, compiler):
    """The name of an entry. `compiler`: the file that compiles. `arguments`: those of n2uq-compile that the result depends
    on, in any order. The model's own name is one of them: it is written into the library."""
    parts = [digest(model), os.path.basename(model), *sorted(arguments), digest(compiler), this_cpu()]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def fetch(name, output):
    """Copies an entry to `output`. Returns its report, or None where there is no entry; `output` is untouched then."""
    library, report = folder() / f"{name}.so", folder() / f"{name}.json"
    try:
        with open(report, "rb") as stream:
            found = json.load(stream)
        _place(library, output)
        os.utime(library)  # the last use
        return found
    except (OSError, ValueError):
        return None


def store(name, library, report):
    """Adds an entry and lets go of the oldest ones where there is no room for it."""
    most = limit()
    try:
        if os.path.getsize(library) > most:
            return
        folder().mkdir(parents=True, exist_ok=True)
        # The report first: an entry without one is no entry.
        with _appearing(folder() / f"{name}.json") as stream:
            stream.write(json.dumps(report).encode())
        _place(library, folder() / f"{name}.so")
        _trim(most)
    except OSError:
        pass


def drop(name):
    """Removes an entry: its bytes turned out to be damaged."""
    for suffix in (".so", ".json"):
        with contextlib.suppress(OSError):
            (folder() / (name + suffix)).unlink()


@contextlib.contextmanager
def _appearing(path):
    """A temporary file beside `path`, open for writing, which takes its place when all went well."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(handle, "wb") as stream:
            yield stream
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def _place(source, target):
    with open(source, "rb") as stream, _appearing(pathlib.Path(target)) as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)


def _trim(most):
    """Removes what was not used for the longest time until the rest fits, and what processes that died left behind."""
    entries, day_ago = [], time.time() - 86400
    for path in folder().iterdir():
        with contextlib.suppress(OSError):
            status = path.stat()
            if path.suffix == ".so":
                entries.append((status.st_mtime_ns, status.st_size, path.stem))
            elif status.st_mtime < day_ago and not path.with_suffix(".so").exists():
                path.unlink()
    total = sum(size for _, size, _ in entries)
    for _, size, name in sorted(entries):
        if total <= most:
            break
        drop(name)
        total -= size
