# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ncnn, on files of its own form (ncnn_file.py), because its converters are not in its package."""

import numpy as np

from ..errors import Error
from . import ncnn_file
from .contenders import Contender


def prepare(task, precisions):
    try:
        import ncnn
    except ImportError as error:
        raise Error(f"ncnn takes no part: its packages cannot be imported ({error}); look into build/log/pip-ncnn.log and "
                    "call tools/bench again") from None

    def starter(precision):
        param, data = task.file(f"ncnn_{precision}.param"), task.file(f"ncnn_{precision}.bin")
        ncnn_file.write(task.network, precision == "int8", param, data)

        def start(threads, images):
            net = ncnn.Net()
            net.opt.use_vulkan_compute = False
            net.opt.num_threads = threads
            # Numbers of 16 bits are not float32.
            net.opt.use_fp16_storage = net.opt.use_fp16_packed = net.opt.use_fp16_arithmetic = False
            net.opt.use_bf16_storage = False
            if net.load_param(str(param)) or net.load_model(str(data)):
                raise Error(f"{param}: ncnn cannot read it")
            inputs = [ncnn.Mat(image).clone() for image in images]

            def run():
                rows = []
                for image in inputs:
                    extractor = net.create_extractor()
                    extractor.input("input", image)
                    rows.append(np.array(extractor.extract("output")[1]))
                return np.stack(rows)
            return run
        return start

    notes = {"int8": "ncnn's int8 form: int8 activations, int8 weights per channel; images one by one",
             "float32": "the same layers; images one by one"}
    return [Contender(f"ncnn-{precision}", f"ncnn {precision}", precision, ncnn.__version__, notes[precision],
                      starter(precision)) for precision in precisions]
