// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integer arithmetic: add sub mul mad div rem abs neg min max sad dp4a dp2a. Sums and products wrap.
#include "Builder.h"

#include <algorithm>
#include <limits>
#include <type_traits>

using namespace n2uq::ptx;

namespace {
/// Wrapping arithmetic without overflow of signed types.
template <typename T>
using Wide = std::conditional_t<sizeof(T) == 8, unsigned __int128, uint64_t>;
template <typename T>
using SignedWide = std::conditional_t<sizeof(T) == 8, __int128, int64_t>;
/// A product of two T, exact.
template <typename T>
using Product = std::conditional_t<std::is_signed_v<T>, SignedWide<T>, Wide<T>>;
/// The type of mul.wide's result.
template <typename T>
using Double = std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
                                  std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

template <typename T>
T add(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename T>
T sub(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <typename T>
T mulLow(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
template <typename T>
T mulHigh(T a, T b) {
  return static_cast<T>((static_cast<Product<T>>(a) * static_cast<Product<T>>(b)) >> (8 * sizeof(T)));
}
template <typename T>
Double<T> mulWide(T a, T b) {
  return static_cast<Double<T>>(static_cast<Product<T>>(a) * static_cast<Product<T>>(b));
}
template <typename T>
T madLow(T a, T b, T c) {
  return add(mulLow(a, b), c);
}
template <typename T>
T madHigh(T a, T b, T c) {
  return add(mulHigh(a, b), c);
}
template <typename T>
Double<T> madWide(T a, T b, Double<T> c) {
  return add(mulWide(a, b), c);
}
/// Only the lanes whose divisor is not zero come here.
template <typename T>
T divide(T a, T b) {
  return std::is_signed_v<T> && b == T(-1) ? sub(T(0), a) : static_cast<T>(a / b);
}
template <typename T>
T remainder(T a, T b) {
  return std::is_signed_v<T> && b == T(-1) ? T(0) : static_cast<T>(a % b);
}
template <typename T>
T minimum(T a, T b) {
  return std::min(a, b);
}
template <typename T>
T maximum(T a, T b) {
  return std::max(a, b);
}
template <typename T>
T maximumRelu(T a, T b) {
  return std::max<T>(std::max(a, b), 0);
}
template <typename T>
T minimumRelu(T a, T b) {
  return std::max<T>(std::min(a, b), 0);
}
template <typename T>
T absolute(T a) {
  return std::is_signed_v<T> && a < T(0) ? sub(T(0), a) : a;
}
template <typename T>
T negate(T a) {
  return sub(T(0), a);
}
template <typename T>
T absoluteDifference(T a, T b, T c) {
  return add(c, a < b ? sub(b, a) : sub(a, b));
}
template <typename T>
T addSaturating(T a, T b) {
  int64_t sum = static_cast<int64_t>(a) + static_cast<int64_t>(b);
  return static_cast<T>(
      std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}
template <typename T>
T subSaturating(T a, T b) {
  int64_t difference = static_cast<int64_t>(a) - static_cast<int64_t>(b);
  return static_cast<T>(
      std::clamp<int64_t>(difference, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

/// What a division by zero gives is not defined: it is an error here.
template <typename T, T (*F)(T, T)>
void runDivision(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[2], mask, lowBytes(sizeof(T)));
  const uint64_t *divisor = warp.values(in.op[2]);
  each(mask, [&](uint32_t lane) {
    if (get<T>(divisor, lane) == 0)
      warp.fault(in, lane, "divides by zero");
  });
  runBinary<T, T, T, F>(warp, in, mask);
}

/// Four (two) products of signed or unsigned bytes, and a sum. `flag`: a is signed; `flag2`: b is.
int64_t byteAt(uint32_t word, uint32_t byte, bool isSigned) {
  uint8_t value = static_cast<uint8_t>(word >> (8 * byte));
  return isSigned ? static_cast<int8_t>(value) : value;
}
int64_t halfAt(uint32_t word, uint32_t half, bool isSigned) {
  uint16_t value = static_cast<uint16_t>(word >> (16 * half));
  return isSigned ? static_cast<int16_t>(value) : value;
}
void runDot(Warp &warp, const Instruction &in, Mask mask) {
  for (int i = 1; i <= 3; ++i)
    warp.need(in, in.op[i], mask, lowBytes(4));
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]), *c = warp.values(in.op[3]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) {
    int64_t sum = static_cast<int32_t>(c[lane]);
    uint32_t x = static_cast<uint32_t>(a[lane]), y = static_cast<uint32_t>(b[lane]);
    if (in.count == 4)
      for (uint32_t i = 0; i < 4; ++i)
        sum += byteAt(x, i, in.flag) * byteAt(y, i, in.flag2);
    else // dp2a.lo takes bytes 0 and 1 of b, .hi bytes 2 and 3
      for (uint32_t i = 0; i < 2; ++i)
        sum += halfAt(x, i, in.flag) * byteAt(y, static_cast<uint32_t>(in.immediate) + i, in.flag2);
    put<uint32_t>(d, lane, static_cast<uint32_t>(sum));
  });
  warp.define(in.op[0], mask);
}

template <template <typename> class F>
Runner forType(Builder &builder, Type type) {
  if (type.kind == 'u' || type.kind == 'b')
    switch (type.bytes) {
    case 2:
      return F<uint16_t>::run;
    case 4:
      return F<uint32_t>::run;
    case 8:
      return F<uint64_t>::run;
    }
  if (type.kind == 's')
    switch (type.bytes) {
    case 2:
      return F<int16_t>::run;
    case 4:
      return F<int32_t>::run;
    case 8:
      return F<int64_t>::run;
    }
  builder.fail("is not known for type " + type.text());
}

// How each is executed, by type.
#define N2UQ_PTX_RUN(Name, ...)                                                                                        \
  template <typename T>                                                                                                \
  struct Name {                                                                                                        \
    static constexpr Runner run = __VA_ARGS__;                                                                         \
  };
N2UQ_PTX_RUN(RunAdd, runBinary<T, T, T, add<T>>)
N2UQ_PTX_RUN(RunSub, runBinary<T, T, T, sub<T>>)
N2UQ_PTX_RUN(RunMulLow, runBinary<T, T, T, mulLow<T>>)
N2UQ_PTX_RUN(RunMulHigh, runBinary<T, T, T, mulHigh<T>>)
N2UQ_PTX_RUN(RunMulWide, runBinary<Double<T>, T, T, mulWide<T>>)
N2UQ_PTX_RUN(RunMadLow, runTernary<T, T, T, T, madLow<T>>)
N2UQ_PTX_RUN(RunMadHigh, runTernary<T, T, T, T, madHigh<T>>)
N2UQ_PTX_RUN(RunMadWide, runTernary<Double<T>, T, T, Double<T>, madWide<T>>)
N2UQ_PTX_RUN(RunDivide, runDivision<T, divide<T>>)
N2UQ_PTX_RUN(RunRemainder, runDivision<T, remainder<T>>)
N2UQ_PTX_RUN(RunMinimum, runBinary<T, T, T, minimum<T>>)
N2UQ_PTX_RUN(RunMaximum, runBinary<T, T, T, maximum<T>>)
N2UQ_PTX_RUN(RunAbsolute, runUnary<T, T, absolute<T>>)
N2UQ_PTX_RUN(RunNegate, runUnary<T, T, negate<T>>)
N2UQ_PTX_RUN(RunAbsoluteDifference, runTernary<T, T, T, T, absoluteDifference<T>>)
#undef N2UQ_PTX_RUN
} // namespace

/// Multiplications name the part of the product that they keep.
static void multiply(Builder &builder, bool adds) {
  int part = builder.takeOneOf({"lo", "hi", "wide"});
  if (part < 0)
    builder.fail("says neither .lo nor .hi nor .wide");
  Type type = builder.type(), result = type;
  if (part == 2) {
    if (type.bytes == 8)
      builder.fail("is not known for type " + type.text());
    result.bytes = static_cast<uint8_t>(2 * type.bytes);
    builder.out.run = adds ? forType<RunMadWide>(builder, type) : forType<RunMulWide>(builder, type);
  } else if (part == 0) {
    builder.out.run = adds ? forType<RunMadLow>(builder, type) : forType<RunMulLow>(builder, type);
  } else {
    builder.out.run = adds ? forType<RunMadHigh>(builder, type) : forType<RunMulHigh>(builder, type);
  }
  builder.expectOperands(adds ? 4 : 3);
  builder.out.op[0] = builder.destination(size_t(0), result);
  builder.out.op[1] = builder.source(1, type);
  builder.out.op[2] = builder.source(2, type);
  if (adds)
    builder.out.op[3] = builder.source(3, result);
}

static void dot(Builder &builder) {
  bool four = builder.mnemonic == "dp4a";
  builder.out.count = four ? 4 : 2;
  if (!four) {
    int half = builder.takeOneOf({"lo", "hi"});
    if (half < 0)
      builder.fail("says neither .lo nor .hi");
    builder.out.immediate = 2 * half;
  }
  Type a = builder.type(), b = builder.type();
  if (a.bytes != 4 || b.bytes != 4 || (a.kind != 's' && a.kind != 'u') || (b.kind != 's' && b.kind != 'u'))
    builder.fail("is known for .s32 and .u32 only");
  builder.out.flag = a.kind == 's';
  builder.out.flag2 = b.kind == 's';
  builder.out.run = runDot;
  builder.uniformOperands({'b', 4}, 3);
}

bool n2uq::ptx::buildInteger(Builder &builder) {
  const std::string &name = builder.mnemonic;
  if (name == "dp4a" || name == "dp2a") {
    dot(builder);
    return true;
  }
  if (name == "mul" || name == "mad") {
    // mul.f32 and the like are no business of this file.
    for (const char *part : {"lo", "hi", "wide"})
      if (builder.nextModifierIs(part)) {
        multiply(builder, name == "mad");
        return true;
      }
    return false;
  }
  if (!builder.typeIsInteger())
    return false;
  using Choose = Runner (*)(Builder &, Type);
  struct Known {
    const char *name;
    Choose choose;
    int sources;
  };
  static const Known known[] = {
      {"add", forType<RunAdd>, 2},       {"sub", forType<RunSub>, 2},     {"div", forType<RunDivide>, 2},
      {"rem", forType<RunRemainder>, 2}, {"min", forType<RunMinimum>, 2}, {"max", forType<RunMaximum>, 2},
      {"abs", forType<RunAbsolute>, 1},  {"neg", forType<RunNegate>, 1},  {"sad", forType<RunAbsoluteDifference>, 3}};
  for (const Known &entry : known) {
    if (name != entry.name)
      continue;
    if (builder.take("sat")) {
      Type type = builder.type();
      if (!(type == "s32") || (name != "add" && name != "sub"))
        builder.fail("is known with .sat for .s32 only");
      builder.out.run = name == "add" ? runBinary<int32_t, int32_t, int32_t, addSaturating<int32_t>>
                                      : runBinary<int32_t, int32_t, int32_t, subSaturating<int32_t>>;
      builder.uniformOperands(type, 2);
      return true;
    }
    if (builder.take("relu")) {
      Type type = builder.type();
      if (!(type == "s32") || (name != "min" && name != "max"))
        builder.fail("is known with .relu for .s32 only");
      builder.out.run = name == "min" ? runBinary<int32_t, int32_t, int32_t, minimumRelu<int32_t>>
                                      : runBinary<int32_t, int32_t, int32_t, maximumRelu<int32_t>>;
      builder.uniformOperands(type, 2);
      return true;
    }
    Type type = builder.type();
    builder.out.run = entry.choose(builder, type);
    builder.uniformOperands(type, static_cast<size_t>(entry.sources));
    return true;
  }
  return false;
}
