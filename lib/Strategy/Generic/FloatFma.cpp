// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float convolution in the order that its op fixes: vectors run over output channels, so every output adds its own taps
// one after the other.
//
// Taps outside of the image are left out, not multiplied with zero: -0 and a weight that is not finite would tell. Rows
// of the window are clipped to the image for every output row; columns are clipped at the few outputs on the left and
// on the right, and the outputs between them see the whole window.
#include "../StemRows.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<FloatConv2DOp, PackedFloatConv2DOp>(kernel.getRoot()))
    return fitsPool(kernel, why);
  why = "its root is not a float convolution";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  auto conv = dyn_cast<FloatConv2DOp>(root);
  ImageShape out(root->getResult(0).getType());
  Plan plan;
  bool grouped = conv ? conv.getGroups() > 1 : cast<PackedFloatConv2DOp>(root).getGroups() > 1;
  plan.lanes = grouped ? 1 : target.lanes();
  int64_t vectors = memoryChannels(out.channels) / plan.lanes;
  if (grouped) {
    plan.tile = {1, 1, 1};
  } else {
    int64_t n = vectors % 2 == 0 ? 2 : 1;
    int64_t m = std::min<int64_t>(out.width, target.vectorRegisters() == 32 ? 8 : 5);
    plan.tile = {1, m, n};
  }
  plan.cycles = macsOf(kernel) / double(plan.lanes) * (target.hasFma() ? 1 : 16);
  plan.tile[0] = kernel.getPool() ? stemRowsPerItem(kernel) : rowsPerItem(out.height, ceilDiv(vectors, plan.tile[2]));
  return plan;
}

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<FloatConv2DOp>(kernel.getRoot());
  std::optional<std::vector<float>> filter = constantFloats(conv.getFilter());
  if (!filter)
    return conv.emitOpError() << "expects a constant filter";
  ImageShape out(conv.getResult().getType());
  Window window = conv.getWindow();
  int64_t block = kernel.getStrategy()->getLanes() * kernel.getStrategy()->getTile()[2];
  int64_t blocks = ceilDiv(out.channels, block);
  int64_t taps = window.kernel[0] * window.kernel[1] * (channelsOf(conv.getInput()) / window.groups);
  FailureOr<int64_t> elements = packedElements(conv, {blocks, taps, block});
  if (failed(elements))
    return failure();
  std::vector<float> packed(*elements, 0.0f);
  for (int64_t o = 0; o < out.channels; ++o)
    for (int64_t tap = 0; tap < taps; ++tap)
      packed[(o / block * taps + tap) * block + o % block] = (*filter)[o * taps + tap];
  rewriter.setInsertionPoint(kernel);
  Value constant =
      createFloats(rewriter, conv.getLoc(),
                   {blocks, window.kernel[0], window.kernel[1], taps / window.kernel[0] / window.kernel[1], block},
                   packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedFloatConv2DOp>(conv, conv.getType(), conv.getInput(), constant, conv.getStrides(),
                                                   conv.getPadding(), conv.getDilations(), conv.getGroups());
  return success();
}

int64_t items(KernelOp kernel) {
  ImageShape out = rowsOf(kernel);
  auto tile = kernel.getStrategy()->getTile();
  int64_t blocks = kernel.getPool() ? 1 : ceilDiv(out.channels, kernel.getStrategy()->getLanes() * tile[2]);
  return blocks * ceilDiv(out.height, tile[0]);
}

int64_t scratch(KernelOp kernel) { return kernel.getPool() ? pooledRowsBytes(kernel.getPool()) : 0; }

/// Taps [first, last) of the window at `origin` (row or column of tap 0) that lie inside of an image of `extent`.
std::pair<Value, Value> clippedTaps(ItemEmitter &e, Value origin, int64_t extent, int64_t taps, int64_t dilation) {
  // first = ceil(max(-origin, 0) / d), last = ceil(max(extent - origin, 0) / d), both held to [0, taps].
  auto ceilTo = [&](Value distance) { return e.divide(e.add(e.max(distance, e.number(0)), dilation - 1), dilation); };
  Value negative = arith::SubIOp::create(e.b, e.number(0), origin);
  Value first = e.min(ceilTo(negative), e.number(taps));
  Value last = e.min(ceilTo(e.add(negative, extent)), e.number(taps));
  return {first, e.max(first, last)};
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto conv = cast<PackedFloatConv2DOp>(kernel.getRoot());
  Window window = conv.getWindow();
  ImageShape in(conv.getInput().getType()), out(conv.getType());
  auto tile = kernel.getStrategy()->getTile();
  int64_t m = std::min(tile[1], out.width), n = tile[2], block = e.lanes * n;
  int64_t groupIn = in.channels / window.groups, groupOut = out.channels / window.groups;
  Access input = e.read(conv.getInput());

  // Behind a pool a work item computes all channels of its rows, else one block of them.
  int64_t itemChannels = kernel.getPool() ? memoryChannels(out.channels) : block;
  ItemPart part = partOf(e, rowsOf(kernel).height, tile[0], itemChannels);
  int64_t tapBytes = groupIn * block * 4;
  e.clearBorder(part.firstRow, part.lastRow, part.channel, itemChannels);

  /// `pixels` outputs from (y, x) on, with taps [kwFirst, kwLast) of every row of the window.
  auto emitTile = [&](const RowSink &sink, Value channel, Value weights, Value y, Value x, int64_t pixels,
                      Value kwFirst, Value kwLast) {
    Value image = e.at(input.base, e.mul(e.divide(channel, groupOut), window.groups > 1 ? groupIn * input.channel : 0));
    Value originRow = e.add(e.mul(y, window.strides[0]), -window.before[0]);
    auto [khFirst, khLast] = clippedTaps(e, originRow, in.height, window.kernel[0], window.dilations[0]);
    Value corner = e.at(image, e.add(e.mul(originRow, input.row),
                                     e.mul(e.add(e.mul(x, window.strides[1]), -window.before[1]), input.pixel)));
    SmallVector<Value> accumulators(pixels * n, e.splat(0.0f));
    accumulators = e.loop(khFirst, khLast, accumulators, [&](Value kh, ValueRange rowAccs) {
      Value row = e.at(corner, e.mul(kh, window.dilations[0] * input.row));
      Value rowWeights = e.at(weights, e.mul(kh, window.kernel[1] * tapBytes));
      return e.loop(kwFirst, kwLast, rowAccs, [&](Value kw, ValueRange tapAccs) {
        Value tap = e.at(row, e.mul(kw, window.dilations[1] * input.pixel));
        Value tapWeights = e.at(rowWeights, e.mul(kw, tapBytes));
        return e.loop(e.number(0), e.number(groupIn), tapAccs, [&](Value c, ValueRange accs) {
          Value w = e.at(tapWeights, e.mul(c, block * 4)), source = e.at(tap, e.mul(c, input.channel));
          SmallVector<Value> vectors, next(accs.begin(), accs.end());
          for (int64_t j = 0; j < n; ++j)
            vectors.push_back(e.load(e.floats(), e.at(w, j * e.lanes * 4), e.lanes * 4));
          for (int64_t i = 0; i < pixels; ++i) {
            Value scalar = e.load(e.b.getF32Type(), e.at(source, i * window.strides[1] * input.pixel), 4);
            Value number = vector::BroadcastOp::create(e.b, e.floats(), scalar);
            for (int64_t j = 0; j < n; ++j)
              next[i * n + j] = math::FmaOp::create(e.b, number, vectors[j], next[i * n + j]);
          }
          return next;
        });
      });
    });
    sink(accumulators, n, x, pixels, channel);
  };

  // Outputs [inner, outer) of a row see all columns of the window.
  int64_t inner = std::min(ceilDiv(window.before[1], window.strides[1]), out.width);
  int64_t fitting = in.width + window.before[1] - window.reach(1); // the last origin that fits, plus the padding
  int64_t outer = fitting < 0 ? inner : std::clamp(fitting / window.strides[1] + 1, inner, out.width);
  Value packed = weightData(e, conv.getPacked());
  emitStemRows(kernel, e, part, e.scratch(), [&](Value y, RowSink sink) {
    e.loop(e.number(0), e.number(ceilDiv(std::min(out.channels, itemChannels), block)), [&](Value index) {
      Value channel = e.add(part.channel, e.mul(index, block));
      Value weights = e.at(packed, e.mul(e.add(part.block, index), window.kernel[0] * window.kernel[1] * tapBytes));
      auto clipped = [&](Value x) {
        Value origin = e.add(e.mul(x, window.strides[1]), -window.before[1]);
        auto [first, last] = clippedTaps(e, origin, in.width, window.kernel[1], window.dilations[1]);
        emitTile(sink, channel, weights, y, x, 1, first, last);
      };
      int64_t pixels = std::min(m, outer - inner);
      e.loop(e.number(0), e.number(inner), clipped);
      if (pixels > 0)
        e.loop(e.number(0), e.number(ceilDiv(outer - inner, pixels)), [&](Value t) {
          Value x = e.min(e.add(e.mul(t, pixels), inner), e.number(outer - pixels));
          emitTile(sink, channel, weights, y, x, pixels, e.number(0), e.number(window.kernel[1]));
        });
      e.loop(e.number(outer), e.number(out.width), clipped);
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily floatFma = {"float_fma", 3, mayRun, plan, pack, items, emit, scratch};
} // namespace n2uq
