// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LookupGeometry.h"
#include "n2uq/Dialect/N2UQ/Constants.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cstdint>
#include <numeric>

using namespace mlir;

namespace n2uq {

/// All tables together take at most 2^9 * 64 bytes = 32 KB: more would not stay in a first-level cache.
static constexpr int64_t maxTableBits = 9;
static constexpr int64_t maxByte = 255, maxWord = 65535;

/// Weights in an index: as many as their values and the tables of such codes allow; 0 and the reason where none fit.
static int64_t weightsPerIndex(ArrayRef<int8_t> filter, int64_t codeBits, std::string &why) {
  int64_t largest = 0;
  for (int8_t w : filter) {
    if (w % 2 == 0) {
      why = "its weights are not all odd, so no 2-bit or 3-bit number stands for each";
      return 0;
    }
    largest = std::max<int64_t>(largest, std::abs(int64_t(w)));
  }
  for (int64_t perIndex : {6, 3, 2}) {
    int64_t top = (int64_t(1) << (6 / perIndex)) - 1;
    if (largest <= top && perIndex * codeBits <= maxTableBits)
      return perIndex;
  }
  why = "tables of products of " + std::to_string(codeBits) + "-bit codes and weights up to " +
        std::to_string(largest) + " take more than 32 KB";
  return 0;
}

/// Whether every aligned part of `length` steps in runs of `run` has a sum of at most `limit`, in all of `steps`' rows.
static bool partsFit(ArrayRef<int32_t> steps, int64_t run, int64_t length, int64_t limit) {
  for (int64_t begin = 0; begin < int64_t(steps.size()); begin += run)
    for (int64_t part = 0; part < run; part += length) {
      auto first = steps.begin() + begin + part, last = steps.begin() + begin + std::min(part + length, run);
      if (std::accumulate(first, last, int64_t(0)) > limit)
        return false;
    }
  return true;
}

/// Finds how many lookups fit into a byte. `products[o]` are the largest results of the lookups of output o, in order.
///
/// No part longer than ceil(run / ceil(sum of a run / 255)) can do; from there on downwards, the first one that does.
static int64_t lookupsPerByte(ArrayRef<std::vector<int32_t>> products, int64_t run) {
  int64_t largest = 1;
  for (ArrayRef<int32_t> steps : products)
    for (int64_t begin = 0; begin < int64_t(steps.size()); begin += run)
      largest = std::max(largest, std::accumulate(steps.begin() + begin, steps.begin() + begin + run, int64_t(0)));
  int64_t length = ceilDiv(run, ceilDiv(largest, maxByte));
  while (length > 1 &&
         !llvm::all_of(products, [&](ArrayRef<int32_t> steps) { return partsFit(steps, run, length, maxByte); }))
    --length;
  return length;
}

std::optional<LookupGeometry> lookupGeometryOf(Operation *root, std::string &why) {
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  auto packedConv = dyn_cast_or_null<PackedLookupConv2DOp>(root);
  if (!conv && !packedConv) {
    why = "its root is not a convolution of codes";
    return std::nullopt;
  }
  LookupGeometry g(conv ? conv.getWindow() : packedConv.getWindow(), ImageShape(root->getOperand(0).getType()),
                   ImageShape(root->getResult(0).getType()));
  g.codeBits = codeBitsOf(root->getOperand(0).getType());
  if (g.window.groups != 1) {
    why = "it has groups, and no index stands for the weight 0 between them";
    return std::nullopt;
  }
  std::optional<std::vector<int8_t>> weights = constantBytes(root->getOperand(1));
  if (!weights) {
    why = "its weights are not constant";
    return std::nullopt;
  }
  g.perIndex = conv ? weightsPerIndex(*weights, g.codeBits, why) : int64_t(packedConv.getCodesPerIndex());
  if (g.perIndex == 0)
    return std::nullopt;
  if (g.perIndex * g.codeBits > maxTableBits) {
    why = "its tables take more than 32 KB";
    return std::nullopt;
  }
  g.groups = ceilDiv(g.in.channels, g.perIndex);

  // The largest results of each output's lookups: all codes at the top. Accumulators reach their bounds by codes at the
  // top where weights have one sign.
  int64_t largestCode = (int64_t(1) << g.codeBits) - 1, channels = g.in.channels, taps = g.taps();
  int64_t block = packedConv ? cast<ShapedType>(packedConv.getPacked().getType()).getDimSize(4) : 0;
  std::vector<std::vector<int32_t>> products(g.out.channels, std::vector<int32_t>(taps * g.groups, 0));
  int64_t largest = 0, lowest = 0, highest = 0;
  for (int64_t o = 0; o < g.out.channels; ++o) {
    int64_t low = 0, high = 0;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c) {
        int64_t k, j = c / g.groups, group = c % g.groups;
        if (conv) {
          k = ((*weights)[(o * taps + tap) * channels + c] + g.top()) / 2;
        } else {
          int64_t at = ((o / block * taps + tap) * g.groups + group) * block + PackedLookupConv2DOp::place(o % block);
          k = (uint8_t((*weights)[at]) >> (j * g.fieldBits())) & g.top();
        }
        products[o][tap * g.groups + group] += k * largestCode;
        (2 * k < g.top() ? low : high) += (2 * k - g.top()) * largestCode;
      }
    lowest = std::min(lowest, low);
    highest = std::max(highest, high);
    largest = std::max(largest, std::accumulate(products[o].begin(), products[o].end(), int64_t(0)));
  }
  if (largest > maxWord) {
    why = "the sum of an output's lookups may not fit into 16 bits";
    return std::nullopt;
  }
  g.fitsWords = lowest >= INT16_MIN && highest <= INT16_MAX;
  g.lookupsPerFlush = lookupsPerByte(products, g.runTaps() * g.groups);
  return g;
}

} // namespace n2uq
