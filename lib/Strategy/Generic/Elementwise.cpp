// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels without a root: everything works element by element on what other kernels left in memory.
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (!kernel.getRoot())
    return true;
  why = "it has a root";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  ImageShape out(kernel.getResult(0).getType());
  Plan plan;
  plan.lanes = target.lanes();
  plan.tile = {rowsPerItem(out.height, 1)};
  plan.cycles = double(out.height) * out.width * memoryChannels(out.channels) / plan.lanes * 10;
  return plan;
}

int64_t items(KernelOp kernel) {
  return ceilDiv(ImageShape(kernel.getResult(0).getType()).height, kernel.getStrategy()->getTile()[0]);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  ImageShape out(kernel.getResult(0).getType());
  int64_t rows = kernel.getStrategy()->getTile()[0];
  ItemPart part = partOf(e, out.height, rows, memoryChannels(out.channels));
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), memoryChannels(out.channels));
  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    e.loop(e.number(0), e.number(out.width), [&](Value x) {
      e.loop(e.number(0), e.number(ceilDiv(out.channels, e.lanes)),
             [&](Value v) { e.finish({}, y, x, 1, e.mul(v, e.lanes)); });
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily elementwise = {"elementwise", 1, mayRun, plan, nullptr, items, emit};
} // namespace n2uq
