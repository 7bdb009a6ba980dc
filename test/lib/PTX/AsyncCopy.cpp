// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async: copies from device to shared memory that are there when they were waited for, not before. The bytes that
// are read are those of the moment when the copy starts; until its thread waits, nobody may touch its destination. What
// another thread copied is seen behind a barrier that comes after the wait.
#include "Spaces.h"

#include <algorithm>

using namespace n2uq::ptx;

/// `bytes`: of the copy. op: destination, source, bytes to read (the rest is filled with zeros). `immediate` is the
/// offset of the destination, `target` that of the source.
static void runCopy(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[0], mask, lowBytes(in.flag ? 4 : 8));
  warp.need(in, in.op[1], mask, lowBytes(8));
  warp.need(in, in.op[2], mask, lowBytes(4));
  each(mask, [&](uint32_t lane) {
    uint64_t to = warp.values(in.op[0])[lane];
    if (in.flag)
      to &= 0xffffffffu;
    to += static_cast<uint64_t>(in.immediate);
    uint64_t from = warp.values(in.op[1])[lane] + static_cast<uint64_t>(static_cast<int32_t>(in.target));
    uint32_t read = get<uint32_t>(warp.values(in.op[2]), lane);
    if (read > in.bytes)
      warp.fault(in, lane, "reads " + std::to_string(read) + " bytes for a copy of " + std::to_string(in.bytes));
    checkAlignment(warp, in, lane, to, in.bytes);
    checkAlignment(warp, in, lane, from, in.bytes);
    Warp::Copy copy{};
    copy.to = static_cast<uint32_t>(to);
    copy.bytes = in.bytes;
    copy.group = warp.groups[lane];
    copy.defined = lowBits(in.bytes);
    if (read) {
      DevicePlace place = deviceMemory(warp, in, lane, from, read, Access::Read);
      std::memcpy(copy.data, place.data, read);
      for (uint32_t i = 0; i < read; ++i)
        if (!place.defined[i])
          copy.defined &= ~(1u << i);
    }
    std::string wrong = warp.block.shared.beginCopy(to, in.bytes, warp.thread(lane));
    if (!wrong.empty())
      warp.fault(in, lane, sharedText("writes", in.bytes, to) + wrong);
    warp.copies[lane].push_back(copy);
  });
}

static void runCommit(Warp &warp, const Instruction &, Mask mask) {
  each(mask, [&](uint32_t lane) { ++warp.groups[lane]; });
}

/// All but the `immediate` groups that were committed last are complete; -1: all, committed or not.
static void runWait(Warp &warp, const Instruction &in, Mask mask) {
  each(mask, [&](uint32_t lane) {
    auto &pending = warp.copies[lane];
    int64_t open = in.immediate < 0 ? int64_t(1) << 32 : int64_t(warp.groups[lane]) - in.immediate;
    auto isComplete = [&](const Warp::Copy &copy) {
      if (int64_t(copy.group) >= open)
        return false;
      warp.block.shared.finishCopy(copy.to, copy.bytes, warp.thread(lane), copy.data, copy.defined);
      return true;
    };
    pending.erase(std::remove_if(pending.begin(), pending.end(), isComplete), pending.end());
  });
}

bool n2uq::ptx::buildAsyncCopy(Builder &builder) {
  if (builder.mnemonic != "cp")
    return false;
  builder.expect("async");
  if (builder.take("commit_group")) {
    builder.expectOperands(0);
    builder.out.run = runCommit;
    return true;
  }
  if (builder.take("wait_all")) {
    builder.expectOperands(0);
    builder.out.immediate = -1;
    builder.out.run = runWait;
    return true;
  }
  if (builder.take("wait_group")) {
    builder.expectOperands(1);
    builder.out.immediate = static_cast<int64_t>(std::min<uint64_t>(builder.integer(0), 1u << 30));
    builder.out.run = runWait;
    return true;
  }
  int cache = builder.takeOneOf({"ca", "cg"});
  if (cache < 0 || (!builder.take("shared") && !builder.take("shared::cta")))
    builder.fail("is known as cp.async.{ca,cg}.shared.global only");
  builder.expect("global");
  builder.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  builder.expectOperands(3, 4);
  std::string shared = "shared", global = "global";
  builder.address(builder.operand(1), 1, global);
  if (builder.out.narrowAddress || builder.out.immediate != static_cast<int32_t>(builder.out.immediate))
    builder.fail("has an address of device memory that is not known");
  builder.out.target = static_cast<uint32_t>(builder.out.immediate);
  builder.address(builder.operand(0), 0, shared);
  builder.out.flag = builder.out.narrowAddress;
  uint64_t bytes = builder.integer(2);
  if (bytes != 16 && (cache == 1 || (bytes != 4 && bytes != 8)))
    builder.fail(cache ? "with .cg copies 16 bytes only" : "copies 4, 8 or 16 bytes only");
  builder.out.bytes = static_cast<uint8_t>(bytes);
  builder.out.op[2] = builder.count() == 4 ? builder.source(3, {'u', 4}) : builder.constant(bytes);
  builder.out.run = runCopy;
  return true;
}
