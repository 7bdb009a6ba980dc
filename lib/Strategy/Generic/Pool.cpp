// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pools: vectors run over channels, one output pixel at a time, its window clipped to the image.
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<MaxPoolOp, AvgPoolOp>(kernel.getRoot()))
    return true;
  why = "its root is not a pool";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  ImageShape out(root->getResult(0).getType());
  Window window = isa<MaxPoolOp>(root) ? cast<MaxPoolOp>(root).getWindow() : cast<AvgPoolOp>(root).getWindow();
  Plan plan;
  plan.lanes = target.lanes();
  plan.tile = {rowsPerItem(out.height, 1)};
  plan.cycles = double(out.height) * out.width * memoryChannels(out.channels) / plan.lanes * window.kernel[0] *
                window.kernel[1] * 2;
  return plan;
}

int64_t items(KernelOp kernel) {
  return ceilDiv(ImageShape(kernel.getRoot()->getResult(0).getType()).height, kernel.getStrategy()->getTile()[0]);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  Operation *root = kernel.getRoot();
  auto maxPool = dyn_cast<MaxPoolOp>(root);
  Window window = maxPool ? maxPool.getWindow() : cast<AvgPoolOp>(root).getWindow();
  Value source = root->getOperand(0);
  ImageShape in(source.getType()), out(root->getResult(0).getType());
  Access input = e.read(source);
  int64_t rows = kernel.getStrategy()->getTile()[0];
  bool floats = input.element.isF32();

  ItemPart part = partOf(e, out.height, rows, memoryChannels(out.channels));
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), memoryChannels(out.channels));

  /// Taps of the window at output `index` that lie inside of the image.
  auto clip = [&](unsigned axis, Value index, int64_t extent) {
    Value origin = e.add(e.mul(index, window.strides[axis]), -window.before[axis]);
    Value negative = arith::SubIOp::create(e.b, e.number(0), origin);
    Value first = e.max(negative, e.number(0));
    Value last = e.min(e.add(negative, extent), e.number(window.kernel[axis]));
    return std::make_tuple(origin, first, last);
  };
  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    auto [originY, khFirst, khLast] = clip(0, y, in.height);
    e.loop(e.number(0), e.number(out.width), [&, originY = originY, khFirst = khFirst, khLast = khLast](Value x) {
      auto [originX, kwFirst, kwLast] = clip(1, x, in.width);
      Value corner = e.pixelAddress(input, originY, originX);
      e.loop(e.number(0), e.number(ceilDiv(out.channels, e.lanes)), [&, kwFirst = kwFirst, kwLast = kwLast](Value v) {
        Value channel = e.mul(v, e.lanes);
        // Every window meets the image; what a maximum starts from is never the result but for equal elements.
        Value start = !maxPool ? e.splat(0.0f)
                      : floats ? e.splat(-std::numeric_limits<float>::infinity())
                               : e.splat(std::numeric_limits<int32_t>::min());
        SmallVector<Value> acc = e.loop(khFirst, khLast, ValueRange{start}, [&](Value kh, ValueRange rowAcc) {
          Value row = e.at(corner, e.mul(kh, input.row));
          return e.loop(kwFirst, kwLast, rowAcc, [&](Value kw, ValueRange tapAcc) {
            Value tap = e.loadVector(input, e.at(row, e.mul(kw, input.pixel)), channel);
            Value next;
            if (!maxPool)
              next = arith::AddFOp::create(e.b, tapAcc[0], tap);
            else if (floats)
              next = arith::MaximumFOp::create(e.b, tapAcc[0], tap);
            else
              next = arith::MaxSIOp::create(e.b, tapAcc[0], tap);
            return SmallVector<Value>{next};
          });
        });
        if (!maxPool)
          acc[0] = arith::DivFOp::create(e.b, acc[0], e.splat(float(window.kernel[0] * window.kernel[1])));
        e.finish({acc[0]}, y, x, 1, channel);
      });
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily pool = {"pool", 1, mayRun, plan, nullptr, items, emit};
} // namespace n2uq
