// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Epilogue ops: forms of a quantizer behind a kernel's root that fewer instructions compute, and what those are made of.
#ifndef N2UQ_EPILOGUE_OPS_TD
#define N2UQ_EPILOGUE_OPS_TD

include "n2uq/Dialect/N2UQ/Types.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def N2UQ_SharedThresholdOp : N2UQ_Op<"shared_threshold", [Pure, AllTypesMatch<["scale", "offset"]>]> {
  let summary = "per-channel step function by straight lines to an axis that all channels share";
  let description = [{
    Leads every accumulator to a place `z` on an axis of integers, along the highest of its channel's lines (or along minus
    that, where the channel's sign is -1), and finds the code there without a comparison. The axis has the same thresholds
    for all channels, and is cut into cells (as many as `table` has numbers) that hold at most one of them:

    ```
    z      = sat(rne(sign[c] * max over j of fma(float(input), scale[c,j], offset[c,j])))
    cell   = (z mod 2^width) >> (width - log2(cells))
    result = ((z + table[cell]) mod 2^width) >> (width - 4)
    ```

    `float` and `fma` round to float32, `rne` rounds to an integer, ties to even, `sat` holds it in the signed numbers of
    `width` bits. What `n2uq-share-thresholds` makes of the thresholds of 3 and 4 bits: one line is a channel without a PReLU,
    two lines are its two sides. A channel whose PReLU has a slope above 1, or which stands in front of a quantizer with a
    negative scale, takes the lower one of its sides; it has a sign of -1. An absent `sign` is 1.

    (C1) `scale` and `offset` have one row per channel, of one or two lines.
    (C2) `width` is 16 or 32, and `table` has 32 or 64 numbers.
    (C3) The shapes of `input` and `result` agree.
    (C4) Codes have at most 4 bits.
    (C5) `sign` holds one number per channel, or one for all channels.

    Signs are 1 or -1. For every accumulator that can occur no `fma` is a NaN, nor, with a width of 16, outside of the
    signed numbers of 32 bits, and the code fits into the result's type; that is the duty of whoever makes the op.

    Example:
    ```mlir
    %codes = n2uq.shared_threshold %acc, %scale, %offset, %table width = 16
        : tensor<?x8x8x64xi32>, tensor<64x2xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
    ```
  }];
  let arguments = (ins N2UQ_AccTensor:$input, N2UQ_FloatThresholds:$scale, N2UQ_FloatThresholds:$offset,
      N2UQ_ChannelInts:$table, Optional<N2UQ_ChannelFloats>:$sign, I64Attr:$width);
  let results = (outs N2UQ_CodeTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $offset `,` $table (`sign` `(` $sign^ `:` type($sign) `)`)? `width` `=` $width attr-dict
    `:` type($input) `,` type($scale) `,` type($table) `->` type($result)
  }];
}

def N2UQ_CellCodesOp : N2UQ_Op<"cell_codes", [Pure, SameTypeOperands]> {
  let summary = "codes of places on a shared axis, for several vectors at once";
  let description = [{
    The last two lines of `n2uq.shared_threshold` with `z = sat(rne(values))`, on registers; the codes of all vectors stand
    one behind the other. `width` and `table` are as there.

    (C1) `result` has a byte for each element of `values`.
    (C2) `width` is 16 or 32, and `table` has 32 or 64 numbers.

    No value is a NaN, nor, with a width of 16, outside of the signed numbers of 32 bits.

    Example:
    ```mlir
    %codes = n2uq.cell_codes %z0, %z1 width = 16 table = [0, 0, 4096, 5120, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        : (vector<16xf32>, vector<16xf32>) -> vector<32xi8>
    ```
  }];
  let arguments = (ins Variadic<VectorOfRankAndType<[1], [F32]>>:$values, I64Attr:$width, DenseI32ArrayAttr:$table);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = [{
    $values `width` `=` $width `table` `=` $table attr-dict `:` functional-type($values, $result)
  }];
}

def N2UQ_PermuteOp : N2UQ_Op<"permute", [Pure, AllTypesMatch<["table", "result"]>, AllShapesMatch<["table", "index"]>]> {
  let summary = "elements of a vector in any order";
  let description = [{
    `result[i] = table[index[i] mod N]` for vectors of `N` elements.

    (C1) `N` is a power of two.

    Example:
    ```mlir
    %edges = n2uq.permute %table, %index : vector<16xf32>, vector<16xi32>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [F32, I32]>:$table, VectorOfRankAndType<[1], [I32]>:$index);
  let results = (outs VectorOfRankAndType<[1], [F32, I32]>:$result);
  let assemblyFormat = "$table `,` $index attr-dict `:` type($table) `,` type($index)";
}

#endif // N2UQ_EPILOGUE_OPS_TD
