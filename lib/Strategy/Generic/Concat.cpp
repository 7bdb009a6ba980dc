// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors side by side. Vectors run over channels where every input but the last fills whole units of them, so that
// each vector of the result comes from one input; else one element at a time.
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<ConcatOp>(kernel.getRoot()))
    return true;
  why = "its root does not concatenate";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  auto root = cast<ConcatOp>(kernel.getRoot());
  ImageShape out(root.getType());
  bool whole =
      llvm::all_of(root.getInputs().drop_back(), [](Value input) { return channelsOf(input) % channelUnit == 0; });
  Plan plan;
  plan.lanes = whole ? target.lanes() : 1;
  plan.tile = {rowsPerItem(out.height, 1)};
  plan.cycles = double(out.height) * out.width * memoryChannels(out.channels) / plan.lanes * 2;
  return plan;
}

int64_t items(KernelOp kernel) {
  return ceilDiv(ImageShape(kernel.getRoot()->getResult(0).getType()).height, kernel.getStrategy()->getTile()[0]);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto root = cast<ConcatOp>(kernel.getRoot());
  ImageShape out(root.getType());
  int64_t rows = kernel.getStrategy()->getTile()[0], channels = memoryChannels(out.channels);
  ItemPart part = partOf(e, out.height, rows, channels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), channels);
  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    e.loop(e.number(0), e.number(out.width), [&](Value x) {
      int64_t before = 0;
      for (Value input : root.getInputs()) {
        Access access = e.read(input);
        Value pixel = e.pixelAddress(access, y, x);
        e.loop(e.number(0), e.number(ceilDiv(channelsOf(input), e.lanes)), [&](Value v) {
          Value channel = e.mul(v, e.lanes);
          e.finish({e.loadVector(access, pixel, channel)}, y, x, 1, e.add(channel, before));
        });
        before += channelsOf(input);
      }
      // Channels that only memory has hold what a code may be.
      Value zero = getElementTypeOrSelf(root.getType()).isF32() ? e.splat(0.0f) : e.splat(int32_t(0));
      e.loop(e.number(ceilDiv(before, e.lanes)), e.number(channels / e.lanes),
             [&](Value v) { e.finish({zero}, y, x, 1, e.mul(v, e.lanes)); });
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily concat = {"concat", 1, mayRun, plan, nullptr, items, emit};
} // namespace n2uq
