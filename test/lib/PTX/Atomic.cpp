// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// atom and red on integers. (Sums of floats depend on an order that a GPU does not promise: they are not known.) Also
// the fences, which order accesses for other threads of the device; this machine has one memory, in one order. Races on
// shared memory are looked for between barriers only: a fence does not end them.
#include "Spaces.h"

#include <algorithm>

using namespace n2uq::ptx;

namespace {
enum Operation : uint8_t { Add, Min, Max, And, Or, Xor, Exchange, CompareAndSwap };

uint64_t combine(uint8_t operation, Type type, uint64_t old, uint64_t b, uint64_t c) {
  auto extended = [&](uint64_t value) {
    uint32_t unused = 64 - 8u * type.bytes;
    return static_cast<int64_t>(value << unused) >> unused;
  };
  bool less = type.kind == 's' ? extended(b) < extended(old) : b < old;
  switch (operation) {
  case Add:
    return old + b;
  case Min:
    return less ? b : old;
  case Max:
    return less ? old : b;
  case And:
    return old & b;
  case Or:
    return old | b;
  case Xor:
    return old ^ b;
  case Exchange:
    return b;
  default:
    return old == b ? c : old;
  }
}

/// `flag`: the space; `flag2`: the operation, with 0x80 where the type is signed. op: d, address, b, c. Lanes go one
/// after another.
void runAtomic(Warp &warp, const Instruction &in, Mask mask) {
  Type type = {in.flag2 & 0x80 ? 's' : 'u', in.bytes};
  uint8_t operation = in.flag2 & 0x7f;
  warp.need(in, in.op[1], mask, lowBytes(in.narrowAddress ? 4 : 8));
  warp.need(in, in.op[2], mask, lowBytes(in.bytes));
  if (operation == CompareAndSwap)
    warp.need(in, in.op[3], mask, lowBytes(in.bytes));
  warp.fenced = true;
  uint64_t keep = in.bytes == 8 ? ~uint64_t(0) : 0xffffffffu;
  each(mask, [&](uint32_t lane) {
    uint64_t address = addressOf(warp, in, in.op[1], lane);
    Space space = static_cast<Space>(in.flag);
    if (space == Generic)
      space = resolve(address);
    checkAlignment(warp, in, lane, address, in.bytes);
    std::lock_guard<std::mutex> lock(warp.state.memory.atomics);
    uint32_t defined = lowBits(in.bytes);
    uint8_t *place;
    if (space == Shared) {
      std::string wrong = warp.block.shared.atomic(address, in.bytes, warp.thread(lane), defined);
      if (!wrong.empty())
        warp.fault(in, lane, sharedText("changes", in.bytes, address) + wrong);
      place = warp.block.shared.at(address);
    } else if (space == Global) {
      DevicePlace device = deviceMemory(warp, in, lane, address, in.bytes, Access::Atomic);
      place = device.data;
      for (uint32_t i = 0; i < in.bytes; ++i)
        if (!device.defined[i])
          defined = 0;
    } else {
      warp.fault(in, lane, "is atomic on memory of the thread alone");
    }
    if (defined != lowBits(in.bytes))
      warp.fault(in, lane, "reads memory that is not initialised");
    uint64_t old = 0;
    std::memcpy(&old, place, in.bytes);
    uint64_t result =
        combine(operation, type, old, warp.values(in.op[2])[lane] & keep, warp.values(in.op[3])[lane] & keep);
    std::memcpy(place, &result, in.bytes);
    warp.values(in.op[0])[lane] = old;
    warp.defined(in.op[0])[lane] = 0xff;
  });
}
} // namespace

static void fence(Builder &builder) {
  if (builder.mnemonic == "membar") {
    if (builder.takeOneOf({"cta", "gl", "sys"}) < 0)
      builder.fail("has no level that is known");
  } else {
    if (builder.takeOneOf({"sc", "acq_rel", "acquire", "release"}) < 0 ||
        builder.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0)
      builder.fail("has an order or a scope that is not known");
  }
  builder.expectOperands(0);
  builder.out.run = [](Warp &warp, const Instruction &, Mask) { warp.fenced = true; };
}

bool n2uq::ptx::buildAtomic(Builder &builder) {
  if (builder.mnemonic == "membar" || builder.mnemonic == "fence") {
    fence(builder);
    return true;
  }
  bool returns = builder.mnemonic == "atom";
  if (!returns && builder.mnemonic != "red")
    return false;
  builder.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  builder.takeOneOf({"cta", "cluster", "gpu", "sys"});
  std::string space = takeSpace(builder);
  int operation = builder.takeOneOf({"add", "min", "max", "and", "or", "xor", "exch", "cas"});
  if (operation < 0)
    builder.fail("has no operation that is known");
  Type type = builder.type();
  if (type.kind == 'f' || type.kind == 'p' || type.bytes < 4)
    builder.fail("is not known for type " + type.text());
  size_t first = returns ? 1 : 0;
  builder.expectOperands(first + (operation == CompareAndSwap ? 3 : 2));
  builder.out.op[0] = returns ? builder.destination(size_t(0), type) : builder.namesHere().sink();
  builder.address(builder.operand(first), 1, space);
  builder.out.op[2] = builder.source(first + 1, type);
  builder.out.op[3] = operation == CompareAndSwap ? builder.source(first + 2, type) : builder.out.op[2];
  builder.out.bytes = type.bytes;
  builder.out.flag = spaceOf(builder, space);
  builder.out.flag2 = static_cast<uint8_t>(operation | (type.kind == 's' ? 0x80 : 0));
  builder.out.run = runAtomic;
  return true;
}
