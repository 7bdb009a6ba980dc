# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Train, export, compile and run N2UQ networks.

    n2uq.models.resnet18(bits=2)                     a torch network (n2uq.nn has its layers)
    n2uq.train.train("out")                          train a small one on Fashion-MNIST
    n2uq.export(module_or_checkpoint, "M.onnx")      write it in QONNX form
    model = n2uq.compile("M.onnx")                   make a native library and load it
    logits = model(images, threads=2)                run it on numpy arrays
    print(model.profile(images))                     where the time goes
    print(n2uq.diff("M.onnx", model, images))        compare it with the reference, quantizer by quantizer
    n2uq.image.preprocess(n2uq.image.read("cat.jpg"))   a picture as a network takes it

Only nn, models, functional and train need PyTorch, and only when they are used.
"""

import importlib

__version__ = "0.1.0"

from . import image
from .compilation import Difference, compile, diff
from .errors import Error
from .exporter import export
from .profile import Profile
from .runtime import Model

__all__ = ["Difference", "Error", "Model", "Profile", "compile", "diff", "export", "functional", "image", "models", "nn",
           "train"]


def __getattr__(name):
    if name not in ("functional", "models", "nn", "train"):
        raise AttributeError(f"module 'n2uq' has no attribute '{name}'")
    try:
        return importlib.import_module(f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Error(f"n2uq.{name} needs PyTorch; install Debian's python3-torch or run pip install torch") from None
