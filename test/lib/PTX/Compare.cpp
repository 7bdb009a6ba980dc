// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparisons and what chooses by them: setp selp.
#include "Builder.h"

#include <cmath>

using namespace n2uq::ptx;

namespace {
enum Comparison : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };
enum Combination : uint8_t { None, And, Or, Xor };

template <typename T>
bool ordered(uint8_t comparison, T a, T b) {
  switch (comparison) {
  case Eq:
    return a == b;
  case Ne:
    return a != b;
  case Lt:
    return a < b;
  case Le:
    return a <= b;
  case Gt:
    return a > b;
  default:
    return a >= b;
  }
}

template <typename T>
bool compare(uint8_t comparison, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    bool unordered = std::isnan(a) || std::isnan(b);
    if (comparison == Num || comparison == Nan)
      return unordered == (comparison == Nan);
    if (unordered)
      return comparison >= Equ;
    return ordered(comparison >= Equ ? comparison - Equ : comparison, a, b);
  } else {
    return ordered(comparison, a, b);
  }
}

/// `flag`: the comparison; `flag2`: what it is combined with. op: p, q, a, b, c.
template <typename T>
void runSetPredicate(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[2], mask, lowBytes(sizeof(T)));
  warp.need(in, in.op[3], mask, lowBytes(sizeof(T)));
  if (in.flag2)
    warp.need(in, in.op[4], mask, lowBytes(1));
  const uint64_t *a = warp.values(in.op[2]), *b = warp.values(in.op[3]), *c = warp.values(in.op[4]);
  uint64_t *p = warp.values(in.op[0]), *q = warp.values(in.op[1]);
  each(mask, [&](uint32_t lane) {
    bool yes = compare<T>(in.flag, get<T>(a, lane), get<T>(b, lane)), no = !yes;
    if (in.flag2) {
      bool other = (c[lane] & 1) != static_cast<uint64_t>(in.immediate);
      yes = in.flag2 == And ? yes && other : in.flag2 == Or ? yes || other : yes != other;
      no = in.flag2 == And ? no && other : in.flag2 == Or ? no || other : no != other;
    }
    p[lane] = yes;
    if (in.op[1] != in.op[0])
      q[lane] = no;
  });
  warp.define(in.op[0], mask);
  warp.define(in.op[1], mask);
}

void runSelect(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[3], mask, lowBytes(1));
  const uint64_t *p = warp.values(in.op[3]), *a = warp.values(in.op[1]), *b = warp.values(in.op[2]);
  const uint8_t *knownA = warp.defined(in.op[1]), *knownB = warp.defined(in.op[2]);
  uint64_t *d = warp.values(in.op[0]);
  uint8_t *known = warp.defined(in.op[0]);
  each(mask, [&](uint32_t lane) {
    bool yes = p[lane] & 1;
    uint8_t marks = yes ? knownA[lane] : knownB[lane];
    d[lane] = yes ? a[lane] : b[lane];
    known[lane] = marks;
  });
}

Runner runnerOf(Type type) {
  if (type == "f32")
    return runSetPredicate<float>;
  if (type == "f64")
    return runSetPredicate<double>;
  bool isSigned = type.kind == 's';
  switch (type.kind == 'f' || type.kind == 'p' ? 0 : type.bytes) {
  case 2:
    return isSigned ? runSetPredicate<int16_t> : runSetPredicate<uint16_t>;
  case 4:
    return isSigned ? runSetPredicate<int32_t> : runSetPredicate<uint32_t>;
  case 8:
    return isSigned ? runSetPredicate<int64_t> : runSetPredicate<uint64_t>;
  }
  return nullptr;
}
} // namespace

static void setPredicate(Builder &builder) {
  int comparison =
      builder.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
  int unsignedOne = comparison < 0 ? builder.takeOneOf({"lo", "ls", "hi", "hs"}) : -1;
  if (comparison < 0 && unsignedOne < 0)
    builder.fail("has no comparison that is known");
  builder.out.flag2 = static_cast<uint8_t>(builder.takeOneOf({"and", "or", "xor"}) + 1);
  Type type = builder.type();
  builder.out.run = runnerOf(type);
  if (!builder.out.run)
    builder.fail("is not known for type " + type.text());
  if (unsignedOne >= 0)
    comparison = Lt + unsignedOne; // lo ls hi hs are lt le gt ge of unsigned numbers
  if ((unsignedOne >= 0 && type.kind != 'u') || (type.kind == 'b' && comparison > Ne) ||
      (type.kind != 'f' && comparison >= Equ))
    builder.fail("is no comparison of type " + type.text());
  builder.out.flag = static_cast<uint8_t>(comparison);
  builder.expectOperands(builder.out.flag2 ? 4 : 3);
  const Operand &result = builder.operand(0);
  bool pair = result.kind == Operand::Pair;
  builder.out.op[0] = builder.destination(pair ? result.parts[0] : result, {'p', 1});
  builder.out.op[1] = pair ? builder.destination(result.parts[1], {'p', 1}) : builder.out.op[0];
  builder.out.op[2] = builder.source(1, type);
  builder.out.op[3] = builder.source(2, type);
  builder.out.op[4] = builder.out.op[0];
  if (builder.out.flag2) {
    Operand other = builder.operand(3);
    builder.out.immediate = other.inverted;
    other.inverted = false;
    builder.out.op[4] = builder.source(other, {'p', 1});
  }
}

bool n2uq::ptx::buildCompare(Builder &builder) {
  if (builder.mnemonic == "setp") {
    setPredicate(builder);
    return true;
  }
  if (builder.mnemonic != "selp")
    return false;
  Type type = builder.type();
  if (type.bytes < 2)
    builder.fail("is not known for type " + type.text());
  builder.expectOperands(4);
  builder.out.run = runSelect;
  builder.out.op[0] = builder.destination(size_t(0), type);
  builder.out.op[1] = builder.source(1, type);
  builder.out.op[2] = builder.source(2, type);
  builder.out.op[3] = builder.source(3, {'p', 1});
  return true;
}
