// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Depthwise convolution by products of pairs of bytes, in sums of 16 bits.
//
// A vector holds the codes of as many channels as it has bytes. The taps go in pairs: the bytes of two taps are
// interleaved in registers, so that both of a channel stand side by side, and one instruction multiplies them with the
// channel's two weights and adds. Interleaving works within 16 bytes; the sums of the low and the high halves are put
// into the order of the channels once, at the end.
//
//   sums[low][i]  = sum over pairs (s, t) of taps of  codes[s][c] * w[s][c] + codes[t][c] * w[t][c],  c = 16*(i/8) +
//   i%8 sums[high][i] = the same with c = 16*(i/8) + 8 + i%8
//
// Channels are covered by blocks of the widest vectors first and of halves and quarters for the rest, none of them
// twice.
//
// Every sum of some of a channel's products lies between top * (its negative weights) and top * (its positive ones);
// where these are numbers of 16 bits nothing wraps around or saturates on the way.
#include "../Contraction.h"
#include "Depthwise.h"

using namespace mlir;
using namespace n2uq;

namespace {

constexpr int64_t tilePixels = 4;

/// `count` blocks of as many channels as `bytes`, from `channel` on.
struct Blocks {
  int64_t channel, bytes, count;
};

/// The channels of a row in memory (whole units of 16) as blocks of at most a vector of codes.
SmallVector<Blocks> blocksOf(int64_t lanes, int64_t rowChannels) {
  SmallVector<Blocks> all;
  int64_t channel = 0;
  for (int64_t bytes = lanes * 4; channel < rowChannels; bytes /= 2)
    if (int64_t count = (rowChannels - channel) / bytes) {
      all.push_back({channel, bytes, count});
      channel += count * bytes;
    }
  return all;
}

/// Two taps; the second of the last pair may be none.
struct TapPair {
  int64_t first;
  std::optional<int64_t> second;
};

/// The taps in pairs. One above the other where there are two rows: neighbouring pixels have columns in common, whose
/// bytes are then interleaved once for all of them. Taps of a row that is left over go side by side.
SmallVector<TapPair> tapPairs(const Window &window) {
  SmallVector<TapPair> pairs;
  int64_t height = window.kernel[0], width = window.kernel[1], row = 0;
  for (; row + 1 < height; row += 2)
    for (int64_t column = 0; column < width; ++column)
      pairs.push_back({row * width + column, (row + 1) * width + column});
  for (int64_t column = 0; row < height && column < width; column += 2)
    pairs.push_back(
        {row * width + column, column + 1 < width ? std::optional(row * width + column + 1) : std::nullopt});
  return pairs;
}

/// Whether the sums of all channels fit; \p weight gives that of a channel and tap.
template <typename Weight>
bool fits(int64_t channels, int64_t taps, int64_t top, Weight weight, std::string &why) {
  for (int64_t c = 0; c < channels; ++c) {
    int64_t lo = 0, hi = 0;
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t product = top * weight(c, tap);
      (product < 0 ? lo : hi) += product;
    }
    if (lo < INT16_MIN || hi > INT16_MAX) {
      why = "its sums reach [" + std::to_string(lo) + ", " + std::to_string(hi) + "], more than 16 bits hold";
      return false;
    }
  }
  return true;
}

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  Operation *root = kernel.getRoot();
  if (isa_and_nonnull<PackedDepthwiseConv2DOp>(root))
    return true;
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  if (!conv || static_cast<int64_t>(conv.getGroups()) != channelsOf(conv.getInput()) ||
      channelsOf(conv.getInput()) != channelsOf(conv.getResult())) {
    why = "its root is not a depthwise convolution of codes with one output per channel";
    return false;
  }
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getFilter());
  if (!filter) {
    why = "its filter is not constant";
    return false;
  }
  Window window = conv.getWindow();
  int64_t taps = window.kernel[0] * window.kernel[1];
  int64_t top = (int64_t(1) << codeBitsOf(conv.getInput().getType())) - 1;
  return fits(
      channelsOf(conv.getInput()), taps, top, [&](int64_t c, int64_t tap) { return (*filter)[c * taps + tap]; }, why);
}

LogicalResult verify(KernelOp kernel) {
  auto conv = cast<PackedDepthwiseConv2DOp>(kernel.getRoot());
  int64_t rowChannels = memoryChannels(channelsOf(conv.getInput()));
  auto packed = cast<ShapedType>(conv.getPacked().getType());
  if (packed.getDimSize(2) != rowChannels)
    return conv.emitOpError() << "expects a filter packed for rows of " << rowChannels << " channels";
  if (kernel.getStrategy()->getLanes() == 1)
    return kernel.emitOpError() << "expects vectors";
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getPacked());
  if (!filter)
    return conv.emitOpError() << "expects a constant filter";
  int64_t top = (int64_t(1) << codeBitsOf(conv.getInput().getType())) - 1;
  std::string why;
  if (!fits(
          rowChannels, packed.getDimSize(0) * packed.getDimSize(1), top,
          [&](int64_t c, int64_t tap) { return (*filter)[tap * rowChannels + c]; }, why))
    return kernel.emitOpError() << "cannot be computed in 16 bits: " << why;
  return success();
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  ImageShape out(root->getResult(0).getType());
  Window window = cast<Conv2DOp>(root).getWindow();
  Plan plan;
  plan.lanes = target.lanes();
  plan.tile = {rowsPerItem(out.height, 1), std::min(tilePixels, out.width)};
  plan.weightBytes = double(macsOf(kernel)) / (out.height * out.width);
  int64_t vectors = 0;
  for (const Blocks &blocks : blocksOf(plan.lanes, memoryChannels(out.channels)))
    vectors += blocks.count;
  // About eight instructions for each pair of taps, half a cycle each, and as many for putting the sums in order.
  double vector = 4.0 * static_cast<double>(tapPairs(window).size() + 1);
  plan.cycles = double(out.height) * out.width * vectors * vector;
  return plan;
}

/// Indices that interleave the low (or high) 8 of each 16 bytes of two vectors.
SmallVector<int64_t> interleaved(int64_t bytes, int64_t half) {
  SmallVector<int64_t> indices;
  for (int64_t i = 0; i < bytes / 2; ++i) {
    int64_t byte = i / 8 * 16 + half * 8 + i % 8;
    indices.push_back(byte);
    indices.push_back(bytes + byte);
  }
  return indices;
}

/// The filter in the order in which the sums want it: block of channels, pair, half, interleaved bytes.
std::vector<char> pairWeights(PackedDepthwiseConv2DOp conv, const Blocks &blocks) {
  std::vector<int8_t> packed = *constantBytes(conv.getPacked());
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t rowChannels = shape[2];
  std::vector<char> ordered;
  int64_t bytes = blocks.bytes;
  for (int64_t block = 0; block < blocks.count; ++block) {
    int64_t first = blocks.channel + block * bytes;
    for (const TapPair &pair : tapPairs(conv.getWindow()))
      for (int64_t half : {0, 1})
        for (int64_t index : interleaved(bytes, half)) {
          std::optional<int64_t> tap = index < bytes ? pair.first : pair.second;
          ordered.push_back(tap ? packed[*tap * rowChannels + first + index % bytes] : 0);
        }
  }
  return ordered;
}

/// Vector \p j of the sums as 32-bit numbers, in the order of the channels.
Value channelsInOrder(ItemEmitter &e, ArrayRef<Value> sums, int64_t bytes, int64_t j) {
  SmallVector<int64_t> indices;
  for (int64_t channel = j * e.lanes; channel < (j + 1) * e.lanes; ++channel)
    indices.push_back(channel % 16 / 8 * (bytes / 2) + channel / 16 * 8 + channel % 8);
  return arith::ExtSIOp::create(e.b, e.ints(), vector::ShuffleOp::create(e.b, sums[0], sums[1], indices));
}

/// The sums of one pixel's block, whose tap (0, 0) is at `corner`, as 32-bit numbers in the order of the channels.
SmallVector<Value> emitPixel(ItemEmitter &e, const Window &window, const Access &in, int64_t bytes, Value corner,
                             Value weights) {
  VectorType codesType = e.vector(e.b.getI8Type(), bytes), sumsType = e.vector(e.b.getI16Type(), bytes / 2);
  SmallVector<int64_t> halves[] = {interleaved(bytes, 0), interleaved(bytes, 1)};
  auto codesOf = [&](int64_t tap) {
    int64_t kh = tap / window.kernel[1], kw = tap % window.kernel[1];
    int64_t offset = kh * window.dilations[0] * in.row + kw * window.dilations[1] * in.pixel;
    return e.load(codesType, e.at(corner, offset), 16);
  };
  Value sums[2];
  for (auto [number, pair] : llvm::enumerate(tapPairs(window))) {
    Value first = codesOf(pair.first), second = pair.second ? codesOf(*pair.second) : first;
    for (int64_t half : {0, 1}) {
      Value codes = vector::ShuffleOp::create(e.b, first, second, halves[half]);
      Value w = e.load(codesType, e.at(weights, (2 * static_cast<int64_t>(number) + half) * bytes), bytes);
      Value sum = Dot2Op::create(e.b, sumsType, codes, w);
      sums[half] = number ? arith::AddIOp::create(e.b, sums[half], sum).getResult() : sum;
    }
  }
  SmallVector<Value> results;
  for (int64_t j = 0; j < ceilDiv(bytes, e.lanes); ++j)
    results.push_back(channelsInOrder(e, sums, bytes, j));
  return results;
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto conv = cast<PackedDepthwiseConv2DOp>(kernel.getRoot());
  Window window = conv.getWindow();
  ImageShape out(conv.getType());
  auto tile = kernel.getStrategy()->getTile();
  int64_t rowChannels = memoryChannels(out.channels), pairs = tapPairs(window).size();
  Access in = e.read(conv.getInput());

  ItemPart part = partOf(e, out.height, tile[0], rowChannels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), rowChannels);
  for (const Blocks &blocks : blocksOf(e.lanes, rowChannels)) {
    int64_t bytes = blocks.bytes, vectors = ceilDiv(bytes, e.lanes);
    // As many pixels more as vectors are narrower: what is loaded for all pixels of a tile is loaded less often.
    int64_t m = std::min(tile[1] * (e.lanes * 4 / bytes), out.width);
    Value weights = e.data(conv.getPacked(), [&] { return pairWeights(conv, blocks); }, /*form=*/bytes);
    e.loop(part.firstRow, part.lastRow, [&](Value y) {
      e.loop(e.number(0), e.number(blocks.count), [&](Value block) {
        Value channel = e.add(e.mul(block, bytes), blocks.channel);
        Value blockWeights = e.at(weights, e.mul(block, pairs * 2 * bytes));
        e.loop(e.number(0), e.number(ceilDiv(out.width, m)), [&](Value t) {
          Value x = e.min(e.mul(t, m), e.number(out.width - m));
          Value corner = e.at(windowCorner(e, in, window, y, x), channel);
          SmallVector<Value> results;
          for (int64_t i = 0; i < m; ++i)
            results.append(
                emitPixel(e, window, in, bytes, e.at(corner, i * window.strides[1] * in.pixel), blockWeights));
          e.finishTile(results, vectors, y, x, m, channel);
        });
      });
    });
  }
}

} // namespace

namespace n2uq {
extern const KernelFamily depthwisePairs = {"depthwise_i16", 2,    mayRun,  plan,  packDepthwise,
                                            depthwiseItems,  emit, nullptr, verify};
} // namespace n2uq
