# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""IREE: the same models through its ONNX importer and compiler, for this CPU and a fixed batch."""

import hashlib
import pathlib
import subprocess
import sys

from ..errors import Error
from . import peer_onnxruntime
from .contenders import Contender

_FLAGS = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
          "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]
# Measured: three times faster for float32, a fifth slower for the QDQ model.
_CHANNELS_LAST = ["--iree-preprocessing-pass-pipeline=builtin.module(util.func(iree-preprocessing-convert-conv-to-channels-"
                  "last))", "--iree-opt-data-tiling"]


def _run(command, what):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines() or [""]
        raise Error(f"IREE takes no part: it cannot {what} ({lines[0].strip()[:200]})")


def _with_batch(path, batch):
    """Another file, whose symbolic batch is a number."""
    import onnx
    model, fixed = onnx.load(path), path.with_suffix(f".batch{batch}.onnx")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    del model.graph.value_info[:]
    onnx.save(model, fixed)
    return fixed


def _compile(path, batch, precision, version):
    """The compiled file; made once for a model and a version."""
    options = _FLAGS + (_CHANNELS_LAST if precision == "float32" else [])
    fixed = _with_batch(path, batch)
    compiled, stamp = fixed.with_suffix(".vmfb"), fixed.with_suffix(".vmfb.stamp")
    key = hashlib.sha256(fixed.read_bytes() + version.encode() + " ".join(options).encode()).hexdigest()
    if not (compiled.exists() and stamp.exists() and stamp.read_text() == key):
        imported = fixed.with_suffix(".mlir")
        _run([sys.executable, "-m", "iree.compiler.tools.import_onnx", str(fixed), "-o", str(imported)], "import the model")
        tool = pathlib.Path(sys.executable).parent / "iree-compile"
        _run([str(tool), str(imported), "-o", str(compiled), *options], "compile the model")
        stamp.write_text(key)
    return compiled


def prepare(task, precisions):
    try:
        import iree.compiler.version
        import iree.runtime as rt
        from iree.runtime import flags
    except ImportError as error:
        raise Error(f"IREE takes no part: its packages cannot be imported ({error}); look into build/log/pip-iree.log and "
                    "call tools/bench again") from None
    from importlib import metadata
    version = metadata.version("iree-base-compiler")

    def starter(path, precision):
        def start(threads, images):
            compiled = _compile(path, len(images), precision, version)
            if threads == 1:
                device = rt.get_driver("local-sync").create_default_device()
            else:
                flags.parse_flags(f"--task_topology_group_count={threads}")
                device = rt.get_driver("local-task").create_default_device()
            context = rt.SystemContext(config=rt.Config(device=device))
            module = rt.VmModule.mmap(context.instance, str(compiled))
            context.add_vm_module(module)
            name = next(n for n in module.function_names if not n.startswith("__") and not n.endswith("$async"))
            function = context.modules[module.name][name]
            return lambda: function(images).to_host()
        return start

    result = []
    for precision in precisions:
        path = peer_onnxruntime.quantize(task) if precision == "int8" else task.float_model()
        note = "the same QDQ model" if precision == "int8" else "the same layers"
        _compile(path, 1, precision, version)  # a failure is found now
        result.append(Contender(f"iree-{precision}", f"IREE {precision}", precision, version,
                                f"{note}, fixed batch, for this CPU, O3", starter(path, precision)))
    return result
