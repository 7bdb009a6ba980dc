// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements from listed places. Vectors run over channels where those stay in their order, else one element at a time.
// Places are read from tables; -1 is read as place 0 and its element replaced, so that no load leaves the image.
#include "../Contraction.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (isa_and_nonnull<GatherOp>(kernel.getRoot()))
    return true;
  why = "its root does not gather";
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  auto root = cast<GatherOp>(kernel.getRoot());
  ImageShape out(root.getType());
  Plan plan;
  plan.lanes = root.getChannels().empty() ? target.lanes() : 1;
  plan.tile = {1};
  plan.cycles = double(out.height) * out.width * memoryChannels(out.channels) / plan.lanes * 2;
  return plan;
}

int64_t items(KernelOp kernel) { return ImageShape(kernel.getRoot()->getResult(0).getType()).height; }

/// Where element `index` of a list comes from, and whether it is a -1; the index itself and null without a list.
struct Place {
  Value from, isFill;
};

Place placeOf(ItemEmitter &e, GatherOp op, ArrayRef<int64_t> list, int64_t form, Value index, int64_t length) {
  if (list.empty())
    return {index, {}};
  Value table = e.data(
      op.getResult(),
      [&] {
        // Memory has room for more channels than there are: these are filled like places outside of the image.
        std::vector<int64_t> places(list.begin(), list.end());
        places.resize(length, -1);
        std::vector<char> bytes(places.size() * sizeof(int64_t));
        std::memcpy(bytes.data(), places.data(), bytes.size());
        return bytes;
      },
      form);
  Value place = e.load(e.b.getI64Type(), e.at(table, e.mul(index, sizeof(int64_t))), sizeof(int64_t));
  // A list without a -1 needs no replacement; one that is filled up has one.
  bool hasFill = length > static_cast<int64_t>(list.size()) || llvm::is_contained(list, -1);
  if (!hasFill)
    return {place, {}};
  return {e.max(place, e.number(0)), arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, place, e.number(0))};
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto root = cast<GatherOp>(kernel.getRoot());
  ImageShape out(root.getType());
  Access input = e.read(root.getInput());
  float number = root.getFill().convertToFloat();
  Value fill = input.element.isF32() ? e.splat(number) : e.splat(static_cast<int32_t>(number));
  Value y = e.item;
  e.clearBorder(y, e.add(y, 1), e.number(0), memoryChannels(out.channels));
  int64_t channels = memoryChannels(out.channels);
  Place row = placeOf(e, root, root.getRows(), 0, y, out.height);
  e.loop(e.number(0), e.number(out.width), [&](Value x) {
    Place column = placeOf(e, root, root.getColumns(), 1, x, out.width);
    Value pixel = e.pixelAddress(input, row.from, column.from);
    e.loop(e.number(0), e.number(ceilDiv(channels, e.lanes)), [&](Value v) {
      Value channel = e.mul(v, e.lanes);
      Place from = placeOf(e, root, root.getChannels(), 2, channel, channels);
      Value element = e.loadVector(input, pixel, from.from);
      for (Value isFill : {row.isFill, column.isFill, from.isFill})
        if (isFill)
          element = arith::SelectOp::create(e.b, isFill, fill, element);
      e.finish({element}, y, x, 1, channel);
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily gather = {"gather", 1, mayRun, plan, nullptr, items, emit};
} // namespace n2uq
