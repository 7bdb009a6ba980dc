// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_TYPES_TD
#define N2UQ_TYPES_TD

include "n2uq/Dialect/N2UQ/Dialect.td"

// Codes of 1 to 8 bits, unsigned.
def N2UQ_Code : AnyTypeOf<[UI<1>, UI<2>, UI<3>, UI<4>, UI<5>, UI<6>, UI<7>, UI<8>], "code of 1 to 8 bits">;

// [batch, height, width, channels]
def N2UQ_FloatImage : TensorRankOf<[F32], [4]>;
def N2UQ_CodeImage : TensorRankOf<[N2UQ_Code], [4]>;
def N2UQ_PixelImage : TensorRankOf<[UI<8>], [4]>;
def N2UQ_AccImage : TensorRankOf<[I32], [4]>;
def N2UQ_AnyImage : TensorRankOf<[F32, I32, N2UQ_Code], [4]>;

// [batch, height, width, channels] or [batch, channels]: the channel comes last.
def N2UQ_FloatTensor : TensorRankOf<[F32], [2, 4]>;
def N2UQ_AccTensor : TensorRankOf<[I32], [2, 4]>;
def N2UQ_CodeTensor : TensorRankOf<[N2UQ_Code], [2, 4]>;
def N2UQ_AnyTensor : TensorRankOf<[F32, I32, N2UQ_Code], [2, 4]>;

// One number per channel, or one for all channels.
def N2UQ_ChannelFloats : TensorRankOf<[F32], [1]>;
def N2UQ_ChannelInts : TensorRankOf<[I32], [1]>;

// A row of thresholds per channel, or one row for all channels.
def N2UQ_FloatThresholds : TensorRankOf<[F32], [2]>;
def N2UQ_IntThresholds : TensorRankOf<[I32], [2]>;

#endif // N2UQ_TYPES_TD
