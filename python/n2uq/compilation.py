# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""n2uq.compile and n2uq.diff: the compiler and the comparison with the reference, in this process."""

import contextlib
import json
import os
import pathlib
import tempfile

import numpy as np

from . import cache as cached
from . import toolchain
from .errors import Error
from .runtime import Model

# Options whose results are files beside the library, or no library, or that name a file whose content is no part of the
# cache's key: the cache has no place for them.
_MORE_FILES = ("dump_phases_to", "report", "labels")
_NO_LIBRARY = ("emit", "until", "help", "version", "o")


def compile(model, output=None, cache=True, progress=None, device=0, **options):
    """Compiles a model file (.onnx in QONNX form, .mlir, .mlirbc) and loads the result, a Model.

    `output` is the path of the shared library, beside the model unless given. Options are n2uq-compile's with underscores:
    target_cpu="x86-64-v3" (default "host"), keep_codes=True, image_input=True, stem_bits=16, mean="0.5,0.5,0.5", O=2, tune=60
    (seconds), … `progress` is called with lines of text while tune goes on. `device` is the GPU of a model for one.

    What was compiled before, from the same content with the same options by the same compiler on such a CPU, is taken from
    the cache (cache.py) unless `cache` is False. Runs release Python's lock; compilations wait for each other.

    Raises n2uq.Error with the sentence of n2uq-compile; then no file has been written. Warnings are Python's."""
    for name in _NO_LIBRARY:
        if options.get(name) is not None:
            raise Error(f"n2uq.compile loads what it makes, so it takes no {name}; run python -m n2uq compile or n2uq-compile")
    model = pathlib.Path(model)
    output = pathlib.Path(output) if output is not None else model.with_suffix(".so")
    arguments = toolchain.arguments_of(options)
    name = None
    if cache and cached.limit() and not any(options.get(option) for option in _MORE_FILES):
        with contextlib.suppress(OSError):  # the compiler says what is wrong with the file
            name = cached.key(model, arguments, toolchain.compiler_file())
    if name:
        report = cached.fetch(name, output)
        if report is not None:
            try:
                return Model(output, device, report)
            except Error:  # damaged on the disk
                cached.drop(name)
    with tempfile.TemporaryDirectory(prefix="n2uq-") as folder:
        path = options.get("report") or os.path.join(folder, "report.json")
        wanted = [] if options.get("report") else [f"--report={path}"]
        toolchain.call_compiler([str(model), "-o", str(output), *arguments, *wanted], progress)
        with open(path, encoding="utf-8") as stream:
            report = json.load(stream)
    if name:
        cached.store(name, output, report)
    return Model(output, device, report)


class Difference(dict):
    """What n2uq.diff found: {"equal", "quantizers": [{"name", "in_model", "in_library", "codes", "differing",
    "largest_difference" (levels), "first_image"}], "outputs", "differing_outputs", "largest_output_difference"}. It is true
    where something differs or is missing; `str()` is a table."""

    def __bool__(self):
        return not self["equal"]

    def __str__(self):
        rows = [("quantizer", "codes", "differ", "largest difference")]
        for row in self["quantizers"]:
            if not row["in_model"] or not row["in_library"]:
                rows.append((row["name"], "", "", f"missing in the {'library' if row['in_model'] else 'model'}"))
            else:
                where = f"{row['largest_difference']} levels, first in image {row['first_image']}" if row["differing"] else ""
                rows.append((row["name"], row["codes"], row["differing"], where))
        largest = f"{self['largest_output_difference']:g}" if self["differing_outputs"] else ""
        rows.append(("output", self["outputs"], self["differing_outputs"], largest))
        width = max(len(row[0]) for row in rows)
        return "\n".join(f"{name:{width}}  {codes:>12}  {differ:>12}  {note}".rstrip() for name, codes, differ, note in rows)


def diff(model, compiled, x, threads=None, batch=None, **options):
    """Compares a compiled model (a Model or its path) with the reference, which computes `model` (a file) on the images `x`:
    the codes behind every quantizer, for which it is compiled with keep_codes=True, and the outputs, in every bit. Returns a
    Difference. `options` are those of --image-input where it was compiled with them (image_input=True, stem_bits=16, …).

    Raises n2uq.Error with the sentence of n2uq-diff. The reference is slow: a few images say enough."""
    found = toolchain.compiler()
    if found is None:
        raise Error("n2uq.diff needs the compiler in this process, and this package holds the runtime alone; install the whole "
                    "wheel, or run n2uq-diff")
    loaded = compiled if isinstance(compiled, Model) else Model(compiled)
    try:
        x = loaded.dense(x)
    finally:
        if loaded is not compiled:
            loaded.close()
    options = {"threads": threads, "batch": batch, **options}
    return Difference(found.diff([os.fspath(model), os.fspath(loaded.path), *toolchain.arguments_of(options)], np.asarray(x)))
