// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bits: and or xor not shl shr shf bfe bfi brev clz popc bfind lop3 prmt.
#include "Builder.h"

#include <algorithm>

using namespace n2uq::ptx;

namespace {
template <typename T>
T bitOr(T a, T b) {
  return a | b;
}
template <typename T>
T bitXor(T a, T b) {
  return a ^ b;
}
template <typename T>
T bitNot(T a) {
  return static_cast<T>(~a);
}
/// Amounts beyond the width shift everything out.
template <typename T>
T shiftLeft(T a, uint32_t n) {
  return n >= 8 * sizeof(T) ? T(0) : static_cast<T>(static_cast<uint64_t>(a) << n);
}
template <typename T>
T shiftRight(T a, uint32_t n) {
  constexpr uint32_t width = 8 * sizeof(T);
  if (n >= width)
    return std::is_signed_v<T> && a < T(0) ? T(-1) : T(0);
  return static_cast<T>(a >> n);
}
uint32_t funnel(uint32_t low, uint32_t high, uint32_t n, bool left) {
  uint64_t both = static_cast<uint64_t>(high) << 32 | low;
  return static_cast<uint32_t>(left ? both >> (32 - n) : both >> n);
}
uint32_t funnelLeftWrap(uint32_t a, uint32_t b, uint32_t c) { return funnel(a, b, c & 31, true); }
uint32_t funnelRightWrap(uint32_t a, uint32_t b, uint32_t c) { return funnel(a, b, c & 31, false); }
uint32_t funnelLeftClamp(uint32_t a, uint32_t b, uint32_t c) { return funnel(a, b, std::min(c, 32u), true); }
uint32_t funnelRightClamp(uint32_t a, uint32_t b, uint32_t c) { return funnel(a, b, std::min(c, 32u), false); }

/// Bit by bit as the manual writes it.
template <typename T>
T extract(T a, uint32_t b, uint32_t c) {
  constexpr uint32_t width = 8 * sizeof(T);
  uint32_t pos = b & 0xff, len = c & 0xff;
  auto bit = [&](uint32_t i) { return static_cast<uint64_t>(a) >> i & 1; };
  uint64_t fill = std::is_signed_v<T> && len ? bit(std::min(pos + len - 1, width - 1)) : 0, result = 0;
  for (uint32_t i = 0; i < width; ++i)
    result |= (i < len && pos + i < width ? bit(pos + i) : fill) << i;
  return static_cast<T>(result);
}
template <typename T>
T insert(T a, T b, uint32_t pos, uint32_t len) {
  constexpr uint32_t width = 8 * sizeof(T);
  pos &= 0xff, len &= 0xff;
  for (uint32_t i = 0; i < len && pos + i < width; ++i) {
    T mask = static_cast<T>(T(1) << (pos + i));
    b = static_cast<T>((b & ~mask) | ((a >> i & 1) ? mask : 0));
  }
  return b;
}
template <typename T>
T reverse(T a) {
  T result = 0;
  for (uint32_t i = 0; i < 8 * sizeof(T); ++i)
    result |= (a >> i & 1) << (8 * sizeof(T) - 1 - i);
  return result;
}
template <typename T>
uint32_t leadingZeros(T a) {
  uint32_t count = 0;
  for (T bit = T(1) << (8 * sizeof(T) - 1); bit && !(a & bit); bit >>= 1)
    ++count;
  return count;
}
template <typename T>
uint32_t populationCount(T a) {
  return static_cast<uint32_t>(__builtin_popcountll(a));
}
/// The highest bit that is not like the sign; ~0 where there is none.
template <typename T>
uint32_t findHighest(T a) {
  if (std::is_signed_v<T> && a < T(0))
    a = static_cast<T>(~a);
  uint64_t bits = static_cast<uint64_t>(a);
  return bits ? 63 - static_cast<uint32_t>(__builtin_clzll(bits)) : ~0u;
}

/// A zero byte decides the result, whatever the other operand has there.
void runAnd(Warp &warp, const Instruction &in, Mask mask) {
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]);
  const uint8_t *knownA = warp.defined(in.op[1]), *knownB = warp.defined(in.op[2]);
  uint64_t *d = warp.values(in.op[0]);
  uint8_t *known = warp.defined(in.op[0]);
  each(mask, [&](uint32_t lane) {
    uint64_t x = a[lane], y = b[lane];
    uint8_t marks = knownA[lane] & knownB[lane];
    if (marks != 0xff)
      for (uint32_t i = 0; i < 8; ++i) {
        bool zeroX = knownA[lane] >> i & 1 && !(x >> (8 * i) & 0xff);
        bool zeroY = knownB[lane] >> i & 1 && !(y >> (8 * i) & 0xff);
        marks |= static_cast<uint8_t>((zeroX || zeroY) << i);
      }
    d[lane] = x & y;
    known[lane] = marks;
  });
}

void runLogic3(Warp &warp, const Instruction &in, Mask mask) {
  for (int i = 1; i <= 3; ++i)
    warp.need(in, in.op[i], mask, lowBytes(4));
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]), *c = warp.values(in.op[3]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) {
    uint32_t x = get<uint32_t>(a, lane), y = get<uint32_t>(b, lane), z = get<uint32_t>(c, lane), result = 0;
    for (uint32_t i = 0; i < 32; ++i)
      result |= static_cast<uint32_t>(in.immediate >> ((x >> i & 1) << 2 | (y >> i & 1) << 1 | (z >> i & 1)) & 1) << i;
    put<uint32_t>(d, lane, result);
  });
  warp.define(in.op[0], mask);
}

/// Byte k of the result is the one of {b, a} that nibble k of the selector names; its bit 3 asks for the sign only.
/// Bytes that are not selected need not be initialised.
void runPermute(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[3], mask, lowBytes(2));
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]), *c = warp.values(in.op[3]);
  const uint8_t *knownA = warp.defined(in.op[1]), *knownB = warp.defined(in.op[2]);
  uint64_t *d = warp.values(in.op[0]);
  uint8_t *known = warp.defined(in.op[0]);
  each(mask, [&](uint32_t lane) {
    uint64_t bytes = get<uint32_t>(a, lane) | static_cast<uint64_t>(get<uint32_t>(b, lane)) << 32;
    uint32_t marks = (knownA[lane] & 15u) | (knownB[lane] & 15u) << 4, result = 0;
    uint8_t mark = 0xf0;
    for (uint32_t i = 0; i < 4; ++i) {
      uint32_t select = get<uint32_t>(c, lane) >> (4 * i) & 15;
      uint8_t byte = static_cast<uint8_t>(bytes >> (8 * (select & 7)));
      if (select & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= static_cast<uint32_t>(byte) << (8 * i);
      mark |= static_cast<uint8_t>((marks >> (select & 7) & 1) << i);
    }
    d[lane] = result;
    known[lane] = mark;
  });
}

template <template <typename> class F>
Runner forWidth(Builder &builder, Type type) {
  switch (type.kind == 'b' ? type.bytes : 0) {
  case 2:
    return F<uint16_t>::run;
  case 4:
    return F<uint32_t>::run;
  case 8:
    return F<uint64_t>::run;
  }
  builder.fail("is not known for type " + type.text());
}
template <typename T>
struct RunOr {
  static constexpr Runner run = runBinary<T, T, T, bitOr<T>>;
};
template <typename T>
struct RunXor {
  static constexpr Runner run = runBinary<T, T, T, bitXor<T>>;
};
template <typename T>
struct RunNot {
  static constexpr Runner run = runUnary<T, T, bitNot<T>>;
};
template <typename T>
struct RunAnd {
  static constexpr Runner run = runAnd;
};
template <typename T>
struct RunShiftLeft {
  static constexpr Runner run = runBinary<T, T, uint32_t, shiftLeft<T>>;
};

bool predicateOne(uint8_t a) { return a & 1; }
uint8_t predicateOr(uint8_t a, uint8_t b) { return predicateOne(a) || predicateOne(b); }
uint8_t predicateXor(uint8_t a, uint8_t b) { return predicateOne(a) != predicateOne(b); }
uint8_t predicateAnd(uint8_t a, uint8_t b) { return predicateOne(a) && predicateOne(b); }
uint8_t predicateNot(uint8_t a) { return !predicateOne(a); }
} // namespace

static void logic(Builder &builder) {
  const std::string &name = builder.mnemonic;
  Type type = builder.type();
  size_t sources = name == "not" ? 1 : 2;
  if (type == "pred") {
    using P = uint8_t; // the lowest bit
    builder.out.run = name == "and"   ? runBinary<P, P, P, predicateAnd>
                      : name == "or"  ? runBinary<P, P, P, predicateOr>
                      : name == "xor" ? runBinary<P, P, P, predicateXor>
                                      : runUnary<P, P, predicateNot>;
  } else {
    builder.out.run = name == "and"   ? forWidth<RunAnd>(builder, type)
                      : name == "or"  ? forWidth<RunOr>(builder, type)
                      : name == "xor" ? forWidth<RunXor>(builder, type)
                                      : forWidth<RunNot>(builder, type);
  }
  builder.uniformOperands(type, sources);
}

static void shift(Builder &builder) {
  Type type = builder.type(), amount = {'u', 4};
  bool isSigned = type.kind == 's';
  if (builder.mnemonic == "shl") {
    builder.out.run = forWidth<RunShiftLeft>(builder, type);
  } else {
    switch (type.bytes) {
    case 2:
      builder.out.run = isSigned ? runBinary<int16_t, int16_t, uint32_t, shiftRight<int16_t>>
                                 : runBinary<uint16_t, uint16_t, uint32_t, shiftRight<uint16_t>>;
      break;
    case 4:
      builder.out.run = isSigned ? runBinary<int32_t, int32_t, uint32_t, shiftRight<int32_t>>
                                 : runBinary<uint32_t, uint32_t, uint32_t, shiftRight<uint32_t>>;
      break;
    case 8:
      builder.out.run = isSigned ? runBinary<int64_t, int64_t, uint32_t, shiftRight<int64_t>>
                                 : runBinary<uint64_t, uint64_t, uint32_t, shiftRight<uint64_t>>;
      break;
    default:
      builder.fail("is not known for type " + type.text());
    }
    if (type.kind == 'f')
      builder.fail("is not known for type " + type.text());
  }
  builder.expectOperands(3);
  builder.out.op[0] = builder.destination(size_t(0), type);
  builder.out.op[1] = builder.source(1, type);
  builder.out.op[2] = builder.source(2, amount);
}

static void funnelShift(Builder &builder) {
  int direction = builder.takeOneOf({"l", "r"}), mode = builder.takeOneOf({"wrap", "clamp"});
  Type type = builder.type();
  if (direction < 0 || mode < 0 || !(type == "b32"))
    builder.fail("is known as shf.{l,r}.{wrap,clamp}.b32 only");
  using U = uint32_t;
  static const Runner runners[2][2] = {
      {runTernary<U, U, U, U, funnelLeftWrap>, runTernary<U, U, U, U, funnelLeftClamp>},
      {runTernary<U, U, U, U, funnelRightWrap>, runTernary<U, U, U, U, funnelRightClamp>}};
  builder.out.run = runners[direction][mode];
  builder.uniformOperands(type, 3);
}

static void field(Builder &builder) {
  Type type = builder.type(), amount = {'u', 4};
  bool wide = type.bytes == 8, extracts = builder.mnemonic == "bfe";
  if (type.bytes < 4 || type.kind == 'f' || (extracts ? type.kind == 'b' : type.kind != 'b'))
    builder.fail("is not known for type " + type.text());
  builder.expectOperands(extracts ? 4 : 5);
  builder.out.op[0] = builder.destination(size_t(0), type);
  builder.out.op[1] = builder.source(1, type);
  if (extracts) {
    using U = uint32_t;
    builder.out.run = type.kind == 's' ? (wide ? runTernary<int64_t, int64_t, U, U, extract<int64_t>>
                                               : runTernary<int32_t, int32_t, U, U, extract<int32_t>>)
                                       : (wide ? runTernary<uint64_t, uint64_t, U, U, extract<uint64_t>>
                                               : runTernary<uint32_t, uint32_t, U, U, extract<uint32_t>>);
    builder.out.op[2] = builder.source(2, amount);
    builder.out.op[3] = builder.source(3, amount);
    return;
  }
  builder.out.op[2] = builder.source(2, type);
  builder.out.op[3] = builder.source(3, amount);
  builder.out.op[4] = builder.source(4, amount);
  builder.out.bytes = type.bytes;
  builder.out.run = [](Warp &warp, const Instruction &in, Mask mask) {
    for (int i = 1; i <= 4; ++i)
      warp.need(in, in.op[i], mask, lowBytes(i <= 2 ? in.bytes : 4));
    const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]), *c = warp.values(in.op[3]),
                   *n = warp.values(in.op[4]);
    uint64_t *d = warp.values(in.op[0]);
    each(mask, [&](uint32_t lane) {
      uint32_t pos = get<uint32_t>(c, lane), len = get<uint32_t>(n, lane);
      d[lane] = in.bytes == 8 ? insert<uint64_t>(a[lane], b[lane], pos, len)
                              : insert<uint32_t>(get<uint32_t>(a, lane), get<uint32_t>(b, lane), pos, len);
    });
    warp.define(in.op[0], mask);
  };
}

/// Instructions of one operand that count or mirror bits.
static void unary(Builder &builder) {
  const std::string &name = builder.mnemonic;
  if (name == "bfind") {
    if (builder.take("shiftamt"))
      builder.fail("is not known with .shiftamt");
    Type type = builder.type();
    builder.out.run = type == "u32"   ? runUnary<uint32_t, uint32_t, findHighest<uint32_t>>
                      : type == "s32" ? runUnary<uint32_t, int32_t, findHighest<int32_t>>
                      : type == "u64" ? runUnary<uint32_t, uint64_t, findHighest<uint64_t>>
                      : type == "s64" ? runUnary<uint32_t, int64_t, findHighest<int64_t>>
                                      : nullptr;
    if (!builder.out.run)
      builder.fail("is not known for type " + type.text());
    builder.expectOperands(2);
    builder.out.op[0] = builder.destination(size_t(0), {'u', 4});
    builder.out.op[1] = builder.source(1, type);
    return;
  }
  Type type = builder.type();
  if (!(type == "b32") && !(type == "b64"))
    builder.fail("is not known for type " + type.text());
  bool wide = type.bytes == 8;
  builder.out.run =
      name == "brev"
          ? (wide ? runUnary<uint64_t, uint64_t, reverse<uint64_t>> : runUnary<uint32_t, uint32_t, reverse<uint32_t>>)
      : name == "clz" ? (wide ? runUnary<uint32_t, uint64_t, leadingZeros<uint64_t>>
                              : runUnary<uint32_t, uint32_t, leadingZeros<uint32_t>>)
                      : (wide ? runUnary<uint32_t, uint64_t, populationCount<uint64_t>>
                              : runUnary<uint32_t, uint32_t, populationCount<uint32_t>>);
  builder.expectOperands(2);
  builder.out.op[0] = builder.destination(size_t(0), name == "brev" ? type : Type{'u', 4});
  builder.out.op[1] = builder.source(1, type);
}

bool n2uq::ptx::buildBits(Builder &builder) {
  const std::string &name = builder.mnemonic;
  if (name == "and" || name == "or" || name == "xor" || name == "not") {
    logic(builder);
  } else if (name == "shl" || name == "shr") {
    shift(builder);
  } else if (name == "shf") {
    funnelShift(builder);
  } else if (name == "bfe" || name == "bfi") {
    field(builder);
  } else if (name == "brev" || name == "clz" || name == "popc" || name == "bfind") {
    unary(builder);
  } else if (name == "lop3") {
    builder.expect("b32");
    builder.expectOperands(5);
    for (size_t i = 0; i < 4; ++i)
      builder.out.op[i] = i ? builder.source(i, {'b', 4}) : builder.destination(i, {'b', 4});
    if (builder.integer(4) > 255)
      builder.fail("has a table that is no byte");
    builder.out.immediate = static_cast<int64_t>(builder.integer(4));
    builder.out.run = runLogic3;
  } else if (name == "prmt") {
    builder.expect("b32");
    builder.out.run = runPermute;
    builder.uniformOperands({'b', 4}, 3);
  } else {
    return false;
  }
  return true;
}
