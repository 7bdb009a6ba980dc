# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays in a GPU's memory as other packages have them: PyTorch, CuPy, Numba. Both of their protocols are read:
`__cuda_array_interface__` and DLPack."""

import contextlib
import ctypes

import numpy as np

from .errors import Error

_DLPACK_CUDA = 2
_DLPACK_KINDS = {0: "i", 1: "u", 2: "f"}


class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class Array:
    """Where an array lies: `address`, `shape`, `dtype`; contiguous, in C order. `owner` keeps it alive."""

    def __init__(self, address, shape, dtype, strides, owner):
        self.address, self.shape, self.dtype, self.owner = address, tuple(shape), np.dtype(dtype), owner
        expected = self.dtype.itemsize
        for extent, stride in reversed(list(zip(self.shape, strides or ()))):
            if extent > 1 and stride != expected:
                raise Error("an array on the GPU must be contiguous; copy it first")
            expected *= extent


def _from_interface(array):
    interface = array.__cuda_array_interface__
    return Array(interface["data"][0] or 0, interface["shape"], interface["typestr"], interface.get("strides"), array)


def _from_dlpack(array, stream):
    capsule = array.__dlpack__(stream=stream) if stream is not None else array.__dlpack__()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    # A managed tensor begins with the tensor. The capsule stays ours and is not consumed: its owner frees it with us.
    tensor = _DLTensor.from_address(get(capsule, b"dltensor"))
    if tensor.lanes != 1 or tensor.code not in _DLPACK_KINDS:
        raise Error("an array on the GPU has elements that numpy does not know")
    dtype = np.dtype(f"{_DLPACK_KINDS[tensor.code]}{tensor.bits // 8}")
    strides = [tensor.strides[i] * dtype.itemsize for i in range(tensor.ndim)] if tensor.strides else None
    return Array((tensor.data or 0) + tensor.byte_offset, tensor.shape[:tensor.ndim], dtype, strides, (array, capsule))


def on_device(array, stream):
    """The place of an array in a GPU's memory; None where it is not there. `stream` is the one that will use it: 1 is the
    default stream."""
    if hasattr(array, "__cuda_array_interface__"):
        return _from_interface(array)
    with contextlib.suppress(AttributeError):
        if array.__dlpack_device__()[0] == _DLPACK_CUDA:
            return _from_dlpack(array, stream)
    return None
