// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The simplify phase: n2uq network ops with float tails -> integer thresholds where exact, explicit float tails elsewhere.
//
// `n2uq-image-input`, where it is wanted, comes first of all: it makes another network, the others do not change theirs.
//
// Recommended order:
//   canonicalize, n2uq-sink-max-pool, n2uq-normalize-signs, n2uq-hoist-max-pool, n2uq-integerize-thresholds,
//   n2uq-absorb-float-tail, canonicalize, n2uq-verify-simplified
// Without cse: two quantizers whose integer thresholds happen to be equal would become one, and the name of the other would
// be missing in dumps and reports.
#ifndef N2UQ_TRANSFORMS_PASSES_TD
#define N2UQ_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

// A proof evaluates every accumulator of every channel: 512 channels of 3x3x512 weights and codes of 4 bits, at most 2^29
// accumulators, behind a layer's 9 operations, take a second or two.
def N2UQ_MaxEvaluations : Option<"maxEvaluations", "max-evaluations", "int64_t", "int64_t(1) << 34",
                                 "Float32 operations that the proof for one convolution may take">;

def ImageInputPass : Pass<"n2uq-image-input", "::mlir::func::FuncOp"> {
  let summary = "take images of bytes, normalisation folded into a first layer of fixed-point weights";
  let description = [{
    The float32 input `[batch, channels, height, width]` of normalised numbers becomes `ui8` pixels
    `[batch, height, width, channels]`, and the first convolution an `n2uq.image_conv2d` with weights of `stem-bits`, scaled per
    output channel; its border is exact. What follows it stays. Unlike every other pass this one changes the network: the
    reference's answer is that of the rewritten network.

    Without means and standard deviations images of three channels get ImageNet's. Fails where the input is not read by one
    float convolution alone.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"stemBits", "stem-bits", "int64_t", "24", "Bits of a weight: 8, 16 or 24">,
    ListOption<"mean", "mean", "float", "Mean that was subtracted from a pixel in 0..1, one for each channel or one for all">,
    ListOption<"deviation", "std", "float", "Standard deviation that it was divided by, likewise">];
}

def SinkMaxPoolPass : Pass<"n2uq-sink-max-pool", "::mlir::func::FuncOp"> {
  let summary = "pool codes instead of floats, behind the quantizer of an integer convolution";
  let description = [{
    `quantize(g(max_pool(f(acc))))` becomes `max_pool(quantize(g(f(acc))))` where `g` never decreases and no reachable
    accumulator leads to a NaN. Then only codes are pooled, and `n2uq-integerize-thresholds` meets no pool at all; `f` may
    rise, fall, or both.

    Runs first: before it, `f` and `g` are as the model has them.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect"];
  let options = [N2UQ_MaxEvaluations];
}

def NormalizeSignsPass : Pass<"n2uq-normalize-signs", "::mlir::func::FuncOp"> {
  let summary = "let codes rise with the accumulator by negating weights and scale of falling channels";
  let description = [{
    For a channel whose factors between accumulator and quantizer (or the pool that is left in front of it) have a
    negative product, negates the channel's weights and the first factor: `fl(float(-acc) * -s) = fl(float(acc) * s)`. A
    one-sided `acc >= t` is then enough for it. Only where all that reads the accumulator ends in quantizers, since the
    sign of a zero may change.

    Runs behind `n2uq-sink-max-pool`, which takes away most pools, and before `n2uq-hoist-max-pool`, which needs rising
    channels.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect"];
}

def HoistMaxPoolPass : Pass<"n2uq-hoist-max-pool", "::mlir::func::FuncOp"> {
  let summary = "pool accumulators instead of floats where codes cannot be pooled";
  let description = [{
    `max_pool(f(acc))` becomes `f(max_pool(acc))` where `f` never decreases and is never a NaN, shown by evaluating it for
    every reachable accumulator. For pools that `n2uq-sink-max-pool` leaves because what follows them falls in some channel.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect"];
  let options = [N2UQ_MaxEvaluations];
}

def IntegerizeThresholdsPass : Pass<"n2uq-integerize-thresholds", "::mlir::func::FuncOp"> {
  let summary = "fold float tail and quantizer of an integer convolution into integer thresholds";
  let description = [{
    `quantize(f(acc))`, with `f` any affines, PReLUs and clamps, becomes `n2uq.threshold(acc)` where no channel's code
    falls, and `n2uq.two_sided_threshold(acc)` elsewhere. The code of every reachable accumulator is evaluated with the
    model's own float32 chain, so the result is exact, whatever the signs and values of the constants are. Each quantizer
    that reads a convolution is folded by itself; what else reads the accumulator stays.
    Where all channels had one row of float thresholds it stays on the op as `n2uq.levels`, for `n2uq-share-thresholds`.

    Where that is not possible the float tail stays, and the quantizer says why in `n2uq.float_tail` and in a remark.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect"];
  let options = [N2UQ_MaxEvaluations];
}

def AbsorbFloatTailPass : Pass<"n2uq-absorb-float-tail", "::mlir::func::FuncOp"> {
  let summary = "fold rising float steps in front of a quantizer into its float thresholds";
  let description = [{
    `quantize(g(x), T)` becomes `quantize(x, T')` with thresholds per channel where `g` (affines with positive scales,
    PReLUs with slopes that are not negative) rises in every channel: `T'` is the smallest float32 number whose `g` reaches
    `T`, found by bisection over the bit patterns. Equal for every `x`, infinities and NaN included. It serves what cannot
    become integer: quantizers behind a residual add. One row for all channels of 7 thresholds or more stays one row, for it
    is searched in a register: only what leaves it so is absorbed.

    Runs behind `n2uq-integerize-thresholds`, which takes the tails of single convolutions whole.
  }];
  let dependentDialects = ["::n2uq::N2UQDialect"];
}

def VerifySimplifiedPass : Pass<"n2uq-verify-simplified", "::mlir::func::FuncOp"> {
  let summary = "check what holds at the end of the simplify phase";
  let description = [{
    (S1) The function takes one float32 tensor `[batch, channels, height, width]` or `[batch, features]`, or pixels
         `[batch, height, width, channels]` that only `n2uq.image_conv2d` reads, and returns one float32 tensor.
    (S2) It is one block of `n2uq` network ops, `arith.constant` and `func.return`; network ops may stand in an `n2uq.kernel`,
    which is how a strategy chosen by hand comes.
    (S3) Every parameter (filter, weights, scale, offset, slope, thresholds, base) is a constant of sound content.
    (S4) A quantizer whose tail begins at an accumulator says in `n2uq.float_tail` why it could not be folded.
    (S5) No row of `n2uq.two_sided_threshold` leaves the range of its codes for a reachable accumulator.
  }];
}

#endif // N2UQ_TRANSFORMS_PASSES_TD
