// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two passes of a separable resampling of 8-bit pixels, as Halide pipelines. A pass is a weighted sum of `taps`
// neighbours in 32-bit fixed point, rounded to 8 bits before the next pass reads it: with the weights of coefficients.c
// these are the sums of Pillow's resize, and since integer addition has no order, any schedule gives the same bytes.
#include "Halide.h"

using namespace Halide;

namespace {
/// As many fraction bits as Pillow keeps: a sum of 8-bit pixels times weights of magnitude below 2 stays below 2^31.
constexpr int fractionBits = 32 - 8 - 2;

Expr half() { return cast<int32_t>(1 << (fractionBits - 1)); }
Expr rounded(Expr sum) { return cast<uint8_t>(clamp(sum >> fractionBits, 0, 255)); }

/// The sum of bytes i of rows first(y) to first(y) + taps - 1, and what is known of the buffers in it.
template <typename Pixels, typename Weights, typename First>
Expr sumOfRows(Func sum, Var i, Var y, Pixels &in, Weights &weights, First &first, RDom &tap) {
  tap = RDom(0, weights.dim(0).extent(), "tap");
  Expr source = unsafe_promise_clamped(first(y) + tap, 0, in.dim(1).extent() - 1);
  sum(i, y) = half();
  sum(i, y) += cast<int32_t>(in(i, source)) * weights(tap, y);
  return sum(i, y);
}

template <typename Pixels, typename Weights>
void constrain(Pixels &in, Weights &weights) {
  in.dim(0).set_min(0).set_stride(1);
  in.dim(1).set_min(0);
  weights.dim(0).set_min(0).set_stride(1);
}

/// Along rows: out(c, x, y) from pixels first(x) to first(x) + taps - 1 of row y.
class ResampleRows : public Generator<ResampleRows> {
public:
  Input<Buffer<uint8_t, 3>> in{"in"};           // channel, x, y
  Input<Buffer<int32_t, 2>> weights{"weights"}; // tap, x
  Input<Buffer<int32_t, 1>> first{"first"};     // x
  Output<Buffer<uint8_t, 3>> out{"out"};        // channel, x, y

  void generate() {
    // Lanes are rows: pixels of one row have different weights, pixels of one column have the same.
    columns(y, c, x) = in(c, x, y);
    tap = RDom(0, weights.dim(0).extent(), "tap");
    Expr source = unsafe_promise_clamped(first(x) + tap, 0, in.dim(1).extent() - 1);
    sum(y, c, x) = half();
    sum(y, c, x) += cast<int32_t>(columns(y, c, source)) * weights(tap, x);
    narrow(y, c, x) = rounded(sum(y, c, x));
    out(c, x, y) = narrow(y, c, x);
  }

  void schedule() {
    in.dim(0).set_bounds(0, 3).set_stride(1);
    in.dim(1).set_min(0).set_stride(3);
    out.dim(0).set_bounds(0, 3).set_stride(1);
    out.dim(1).set_min(0).set_stride(3);
    weights.dim(0).set_min(0).set_stride(1);
    Var block("block"), row("row");
    const int lanes = natural_vector_size<int32_t>();
    const int rows = 16; // few enough that a block of long rows stays in the caches
    out.split(y, block, row, rows, TailStrategy::GuardWithIf).reorder(c, row, x, block).unroll(c);
    columns.compute_at(out, block).reorder(c, x, y).unroll(c).align_storage(y, rows);
    narrow.compute_at(out, x).vectorize(y, rows, TailStrategy::RoundUp).unroll(c);
    sum.compute_at(narrow, y).bound_extent(c, 3).unroll(c).vectorize(y, lanes).unroll(y);
    sum.update().reorder(y, c, tap, x).unroll(c).vectorize(y, lanes).unroll(y);
  }

private:
  Var c{"c"}, x{"x"}, y{"y"};
  RDom tap;
  Func columns{"columns"}, sum{"sum"}, narrow{"narrow"};
};

/// Along columns: out(i, y) from rows first(y) to first(y) + taps - 1; i counts the bytes of a row.
class ResampleColumns : public Generator<ResampleColumns> {
public:
  Input<Buffer<uint8_t, 2>> in{"in"};           // byte, y
  Input<Buffer<int32_t, 2>> weights{"weights"}; // tap, y
  Input<Buffer<int32_t, 1>> first{"first"};     // y
  Output<Buffer<uint8_t, 2>> out{"out"};        // byte, y

  void generate() { out(i, y) = rounded(sumOfRows(sum, i, y, in, weights, first, tap)); }

  void schedule() {
    constrain(in, weights);
    out.dim(0).set_min(0).set_stride(1);
    const int lanes = natural_vector_size<int32_t>(), bytes = 4 * lanes;
    out.vectorize(i, bytes, TailStrategy::GuardWithIf);
    sum.compute_at(out, i).vectorize(i, lanes, TailStrategy::GuardWithIf).unroll(i);
    sum.update().reorder(i, tap, y).vectorize(i, lanes, TailStrategy::GuardWithIf).unroll(i);
  }

private:
  Var i{"i"}, y{"y"};
  RDom tap;
  Func sum{"sum"};
};

/// The same, and what a network of floats reads: out(x, y, c) = (pixel / 255 - mean(c)) / deviation(c).
class ResampleNormalized : public Generator<ResampleNormalized> {
public:
  Input<Buffer<uint8_t, 2>> in{"in"};
  Input<Buffer<int32_t, 2>> weights{"weights"};
  Input<Buffer<int32_t, 1>> first{"first"};
  Input<Buffer<float, 1>> mean{"mean"}, deviation{"deviation"}; // channel
  Output<Buffer<float, 3>> out{"out"};                          // x, y, channel

  void generate() {
    narrow(i, y) = rounded(sumOfRows(sum, i, y, in, weights, first, tap));
    // Three roundings; a division must not become a product with the reciprocal.
    Expr light = cast<float>(narrow(3 * x + c, y)) / 255.0f;
    out(x, y, c) = strict_float((light - mean(c)) / deviation(c));
  }

  void schedule() {
    constrain(in, weights);
    for (auto *numbers : {&mean, &deviation})
      numbers->dim(0).set_bounds(0, 3).set_stride(1);
    out.dim(0).set_min(0).set_stride(1);
    out.dim(2).set_bounds(0, 3);
    const int lanes = natural_vector_size<int32_t>();
    out.reorder(c, x, y).unroll(c).vectorize(x, lanes, TailStrategy::GuardWithIf);
    narrow.compute_at(out, y).vectorize(i, 4 * lanes, TailStrategy::GuardWithIf);
    sum.compute_at(narrow, i).vectorize(i, lanes, TailStrategy::GuardWithIf).unroll(i);
    sum.update().reorder(i, tap, y).vectorize(i, lanes, TailStrategy::GuardWithIf).unroll(i);
  }

private:
  Var i{"i"}, x{"x"}, y{"y"}, c{"c"};
  RDom tap;
  Func sum{"sum"}, narrow{"narrow"};
};
} // namespace

HALIDE_REGISTER_GENERATOR(ResampleRows, resample_rows)
HALIDE_REGISTER_GENERATOR(ResampleColumns, resample_columns)
HALIDE_REGISTER_GENERATOR(ResampleNormalized, resample_normalized)
