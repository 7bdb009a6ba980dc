# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the extensions and the compiler's tools, and runs the tools."""

import glob
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import warnings

from .errors import Error

_PACKAGE = pathlib.Path(__file__).resolve().parent
_BUILD = _PACKAGE.parents[1] / "build"


def _extension_folders():
    """Where extensions may lie, best first: a wheel has them in the package, a checkout in its build folder, which
    $N2UQ_BIN_DIR names as it does for the tools."""
    builds = [pathlib.Path(os.environ["N2UQ_BIN_DIR"]).resolve().parent] if os.environ.get("N2UQ_BIN_DIR") else []
    return [_PACKAGE, *(build / "python" / "n2uq" for build in (*builds, _BUILD))]


def extension(name):
    """The extension module n2uq.<name>. Raises n2uq.Error where it is not built for this Python."""
    package = sys.modules[__package__]
    for folder in map(str, _extension_folders()):
        if folder not in package.__path__ and os.path.isdir(folder):
            package.__path__.append(folder)
    try:
        return importlib.import_module(f".{name}", __package__)
    except ImportError as error:
        reason = "is not there" if isinstance(error, ModuleNotFoundError) else f"cannot be loaded ({error})"
        raise Error(f"the extension n2uq.{name} {reason} for Python {sys.version_info.major}.{sys.version_info.minor}; install "
                    "the wheel, or build the project with tools/dev/setup") from None


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
        raise Error(f"{name} is not in build/bin and not on the PATH; install the whole package (pip install .), build the "
                    "project, or set N2UQ_BIN_DIR")
    return found


def run(name, arguments):
    """Runs a tool to its end and returns what it printed; its own sentence becomes the Error."""
    path = tool(name)
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise Error(f"{path}: cannot be run ({error.strerror}); build the project again") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).removeprefix(f"{name}: ")
        raise Error(said or f"{name} ended with exit code {done.returncode} and said nothing; report this as a bug")
    return done.stdout


def compiler():
    """n2uq-compile and n2uq-diff as an extension of this process; None where it is not built, or where $N2UQ_BIN_DIR names
    tools of another build than the extension's."""
    if not any(glob.glob(f"{glob.escape(str(folder))}/_compiler.*.so") for folder in _extension_folders()):
        return None
    found = extension("_compiler")
    named = os.environ.get("N2UQ_BIN_DIR")
    own = not named or pathlib.Path(found.__file__).parent in (_PACKAGE, _extension_folders()[1])
    return found if own else None


def compiler_file():
    """The file whose bytes are the compiler: the extension's, or the tool's."""
    found = compiler()
    return found.__file__ if found else tool("n2uq-compile")


def arguments_of(options):
    """The arguments of a tool for options with underscores: target_cpu="x86-64-v3" is --target-cpu=x86-64-v3, keep_codes=True
    is --keep-codes, O=3 is -O3. What is False or None is not there."""
    arguments = []
    for key, value in options.items():
        flag = "--" + key.replace("_", "-")
        if key == "O":
            arguments.append(f"-O{value}")
        elif value is True:
            arguments.append(flag)
        elif value is not False and value is not None:
            arguments.append(f"{flag}={value}")
    return arguments


def call_compiler(arguments, progress=None):
    """Runs n2uq-compile with these arguments: in this process where that is possible. `progress` takes lines of text."""
    found = compiler()
    if found:
        found.compile([os.fspath(argument) for argument in arguments], progress,
                      lambda text: warnings.warn(text, stacklevel=4))
    else:
        sys.stdout.write(run("n2uq-compile", arguments))


def compile_file(model, output=None, **options):
    """n2uq-compile as a process of its own, whose memory goes with it: for what is timed afterwards. Options are the tool's,
    with underscores. Returns the path of the shared library, beside the model unless `output` says otherwise."""
    model = pathlib.Path(model)
    output = pathlib.Path(output) if output is not None else model.with_suffix(".so")
    run("n2uq-compile", [str(model), "-o", str(output), *arguments_of(options)])
    return output
