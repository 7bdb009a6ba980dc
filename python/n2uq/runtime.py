# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Model: a compiled network as a function of arrays."""

import functools
import os

import numpy as np

from . import device as gpu
from . import toolchain
from .errors import Error
from .profile import Profile


@functools.lru_cache(maxsize=None)
def extension():
    """The extension, loaded when it is first needed: training and export do without it."""
    return toolchain.extension("_runtime")


class Model:
    """A compiled model file, loaded. Calling it computes: float32 [N,C,H,W] to logits float32 [N,classes], or uint8 [N,H,W,C]
    where it was compiled with image_input=True (`info["input"]` says which). N is any number of images, each time another one.

    Runs release Python's lock, and a model may be called from several threads at once. `device` is the GPU of a model that
    was compiled for one, as CUDA counts them. Raises n2uq.Error where the file is no compiled model, was cut or changed, is
    of another version, or needs a CPU that this one is not. A model is a program: load only those that you trust."""

    def __init__(self, path, device=0, report=None):
        self.path, self._report = os.fspath(path), report
        self._model = extension().Model(os.fsencode(path), device)
        self._info = self._model.describe()
        for side in ("input", "output"):
            self._info[side]["shape"][0] = "N"
        self._on_gpu = self._info.pop("on_gpu")
        self._labels, self._preprocessing = self._info.pop("labels"), self._info.pop("preprocessing")
        spec, out = self._info["input"], self._info["output"]
        self._dtype, self._dims = np.dtype(spec["dtype"]), tuple(spec["shape"][1:])
        self._out_dtype, self._out_dims = np.dtype(out["dtype"]), tuple(out["shape"][1:])

    def __call__(self, x, threads=None, streams=None, out=None):
        """Logits of a batch, float32 [N,classes]. `threads`: that share the work of an image; None is one for each core of
        this process. `streams`, in their place: so many images are computed at once, each by one thread, which is faster for
        many images. The result does not depend on it.

        `x` is a numpy array or anything with DLPack (a torch tensor on the CPU); it is read where it lies, and copied only
        where it is not contiguous. `out`, if given, takes the result and is returned: contiguous, of its type and shape.
        Raises n2uq.Error where `x` or `out` has another type or shape than the model's, and where memory runs out."""
        x = self.dense(x)
        y = self._output(len(x), out)
        self._model.run(x, y, *_sharing(threads, streams))
        return y if out is None else out

    def run_on_device(self, x, out, stream=1):
        """For a GPU's model: starts a run on arrays in the GPU's memory and returns `out`, in which the logits are when the
        CUDA stream has come so far (1: the default stream, which PyTorch uses too). Both are anything with DLPack or
        `__cuda_array_interface__`, contiguous and aligned to 16 bytes; a batch of N needs `out` of [N, classes].

        Runs of a model share memory on the GPU, so give them all to one stream."""
        if not self._on_gpu:
            raise Error(f"{self.path}: is compiled for a CPU; call it with arrays in the CPU's memory")
        places = []
        for array, dtype, dims, what in ((x, self._dtype, self._dims, "input"), (out, self._out_dtype, self._out_dims, "output")):
            place = gpu.on_device(array, stream)
            if place is None:
                raise Error(f"{self.path}: the {what} is no array in a GPU's memory")
            images = places[0].shape[0] if places else place.shape[0] if place.shape else 0
            wanted = (images, *dims)
            if place.dtype != dtype or place.shape != wanted or images < 1:
                raise Error(f"{self.path}: expects {what} {dtype.name} {list(wanted)}, got {place.dtype.name} "
                            f"{list(place.shape)}")
            places.append(place)
        self._open().start_on_device(places[0].address, places[0].shape[0], places[1].address, 0 if stream == 1 else stream)
        return out

    def profile(self, x, threads=None):
        """One run's layers in order, as a Profile: a list of {"name", "strategy", "ms", "share", "macs", "weight_bytes",
        "activation_bytes"} that prints as a table and can be saved as a Chrome trace."""
        x = self.dense(x)
        seconds = self._model.profile(x, self._output(len(x)), _sharing(threads)[0])
        total = sum(seconds) or 1.0
        return Profile({"name": kernel["name"], "strategy": kernel["strategy"], "ms": 1e3 * time, "share": time / total,
                        "macs": kernel["macs"] * len(x), "weight_bytes": kernel["weight_bytes"],
                        "activation_bytes": kernel["activation_bytes"] * len(x)}
                       for kernel, time in zip(self._info["kernels"], seconds))

    def codes(self, x, threads=None):
        """{quantizer: codes uint8 [N,H,W,C]} of a model compiled with keep_codes=True."""
        x = self.dense(x)
        if not self._info["quantizers"]:
            raise Error(f"{self.path}: keeps no codes; compile the model with keep_codes=True")
        return self._model.codes(x, self._output(len(x)), _sharing(threads)[0])

    @property
    def labels(self):
        """Names of the classes, in the order of the output; empty where the model stores none."""
        self._open()
        return self._labels

    @property
    def preprocessing(self):
        """How a picture becomes the input, as keywords of n2uq.image.preprocess; None where the model does not say."""
        self._open()
        return self._preprocessing

    @property
    def info(self):
        """What the model is: names, shapes, CPU features, bytes, kernels, quantizers. Peak memory of a run of one image is
        arena_bytes + weight_bytes."""
        self._open()
        return self._info

    @property
    def report(self):
        """What the compiler chose for each layer and why, as n2uq-compile --report writes it. Raises n2uq.Error for a model
        that was not made by n2uq.compile in this process: the file does not hold it."""
        if self._report is None:
            raise Error(f"{self.path}: was opened and not compiled here, so there is no report; compile the model with "
                        "n2uq.compile, or read what n2uq-compile --report=FILE writes")
        return self._report

    def dense(self, x):
        """The input as a numpy array that a run reads where it lies: `x` itself, what it shares by DLPack, or a copy of what
        is not contiguous. Raises n2uq.Error where `x` is of another type or shape than the model's input."""
        self._open()
        if not isinstance(x, np.ndarray):
            try:
                x = np.from_dlpack(x) if hasattr(x, "__dlpack__") else np.asarray(x)
            except Exception as error:  # whatever the producer raises: on another device, with gradients, …
                raise Error(f"{self.path}: the input cannot be read as an array ({error}); pass a numpy array or a "
                            "detached tensor on the CPU") from None
        if x.ndim == 0 or x.dtype != self._dtype or x.shape[1:] != self._dims or len(x) == 0:
            raise Error(f"{self.path}: expects input {self._dtype.name} {_shape('N', self._dims)}, got {x.dtype.name} "
                        f"{_shape(*x.shape)}; convert it before the call")
        return np.ascontiguousarray(x)

    def close(self):
        """Frees sessions and the library. The model cannot be used afterwards."""
        self._model.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<n2uq.Model {self.path}>"

    def _open(self):
        if not self._model.is_open:
            raise Error(f"{self.path}: is closed; load it again with n2uq.Model")
        return self._model

    def _output(self, images, out=None):
        """What a run writes to: `out` after a check, or a new array."""
        shape = (images, *self._out_dims)
        if out is None:
            return np.empty(shape, self._out_dtype)
        try:
            y = out if isinstance(out, np.ndarray) else np.from_dlpack(out)
        except Exception as error:  # whatever the producer raises
            raise Error(f"{self.path}: the output cannot be written as an array ({error})") from None
        # numpy shows what others share as read-only; the extension asks the owner itself.
        writable = y is not out or y.flags.writeable
        if y.dtype != self._out_dtype or y.shape != shape or not y.flags.c_contiguous or not writable:
            raise Error(f"{self.path}: expects out {self._out_dtype.name} {_shape(*shape)}, contiguous and writable, got "
                        f"{y.dtype.name} {_shape(*y.shape)}")
        return out


def _shape(*dims):
    flat = [d for dim in dims for d in (dim if isinstance(dim, tuple) else (dim,))]
    return f"[{','.join(map(str, flat))}]"


def _sharing(threads, streams=None):
    """(threads, streams) as the runtime counts them: 0 is not given."""
    for name, count in (("threads", threads), ("streams", streams)):
        if count is not None and (not isinstance(count, (int, np.integer)) or count < 1):
            raise Error(f"{name} is a number of at least 1, or None, not {count!r}")
    if threads is not None and streams is not None:
        raise Error("a call has threads or streams: each stream is one thread")
    return threads or 0, streams or 0
