// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ld and st, in every width, as vectors too. Bytes that are not initialised are carried, not refused: vectors and
// registers have parts that nobody looks at.
#include "Spaces.h"

using namespace n2uq::ptx;

/// The largest vector: .v8.b32, .v4.b64.
static constexpr uint32_t maxVectorBytes = 32;

/// `flag`: the space; `flag2`: the type is signed.
static void runLoad(Warp &warp, const Instruction &in, Mask mask) {
  Reg base = in.op[in.count];
  warp.need(in, base, mask, lowBytes(in.narrowAddress ? 4 : 8));
  uint32_t total = in.count * in.bytes;
  uint64_t addresses[lanesPerWarp];
  each(mask, [&](uint32_t lane) { addresses[lane] = addressOf(warp, in, base, lane); });
  each(mask, [&](uint32_t lane) {
    uint8_t bytes[maxVectorBytes];
    uint32_t defined = load(warp, in, lane, static_cast<Space>(in.flag), addresses[lane], total, bytes);
    for (uint32_t i = 0; i < in.count; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, bytes + i * in.bytes, in.bytes);
      if (in.flag2 && in.bytes < 8) {
        uint32_t unused = 64 - 8 * in.bytes;
        value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
      }
      uint8_t marks = defined >> (i * in.bytes) & lowBytes(in.bytes);
      // Bytes that the extension adds: zeros, or copies of the sign.
      bool whole = marks == lowBytes(in.bytes), zeros = marks && !in.flag2;
      warp.values(in.op[i])[lane] = value;
      warp.defined(in.op[i])[lane] = whole ? 0xff : zeros ? marks | static_cast<uint8_t>(~lowBytes(in.bytes)) : marks;
    }
  });
}

static void runStore(Warp &warp, const Instruction &in, Mask mask) {
  Reg base = in.op[in.count];
  warp.need(in, base, mask, lowBytes(in.narrowAddress ? 4 : 8));
  each(mask, [&](uint32_t lane) {
    uint8_t bytes[maxVectorBytes];
    uint32_t defined = 0;
    for (uint32_t i = 0; i < in.count; ++i) {
      std::memcpy(bytes + i * in.bytes, warp.values(in.op[i]) + lane, in.bytes);
      defined |= static_cast<uint32_t>(warp.defined(in.op[i])[lane] & lowBytes(in.bytes)) << (i * in.bytes);
    }
    store(warp, in, lane, static_cast<Space>(in.flag), addressOf(warp, in, base, lane), in.count * in.bytes, bytes,
          defined);
  });
}

bool n2uq::ptx::buildLoadStore(Builder &builder) {
  bool loads = builder.mnemonic == "ld";
  if (!loads && builder.mnemonic != "st")
    return false;
  // How an access is ordered with others and what caches keep of it: this machine has one memory, in one order.
  if (builder.takeOneOf({"relaxed", "acquire", "release"}) >= 0) {
    if (builder.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0)
      builder.fail("has no scope that is known");
  } else {
    builder.takeOneOf({"weak", "volatile"});
  }
  std::string space = takeSpace(builder);
  builder.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  builder.take("nc");
  builder.takeOneOf(
      {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"});
  builder.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  uint32_t count = builder.take("v2") ? 2 : builder.take("v4") ? 4 : builder.take("v8") ? 8 : 1;
  Type type = builder.type();
  if (type.kind == 'p')
    builder.fail("is not known for type " + type.text());
  if (count * type.bytes > maxVectorBytes)
    builder.fail("has more than " + std::to_string(maxVectorBytes) + " bytes");
  builder.expectOperands(2);
  builder.out.count = static_cast<uint8_t>(count);
  builder.out.bytes = type.bytes;
  builder.out.flag2 = type.kind == 's';
  size_t value = loads ? 0 : 1;
  for (size_t i = 0; i < count; ++i) {
    const Operand &part = count > 1 ? builder.vector(value, count, count)[i] : builder.operand(value);
    builder.out.op[i] = loads ? builder.destination(part, type, true) : builder.source(part, type, true);
  }
  builder.address(builder.operand(1 - value), count, space);
  Space where = spaceOf(builder, space);
  builder.out.flag = where;
  if (!loads && (where == Const || where == Parameter))
    builder.fail("writes to memory that is constant");
  builder.out.run = loads ? runLoad : runStore;
  return true;
}
