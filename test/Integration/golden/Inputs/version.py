# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""version.py LIBRARY…: the version of the binary interface that each descriptor says."""
import ctypes
import sys

print(*[(ctypes.c_uint32 * 2).in_dll(ctypes.CDLL(path), "n2uq_model_descriptor")[1] for path in sys.argv[1:]])
