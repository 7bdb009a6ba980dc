# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX Runtime, and the int8 model that most peers read: static quantization in QDQ form with weights per channel, which is
how users of ONNX quantize."""

import collections
import logging

from ..errors import Error
from . import system
from .contenders import Contender


def quantize(task):
    """The int8 ONNX file. Uint8 activations and int8 weights, because other types leave most convolutions in float32 on
    x86."""
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise Error(f"the int8 model cannot be made: the packages of ONNX Runtime cannot be imported ({error}); look into "
                    "build/log/pip-onnxruntime.log and call tools/bench again") from None
    path = task.file("int8.onnx")
    images = task.calibration_images()

    class Images(quantization.CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"input": image[None]} for image in images])

        def get_next(self):
            return next(self.batches, None)

    root = logging.getLogger()
    level, root.level = root.level, logging.ERROR  # it advises to fold what is folded already
    try:
        # Without VNNI, pairs of products are added in 16 bits, and only 7-bit weights cannot overflow there.
        quantization.quantize_static(task.float_model(), path, Images(), quant_format=quantization.QuantFormat.QDQ,
                                     per_channel=True, activation_type=quantization.QuantType.QUInt8,
                                     weight_type=quantization.QuantType.QInt8, reduce_range=not system.has_vnni())
    finally:
        root.level = level
    return path


def prepare(task, precisions):
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise Error(f"ONNX Runtime takes no part: its packages cannot be imported ({error}); look into build/log/"
                    "pip-onnxruntime.log and call tools/bench again") from None

    def session(path, threads, batch, optimized=None):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_free_dimension_override_by_name("N", batch)
        if optimized:
            options.optimized_model_filepath = str(optimized)
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def starter(path):
        def start(threads, images):
            run = session(path, threads, len(images)).run
            return lambda: run(None, {"input": images})[0]
        return start

    result, version = [], onnxruntime.__version__
    if "int8" in precisions:
        path, optimized = quantize(task), task.file("int8.optimized.onnx")
        session(path, 1, 1, optimized)
        ops = collections.Counter(node.op_type for node in onnx.load(optimized).graph.node)
        total = ops["QLinearConv"] + ops["Conv"] + ops["FusedConv"]
        result.append(Contender("onnxruntime-int8", "ONNX Runtime int8", "int8", version,
                                "QDQ, uint8 activations, int8 weights per channel; "
                                f"{ops['QLinearConv']} of {total} convolutions run in int8", starter(path)))
    if "float32" in precisions:
        result.append(Contender("onnxruntime-float32", "ONNX Runtime float32", "float32", version,
                                "the same layers, normalisation folded", starter(task.float_model())))
    return result
