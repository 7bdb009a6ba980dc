# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that are small as files and larger than any machine's memory: terabytes of constants, terabytes of values."""
import sys

COUNT = 400  # tensors of 16 GiB

which = sys.argv[1]
image, pixel = "tensor<?x16777216x256x1xf32>", "tensor<?x1x1x1xf32>"
if which == "constants":
    print(f"func.func @main(%x: {pixel}) -> {pixel} {{")
    for i in range(COUNT):
        print(f"  %c{i} = arith.constant dense<1.0> : tensor<16777216x256xf32>")
    print(f"  return %x : {pixel}\n}}")
else:
    print(f"func.func @main(%x: {pixel}, %f: tensor<1x1x1x1xf32>) -> ({', '.join([image] * COUNT)}) {{")
    for i in range(COUNT):
        print(f"  %v{i} = n2uq.float_conv2d %x, %f padding = [0, 16777215, 0, 255] : {pixel}, tensor<1x1x1x1xf32> -> {image}")
    print(f"  return {', '.join(f'%v{i}' for i in range(COUNT))} : {', '.join([image] * COUNT)}\n}}")
