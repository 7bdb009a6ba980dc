# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes an ONNX file: the few protobuf messages of onnx.proto that a network of ours consists of.

A protobuf message is a sequence of (field number, wire type, value). Writing it here takes a page and spares the user
the onnx package; the tests read the result with that package.
"""

import os

import numpy as np

IR_VERSION, OPSET = 8, 17
QONNX = "qonnx.custom_op.general"
_FLOAT, _INT64 = 1, 7                      # TensorProto.DataType
_ATTRIBUTE = {"f": 1, "i": 2, "s": 3, "ints": 7}  # AttributeProto.AttributeType


def _varint(value):
    value &= (1 << 64) - 1  # negative numbers are ten bytes of two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name, value):
    if isinstance(value, float):
        kind, body = "f", _varint(2 << 3 | 5) + np.float32(value).tobytes()
    elif isinstance(value, int):
        kind, body = "i", _integer(3, value)
    elif isinstance(value, str):
        kind, body = "s", _bytes(4, value)
    else:
        kind, body = "ints", b"".join(_integer(8, number) for number in value)
    return _bytes(1, name) + body + _integer(20, _ATTRIBUTE[kind])


def _value_info(name, extents):
    """A float tensor; an extent that is a string is symbolic."""
    dims = b"".join(_bytes(1, _bytes(2, e) if isinstance(e, str) else _integer(1, e)) for e in extents)
    return _bytes(1, name) + _bytes(2, _bytes(1, _integer(1, _FLOAT) + _bytes(2, dims)))


class Graph:
    """Nodes in the order of execution; each has one output, named like the node."""

    def __init__(self, name, producer_version):
        self.name, self.producer_version = name, producer_version
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []

    def input(self, name, extents):
        self.inputs.append(_value_info(name, extents))
        return name

    def output(self, name, extents):
        self.outputs.append(_value_info(name, extents))

    def constant(self, name, value):
        value = np.asarray(value)
        assert value.dtype in (np.float32, np.int64), "a constant is float32, or int64 for a shape"
        self.initializers.append(b"".join(_integer(1, extent) for extent in value.shape) +
                                 _integer(2, _FLOAT if value.dtype == np.float32 else _INT64) + _bytes(8, name) +
                                 _bytes(9, np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()))
        return name

    def node(self, op, name, inputs, domain="", output=None, **attributes):
        output = output or name
        self.nodes.append(b"".join(_bytes(1, i) for i in inputs) + _bytes(2, output) + _bytes(3, name) + _bytes(4, op) +
                          b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items()) +
                          (_bytes(7, domain) if domain else b""))
        return output

    def write(self, path):
        graph = (b"".join(_bytes(1, node) for node in self.nodes) + _bytes(2, self.name) +
                 b"".join(_bytes(5, tensor) for tensor in self.initializers) +
                 b"".join(_bytes(11, value) for value in self.inputs) +
                 b"".join(_bytes(12, value) for value in self.outputs))
        model = (_integer(1, IR_VERSION) + _bytes(2, "n2uq") + _bytes(3, self.producer_version) + _bytes(7, graph) +
                 _bytes(8, _bytes(1, "") + _integer(2, OPSET)) + _bytes(8, _bytes(1, QONNX) + _integer(2, 1)))
        partial = f"{path}.{os.getpid()}.tmp"
        try:
            with open(partial, "wb") as stream:
                stream.write(model)
            os.replace(partial, path)
        finally:
            if os.path.exists(partial):
                os.remove(partial)
