# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who takes part in tools/bench: our compiled networks, and each peer with its own form of the same network.

To add a peer, add its packages as python/peers/<name>.txt, a module peer_<name>.py with a function `prepare`, and its name
to arguments.PEERS; to add a network or a width, add it to FORMS.
"""

import collections
import dataclasses
import hashlib
import importlib
from typing import Callable

import numpy as np

from .. import __version__, architecture, exporter, float_network, ordinary, runtime, toolchain
from ..errors import Error

IMAGE_OPTIONS = {"image_input": True, "stem_bits": 16}
_CALIBRATION_IMAGES, _CALIBRATION_SEED = 8, 9


@dataclasses.dataclass
class Form:
    """A width of a network and how its input comes: normalised floats, or pixels in bytes behind which the stem is in
    integers of 16 bits. `wanted`: times faster than the fastest int8 peer, one image, that the project asks for."""
    bits: int
    image_input: bool
    wanted: float = None

    @property
    def title(self):
        return f"n2uq W{self.bits}A{self.bits}, {'image' if self.image_input else 'float'} input"


FORMS = {"resnet18": [Form(2, False, 1.5), Form(2, True, 2.0), Form(3, True, 1.7), Form(4, True, 1.4)],
         "resnet34": [Form(2, False), Form(2, True, 2.2)],
         "resnet50": [Form(2, False), Form(2, True, 1.8)],
         "mobilenet_v2": [Form(4, False, 1.3), Form(4, True)]}


@dataclasses.dataclass
class Contender:
    key: str  # in JSON
    title: str  # in the table
    precision: str  # "n2uq", "int8", "float32"
    version: str
    note: str  # how it computes, in a few words
    start: Callable  # (threads, float images [N,C,H,W]) -> a function without arguments that gives the logits
    library: object = None  # ours: the compiled file
    wanted: float = None


@dataclasses.dataclass
class Task:
    """A network that peers prepare: folder for files, and what the files are made of."""
    name: str
    folder: object
    sizes: dict = dataclasses.field(default_factory=dict)  # of architecture.build; tests make networks small
    streams: bool = False  # ours computes one image a thread where there are several

    @property
    def network(self):
        return architecture.build(self.name, 2, quantized_downsample=False, **self.sizes)

    def file(self, kind):
        return self.folder / f"{self.name}_{kind}"

    def float_model(self):
        """The ONNX file of the float network."""
        path = self.file("float32.onnx")
        float_network.write(self.name, path, **self.sizes)
        return path

    def calibration_images(self):
        network = self.network
        return ordinary.images(_CALIBRATION_IMAGES, network.stem.inputs, network.image, _CALIBRATION_SEED)


def pixels(images):
    """Bytes [N,H,W,C] from normalised floats: what a camera would have given, roughly; no timing depends on their values.
    Dense, as a camera gives them: numpy keeps the order in memory of what it computes from, and every timed run would begin
    with a transposition."""
    return np.ascontiguousarray(np.clip(np.rint(images.transpose(0, 2, 3, 1) * 58 + 118), 0, 255).astype(np.uint8))


def suited(model, images):
    """Float images in the form that a compiled model takes."""
    return pixels(images) if model.info["input"]["dtype"] == "uint8" else images


def compiled(model, library, **options):
    """Compiles unless the library is there already, from the same model by the same compiler with the same options."""
    stamp = library.with_suffix(".stamp")
    key = hashlib.sha256(repr(sorted(options.items())).encode())
    for part in (model, toolchain.tool("n2uq-compile")):
        with open(part, "rb") as stream:
            key.update(stream.read())
    if not (library.exists() and stamp.exists() and stamp.read_text() == key.hexdigest()):
        toolchain.compile_file(model, library, **options)
        stamp.write_text(key.hexdigest())
    return library


def our_contender(key, title, library, wanted=None, streams=False):
    with runtime.Model(library) as model:
        info = model.info
    # A strategy is written as its kernel's name, then its parameters.
    kernels = collections.Counter(kernel["strategy"].split()[0] for kernel in info["kernels"] if kernel["macs"])
    note = ("kernels: " + ", ".join(f"{count} {kernel}" for kernel, count in sorted(kernels.items())) +
            f"; {info['weight_bytes'] / 2**20:.1f} MiB of weights, {info['arena_bytes'] / 2**20:.1f} MiB for a run of one image")

    def start(threads, images):
        model = runtime.Model(library)
        x = suited(model, images)
        at_once = {"streams": threads} if streams and len(x) > 1 else {"threads": threads}
        return lambda: model(x, **at_once)
    return Contender(key, title, "n2uq", __version__, note, start, library, wanted)


def ours(task, say):
    """Every form of the network that the compiler makes; `say` hears why one is missing. A width whose image form is
    missing takes part with float input."""
    result = []
    forms = FORMS.get(task.name, [Form(2, False)])
    for form in forms:
        try:
            result.append(our_form(task, form))
        except Error as error:
            if not form.image_input:
                raise
            say(f"{task.name}, {form.title}: not made, {error}")
            if not any(other.bits == form.bits and not other.image_input for other in forms):
                result.append(our_form(task, Form(form.bits, False)))
    return result


def our_form(task, form):
    model = task.file(f"{form.bits}bit.onnx")
    # The same as python -m n2uq export --arch … --bits … --seed 1.
    exporter.export(ordinary.state_dict(architecture.build(task.name, form.bits, **task.sizes), 1), model,
                    task.network.image)
    kind = f"{form.bits}bit" + ("_image" if form.image_input else "")
    library = compiled(model, task.file(f"{kind}.so"), target_cpu="host", **(IMAGE_OPTIONS if form.image_input else {}))
    return our_contender(f"n2uq-{kind}", form.title, library, form.wanted, task.streams)


def peer(name, task, precisions):
    """The contenders of a peer; an Error where it cannot take part."""
    return importlib.import_module(f"{__package__}.peer_{name}").prepare(task, precisions)
