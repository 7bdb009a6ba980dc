# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tools/bench measures. `main` is the table, the other modules are its parts and its further modes:

contenders   our compiled networks, and which peers there are (peer_*.py: a peer each)
measure      the clock: everybody in turn, and what follows from the samples
report       table, sentences, verdicts; plot: the picture
roofline     each layer's multiply-accumulates a cycle against the chip's int8 peak
nonuniform   the same network with unevenly spaced levels, decoded before it is computed
sweep        one convolution over channels, images and batches
"""
