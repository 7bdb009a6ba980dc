// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The window of a convolution or pool, and where it meets the image. Plain numbers: index 0 is height, 1 is width.
#ifndef N2UQ_DIALECT_N2UQ_WINDOW_H
#define N2UQ_DIALECT_N2UQ_WINDOW_H

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace n2uq {

struct Window {
  int64_t kernel[2] = {1, 1};
  int64_t strides[2] = {1, 1};
  int64_t dilations[2] = {1, 1};
  int64_t before[2] = {0, 0}; // padding at the top, at the left
  int64_t after[2] = {0, 0};  // padding at the bottom, at the right
  int64_t groups = 1;

  /// Multiply-accumulates of one output on an image of \c channels.
  int64_t macs(int64_t channels) const { return kernel[0] * kernel[1] * (channels / groups); }

  /// Rows (or columns) from the first tap of a window to behind its last.
  int64_t reach(unsigned axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }

  /// Extent of the result along `axis`; none where the window does not fit into the padded image.
  std::optional<int64_t> outputExtent(unsigned axis, int64_t input) const {
    int64_t padded = input + before[axis] + after[axis];
    if (padded < reach(axis))
      return std::nullopt;
    return (padded - reach(axis)) / strides[axis] + 1;
  }

  /// Row (or column) of the image under tap 0 of output `out`; negative inside the padding.
  int64_t origin(unsigned axis, int64_t out) const { return out * strides[axis] - before[axis]; }

  /// Taps [first, last) of output `out` that lie inside an image of extent `input`.
  std::pair<int64_t, int64_t> taps(unsigned axis, int64_t out, int64_t input) const {
    int64_t start = origin(axis, out), d = dilations[axis];
    int64_t first = start >= 0 ? 0 : (-start + d - 1) / d;
    int64_t last = start >= input ? 0 : (input - start + d - 1) / d;
    first = std::min(first, kernel[axis]);
    last = std::clamp(last, first, kernel[axis]);
    return {first, last};
  }

  /// Rows (or columns) of the result fall into classes by the taps that lie inside of an image of extent `input`. Both
  /// ends of taps() move one way, so a class is a run: returns the first output of each of the `outputs`' classes.
  std::vector<int64_t> borderClasses(unsigned axis, int64_t input, int64_t outputs) const {
    std::vector<int64_t> first;
    for (int64_t out = 0; out < outputs; ++out)
      if (out == 0 || taps(axis, out, input) != taps(axis, out - 1, input))
        first.push_back(out);
    return first;
  }
};

} // namespace n2uq

#endif // N2UQ_DIALECT_N2UQ_WINDOW_H
