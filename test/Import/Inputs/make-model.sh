#!/bin/sh
# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# make-model.sh NODES.txtpb > MODEL.onnx: an ONNX file from the nodes and initializers of a graph in protobuf's text form.
# Messages concatenate in their binary form, so the common beginning and the nodes are encoded one after the other.
set -e
inputs=$(dirname "$0")
for part in "$inputs/model.txtpb" "$@"; do
  protoc -I "$inputs/../../../lib/Import" --encode=n2uq.onnx.ModelProto onnx.proto < "$part"
done
