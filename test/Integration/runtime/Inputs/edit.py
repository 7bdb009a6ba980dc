# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: edit.py FROM TO AT COUNT TEXT: copies a file with COUNT bytes at AT replaced by TEXT."""
import pathlib
import sys

source, target, at, count, text = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
pathlib.Path(target).write_bytes(data[:int(at)] + text.encode() + data[int(at) + int(count):])
