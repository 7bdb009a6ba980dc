// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions that a warp executes together: barriers, shuffles, votes, reductions.
#include "Builder.h"

#include <algorithm>

using namespace n2uq::ptx;

namespace {
/// op: number, threads. Only barriers of all threads of the block are known, so that they order everything.
void runBarrier(Warp &warp, const Instruction &in, Mask mask) {
  uint64_t number = warp.uniform(in, in.op[0], mask, 4), threads = warp.uniform(in, in.op[1], mask, 4);
  uint32_t lane = static_cast<uint32_t>(__builtin_ctz(mask));
  if (number > 15)
    warp.fault(in, lane, "names barrier " + std::to_string(number) + "; there are 16");
  uint64_t warps = (warp.state.launch.block.count() + lanesPerWarp - 1) / lanesPerWarp;
  if (threads && threads != warps * lanesPerWarp)
    warp.fault(in, lane,
               "waits for " + std::to_string(threads) +
                   " threads: only barriers of all threads of the block are known");
  warp.waitingBarrier = static_cast<int64_t>(number);
}

/// Memory accesses of the warp's threads before it are in order with those behind it.
void runWarpBarrier(Warp &warp, const Instruction &in, Mask mask) {
  if (mask != allLanes)
    warp.fault(in, static_cast<uint32_t>(__builtin_ctz(mask)), "does not name all lanes, which is not known");
  ++warp.warpEpoch;
}

enum ShuffleMode : uint8_t { Up, Down, Butterfly, Index };

/// op: d, p, a, b, c, members. `flag`: the mode. As the manual writes it; a lane that takes no part cannot be read.
void runShuffle(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[3], mask, lowBytes(4));
  warp.need(in, in.op[4], mask, lowBytes(4));
  uint64_t a[lanesPerWarp];
  uint8_t known[lanesPerWarp];
  std::memcpy(a, warp.values(in.op[2]), sizeof a);
  std::memcpy(known, warp.defined(in.op[2]), sizeof known);
  uint64_t results[lanesPerWarp], inside[lanesPerWarp];
  uint8_t marks[lanesPerWarp];
  each(mask, [&](uint32_t lane) {
    uint32_t b = get<uint32_t>(warp.values(in.op[3]), lane), c = get<uint32_t>(warp.values(in.op[4]), lane);
    uint32_t value = b & 31, clamp = c & 31, segment = c >> 8 & 31;
    uint32_t high = (lane & segment) | (clamp & ~segment), low = lane & segment;
    uint32_t from = 0;
    bool valid = false;
    switch (in.flag) {
    case Up:
      from = lane - value;
      valid = static_cast<int32_t>(from) >= static_cast<int32_t>(high);
      break;
    case Down:
      from = lane + value;
      valid = from <= high;
      break;
    case Butterfly:
      from = lane ^ value;
      valid = from <= high;
      break;
    default:
      from = low | (value & ~segment);
      valid = from <= high;
    }
    if (!valid)
      from = lane;
    if (!(mask >> from & 1))
      warp.fault(in, lane, "reads lane " + std::to_string(from) + ", which takes no part");
    results[lane] = a[from];
    marks[lane] = known[from];
    inside[lane] = valid;
  });
  each(mask, [&](uint32_t lane) {
    warp.values(in.op[1])[lane] = inside[lane];
    warp.values(in.op[0])[lane] = results[lane];
    warp.defined(in.op[0])[lane] = marks[lane];
  });
  warp.define(in.op[1], mask);
}

enum VoteMode : uint8_t { All, Any, Unanimous, Ballot };

/// op: d, p, members. `flag2`: the predicate is inverted.
void runVote(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(1));
  Mask yes = 0;
  each(mask, [&](uint32_t lane) { yes |= Mask((warp.values(in.op[1])[lane] & 1) != in.flag2) << lane; });
  uint64_t result = in.flag == All         ? yes == mask
                    : in.flag == Any       ? yes != 0
                    : in.flag == Unanimous ? yes == mask || yes == 0
                                           : yes;
  each(mask, [&](uint32_t lane) { warp.values(in.op[0])[lane] = result; });
  warp.define(in.op[0], mask);
}

enum ReduceMode : uint8_t { Add, Min, Max, And, Or, Xor };

/// op: d, a, members. `flag2`: signed.
void runReduce(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(4));
  const uint64_t *a = warp.values(in.op[1]);
  uint32_t result = get<uint32_t>(a, static_cast<uint32_t>(__builtin_ctz(mask)));
  each(mask & (mask - 1), [&](uint32_t lane) {
    uint32_t b = get<uint32_t>(a, lane);
    bool less = in.flag2 ? static_cast<int32_t>(b) < static_cast<int32_t>(result) : b < result;
    switch (in.flag) {
    case Add:
      result += b;
      break;
    case Min:
      result = less ? b : result;
      break;
    case Max:
      result = less ? result : b;
      break;
    case And:
      result &= b;
      break;
    case Or:
      result |= b;
      break;
    default:
      result ^= b;
    }
  });
  each(mask, [&](uint32_t lane) { put<uint32_t>(warp.values(in.op[0]), lane, result); });
  warp.define(in.op[0], mask);
}
} // namespace

static void collective(Builder &builder, int memberOperand, Runner run) {
  builder.out.kind = Instruction::Collective;
  builder.out.memberOperand = static_cast<int8_t>(memberOperand);
  builder.out.run = run;
}

static void barrier(Builder &builder) {
  if (builder.mnemonic == "bar" && builder.take("warp")) {
    builder.expect("sync");
    builder.expectOperands(1);
    collective(builder, 0, runWarpBarrier);
    builder.out.op[0] = builder.source(size_t(0), {'u', 4});
    return;
  }
  builder.take("cta");
  builder.expect("sync");
  builder.take("aligned");
  builder.expectOperands(1, 2);
  collective(builder, -1, runBarrier);
  builder.out.exitedMayMiss = true;
  builder.out.op[0] = builder.source(size_t(0), {'u', 4});
  builder.out.op[1] = builder.count() == 2 ? builder.source(1, {'u', 4}) : builder.constant(0);
}

static void shuffle(Builder &builder) {
  builder.expect("sync");
  int mode = builder.takeOneOf({"up", "down", "bfly", "idx"});
  if (mode < 0)
    builder.fail("has no mode that is known");
  builder.expect("b32");
  builder.expectOperands(5);
  collective(builder, 5, runShuffle);
  builder.out.flag = static_cast<uint8_t>(mode);
  const Operand &result = builder.operand(0);
  bool pair = result.kind == Operand::Pair;
  builder.out.op[0] = builder.destination(pair ? result.parts[0] : result, {'b', 4});
  builder.out.op[1] = pair ? builder.destination(result.parts[1], {'p', 1}) : builder.namesHere().sink();
  for (size_t i = 1; i <= 4; ++i)
    builder.out.op[1 + i] = builder.source(i, {'b', 4});
}

static void vote(Builder &builder) {
  builder.expect("sync");
  int mode = builder.takeOneOf({"all", "any", "uni", "ballot"});
  if (mode < 0)
    builder.fail("has no mode that is known");
  builder.expect(mode == Ballot ? "b32" : "pred");
  builder.expectOperands(3);
  collective(builder, 2, runVote);
  builder.out.flag = static_cast<uint8_t>(mode);
  builder.out.op[0] = builder.destination(size_t(0), mode == Ballot ? Type{'b', 4} : Type{'p', 1});
  Operand predicate = builder.operand(1);
  builder.out.flag2 = predicate.inverted;
  predicate.inverted = false;
  builder.out.op[1] = builder.source(predicate, {'p', 1});
  builder.out.op[2] = builder.source(2, {'b', 4});
}

static void reduce(Builder &builder) {
  builder.expect("sync");
  int mode = builder.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  if (mode < 0)
    builder.fail("has no operation that is known");
  Type type = builder.type();
  if (type.bytes != 4 || type.kind == 'f' || (mode >= And) != (type.kind == 'b'))
    builder.fail("is not known for type " + type.text());
  builder.expectOperands(3);
  collective(builder, 2, runReduce);
  builder.out.flag = static_cast<uint8_t>(mode);
  builder.out.flag2 = type.kind == 's';
  builder.out.op[0] = builder.destination(size_t(0), type);
  builder.out.op[1] = builder.source(1, type);
  builder.out.op[2] = builder.source(2, {'b', 4});
}

bool n2uq::ptx::buildWarp(Builder &builder) {
  const std::string &name = builder.mnemonic;
  if (name == "bar" || name == "barrier")
    barrier(builder);
  else if (name == "shfl")
    shuffle(builder);
  else if (name == "vote")
    vote(builder);
  else if (name == "redux")
    reduce(builder);
  else
    return false;
  return true;
}
