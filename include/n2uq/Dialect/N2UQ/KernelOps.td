// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernel ops: what passes lower network ops to. The reference interprets each of them, so a wrong result is found by halves.
#ifndef N2UQ_KERNEL_OPS_TD
#define N2UQ_KERNEL_OPS_TD

include "n2uq/Dialect/N2UQ/Interfaces.td"
include "n2uq/Dialect/N2UQ/Types.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def N2UQ_KernelOp : N2UQ_Op<"kernel", [RecursiveMemoryEffects, SingleBlock, NoRegionArguments]> {
  let summary = "one loop nest: a contraction or pool with everything that is done to its tile in registers";
  let description = [{
    The results are what the body yields. The body is at most one *root* (a contraction, a pool, `n2uq.flatten`) and
    element-by-element ops on its result; only what is yielded is ever written to memory. Where convolutions of codes meet in
    additions (the last one of a block, the one that brings the block's input to the same shape, and those of the blocks before
    it), they may all be roots of one kernel: the floats of none go through memory then. Behind a convolution of floats or
    pixels there may be a `max_pool` and further element-by-element ops: the stem of a network, of whose floats only the rows
    that the pool reads next exist. `n2uq-form-kernels` makes it, `n2uq-select-strategy` writes `strategy` on it, the lowering
    turns it into one function of tiled loops.

    (C1) The yielded types are the result types, and there is at least one.
    (C2) The body has at most one root, or several as (C6) says, and all other ops work element by element, but for a `max_pool` of
    floats behind a root that is a convolution of floats or pixels.
    (C3) All results have the same shape but for the element type.
    (C4) `buffers`, where present, has one entry per result.
    (C5) Such a `max_pool` reads the root's result, directly or element by element, and nothing else reads what leads to it.
    (C6) Several roots are all `conv2d` of one group, or two are `packed_lookup_conv2d`, with results of one type.

    Example:
    ```mlir
    %codes2 = n2uq.kernel strategy = #n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 7, 2]> -> tensor<?x8x8x64xui2> {
      %acc = n2uq.conv2d %codes, %filter : tensor<?x8x8x64xui2>, tensor<64x1x1x64xi8> -> tensor<?x8x8x64xi32>
      %q = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<64x3xi32> -> tensor<?x8x8x64xui2>
      n2uq.yield %q : tensor<?x8x8x64xui2>
    }
    ```
  }];
  let arguments = (ins OptionalAttr<N2UQ_StrategyAttr>:$strategy,
      OptionalAttr<TypedArrayAttrBase<N2UQ_BufferAttr, "a buffer for each result">>:$buffers);
  let results = (outs Variadic<N2UQ_AnyTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`strategy` `=` $strategy^)? (`buffers` `=` $buffers^)? attr-dict `->` type($results) $body";
  let extraClassDeclaration = [{
    /// The contraction, pool or layout op of the body; null where all ops work element by element.
    ::mlir::Operation *getRoot();
    /// `getRoot()` and the roots that (C6) allows beside it, in order; none where there is no root.
    ::llvm::SmallVector<::mlir::Operation *> getRoots();
    /// The max_pool behind a root; null where there is none.
    ::n2uq::MaxPoolOp getPool();
    /// The ops that lead to `getPool()`, the root among them, in order; none where there is no pool behind the root.
    ::llvm::SmallVector<::mlir::Operation *> getOpsBeforePool();
    /// What the body yields for result `index`.
    ::mlir::Value getYielded(unsigned index);
    /// The buffer of result `index`, after n2uq-plan-memory.
    ::n2uq::BufferAttr getBuffer(unsigned index);
  }];
}

def N2UQ_YieldOp : N2UQ_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["KernelOp"]>]> {
  let summary = "results of a kernel";
  let arguments = (ins Variadic<N2UQ_AnyTensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
  let hasVerifier = 0;
}

// A contraction with packed weights. It answers what it multiplies and those questions of PackedWeightsOpInterface that
// `questions` names; the others have the answer that most ops give.
class N2UQ_PackedOp<string mnemonic, list<string> questions> : N2UQ_Op<mnemonic, [
    Pure, DeclareOpInterfaceMethods<KernelRootOpInterface, ["getMacsPerOutput"]>,
    DeclareOpInterfaceMethods<PackedWeightsOpInterface, questions>]>;

def N2UQ_PackedConv2DOp : N2UQ_PackedOp<"packed_conv2d", ["getPackedBlock", "getPackedRowChannels", "getPaddedWindow"]> {
  let summary = "uniform-integer convolution with weights packed for dot products of four bytes";
  let description = [{
    `n2uq.conv2d` (one group) with `filter[o,kh,kw,c] = packed[o / block, kh, kw, c / 4, o % block, c % 4]`; a block is the
    output channels of one register tile, and the packed filter is padded with zeros to whole blocks and to the channels
    that an image's row holds in memory.

    (C1) `packed` is `[ceil(O / block), KH, KW, CP / 4, block, 4]` with `CP` a multiple of 16 and not less than the
    channels of `input`.
    (C2) As (C1) and (C4) of `n2uq.conv2d`.

    Example:
    ```mlir
    %acc = n2uq.packed_conv2d %codes, %packed padding = [1, 1, 1, 1]
        : tensor<?x8x8x64xui2>, tensor<4x3x3x16x16x4xi8> -> tensor<?x8x8x64xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [6]>:$packed,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $packed (`strides` `=` $strides^)? (`padding` `=` $padding^)? (`dilations` `=` $dilations^)?
    attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_PackedWinogradConv2DOp : N2UQ_PackedOp<"packed_winograd_conv2d", ["getPackedBlock", "getPackedRowChannels", "getPaddedWindow"]> {
  let summary = "uniform-integer convolution of 3x3 taps with weights in the domain of an exact integer Winograd algorithm";
  let description = [{
    `n2uq.conv2d` with a window of 3x3, stride 1, one group. `outputs = [my, mx]` names the algorithm F(my, 3) x F(mx, 3) of
    `n2uq/Support/CookToom.h`; its P = (my + 2) * (mx + 2) positions are counted row by row. The transformed filter of output `o`
    and channel `c` is `u = Gy g Gx^T` with `g[kh,kw] = filter[o,kh,kw,c]`, and

        packed[o / block, r, c / 4, o % block, c % 4] = u[position(r)], or (u[position(r)] - 1) / 2 at a halved position

    where `position` lists the positions that are not in `halved` in ascending order and then those that are; at the points 0, 1
    and infinity it says what the filter is. Outputs behind the last one of `result` hold any numbers.

    (C1) `packed` is `[ceil(O / block), P, CP / 4, block, 4]` with `CP` a multiple of 16 and not less than the channels of
    `input`.
    (C2) `my` and `mx` are between 2 and 4, and not larger than the result.
    (C3) `halved` holds positions in ascending order.
    (C4) As (C1) and (C4) of `n2uq.conv2d`.

    `n2uq-verify-strategy` checks that `packed` is the transform of a filter, and that transformed codes fit into 8 bits.

    Example:
    ```mlir
    %acc = n2uq.packed_winograd_conv2d %codes, %packed outputs = [4, 3] halved = [18, 23] padding = [1, 1, 1, 1]
        : tensor<?x56x56x64xui2>, tensor<1x30x16x64x4xi8> -> tensor<?x56x56x64xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [5]>:$packed, DenseI64ArrayAttr:$outputs,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$halved,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $packed `outputs` `=` $outputs (`halved` `=` $halved^)? (`padding` `=` $padding^)?
    attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::n2uq::Window getWindow();
    /// The algorithm's positions in the order of the packed filter: those that are not halved, then those that are.
    ::llvm::SmallVector<int64_t> getPositions();
    /// The filter [O, 3, 3, C] that the elements of the packed filter stand for; sets `isTransform` to whether they are its
    /// transform at every position.
    std::vector<int32_t> recoverFilter(::llvm::ArrayRef<int8_t> packed, bool &isTransform);
  }];
}

def N2UQ_PackedDepthwiseConv2DOp : N2UQ_PackedOp<"packed_depthwise_conv2d", ["getPackedRowChannels", "getPaddedWindow"]> {
  let summary = "depthwise uniform-integer convolution with channels innermost";
  let description = [{
    `n2uq.conv2d` with one channel a group and `filter[c,kh,kw,0] = packed[kh,kw,c]`; `packed` is padded with zeros to the
    channels that an image's row holds in memory.

    (C1) `packed` is `[KH, KW, CP]` with `CP` a multiple of 16 and not less than the channels of `input`.
    (C2) As (C1) and (C4) of `n2uq.conv2d`; `input` and `result` have the same channels.

    Example:
    ```mlir
    %acc = n2uq.packed_depthwise_conv2d %codes, %packed padding = [1, 1, 1, 1]
        : tensor<?x8x8x24xui4>, tensor<3x3x32xi8> -> tensor<?x8x8x24xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [3]>:$packed,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $packed (`strides` `=` $strides^)? (`padding` `=` $padding^)? (`dilations` `=` $dilations^)?
    attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_PackedFloatConv2DOp : N2UQ_PackedOp<"packed_float_conv2d", ["getPackedBlock"]> {
  let summary = "float convolution with weights packed for vectors of output channels";
  let description = [{
    `n2uq.float_conv2d` with `filter[o,kh,kw,c] = packed[o / block, kh, kw, c, o % block]`, padded with zeros to whole
    blocks. Vectors run over outputs, so the order of each output's sum is that of `n2uq.float_conv2d`.

    (C1) `packed` is `[ceil(O / block), KH, KW, C / groups, block]`; with more than one group, `block` is 1.
    (C2) As (C1), (C2) and (C4) of `n2uq.conv2d`.

    Example:
    ```mlir
    %0 = n2uq.packed_float_conv2d %image, %packed strides = [2, 2] padding = [3, 3, 3, 3]
        : tensor<?x224x224x3xf32>, tensor<4x7x7x3x16xf32> -> tensor<?x112x112x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatImage:$input, TensorRankOf<[F32], [5]>:$packed,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = [{
    $input `,` $packed (`strides` `=` $strides^)? (`padding` `=` $padding^)? (`dilations` `=` $dilations^)?
    (`groups` `=` $groups^)? attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_PackedImageConv2DOp : N2UQ_PackedOp<"packed_image_conv2d", ["getPackedBlock"]> {
  let summary = "convolution of pixels with limbs packed for dot products of four bytes";
  let description = [{
    `n2uq.image_conv2d` with `limbs[i,o,kh,kw,c] = packed[o / block, t / 4, i, o % block, t % 4]`, where
    `t = (kh * KW + kw) * C + c` counts the taps of a window. The packed limbs are padded with zeros to whole blocks and to a
    multiple of four taps.

    (C1) `kernel` is `[KH, KW]`, two positive extents, and `packed` is `[ceil(O / block), ceil(KH * KW * C / 4), 1 to 3, block, 4]`
    with `C` the channels of `input`.
    (C2) As (C1), (C3), (C4) and (C5) of `n2uq.image_conv2d`.

    Example:
    ```mlir
    %0 = n2uq.packed_image_conv2d %pixels, %packed scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>)
        kernel = [7, 7] strides = [2, 2] padding = [3, 3, 3, 3]
        : tensor<?x224x224x3xui8>, tensor<4x37x2x16x4xi8> -> tensor<?x112x112x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_PixelImage:$input, TensorRankOf<[I8], [5]>:$packed, N2UQ_ChannelFloats:$scale,
      TensorRankOf<[F32], [3]>:$offset, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = [{
    $input `,` $packed `scale` `(` $scale `:` type($scale) `)` `offset` `(` $offset `:` type($offset) `)`
    `kernel` `=` $kernel (`strides` `=` $strides^)? (`padding` `=` $padding^)?
    attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_PackedFullyConnectedOp : N2UQ_PackedOp<"packed_fully_connected", ["getPackedBlock"]> {
  let summary = "float matrix product with weights packed for vectors of outputs";
  let description = [{
    `n2uq.fully_connected` with `weights[o,k] = packed[o / block, k, o % block]`, padded with zeros to whole blocks.

    (C1) `packed` is `[ceil(O / block), K, block]` with `K` the features of `input`; the batches agree.

    Example:
    ```mlir
    %0 = n2uq.packed_fully_connected %x, %packed : tensor<?x512xf32>, tensor<63x512x16xf32> -> tensor<?x1000xf32>
    ```
  }];
  let arguments = (ins TensorRankOf<[F32], [2]>:$input, TensorRankOf<[F32], [3]>:$packed);
  let results = (outs TensorRankOf<[F32], [2]>:$result);
  let assemblyFormat = "$input `,` $packed attr-dict `:` type($input) `,` type($packed) `->` type($result)";
}

def N2UQ_Dot2Op : N2UQ_Op<"dot2", [Pure, AllTypesMatch<["codes", "weights"]>]> {
  let summary = "dot products of two bytes";
  let description = [{
    `result[i] = codes[2*i] * weights[2*i] + codes[2*i + 1] * weights[2*i + 1]`, codes unsigned, weights signed.

    (C1) `codes` and `weights` have two elements for each element of `result`.

    No result leaves the signed numbers of 16 bits; that is the duty of whoever makes the op.

    Example:
    ```mlir
    %1 = n2uq.dot2 %u, %s : vector<64xi8> -> vector<32xi16>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$codes, VectorOfRankAndType<[1], [I8]>:$weights);
  let results = (outs VectorOfRankAndType<[1], [I16]>:$result);
  let assemblyFormat = "$codes `,` $weights attr-dict `:` type($codes) `->` type($result)";
}

def N2UQ_Dot2WordsOp : N2UQ_Op<"dot2_words", [Pure, AllTypesMatch<["acc", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "dot products of two numbers of 16 bits, added to accumulators";
  let description = [{
    `result[i] = acc[i] + lhs[2*i] * rhs[2*i] + lhs[2*i + 1] * rhs[2*i + 1]`, both signed, modulo 2^32.

    (C1) `lhs` and `rhs` have two elements for each element of `acc`.

    Example:
    ```mlir
    %1 = n2uq.dot2_words %acc, %x, %y : vector<16xi32>, vector<32xi16>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$acc, VectorOfRankAndType<[1], [I16]>:$lhs,
      VectorOfRankAndType<[1], [I16]>:$rhs);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = "$acc `,` $lhs `,` $rhs attr-dict `:` type($acc) `,` type($lhs)";
}

def N2UQ_Dot4Op : N2UQ_Op<"dot4", [Pure, AllTypesMatch<["acc", "result"]>, AllTypesMatch<["codes", "weights"]>]> {
  let summary = "dot products of four bytes, added to accumulators";
  let description = [{
    `result[i] = acc[i] + sum over j < 4 of codes[4*i + j] * weights[4*i + j]`, codes unsigned, weights signed, modulo 2^32.
    `code_bits` bounds the codes: each is less than 2^code_bits; `convert-n2uq-dot` may rely on it (with AVX2 two products
    must fit into a signed 16-bit number).

    (C1) `codes` and `weights` have four elements for each element of `acc`.
    (C2) `code_bits` is between 1 and 8.

    Example:
    ```mlir
    %1 = n2uq.dot4 %acc, %u, %s code_bits = 2 : vector<16xi32>, vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$acc, VectorOfRankAndType<[1], [I8]>:$codes,
      VectorOfRankAndType<[1], [I8]>:$weights, I64Attr:$code_bits);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = "$acc `,` $codes `,` $weights `code_bits` `=` $code_bits attr-dict `:` type($acc) `,` type($codes)";
}

def N2UQ_PackedLookupConv2DOp : N2UQ_PackedOp<"packed_lookup_conv2d", ["getPackedBlock", "getPaddedWindow"]> {
  let summary = "uniform-integer convolution with odd weights packed as indices into tables of 64 products";
  let description = [{
    `n2uq.conv2d` (one group) with J = `codes_per_index` weights of an output channel in one byte: field j, of f = 6 / J bits,
    is that of channel `j*G + g`, G = ceil(C / J), and holds k where the weight is `2*k - (2^f - 1)`:
    `filter[o,kh,kw,j*G + g] = 2 * ((packed[o / block, kh, kw, g, place(o % block)] >> (f*j)) mod 2^f) - (2^f - 1)`. Two vectors
    of 32 output channels share 64 bytes, `place(p) = p - p % 64 + 2 * (p % 32) + p % 64 / 32`, so that 16-bit sums of the even
    and of the odd bytes are channels in order. Fields of channels that `input` does not have are ignored.

    A table for each possible J codes of a pixel holds the sum of products `code * k` for each of the 64 bytes; so one permutation of
    bytes gives J products of 64 output channels.

    (C1) `packed` is `[ceil(O / block), KH, KW, ceil(C / J), block]` with `block` a multiple of 64.
    (C2) As (C1) and (C4) of `n2uq.conv2d`.
    (C3) `codes_per_index` is 2, 3 or 6.

    Example:
    ```mlir
    %acc = n2uq.packed_lookup_conv2d %codes, %packed codes_per_index = 3 padding = [1, 1, 1, 1]
        : tensor<?x8x8x64xui2>, tensor<1x3x3x22x128xi8> -> tensor<?x8x8x128xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [5]>:$packed, I64Attr:$codes_per_index,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $packed `codes_per_index` `=` $codes_per_index (`strides` `=` $strides^)? (`padding` `=` $padding^)?
    (`dilations` `=` $dilations^)? attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::n2uq::Window getWindow();
    /// Bits of a weight's field in an index.
    int64_t getFieldBits() { return 6 / static_cast<int64_t>(getCodesPerIndex()); }
    /// The byte of output channel `channel` among those of its block.
    static int64_t place(int64_t channel) { return channel - channel % 64 + 2 * (channel % 32) + channel % 64 / 32; }
  }];
}

def N2UQ_PackedInnerProductConv2DOp : N2UQ_PackedOp<"packed_inner_product_conv2d", ["getPackedBlock", "getPackedRowChannels", "getPaddedWindow"]> {
  let summary = "uniform-integer convolution with weights packed for Winograd's inner product of 1968";
  let description = [{
    `n2uq.conv2d` (one group) whose channels go in pairs c, c + 4 of every eight: with codes x1, x2 and weights y1, y2 of a pair,
    `x1*y1 + x2*y2 = (x1 + y2 + L) * (x2 + y1) - x2 * (x1 + L) - y1 * (y2 + L)`, L = `bias`; one product a pair, one sum that only the
    pixel knows, one number that only the output channel knows. Per eight channels `packed` holds first all `y2 + L`, unsigned,
    then all `y1`:
    `filter[o,kh,kw,8*s + j] = packed[o / block, kh, kw, s, 1, o % block, j]`,
    `filter[o,kh,kw,8*s + 4 + j] = packed[o / block, kh, kw, s, 0, o % block, j] - L` for j < 4.

    (C1) `packed` is `[ceil(O / block), KH, KW, CP / 8, 2, block, 4]` with `CP` a multiple of 16 and not less than the channels of
    `input`.
    (C2) As (C1) and (C4) of `n2uq.conv2d`.
    (C3) `bias` is between 0 and 127.

    Example:
    ```mlir
    %acc = n2uq.packed_inner_product_conv2d %codes, %packed bias = 3
        : tensor<?x8x8x64xui2>, tensor<1x1x1x8x2x64x4xi8> -> tensor<?x8x8x64xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [7]>:$packed, I64Attr:$bias,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $packed `bias` `=` $bias (`strides` `=` $strides^)? (`padding` `=` $padding^)?
    (`dilations` `=` $dilations^)? attr-dict `:` type($input) `,` type($packed) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_TableLookupOp : N2UQ_Op<"table_lookup", [Pure, AllTypesMatch<["table", "indices", "result"]>]> {
  let summary = "bytes of a table of 64, one for each index";
  let description = [{
    `result[i] = table[indices[i] mod 64]`.

    (C1) The vectors have 64 elements.

    Example:
    ```mlir
    %sums = n2uq.table_lookup %table, %indices : vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$table, VectorOfRankAndType<[1], [I8]>:$indices);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = "$table `,` $indices attr-dict `:` type($table)";
}

#endif // N2UQ_KERNEL_OPS_TD
