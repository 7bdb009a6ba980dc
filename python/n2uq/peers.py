# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who takes part in tools/bench: our compiled model, and each peer with its own form of the same network.

A function of CONTENDERS prepares one network in a folder and returns its contenders. To add a peer, add its packages as
python/peers/<name>.txt and its function here; to add a network, add it to MODELS.
"""

import collections
import dataclasses
import logging
from typing import Callable

from . import __version__, architecture, exporter, float_network, ordinary, runtime, toolchain
from .errors import Error

MODELS = {"resnet18": 2}  # architecture: bits of our network

_CALIBRATION_IMAGES, _CALIBRATION_SEED = 8, 9


@dataclasses.dataclass
class Contender:
    key: str  # in JSON
    title: str  # in the table
    version: str
    note: str  # how it computes, in a few words
    start: Callable  # (threads, batch) -> a function from images to logits


def ours(name, folder):
    bits = MODELS[name]
    model, library = folder / f"{name}_{bits}bit.onnx", folder / f"{name}_{bits}bit.so"
    # The same as python -m n2uq export --arch … --bits … --seed 1.
    exporter.export(ordinary.state_dict(architecture.build(name, bits), 1), model)
    toolchain.compile_file(model, library, target_cpu="host")
    with runtime.Model(library) as compiled:
        info = compiled.info
    # A strategy is written as its kernel's name, then its parameters.
    kernels = collections.Counter(kernel["strategy"].split()[0] for kernel in info["kernels"] if kernel["macs"])
    note = ("kernels: " + ", ".join(f"{count} {kernel}" for kernel, count in sorted(kernels.items())) +
            f"; {(info['arena_bytes'] + info['weight_bytes']) / 2**20:.1f} MiB for a run of one image")

    def start(threads, batch):
        compiled = runtime.Model(library)
        return lambda x: compiled(x, threads=threads)
    return [Contender("n2uq", f"n2uq W{bits}A{bits}", __version__, note, start)]


def onnx_runtime(name, folder):
    """Float32 and int8. Int8 is static quantization in QDQ form, weights per channel: int8 weights and uint8 activations,
    because the other types leave most convolutions in float32 on x86."""
    try:
        import onnx
        import onnxruntime
        from onnxruntime import quantization
    except ImportError as error:
        raise Error(f"ONNX Runtime takes no part: its packages cannot be imported ({error}); look into build/log/"
                    "pip-onnxruntime.log and call tools/bench again") from None
    float_model, int8_model = folder / f"{name}_float32.onnx", folder / f"{name}_int8.onnx"
    network = float_network.write(name, float_model)
    images = ordinary.images(_CALIBRATION_IMAGES, network.stem.inputs, network.image, _CALIBRATION_SEED)

    class Images(quantization.CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"input": image[None]} for image in images])

        def get_next(self):
            return next(self.batches, None)

    root = logging.getLogger()
    level, root.level = root.level, logging.ERROR  # it advises to fold what is folded already
    try:
        # Without VNNI, pairs of products are added in 16 bits, and only 7-bit weights cannot overflow there.
        quantization.quantize_static(float_model, int8_model, Images(), quant_format=quantization.QuantFormat.QDQ,
                                     per_channel=True, activation_type=quantization.QuantType.QUInt8,
                                     weight_type=quantization.QuantType.QInt8, reduce_range=not has_vnni())
    finally:
        root.level = level

    def session(path, threads, batch, optimized=None):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_free_dimension_override_by_name("N", batch)
        if optimized:
            options.optimized_model_filepath = str(optimized)
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def starter(path):
        def start(threads, batch):
            run = session(path, threads, batch).run
            return lambda x: run(None, {"input": x})[0]
        return start

    optimized = folder / f"{name}_int8.optimized.onnx"
    session(int8_model, 1, 1, optimized)
    ops = collections.Counter(node.op_type for node in onnx.load(optimized).graph.node)
    integer = ops["QLinearConv"]
    total = integer + ops["Conv"] + ops["FusedConv"]
    version = onnxruntime.__version__
    return [Contender("onnxruntime-int8", "ONNX Runtime int8", version,
                      f"QDQ, uint8 activations, int8 weights per channel; {integer} of {total} convolutions run in int8",
                      starter(int8_model)),
            Contender("onnxruntime-float32", "ONNX Runtime float32", version, "the same layers, normalisation folded",
                      starter(float_model))]


CONTENDERS = (ours, onnx_runtime)


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
