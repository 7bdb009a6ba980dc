// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moves, which carry bytes that are not initialised along: mov (packing and unpacking too), cvta.
#include "Builder.h"

using namespace n2uq::ptx;

namespace {
void runMove(Warp &warp, const Instruction &in, Mask mask) {
  const uint64_t *a = warp.values(in.op[1]);
  const uint8_t *from = warp.defined(in.op[1]);
  uint64_t *d = warp.values(in.op[0]);
  uint8_t *to = warp.defined(in.op[0]);
  each(mask, [&](uint32_t lane) {
    d[lane] = a[lane];
    to[lane] = from[lane];
  });
}

/// {a, b, …} of `bytes` each -> d, the first one lowest.
void runPack(Warp &warp, const Instruction &in, Mask mask) {
  uint64_t keep = (uint64_t(1) << 8 * in.bytes) - 1;
  uint64_t *d = warp.values(in.op[0]);
  uint8_t *to = warp.defined(in.op[0]);
  each(mask, [&](uint32_t lane) {
    uint64_t value = 0;
    uint8_t marks = 0;
    for (uint32_t i = 0; i < in.count; ++i) {
      value |= (warp.values(in.op[1 + i])[lane] & keep) << (8 * in.bytes * i);
      marks |= static_cast<uint8_t>((warp.defined(in.op[1 + i])[lane] & lowBytes(in.bytes)) << (in.bytes * i));
    }
    d[lane] = value;
    to[lane] = marks;
  });
}

/// a -> {d, e, …}: the parts are read before one of them is written.
void runUnpack(Warp &warp, const Instruction &in, Mask mask) {
  const uint64_t *a = warp.values(in.op[0]);
  const uint8_t *from = warp.defined(in.op[0]);
  uint64_t keep = (uint64_t(1) << 8 * in.bytes) - 1;
  each(mask, [&](uint32_t lane) {
    uint64_t value = a[lane];
    uint8_t marks = from[lane];
    for (uint32_t i = 0; i < in.count; ++i) {
      warp.values(in.op[1 + i])[lane] = value >> (8 * in.bytes * i) & keep;
      warp.defined(in.op[1 + i])[lane] = marks >> (in.bytes * i) & lowBytes(in.bytes);
    }
  });
}

/// Adds the begin of a window, or takes it away.
void runWindow(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(in.bytes));
  uint64_t keep = in.bytes == 8 ? ~uint64_t(0) : 0xffffffffu;
  const uint64_t *a = warp.values(in.op[1]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) { d[lane] = (a[lane] & keep) + static_cast<uint64_t>(in.immediate); });
  warp.define(in.op[0], mask);
}
} // namespace

static void move(Builder &builder) {
  Type type = builder.type();
  builder.expectOperands(2);
  bool packs = builder.operand(1).kind == Operand::Vector, unpacks = builder.operand(0).kind == Operand::Vector;
  if (packs && unpacks)
    builder.fail("has {…} on both sides");
  if (type.bytes == 1 && type.kind != 'p')
    builder.fail("is not known for type " + type.text());
  if (!packs && !unpacks) {
    builder.out.run = runMove;
    builder.uniformOperands(type, 1);
    return;
  }
  auto &parts = builder.vector(packs ? 1 : 0, 2, 4);
  size_t bytes = type.bytes / parts.size();
  if (bytes * parts.size() != type.bytes || bytes < 1 || type.kind == 'p')
    builder.fail("cannot divide type " + type.text() + " by " + std::to_string(parts.size()));
  Type part = {'b', static_cast<uint8_t>(bytes)};
  builder.out.bytes = part.bytes;
  builder.out.count = static_cast<uint8_t>(parts.size());
  builder.out.run = packs ? runPack : runUnpack;
  builder.out.op[0] = packs ? builder.destination(size_t(0), type) : builder.source(1, type);
  for (size_t i = 0; i < parts.size(); ++i)
    builder.out.op[1 + i] = packs ? builder.source(parts[i], part) : builder.destination(parts[i], part);
}

static void convertAddress(Builder &builder) {
  bool back = builder.take("to");
  int space = builder.takeOneOf({"global", "const", "shared", "local"});
  if (space < 0)
    builder.fail("has no state space that is known");
  Type type = builder.type();
  if (!(type == "u64"))
    builder.fail("is known for .u64 only");
  uint64_t window = space == 2 ? sharedWindow : space == 3 ? localWindow : 0;
  builder.out.immediate = static_cast<int64_t>(back ? -window : window);
  builder.out.bytes = type.bytes;
  builder.out.run = runWindow;
  builder.uniformOperands(type, 1);
}

bool n2uq::ptx::buildMove(Builder &builder) {
  if (builder.mnemonic == "mov")
    move(builder);
  else if (builder.mnemonic == "cvta")
    convertAddress(builder);
  else
    return false;
  return true;
}
