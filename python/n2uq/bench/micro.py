# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/bench --micro: each kernel family on each shape it may compute, by Google Benchmark.

Layers are compiled one by one with the family forced (`n2uq-compile --kernel=FAMILY`) and handed to
build/bin/n2uq-kernel-benchmark, which runs the one kernel on one thread with everything in cache. It takes compiled
networks as well: `build/bin/n2uq-kernel-benchmark R18.so` shows every layer of it, warm."""

import pathlib
import re
import subprocess

from .. import toolchain
from ..errors import Error
from . import one_layer, roofline
from .one_layer import Layer

SHAPES = [Layer(56, 64, 64), Layer(28, 128, 128), Layer(14, 256, 256), Layer(7, 512, 512), Layer(56, 64, 128, stride=2),
          Layer(56, 64, 256, 1), Layer(28, 512, 128, 1), Layer(14, 1024, 256, 1), Layer(7, 2048, 512, 1),
          Layer(56, 144, 144, depthwise=True), Layer(14, 576, 576, depthwise=True)]
BITS = (2, 3, 4)
_DEFINITIONS = pathlib.Path(__file__).resolve().parents[3] / "include/n2uq/Strategy/Kernels.def"
_SLOW = {"portable"}  # for any CPU; it is no candidate where another may run


def families():
    """Names of all kernel families of the compiler."""
    try:
        return re.findall(r'^N2UQ_KERNEL\(\w+, "(\w+)"\)', _DEFINITIONS.read_text(), re.M)
    except OSError as error:
        raise Error(f"{_DEFINITIONS}: cannot be read ({error.strerror}); tools/bench --micro needs the checkout") from None


def libraries(folder, shapes=None, bits=BITS):
    """A compiled layer for each shape, width and family that may compute it. The compiler refuses a family that may
    not, or leaves the layer, which has no choice, to another one; that library is not measured twice."""
    import dataclasses
    result = []
    for shape in shapes or SHAPES:
        for width in bits:
            layer = dataclasses.replace(shape, bits=width)
            for family in families():
                if family in _SLOW:
                    continue
                try:
                    library = one_layer.compiled(layer, folder, family)
                except Error as error:
                    if "no layer can be computed by" in str(error):
                        continue
                    raise
                if one_layer.conv_of(library)["strategy"].split()[0] == family:
                    result.append(library)
    return result


def run(options, folder, shapes=None, bits=BITS):
    tool = toolchain.tool("n2uq-kernel-benchmark")
    folder = folder / "micro"
    folder.mkdir(parents=True, exist_ok=True)
    print("  compile layers", flush=True)
    found = libraries(folder, shapes, bits)
    peak = roofline.peak()
    print(f"  time {len(found)} kernels; int8 peak: {peak['macs_per_cycle']:.1f} MACs/cycle at {peak['ghz']:.2f} GHz", flush=True)
    output = folder.parent / "micro.json"
    # A time of its own for each would be an hour; what is asked for is divided among them, with a floor.
    seconds = max(0.02, min(0.5, options.seconds / 10))
    return subprocess.run([tool, f"--ghz={peak['ghz']}", f"--benchmark_min_time={seconds}", f"--benchmark_out={output}",
                           "--benchmark_out_format=json", *map(str, found)]).returncode
