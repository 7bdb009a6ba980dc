// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Depthwise convolution: vectors run over channels, a tile is M pixels of a row. Codes and weights are widened to 32
// bits; the back end sees how small they are and takes its cheapest multiplication.
#include "Depthwise.h"
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

constexpr int64_t tilePixels = 4;

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  Operation *root = kernel.getRoot();
  if (isa_and_nonnull<PackedDepthwiseConv2DOp>(root))
    return true;
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  if (conv && static_cast<int64_t>(conv.getGroups()) == channelsOf(conv.getInput()) &&
      channelsOf(conv.getInput()) == channelsOf(conv.getResult()))
    return true;
  why = "its root is not a depthwise convolution of codes with one output per channel";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  ImageShape out(root->getResult(0).getType());
  Plan plan;
  plan.lanes = target.lanes();
  plan.tile = {rowsPerItem(out.height, 1), std::min(tilePixels, out.width)};
  plan.weightBytes = double(macsOf(kernel)) / (out.height * out.width);
  plan.cycles = macsOf(kernel) / double(plan.lanes) * 4;
  return plan;
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto conv = cast<PackedDepthwiseConv2DOp>(kernel.getRoot());
  Window window = conv.getWindow();
  ImageShape out(conv.getType());
  auto tile = kernel.getStrategy()->getTile();
  int64_t m = std::min(tile[1], out.width), rowChannels = memoryChannels(out.channels);
  Access in = e.read(conv.getInput());
  Value weights = weightData(e, conv.getPacked());

  ItemPart part = partOf(e, out.height, tile[0], rowChannels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), rowChannels);
  VectorType bytes = e.vector(e.b.getI8Type(), e.lanes);
  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    e.loop(e.number(0), e.number(rowChannels / e.lanes), [&](Value v) {
      Value channel = e.mul(v, e.lanes);
      e.loop(e.number(0), e.number(ceilDiv(out.width, m)), [&](Value t) {
        Value x = e.min(e.mul(t, m), e.number(out.width - m));
        Value corner = e.at(windowCorner(e, in, window, y, x), channel);
        SmallVector<Value> accumulators(m, e.splat(int32_t(0)));
        accumulators = e.loop(e.number(0), e.number(window.kernel[0]), accumulators, [&](Value kh, ValueRange rowAccs) {
          Value rowCodes = e.at(corner, e.mul(kh, window.dilations[0] * in.row));
          Value rowWeights = e.at(weights, e.add(e.mul(kh, window.kernel[1] * rowChannels), channel));
          return e.loop(e.number(0), e.number(window.kernel[1]), rowAccs, [&](Value kw, ValueRange accs) {
            Value c = e.at(rowCodes, e.mul(kw, window.dilations[1] * in.pixel));
            Value w = arith::ExtSIOp::create(e.b, e.ints(), e.load(bytes, e.at(rowWeights, e.mul(kw, rowChannels)), 1));
            SmallVector<Value> next(accs.begin(), accs.end());
            for (int64_t i = 0; i < m; ++i) {
              Value code =
                  arith::ExtUIOp::create(e.b, e.ints(), e.load(bytes, e.at(c, i * window.strides[1] * in.pixel), 1));
              next[i] = arith::AddIOp::create(e.b, next[i], arith::MulIOp::create(e.b, code, w));
            }
            return next;
          });
        });
        e.finish(accumulators, y, x, m, channel);
      });
    });
  });
}

} // namespace

namespace n2uq {
LogicalResult packDepthwise(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<Conv2DOp>(kernel.getRoot());
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getFilter());
  if (!filter)
    return conv.emitOpError() << "expects a constant filter";
  Window window = conv.getWindow();
  int64_t channels = channelsOf(conv.getInput()), rowChannels = memoryChannels(channels);
  int64_t taps = window.kernel[0] * window.kernel[1];
  FailureOr<int64_t> elements = packedElements(conv, {taps, rowChannels});
  if (failed(elements))
    return failure();
  std::vector<int8_t> packed(*elements, 0);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t tap = 0; tap < taps; ++tap)
      packed[tap * rowChannels + c] = (*filter)[c * taps + tap];
  rewriter.setInsertionPoint(kernel);
  Value constant =
      createBytes(rewriter, conv.getLoc(), {window.kernel[0], window.kernel[1], rowChannels}, packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedDepthwiseConv2DOp>(conv, conv.getType(), conv.getInput(), constant,
                                                       conv.getStrides(), conv.getPadding(), conv.getDilations());
  return success();
}

extern const KernelFamily depthwise = {"depthwise", 2, mayRun, plan, packDepthwise, depthwiseItems, emit};
} // namespace n2uq
