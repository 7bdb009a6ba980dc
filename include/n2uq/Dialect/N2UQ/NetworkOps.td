// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Network ops: what a layer computes. Constraints are numbered (C1), (C2), ... per op; the verifier names the number at
// the check, and test/Dialect/N2UQ/invalid.mlir has one case for each.
#ifndef N2UQ_NETWORK_OPS_TD
#define N2UQ_NETWORK_OPS_TD

include "n2uq/Dialect/N2UQ/Interfaces.td"
include "n2uq/Dialect/N2UQ/Types.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

def N2UQ_ToNHWCOp : N2UQ_Op<"to_nhwc", [Pure, KernelRootOpInterface]> {
  let summary = "image with its channels moved to the innermost place";
  let description = [{
    `result[n,h,w,c] = input[n,c,h,w]`.

    (C1) The result's shape is the permuted shape of `input`.

    Example:
    ```mlir
    %0 = n2uq.to_nhwc %image : tensor<?x3x224x224xf32> -> tensor<?x224x224x3xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatImage:$input);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def N2UQ_FlattenOp : N2UQ_Op<"flatten", [Pure, KernelRootOpInterface]> {
  let summary = "image as one row of features";
  let description = [{
    `result[n, (c * H + h) * W + w] = input[n,h,w,c]`: the order of a flattened `[batch, channels, height, width]`.

    (C1) The result has the batch of `input` and as many features as an image has elements.

    Example:
    ```mlir
    %0 = n2uq.flatten %pooled : tensor<?x1x1x512xf32> -> tensor<?x512xf32>
    ```
  }];
  let arguments = (ins N2UQ_AnyImage:$input);
  let results = (outs TensorRankOf<[F32, I32, N2UQ_Code], [2]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

class N2UQ_ConvOp<string mnemonic> : N2UQ_Op<mnemonic, [
    Pure, DeclareOpInterfaceMethods<KernelRootOpInterface, ["getMacsPerOutput"]>]> {
  code extraConvDeclaration = [{
    /// The filter's window as the spatial rules see it.
    ::n2uq::Window getWindow();
  }];
  let extraClassDeclaration = extraConvDeclaration;
}

def N2UQ_Conv2DOp : N2UQ_ConvOp<"conv2d"> {
  let summary = "uniform-integer convolution of codes";
  let description = [{
    Exact integer arithmetic:
    `result[n,y,x,o] = sum over kh,kw,c of input[n, y*s0 + kh*d0 - top, x*s1 + kw*d1 - left, g*Cg + c] * filter[o,kh,kw,c]`,
    where `Cg` is the filter's last extent and `g = o / (O / groups)`; taps outside of the image count as code 0.
    Weights are any `i8` numbers; odd ones are the usual case. Depthwise is `groups` = channels.

    (C1) `strides` and `dilations` hold two positive numbers, `padding` four that are not negative: top, bottom, left, right.
    (C2) `groups` is positive and divides the channels of `input` and of `result`.
    (C3) The filter is `[O, KH, KW, C / groups]` with `O` the channels of `result`.
    (C4) The result's height and width follow from the window, which fits into the padded image.
    (C5) The accumulator of the largest codes and weights fits into `i32`.

    Example:
    ```mlir
    %acc = n2uq.conv2d %codes, %filter strides = [2, 2] padding = [1, 1, 1, 1]
        : tensor<?x56x56x64xui2>, tensor<128x3x3x64xi8> -> tensor<?x28x28x128xi32>
    ```
  }];
  let arguments = (ins N2UQ_CodeImage:$input, TensorRankOf<[I8], [4]>:$filter,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs N2UQ_AccImage:$result);
  let assemblyFormat = [{
    $input `,` $filter (`strides` `=` $strides^)? (`padding` `=` $padding^)? (`dilations` `=` $dilations^)?
    (`groups` `=` $groups^)? attr-dict `:` type($input) `,` type($filter) `->` type($result)
  }];
}

def N2UQ_FloatConv2DOp : N2UQ_ConvOp<"float_conv2d"> {
  let summary = "float convolution in a fixed order of fused multiply-adds";
  let description = [{
    `acc = 0; for kh, for kw, for c: acc = fma(x, w, acc)` with `x` and `w` as in `n2uq.conv2d`, in float32; taps outside
    of the image are left out. The order is part of the meaning: every target gives the same bits.

    (C1) to (C4) as for `n2uq.conv2d`.

    Example:
    ```mlir
    %0 = n2uq.float_conv2d %image, %filter strides = [2, 2] padding = [3, 3, 3, 3]
        : tensor<?x224x224x3xf32>, tensor<64x7x7x3xf32> -> tensor<?x112x112x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatImage:$input, TensorRankOf<[F32], [4]>:$filter,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = [{
    $input `,` $filter (`strides` `=` $strides^)? (`padding` `=` $padding^)? (`dilations` `=` $dilations^)?
    (`groups` `=` $groups^)? attr-dict `:` type($input) `,` type($filter) `->` type($result)
  }];
}

def N2UQ_ImageConv2DOp : N2UQ_ConvOp<"image_conv2d"> {
  let summary = "convolution of pixels with fixed-point weights";
  let description = [{
    The first layer of a network whose input is an image of bytes, normalisation included. What `n2uq-image-input` makes of an
    `n2uq.float_conv2d`. A weight is `w = l0 + 256 * l1 + 65536 * l2` in units of `scale`, its *limbs* `l0, l1, l2` being `i8`
    numbers `limbs[i,o,kh,kw,c]`; with one or two limbs the others are 0. Sums run over the taps inside of the image, exactly:

    ```
    low    = sum of pixel * (l0 + 256 * l1)
    high   = sum of pixel * l2
    result = fma(float(high), 65536 * scale[o], fma(float(low), scale[o], offset[i,j,o]))      with three limbs
    result = fma(float(low), scale[o], offset[i,j,o])                                          with one or two
    ```

    in float32, integers converted to nearest even. Padding is 0 *after* normalisation, so what the mean takes off depends on
    the taps that are inside: rows of the result whose windows have the same taps inside form a class, and so do columns;
    classes are numbered from the top and from the left, and `i`, `j` are the classes of the result's row and column.

    (C1) `strides` holds two positive numbers, `padding` four that are not negative: top, bottom, left, right.
    (C2) `limbs` is `[1 to 3, O, KH, KW, C]` with `O` the channels of `result` and `C` those of `input`.
    (C3) The result's height and width follow from the window, which fits into the padded image.
    (C4) `scale` is `[O]` and `offset` `[classes of rows, classes of columns, O]`.
    (C5) `low` of the largest pixels and limbs fits into `i32`.

    Example:
    ```mlir
    %0 = n2uq.image_conv2d %pixels, %limbs scale(%s : tensor<64xf32>) offset(%b : tensor<4x4x64xf32>)
        strides = [2, 2] padding = [3, 3, 3, 3]
        : tensor<?x224x224x3xui8>, tensor<2x64x7x7x3xi8> -> tensor<?x112x112x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_PixelImage:$input, TensorRankOf<[I8], [5]>:$limbs, N2UQ_ChannelFloats:$scale,
      TensorRankOf<[F32], [3]>:$offset,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = [{
    $input `,` $limbs `scale` `(` $scale `:` type($scale) `)` `offset` `(` $offset `:` type($offset) `)`
    (`strides` `=` $strides^)? (`padding` `=` $padding^)?
    attr-dict `:` type($input) `,` type($limbs) `->` type($result)
  }];
}

def N2UQ_FullyConnectedOp : N2UQ_Op<"fully_connected", [
    Pure, DeclareOpInterfaceMethods<KernelRootOpInterface, ["getMacsPerOutput"]>]> {
  let summary = "float matrix product in a fixed order of fused multiply-adds";
  let description = [{
    `acc = 0; for k: acc = fma(input[n,k], weights[o,k], acc); result[n,o] = acc`, in float32. The bias is an
    `n2uq.affine` behind it.

    (C1) `weights` is `[O, K]` with `K` the features of `input` and `O` those of `result`; the batches agree.

    Example:
    ```mlir
    %0 = n2uq.fully_connected %features, %weights : tensor<?x512xf32>, tensor<1000x512xf32> -> tensor<?x1000xf32>
    ```
  }];
  let arguments = (ins TensorRankOf<[F32], [2]>:$input, TensorRankOf<[F32], [2]>:$weights);
  let results = (outs TensorRankOf<[F32], [2]>:$result);
  let assemblyFormat = "$input `,` $weights attr-dict `:` type($input) `,` type($weights) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

def N2UQ_AffineOp : N2UQ_Op<"affine", [Pure, AttrSizedOperandSegments]> {
  let summary = "scale and offset, each with a rounding of its own";
  let description = [{
    `result = fl(fl(float(input) * scale[c]) + offset[c])`; an absent `scale` or `offset` leaves its step out. An integer
    `input` is converted to float32 first, to nearest even.

    (C1) `scale` and `offset` hold one number per channel, or one for all channels.
    (C2) The shapes of `input` and `result` agree.

    Example:
    ```mlir
    %0 = n2uq.affine %acc scale(%s : tensor<64xf32>) offset(%b : tensor<64xf32>)
        : tensor<?x56x56x64xi32> -> tensor<?x56x56x64xf32>
    %1 = n2uq.affine %0 offset(%b : tensor<64xf32>) : tensor<?x56x56x64xf32> -> tensor<?x56x56x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_AnyTensor:$input, Optional<N2UQ_ChannelFloats>:$scale, Optional<N2UQ_ChannelFloats>:$offset);
  let results = (outs N2UQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`offset` `(` $offset^ `:` type($offset) `)`)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def N2UQ_PReLUOp : N2UQ_Op<"prelu", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "parametric rectifier";
  let description = [{
    `result = input > 0 ? input : fl(slope[c] * input)`. Slopes have any sign.

    (C1) `slope` holds one number per channel, or one for all channels.

    Example:
    ```mlir
    %0 = n2uq.prelu %x, %slope : tensor<?x56x56x64xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatTensor:$input, N2UQ_ChannelFloats:$slope);
  let results = (outs N2UQ_FloatTensor:$result);
  let assemblyFormat = "$input `,` $slope attr-dict `:` type($input) `,` type($slope)";
  let hasFolder = 1;
}

def N2UQ_ClampOp : N2UQ_Op<"clamp", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "number held between two bounds";
  let description = [{
    `result = input < min ? min : (input > max ? max : input)`; a NaN stays. ReLU is `min = 0, max = +inf`, ReLU6
    `min = 0, max = 6`.

    (C1) `min` is not greater than `max`, and neither is a NaN.

    Example:
    ```mlir
    %0 = n2uq.clamp %x min = 0.0 max = 6.0 : tensor<?x112x112x32xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatTensor:$input, F32Attr:$min, F32Attr:$max);
  let results = (outs N2UQ_FloatTensor:$result);
  let assemblyFormat = "$input `min` `=` $min `max` `=` $max attr-dict `:` type($input)";
  let hasFolder = 1;
}

def N2UQ_SigmoidOp : N2UQ_Op<"sigmoid", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "logistic function in a fixed order of float steps";
  let description = [{
    `1 / (1 + exp(-x))` within a few units of the last place. The steps are part of the meaning, so that every target gives
    the same bits:

    ```
    t = min(|x|, 87.0)                                          a NaN stays
    k = fl(fl(fl(t * 0x1.715476p+0) + 0x1.8p+23) - 0x1.8p+23)   the whole number next to t / ln 2
    r = fma(k, 0x1.62e4p-1, -t)       r = fma(k, 0x1.7f7d1cp-20, r)
    p = 0x1.a0fbe2p-13                p = fma(p, r, each of 0x1.6e879cp-10, 0x1.111150p-7, 0x1.5554dcp-5,
                                                    0x1.555556p-3, 0.5, 1, 1)
    e = p * 2^-k                      exact: k is between 0 and 126
    result = x < 0 ? fl(e / fl(1 + e)) : fl(1 / fl(1 + e))
    ```

    Example:
    ```mlir
    %0 = n2uq.sigmoid %x : tensor<?x10xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatTensor:$input);
  let results = (outs N2UQ_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def N2UQ_AddOp : N2UQ_Op<"add", [Pure, Commutative, AllTypesMatch<["lhs", "rhs", "result"]>]> {
  let summary = "sum of two tensors";
  let description = [{
    `result = fl(lhs + rhs)`.

    Example:
    ```mlir
    %0 = n2uq.add %x, %identity : tensor<?x56x56x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatTensor:$lhs, N2UQ_FloatTensor:$rhs);
  let results = (outs N2UQ_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
  let hasVerifier = 0;
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

def N2UQ_QuantizeOp : N2UQ_Op<"quantize", [Pure]> {
  let summary = "threshold quantizer: learned thresholds in, evenly spaced codes out";
  let description = [{
    `result = |{ k : input >= thresholds[c,k] }|`. A NaN reaches no threshold and gives code 0; with `nan_is_top` it
    reaches all of them.

    The learned quantizer compares strictly, `u > T`; it comes in here with `thresholds = nextafter(T, +inf)`, which is the
    same on every float32 number. What a code is worth (`code * scale`) is the `n2uq.affine` behind the convolution.

    (C1) `thresholds` has one row per channel, or one row for all channels.
    (C2) All thresholds of a row together give codes that fit into the result's type.
    (C3) The shapes of `input` and `result` agree.

    Example:
    ```mlir
    %codes = n2uq.quantize %x, %t : tensor<?x56x56x64xf32>, tensor<1x3xf32> -> tensor<?x56x56x64xui2>
    ```
  }];
  let arguments = (ins N2UQ_FloatTensor:$input, N2UQ_FloatThresholds:$thresholds, UnitAttr:$nan_is_top);
  let results = (outs N2UQ_CodeTensor:$result);
  let assemblyFormat = [{
    $input `,` $thresholds (`nan_is_top` $nan_is_top^)? attr-dict `:` type($input) `,` type($thresholds) `->` type($result)
  }];
}

def N2UQ_ThresholdOp : N2UQ_Op<"threshold", [Pure]> {
  let summary = "per-channel step function from accumulators to codes";
  let description = [{
    `result = |{ k : input >= thresholds[c,k] }|`, in integers. What `n2uq-integerize-thresholds` makes of a convolution's
    float tail and its quantizer.

    (C1) `thresholds` has one row per channel, or one row for all channels.
    (C2) All thresholds of a row together give codes that fit into the result's type.
    (C3) The shapes of `input` and `result` agree.

    Example:
    ```mlir
    %codes = n2uq.threshold %acc, %t : tensor<?x8x8x64xi32>, tensor<64x3xi32> -> tensor<?x8x8x64xui2>
    ```
  }];
  let arguments = (ins N2UQ_AccTensor:$input, N2UQ_IntThresholds:$thresholds);
  let results = (outs N2UQ_CodeTensor:$result);
  let assemblyFormat = "$input `,` $thresholds attr-dict `:` type($input) `,` type($thresholds) `->` type($result)";
}

def N2UQ_TwoSidedThresholdOp : N2UQ_Op<"two_sided_threshold", [Pure]> {
  let summary = "per-channel step function that may rise and fall";
  let description = [{
    `result = base[c] + |{ k : input >= up[c,k] }| - |{ k : input >= down[c,k] }|`, in integers. A negative slope of a
    PReLU makes a channel's code fall and rise again (or rise and fall); a threshold that is never reached is the largest
    `i32`.

    (C1) `base`, `up` and `down` have one row per channel.
    (C2) The shapes of `input` and `result` agree.

    The result is between 0 and the largest code for every accumulator that can occur; that is the duty of whoever makes the
    op (`n2uq-integerize-thresholds` proves it), and any other value is taken modulo 2^bits of the result.

    Example:
    ```mlir
    %codes = n2uq.two_sided_threshold %acc, %base, %up, %down
        : tensor<?x8x8x64xi32>, tensor<64xi32>, tensor<64x3xi32>, tensor<64x2xi32> -> tensor<?x8x8x64xui2>
    ```
  }];
  let arguments = (ins N2UQ_AccTensor:$input, N2UQ_ChannelInts:$base, N2UQ_IntThresholds:$up, N2UQ_IntThresholds:$down);
  let results = (outs N2UQ_CodeTensor:$result);
  let assemblyFormat = [{
    $input `,` $base `,` $up `,` $down attr-dict
    `:` type($input) `,` type($base) `,` type($up) `,` type($down) `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

def N2UQ_MaxPoolOp : N2UQ_Op<"max_pool", [Pure, KernelRootOpInterface]> {
  let summary = "largest element of a window";
  let description = [{
    `result[n,y,x,c] = max over kh,kw of input[n, y*s0 + kh - top, x*s1 + kw - left, c]`; taps outside of the image are left
    out. On floats this is IEEE-754 `maximum`: a NaN wins, and -0 is less than +0.

    (C1) `kernel` and `strides` hold two positive numbers, `padding` four that are not negative and smaller than the
    kernel's extent on their side: top, bottom, left, right. So every window meets the image.
    (C2) The result's height and width follow from the window; its element type and channels are those of `input`.

    Example:
    ```mlir
    %0 = n2uq.max_pool %x kernel = [3, 3] strides = [2, 2] padding = [1, 1, 1, 1] : tensor<?x112x112x64xf32> -> tensor<?x56x56x64xf32>
    ```
  }];
  let arguments = (ins N2UQ_AnyImage:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding);
  let results = (outs N2UQ_AnyImage:$result);
  let assemblyFormat = [{
    $input `kernel` `=` $kernel (`strides` `=` $strides^)? (`padding` `=` $padding^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

def N2UQ_AvgPoolOp : N2UQ_Op<"avg_pool", [Pure, KernelRootOpInterface]> {
  let summary = "mean of a window";
  let description = [{
    `acc = 0; for kh, for kw: acc = fl(acc + input[n, y*s0 + kh, x*s1 + kw, c]); result = fl(acc / (KH * KW))`.

    (C1) `kernel` and `strides` hold two positive numbers.
    (C2) The result's height and width follow from the window, which fits into the image; the channels agree.

    Example:
    ```mlir
    %0 = n2uq.avg_pool %x kernel = [7, 7] : tensor<?x7x7x512xf32> -> tensor<?x1x1x512xf32>
    ```
  }];
  let arguments = (ins N2UQ_FloatImage:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides);
  let results = (outs N2UQ_FloatImage:$result);
  let assemblyFormat = [{
    $input `kernel` `=` $kernel (`strides` `=` $strides^)? attr-dict `:` type($input) `->` type($result)
  }];
  let extraClassDeclaration = "::n2uq::Window getWindow();";
}

#endif // N2UQ_NETWORK_OPS_TD
