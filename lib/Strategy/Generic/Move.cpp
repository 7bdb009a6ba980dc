// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that move elements: channels first to channels last, and an image to a row of features and back. One element at a
// time, unless nothing moves at all (an image of one pixel).
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<ToNHWCOp, FlattenOp, UnflattenOp>(kernel.getRoot()))
    return true;
  why = "its root does not move elements";
  return false;
}

bool keepsPlaces(Operation *root) {
  ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
  return !isa<ToNHWCOp>(root) && in.height * in.width * out.height * out.width == 1;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  Plan plan;
  plan.lanes = keepsPlaces(kernel.getRoot()) ? target.lanes() : 1;
  plan.tile = {1};
  plan.cycles = double(out.height) * out.width * out.channels / plan.lanes * 2;
  return plan;
}

int64_t items(KernelOp kernel) { return ImageShape(kernel.getRoot()->getResult(0).getType()).height; }

void emit(KernelOp kernel, ItemEmitter &e) {
  Operation *root = kernel.getRoot();
  ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
  // read() gives the network's input behind its to_nhwc as an image with channels last, whatever its strides are.
  Access input = e.read(isa<ToNHWCOp>(root) ? root->getResult(0) : root->getOperand(0));
  Value y = e.item;
  e.clearBorder(y, e.add(y, 1), e.number(0), memoryChannels(out.channels));
  e.loop(e.number(0), e.number(out.width), [&](Value x) {
    e.loop(e.number(0), e.number(ceilDiv(out.channels, e.lanes)), [&](Value v) {
      Value channel = e.mul(v, e.lanes), fromY = y, fromX = x, from = channel;
      if (isa<FlattenOp>(root) && !keepsPlaces(root)) {
        fromX = e.modulo(channel, in.width);
        Value rows = e.divide(channel, in.width);
        fromY = e.modulo(rows, in.height);
        from = e.divide(rows, in.height);
      } else if (isa<UnflattenOp>(root)) {
        fromY = fromX = e.number(0);
        from = e.add(e.mul(e.add(e.mul(channel, out.height), y), out.width), x);
      }
      e.finish({e.loadVector(input, e.pixelAddress(input, fromY, fromX), from)}, y, x, 1, channel);
    });
    // Channels that only memory has hold what a code may be.
    if (codeBitsOf(root->getResult(0).getType()))
      e.loop(e.number(ceilDiv(out.channels, e.lanes)), e.number(memoryChannels(out.channels) / e.lanes),
             [&](Value v) { e.finish({e.splat(int32_t(0))}, y, x, 1, e.mul(v, e.lanes)); });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily move = {"move", 1, mayRun, plan, nullptr, items, emit};
} // namespace n2uq
