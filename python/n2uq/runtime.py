# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Model: a compiled network as a function of numpy arrays, through libn2uq_runtime.so."""

import ctypes
import functools
import os
import threading

import numpy as np

from . import device as gpu
from . import toolchain
from .errors import Error

_string, _i32, _i64, _u64, _pointer = (ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64,
                                       ctypes.c_void_p)
_ABI_VERSION = 2
_TYPES = {1: np.dtype(np.float32), 2: np.dtype(np.uint8)}  # n2uq_dtype


class _Tensor(ctypes.Structure):
    _fields_ = [("name", _string), ("dtype", _i32), ("rank", _i32), ("dims", _i64 * 4)]


class _Kernel(ctypes.Structure):
    _fields_ = [("name", _string), ("strategy", _string), ("run", _pointer), ("items_per_image", _i64),
                ("macs_per_image", _i64), ("weight_bytes", _i64), ("activation_bytes", _i64)]


class _Codes(ctypes.Structure):
    _fields_ = [("name", _string), ("kernel", _i64), ("bits", _i64), ("height", _i64), ("width", _i64),
                ("channels", _i64), ("offset_per_batch", _i64), ("image_bytes", _i64), ("origin", _i64),
                ("row_bytes", _i64), ("pixel_bytes", _i64), ("storage_bits", _i64)]


class _Descriptor(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_uint32), ("abi_version", ctypes.c_uint32), ("size", _u64), ("name", _string),
                ("compiler", _string), ("target_cpu", _string), ("cpu_features", _u64), ("input", _Tensor),
                ("output", _Tensor), ("arena_bytes_per_image", _i64), ("arena_bytes_fixed", _i64),
                ("weight_bytes", _i64), ("kernel_count", _i64), ("kernels", ctypes.POINTER(_Kernel)),
                ("codes_count", _i64), ("codes", ctypes.POINTER(_Codes)), ("run", _pointer),
                ("cuda", _pointer)]


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", _i64), ("spin_microseconds", _i64), ("streams", _i64),
                ("device", _i64)]


_CodesCallback = ctypes.CFUNCTYPE(_i32, _pointer, _i64, ctypes.POINTER(ctypes.c_uint8))


@functools.lru_cache(maxsize=None)
def _library():
    return toolchain.load("n2uq_runtime", {
        "n2uq_last_error": (_string, []),
        "n2uq_cpu_feature_name": (_string, [_i32]),
        "n2uq_model_open": (ctypes.c_int, [_string, ctypes.POINTER(_pointer)]),
        "n2uq_model_close": (None, [_pointer]),
        "n2uq_model_descriptor_of": (ctypes.POINTER(_Descriptor), [_pointer]),
        "n2uq_model_arena_bytes": (_i64, [_pointer, _i64]),
        "n2uq_session_create": (ctypes.c_int, [_pointer, ctypes.POINTER(_Options), ctypes.POINTER(_pointer)]),
        "n2uq_session_destroy": (None, [_pointer]),
        "n2uq_session_threads": (_i64, [_pointer]),
        "n2uq_session_run": (ctypes.c_int, [_pointer, _pointer, _i64, _pointer]),
        "n2uq_session_start_on_device": (ctypes.c_int, [_pointer, _pointer, _i64, _pointer, _pointer]),
        "n2uq_session_profile": (ctypes.c_int, [_pointer, _pointer, _i64, _pointer, _pointer]),
        "n2uq_session_run_codes": (ctypes.c_int, [_pointer, _pointer, _i64, _pointer, _CodesCallback, _pointer]),
    })


def check(status):
    """Raises the sentence of a call that failed."""
    if status:
        raise Error(_library().n2uq_last_error().decode(errors="replace"))


class Model:
    """A compiled model file, loaded. Calling it computes: float32 [N,C,H,W] to logits, or uint8 [N,H,W,C] where it was
    compiled with image_input=True (`info["input"]` says which).

    Runs release Python's lock, and a model may be called from several threads at once. `device` is the GPU of a model that
    was compiled for one, as CUDA counts them."""

    def __init__(self, path, device=0):
        self._device = device
        self._handle, self._idle, self._lock, self._process = None, {}, threading.Lock(), os.getpid()
        handle = _pointer()
        check(_library().n2uq_model_open(os.fsencode(path), ctypes.byref(handle)))
        self._handle, self.path = handle, os.fspath(path)
        self._descriptor = _library().n2uq_model_descriptor_of(handle).contents
        if self._descriptor.abi_version != _ABI_VERSION:
            raise Error(f"{path}: has interface version {self._descriptor.abi_version}, this package knows {_ABI_VERSION}; "
                        "compile the model again")

    def __call__(self, x, threads=None, streams=None):
        """Logits of a batch. `threads`: that share the work of an image; None is one for each core of this process.
        `streams`, in their place: so many images are computed at once, each by one thread, which is faster for many images.
        The result does not depend on it. `x` is a numpy array or anything with DLPack (a torch tensor on the CPU)."""
        x, y = self._arrays(x)
        with _Session(self, threads, streams) as session:
            check(_library().n2uq_session_run(session, x.ctypes.data, len(x), y.ctypes.data))
        return y

    def run_on_device(self, x, out, stream=1):
        """For a GPU's model: starts a run on arrays in the GPU's memory and returns `out`, in which the logits are when the
        CUDA stream has come so far (1: the default stream, which PyTorch uses too). Both are anything with DLPack or
        `__cuda_array_interface__`, contiguous and aligned to 16 bytes; a batch of N needs `out` of [N, classes].

        Runs of a model share memory on the GPU, so give them all to one stream."""
        if not self._descriptor.cuda:
            raise Error(f"{self.path}: is compiled for a CPU; call it with arrays in the CPU's memory")
        places = []
        for array, spec, what in ((x, self._descriptor.input, "input"), (out, self._descriptor.output, "output")):
            place = gpu.on_device(array, stream)
            if place is None:
                raise Error(f"{self.path}: the {what} is no array in a GPU's memory")
            images = places[0].shape[0] if places else place.shape[0] if place.shape else 0
            wanted = (images, *spec.dims[1:spec.rank])
            if place.dtype != _TYPES[spec.dtype] or place.shape != wanted or images < 1:
                raise Error(f"{self.path}: expects {what} {_TYPES[spec.dtype].name} {list(wanted)}, got {place.dtype.name} "
                            f"{list(place.shape)}")
            places.append(place)
        with _Session(self, None) as session:
            check(_library().n2uq_session_start_on_device(session, places[0].address, places[0].shape[0],
                                                          places[1].address, None if stream == 1 else stream))
        return out

    def profile(self, x, threads=None):
        """One run's layers in order: [{"name", "strategy", "ms", "share", "macs", "weight_bytes", "activation_bytes"}]."""
        x, y = self._arrays(x)
        seconds = np.zeros(self._descriptor.kernel_count)
        with _Session(self, threads) as session:
            check(_library().n2uq_session_profile(session, x.ctypes.data, len(x), y.ctypes.data, seconds.ctypes.data))
        total = seconds.sum() or 1.0
        return [{"name": kernel["name"], "strategy": kernel["strategy"], "ms": 1e3 * time, "share": time / total,
                 "macs": kernel["macs"] * len(x), "weight_bytes": kernel["weight_bytes"],
                 "activation_bytes": kernel["activation_bytes"] * len(x)}
                for kernel, time in zip(self.info["kernels"], seconds.tolist())]

    def codes(self, x, threads=None):
        """{quantizer: codes uint8 [N,H,W,C]} of a model compiled with keep_codes=True."""
        x, y = self._arrays(x)
        layouts, result = self.info["quantizers"], {}
        if not layouts:
            raise Error(f"{self.path}: keeps no codes; compile the model with keep_codes=True")

        def take(_, index, codes):
            layout = layouts[index]
            shape = len(x), layout["height"], layout["width"], layout["channels"]
            result[layout["name"]] = np.ctypeslib.as_array(codes, shape).copy()
            return 0

        with _Session(self, threads) as session:
            check(_library().n2uq_session_run_codes(session, x.ctypes.data, len(x), y.ctypes.data,
                                                     _CodesCallback(take), None))
        return result

    @property
    def info(self):
        """What the model is: names, shapes, CPU features, bytes, kernels, quantizers. Peak memory of a run of one image is
        arena_bytes + weight_bytes."""
        handle, d, lib = self._open(), self._descriptor, _library()
        features = [lib.n2uq_cpu_feature_name(bit) for bit in range(64) if d.cpu_features >> bit & 1]
        return {
            "name": d.name.decode(), "compiler": d.compiler.decode(), "target_cpu": d.target_cpu.decode(),
            "cpu_features": [(name or b"?").decode() for name in features],
            "input": _tensor_info(d.input), "output": _tensor_info(d.output),
            "weight_bytes": d.weight_bytes, "arena_bytes": lib.n2uq_model_arena_bytes(handle, 1),
            "arena_bytes_per_image": d.arena_bytes_per_image,
            "kernels": [{"name": k.name.decode(), "strategy": k.strategy.decode(), "macs": k.macs_per_image,
                         "weight_bytes": k.weight_bytes, "activation_bytes": k.activation_bytes}
                        for k in d.kernels[:d.kernel_count]],
            "quantizers": [{"name": c.name.decode(), "bits": c.bits, "height": c.height, "width": c.width,
                            "channels": c.channels} for c in d.codes[:d.codes_count]],
        }

    def close(self):
        """Frees sessions and the library. The model cannot be used afterwards."""
        if self._handle is None:
            return
        with self._lock:
            handle, self._handle = self._handle, None
            idle, self._idle = self._idle, {}
        if self._process == os.getpid():  # in a forked child the sessions' threads do not exist
            for sessions in idle.values():
                for session in sessions:
                    _library().n2uq_session_destroy(session)
            _library().n2uq_model_close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        try:
            self.close()
        except (AttributeError, TypeError):  # the interpreter is going down and its modules with it
            pass

    def __repr__(self):
        return f"<n2uq.Model {self.path}>"

    def _open(self):
        if self._handle is None:
            raise Error(f"{self.path}: is closed; load it again with n2uq.Model")
        return self._handle

    def _arrays(self, x):
        """(input as a dense array, an empty output)."""
        self._open()
        spec, out = self._descriptor.input, self._descriptor.output
        dtype, dims = _TYPES[spec.dtype], list(spec.dims[1:spec.rank])
        if not isinstance(x, np.ndarray):
            try:
                x = np.from_dlpack(x) if hasattr(x, "__dlpack__") else np.asarray(x)
            except Exception as error:  # whatever the producer raises: on another device, with gradients, …
                raise Error(f"{self.path}: the input cannot be read as an array ({error}); pass a numpy array or a "
                            "detached tensor on the CPU") from None
        if x.dtype != dtype or x.ndim != spec.rank or list(x.shape[1:]) != dims or len(x) == 0:
            wanted = ",".join(["N", *map(str, dims)])
            raise Error(f"{self.path}: expects input {dtype.name} [{wanted}], got {x.dtype.name} "
                        f"[{','.join(map(str, x.shape))}]; convert it before the call")
        x = np.ascontiguousarray(x)
        return x, np.empty((len(x), *out.dims[1:out.rank]), _TYPES[out.dtype])


class _Session:
    """A session for the length of a call: an idle one of the model with as many threads or streams, or a new one."""

    def __init__(self, model, threads, streams=None):
        for name, count in (("threads", threads), ("streams", streams)):
            if count is not None and (not isinstance(count, int) or count < 1):
                raise Error(f"{name} is a number of at least 1, or None, not {count!r}")
        if threads is not None and streams is not None:
            raise Error("a call has threads or streams: each stream is one thread")
        self.model, self.kind = model, (threads or 0, streams or 0)

    def __enter__(self):
        model = self.model
        with model._lock:
            if model._process != os.getpid():
                model._idle, model._process = {}, os.getpid()  # after a fork the old sessions are of no use
            idle = model._idle.setdefault(self.kind, [])
            if idle:
                self.session = idle.pop()
                return self.session
            handle = model._open()
        session = _pointer()
        threads, streams = self.kind
        options = _Options(ctypes.sizeof(_Options), threads, 0, streams, model._device)
        check(_library().n2uq_session_create(handle, ctypes.byref(options), ctypes.byref(session)))
        self.session = session
        return session

    def __exit__(self, *_):
        model = self.model
        with model._lock:
            if model._handle is not None:
                model._idle.setdefault(self.kind, []).append(self.session)
                return
        _library().n2uq_session_destroy(self.session)


def _tensor_info(tensor):
    shape = ["N" if extent < 0 else extent for extent in tensor.dims[:tensor.rank]]
    return {"name": tensor.name.decode(), "dtype": _TYPES[tensor.dtype].name, "shape": shape}
