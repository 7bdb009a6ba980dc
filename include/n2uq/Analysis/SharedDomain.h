// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One axis for the accumulators of all channels of a layer, on which a small table of cells finds the code: what
// n2uq.shared_threshold computes, found and proven. Plain C++, no IR.
#ifndef N2UQ_ANALYSIS_SHAREDDOMAIN_H
#define N2UQ_ANALYSIS_SHAREDDOMAIN_H

#include "n2uq/Analysis/StepFunction.h"

#include <optional>
#include <vector>

namespace n2uq {

/// A straight line over accumulators, with one rounding.
struct Line {
  float scale = 0.0f, offset = 0.0f;

  float at(int64_t accumulator) const;
};

/// A layer's thresholds T, spread over the signed numbers of `width` bits: edges[k] stands for T[k]. The axis is cut
/// into cells of equal width, and no cell holds more than one edge. So with the cell's number from `table`,
///
///   code = ((z + table[cell]) mod 2^width) >> (width - 4)
///
/// without a comparison. A cell from z = a on, with `c` edges below it and
///   no edge:       table = c * 2^(width-4) - a,          so z + table runs up from c * 2^(width-4)
///   an edge at q:  table = (c + 1) * 2^(width-4) - q,    so z + table reaches (c + 1) * 2^(width-4) at z = q
/// A cell is not wider than 2^(width-4), so neither leaves the block of its code.
struct SharedDomain {
  unsigned width = 16;
  std::vector<int64_t> edges;
  std::vector<uint32_t> table;

  int64_t least() const { return -(int64_t(1) << (width - 1)); }
  int64_t most() const { return (int64_t(1) << (width - 1)) - 1; }
  unsigned top() const { return static_cast<unsigned>(edges.size()); }
  /// The integer next to `value` (ties to even), held on the axis.
  int64_t position(float value) const;
  /// What the table says.
  unsigned codeAt(int64_t z) const;
};

/// Whether the table's code is the number of edges that z reaches, for every z of the axis.
bool provesTable(const SharedDomain &domain);

/// Domains for these thresholds (which rise strictly and are finite), at most `count` of them: they differ in the part
/// of the axis that the thresholds take and where it lies, since cells separate uneven thresholds in some of them only.
std::vector<SharedDomain> sharedDomains(const std::vector<float> &thresholds, unsigned width, size_t cells,
                                        size_t count);

/// A channel's way to the axis: the highest of one or two lines or, where it is `mirrored`, minus that.
struct Path {
  std::vector<Line> lines;
  bool mirrored = false;
};

/// A path that leads `function`'s accumulators to their codes, proven; none where none was found.
std::optional<Path> findPath(const SharedDomain &domain, const StepFunction &function);

/// Whether the maximum of `lines` leads every accumulator of `function` to its code.
///
/// A line never turns, and neither does its rounding: on a run of accumulators of one code, its largest and smallest
/// position are at the ends. So for a run with code c between accumulators x0 and x1,
///   not more than c:   no line reaches edges[c] at x0 or at x1
///   not less than c:   the accumulators where a line reaches edges[c-1] are the first or the last of the run, up to a
///                      place that a bisection finds; those of all lines together are the whole run
/// Also refuses lines that leave the numbers of 32 bits where `width` is 16: instructions do not hold them on the axis.
bool provesLines(const SharedDomain &domain, const StepFunction &function, const std::vector<Line> &lines);

} // namespace n2uq

#endif // N2UQ_ANALYSIS_SHAREDDOMAIN_H
