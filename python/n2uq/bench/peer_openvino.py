# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""OpenVINO on the same QDQ model, one stream, tuned for latency, threads pinned."""

from ..errors import Error
from . import peer_onnxruntime
from .contenders import Contender


def _value(info, key):
    return str(getattr(info[key], "value", info[key])) if key in info else ""


def prepare(task, precisions):
    try:
        import openvino
    except ImportError as error:
        raise Error(f"OpenVINO takes no part: its packages cannot be imported ({error}); look into build/log/"
                    "pip-openvino.log and call tools/bench again") from None
    core = openvino.Core()

    def compile_model(path, precision, threads, batch):
        model = core.read_model(str(path))
        network = task.network
        model.reshape({"input": [batch, network.stem.inputs, network.image, network.image]})
        settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads,
                    "ENABLE_CPU_PINNING": True}
        if precision == "float32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"  # it would take bfloat16 where the CPU has it
        return core.compile_model(model, "CPU", settings)

    def starter(path, precision):
        def start(threads, images):
            request = compile_model(path, precision, threads, len(images)).create_infer_request()
            return lambda: request.infer({0: images}, share_inputs=True, share_outputs=True)[0]
        return start

    result, version = [], openvino.__version__.partition("-")[0]
    if "int8" in precisions:
        path = peer_onnxruntime.quantize(task)
        infos = [op.get_rt_info() for op in compile_model(path, "int8", 1, 1).get_runtime_model().get_ops()]
        kinds = [_value(info, "primitiveType").upper() for info in infos if _value(info, "layerType") == "Convolution"]
        integer = sum(kind.endswith(("I8", "U8")) for kind in kinds)
        result.append(Contender("openvino-int8", "OpenVINO int8", "int8", version,
                                f"the same QDQ model, latency hint, one stream, pinned; {integer} of {len(kinds)} "
                                "convolutions run in int8", starter(path, "int8")))
    if "float32" in precisions:
        result.append(Contender("openvino-float32", "OpenVINO float32", "float32", version,
                                "the same layers, latency hint, one stream, pinned", starter(task.float_model(), "float32")))
    return result
