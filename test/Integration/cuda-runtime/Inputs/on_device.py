# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""on_device.py MODEL: the Python package with arrays in the CPU's memory and in a GPU's, by both protocols."""
import ctypes
import sys

import numpy as np

import n2uq

driver = ctypes.CDLL("libcuda.so.1")
context = ctypes.c_void_p()
assert driver.cuInit(0) == 0 and driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
assert driver.cuCtxPushCurrent_v2(context) == 0


class OnGpu:
    """An array in the GPU's memory. `strided` says that it is not contiguous."""

    def __init__(self, array, strided=False):
        self.shape, self.dtype, self.strided = array.shape, array.dtype, strided
        self.at = ctypes.c_uint64()
        self.bytes = array.nbytes
        assert driver.cuMemAlloc_v2(ctypes.byref(self.at), ctypes.c_size_t(array.nbytes)) == 0
        data = np.ascontiguousarray(array)
        assert driver.cuMemcpyHtoDAsync_v2(self.at, data.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes), None) == 0

    def get(self):
        array = np.empty(self.shape, self.dtype)
        assert driver.cuMemcpyDtoHAsync_v2(array.ctypes.data_as(ctypes.c_void_p), self.at, ctypes.c_size_t(self.bytes), None) == 0
        assert driver.cuStreamSynchronize(None) == 0
        return array


class ByInterface(OnGpu):
    @property
    def __cuda_array_interface__(self):
        strides = tuple(2 * s for s in np.empty(self.shape, self.dtype).strides) if self.strided else None
        return {"data": (self.at.value, False), "shape": self.shape, "typestr": self.dtype.str, "strides": strides, "version": 3}


class ByDLPack(OnGpu):
    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, stream=None):
        class Tensor(ctypes.Structure):
            _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32),
                        ("type", ctypes.c_uint8 * 2), ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                        ("offset", ctypes.c_uint64), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

        self.dims = (ctypes.c_int64 * len(self.shape))(*self.shape)
        kind = {"u": 1, "f": 2}[self.dtype.kind]
        # Eight bytes before the data, and an offset of eight.
        self.tensor = Tensor(self.at.value - 8, (ctypes.c_int32 * 2)(2, 0), len(self.shape),
                             (ctypes.c_uint8 * 2)(kind, 8 * self.dtype.itemsize), 1, ctypes.addressof(self.dims), None, 8, None, None)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.tensor), b"dltensor", None)


def refused(call, part):
    try:
        call()
    except n2uq.Error as error:
        assert part in str(error), error
    else:
        raise AssertionError(f"not refused: {part}")


model = n2uq.Model(sys.argv[1])
x = np.random.default_rng(1).integers(0, 256, (4, 3, 7, 5), dtype=np.uint8)
expected = ((x // 16 + np.array([0, 1, 2, 3, 1], np.uint8)) & 3).sum((1, 2, 3), dtype=np.float32)[:, None]
assert np.array_equal(model(x), expected)
for kind in (ByInterface, ByDLPack):
    out = kind(np.zeros((4, 1), np.float32))
    assert model.run_on_device(kind(x), out) is out
    assert np.array_equal(out.get(), expected), kind
    refused(lambda: model.run_on_device(x, out), "the input is no array in a GPU's memory")
    refused(lambda: model.run_on_device(kind(x), kind(np.zeros((5, 1), np.float32))), "expects output float32 [4, 1], got float32 [5, 1]")
    refused(lambda: model.run_on_device(kind(x.astype(np.float32)), out), "expects input uint8 [4, 3, 7, 5], got float32 [4, 3, 7, 5]")
refused(lambda: model.run_on_device(ByInterface(x, strided=True), out), "must be contiguous")
refused(lambda: n2uq.Model(sys.argv[1], device=1)(x), "there is no GPU 1")
print("all arrays are right")
