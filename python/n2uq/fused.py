# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds, compiles and loads _fused.c, the fast element-wise layers of training on a CPU.

Without a C compiler training still works, a few times slower: `library()` is then None and the plain torch code of
functional.py runs. `N2UQ_NO_FUSED=1` asks for that.
"""

import ctypes
import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

_SOURCE = pathlib.Path(__file__).with_name("_fused.c")
_FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd",
          "-shared", "-fPIC"]


def _cpu_features():
    """Names this machine's instruction set: a home directory may be shared by machines that differ in it."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as text:
            return next((line for line in text if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()


@functools.lru_cache(maxsize=None)
def library():
    """The loaded kernels, or None where they cannot be had; the reason is printed once."""
    if os.environ.get("N2UQ_NO_FUSED"):
        return None
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang", "clang-22"))), None)
    if compiler is None:
        print("n2uq: no C compiler found, so the quantizers train on plain torch (a few times slower)", file=sys.stderr)
        return None
    source = _SOURCE.read_bytes()
    key = hashlib.sha256(b"\0".join([source, compiler.encode(), " ".join(_FLAGS).encode(), _cpu_features().encode()]))
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "n2uq"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = pathlib.Path(tempfile.mkdtemp(prefix="n2uq-"))
    target = cache / f"fused-{key.hexdigest()[:16]}.so"
    try:
        if not target.exists():
            # Compile beside the target and rename: two processes that start together both end with a whole file.
            partial = target.with_suffix(f".{os.getpid()}.tmp")
            subprocess.run([compiler, *_FLAGS, "-o", str(partial), str(_SOURCE)], check=True, capture_output=True)
            os.replace(partial, target)
        return _declare(ctypes.CDLL(str(target)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"n2uq: the fused kernels do not build here ({error}), so the quantizers train on plain torch",
              file=sys.stderr)
        return None


def _declare(lib):
    pointer, size, real, count = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_int32
    lib.n2uq_quantize_forward.argtypes = [pointer, pointer, size, real, real, pointer, count]
    lib.n2uq_quantize_backward.argtypes = [pointer, pointer, pointer, size, real, pointer, pointer, pointer, count,
                                           pointer]
    lib.n2uq_rprelu_forward.argtypes = [pointer, pointer, size, size, size, pointer, pointer, pointer]
    lib.n2uq_rprelu_backward.argtypes = [pointer, pointer, pointer, size, size, size, pointer, pointer, pointer,
                                         pointer, pointer, pointer]
    for function in (lib.n2uq_quantize_forward, lib.n2uq_quantize_backward, lib.n2uq_rprelu_forward,
                     lib.n2uq_rprelu_backward):
        function.restype = None
    return lib
