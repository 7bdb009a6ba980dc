# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the compiler's tools and runs them."""

import ctypes
import os
import pathlib
import shutil
import subprocess

from .errors import Error

_BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


def tool(name):
    """The path of a tool: in $N2UQ_BIN_DIR when that is set, else in the checkout's build/bin, else on the PATH."""
    folder = os.environ.get("N2UQ_BIN_DIR")
    if folder:
        found = shutil.which(name, path=folder)
        if found is None:
            raise Error(f"{folder}/{name}: no such program; N2UQ_BIN_DIR must name the folder of the tools")
        return found
    found = shutil.which(name, path=str(_BUILD / "bin")) or shutil.which(name)
    if found is None:
        raise Error(f"{name} is not in build/bin and not on the PATH; build the project or set N2UQ_BIN_DIR")
    return found


def library(name):
    """The path of the shared library called `name`, searched beside the tools, then where the linker looks;
    $N2UQ_RUNTIME names libn2uq_runtime.so, and the folder of the others."""
    file = f"lib{name}.so"
    if os.environ.get("N2UQ_RUNTIME"):
        named = pathlib.Path(os.environ["N2UQ_RUNTIME"])
        return str(named if name == "n2uq_runtime" else named.with_name(file))
    roots = [pathlib.Path(os.environ["N2UQ_BIN_DIR"])] if os.environ.get("N2UQ_BIN_DIR") else []
    roots.append(_BUILD / "bin")
    found = shutil.which("n2uq-run")
    if found:
        roots.append(pathlib.Path(found).resolve().parent)
    for root in roots:
        for folder in (root.parent / "lib", root.parent / "runtime", root):
            if (folder / file).exists():
                return str(folder / file)
    return file


def load(name, signatures):
    """The library as ctypes sees it, its functions typed: {name: (result, [argument, …])}."""
    path = library(name)
    try:
        lib = ctypes.CDLL(path)
    except OSError as error:
        raise Error(f"{path}: cannot be loaded ({error}); build the project or let N2UQ_RUNTIME name the runtime") from None
    for function, (result, arguments) in signatures.items():
        try:
            found = getattr(lib, function)
        except AttributeError:
            raise Error(f"{path}: has no function {function}; it is of another version than this package, build both from "
                        "one checkout") from None
        found.restype, found.argtypes = result, arguments
    return lib


def run(name, arguments):
    """Runs a tool to its end and returns what it printed; its own sentence becomes the Error."""
    path = tool(name)
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise Error(f"{path}: cannot be run ({error.strerror}); build the project again") from None
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise Error(said or f"{name} ended with exit code {done.returncode} and said nothing; report this as a bug")
    return done.stdout


def compile_file(model, output=None, **options):
    """n2uq-compile as a function. Options are the tool's, with underscores: target_cpu="x86-64-v3", keep_codes=True,
    O=3. Returns the path of the shared library, beside the model unless `output` says otherwise."""
    model = pathlib.Path(model)
    output = pathlib.Path(output) if output is not None else model.with_suffix(".so")
    arguments = [str(model), "-o", str(output)]
    for key, value in options.items():
        flag = "--" + key.replace("_", "-")
        if key == "O":
            arguments.append(f"-O{value}")
        elif value is True:
            arguments.append(flag)
        elif value is not False and value is not None:
            arguments.append(f"{flag}={value}")
    run("n2uq-compile", arguments)
    return output
