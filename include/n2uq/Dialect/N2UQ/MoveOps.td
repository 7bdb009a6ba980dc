// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Network ops that move elements of images and rows of features to other places. What other formats call padding with a
// code, cropping, enlarging by the nearest neighbour, slicing, splitting and shuffling of channels is one op here, for it
// is one formula.
#ifndef N2UQ_MOVE_OPS_TD
#define N2UQ_MOVE_OPS_TD

include "n2uq/Dialect/N2UQ/Interfaces.td"
include "n2uq/Dialect/N2UQ/Types.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def N2UQ_MovedImage : TensorRankOf<[F32, N2UQ_Code], [4]>;
def N2UQ_MovedTensor : TensorRankOf<[F32, N2UQ_Code], [2, 4]>;

def N2UQ_GatherOp : N2UQ_Op<"gather", [Pure, KernelRootOpInterface]> {
  let summary = "image of elements from listed places";
  let description = [{
    `result[n,y,x,c] = input[n, rows[y], columns[x], channels[c]]`; a list that is absent names all places in their order.
    Where one of the three is -1, the result is `fill`.

    (C1) Each list has one place for each row, column or channel of `result`, either -1 or inside of `input`.
    (C2) Where a list is absent, the extents of `input` and `result` agree; so do their batch and element type.
    (C3) For codes `fill` is a code that the type holds.

    Example:
    ```mlir
    %0 = n2uq.gather %x rows = [0, 0, 1, 1] columns = [0, 0, 1, 1] : tensor<?x2x2x8xf32> -> tensor<?x4x4x8xf32>
    %1 = n2uq.gather %codes rows = [-1, 0, 1, -1] fill = 2.0 : tensor<?x2x2x8xui2> -> tensor<?x4x2x8xui2>
    ```
  }];
  let arguments = (ins N2UQ_MovedImage:$input,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$rows,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$columns,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$channels,
      DefaultValuedAttr<F32Attr, "0.0f">:$fill);
  let results = (outs N2UQ_MovedImage:$result);
  let assemblyFormat = [{
    $input (`rows` `=` $rows^)? (`columns` `=` $columns^)? (`channels` `=` $channels^)? (`fill` `=` $fill^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
}

def N2UQ_ConcatOp : N2UQ_Op<"concat", [Pure, KernelRootOpInterface]> {
  let summary = "tensors side by side along their channels";
  let description = [{
    The channels of `result` are those of the first input, then those of the second, and so on.

    (C1) There is at least one input.
    (C2) Inputs and result agree in their element type and in all extents but channels, of which the result has as many
    as all inputs together.

    Example:
    ```mlir
    %0 = n2uq.concat %x, %y : tensor<?x8x8x16xf32>, tensor<?x8x8x24xf32> -> tensor<?x8x8x40xf32>
    ```
  }];
  let arguments = (ins Variadic<N2UQ_MovedTensor>:$inputs);
  let results = (outs N2UQ_MovedTensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($result)";
}

def N2UQ_UnflattenOp : N2UQ_Op<"unflatten", [Pure, KernelRootOpInterface]> {
  let summary = "row of features as an image";
  let description = [{
    `result[n,h,w,c] = input[n, (c * H + h) * W + w]`: what `n2uq.flatten` does, backwards.

    (C1) The result has the batch and element type of `input`, and an image has as many elements as a row has features.

    Example:
    ```mlir
    %0 = n2uq.unflatten %features : tensor<?x784xui2> -> tensor<?x1x1x784xui2>
    ```
  }];
  let arguments = (ins TensorRankOf<[F32, N2UQ_Code], [2]>:$input);
  let results = (outs N2UQ_MovedImage:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

#endif // N2UQ_MOVE_OPS_TD
