// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cvt: between integers, from and to floats, and to integral floats.
#include "Builder.h"
#include "FloatBits.h"

#include <algorithm>
#include <limits>

using namespace n2uq::ptx;

namespace {
/// Written in the instruction's `flag`.
enum Rounding : uint8_t { NearestEven, Zero, Down, Up };

template <typename T>
T roundToIntegral(T value, uint8_t rounding) {
  switch (rounding) {
  case NearestEven:
    return std::nearbyint(value); // the host's mode is to nearest even
  case Zero:
    return std::trunc(value);
  case Down:
    return std::floor(value);
  default:
    return std::ceil(value);
  }
}

/// Out of range gives the nearest end of the range. NaN gives 0, or, from or to 64 bits, the highest bit alone.
template <typename D, typename S>
D toInteger(S value, uint8_t rounding) {
  if (std::isnan(value))
    return sizeof(S) == 8 || sizeof(D) == 8 ? static_cast<D>(std::make_unsigned_t<D>(1) << (8 * sizeof(D) - 1)) : D(0);
  S integral = roundToIntegral(value, rounding);
  // 2^digits is a value of S, the largest D need not be one.
  S end = std::ldexp(S(1), std::numeric_limits<D>::digits);
  if (integral >= end)
    return std::numeric_limits<D>::max();
  if (integral < (std::is_signed_v<D> ? -end : S(0)))
    return std::numeric_limits<D>::min();
  return static_cast<D>(integral);
}

template <typename D, typename S>
D saturate(S value) {
  using L = std::numeric_limits<D>;
  __int128 wide = static_cast<__int128>(value);
  return wide < static_cast<__int128>(L::min())   ? L::min()
         : wide > static_cast<__int128>(L::max()) ? L::max()
                                                  : static_cast<D>(value);
}

/// `flag`: the rounding; `flag2`: .sat.
template <typename D, typename S>
void runConvert(Warp &warp, const Instruction &in, Mask mask) {
  // A narrower integer is made of the low bytes alone.
  bool cuts = std::is_integral_v<S> && std::is_integral_v<D> && !in.flag2;
  warp.need(in, in.op[1], mask, lowBytes(cuts ? std::min(sizeof(S), sizeof(D)) : sizeof(S)));
  const uint64_t *a = warp.values(in.op[1]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) {
    S value = get<S>(a, lane);
    D result;
    if constexpr (std::is_floating_point_v<S> && std::is_floating_point_v<D>) {
      if (sizeof(S) == sizeof(D))
        value = roundToIntegral(value, in.flag);
      result = canonical(static_cast<D>(value));
      if (in.flag2)
        result = !(result > D(0)) ? D(0) : result > D(1) ? D(1) : result;
    } else if constexpr (std::is_floating_point_v<S>) {
      result = toInteger<D, S>(value, in.flag);
    } else if constexpr (std::is_floating_point_v<D>) {
      result = static_cast<D>(value);
    } else {
      result = in.flag2 ? saturate<D, S>(value) : static_cast<D>(value);
    }
    put<D>(d, lane, result);
  });
  warp.define(in.op[0], mask);
}

template <typename D>
Runner from(Type type) {
  if (type.kind == 'f')
    return type.bytes == 4 ? runConvert<D, float> : type.bytes == 8 ? runConvert<D, double> : nullptr;
  bool isSigned = type.kind == 's';
  switch (type.bytes) {
  case 1:
    return isSigned ? runConvert<D, int8_t> : runConvert<D, uint8_t>;
  case 2:
    return isSigned ? runConvert<D, int16_t> : runConvert<D, uint16_t>;
  case 4:
    return isSigned ? runConvert<D, int32_t> : runConvert<D, uint32_t>;
  default:
    return isSigned ? runConvert<D, int64_t> : runConvert<D, uint64_t>;
  }
}
Runner runnerOf(Type to, Type source) {
  if (to.kind == 'f')
    return to.bytes == 4 ? from<float>(source) : to.bytes == 8 ? from<double>(source) : nullptr;
  bool isSigned = to.kind == 's';
  switch (to.bytes) {
  case 1:
    return isSigned ? from<int8_t>(source) : from<uint8_t>(source);
  case 2:
    return isSigned ? from<int16_t>(source) : from<uint16_t>(source);
  case 4:
    return isSigned ? from<int32_t>(source) : from<uint32_t>(source);
  default:
    return isSigned ? from<int64_t>(source) : from<uint64_t>(source);
  }
}
} // namespace

bool n2uq::ptx::buildConvert(Builder &builder) {
  if (builder.mnemonic != "cvt")
    return false;
  if (builder.nextModifierIs("pack"))
    return false;
  int integral = builder.takeOneOf({"rni", "rzi", "rmi", "rpi"});
  bool nearest = builder.take("rn");
  builder.out.flag2 = builder.take("sat");
  Type to = builder.type(), source = builder.type();
  for (Type type : {to, source})
    if (type.kind == 'p' || type.kind == 'b')
      builder.fail("is not known for type " + type.text());
  bool toFloat = to.kind == 'f', fromFloat = source.kind == 'f';
  // Which roundings a conversion needs: an integral one for float -> integer, one to nearest where digits may be lost.
  bool needsIntegral = fromFloat && !toFloat, mayBeIntegral = fromFloat && toFloat && to.bytes == source.bytes;
  bool needsNearest = toFloat && (!fromFloat || to.bytes < source.bytes);
  if (needsNearest != nearest || (needsIntegral && integral < 0) || (integral >= 0 && !needsIntegral && !mayBeIntegral))
    builder.fail(needsNearest ? "is known with .rn only" : "has a rounding that is not known there");
  if (mayBeIntegral && integral < 0)
    builder.fail("is not known without a rounding");
  builder.out.flag = static_cast<uint8_t>(integral < 0 ? NearestEven : integral);
  builder.out.run = runnerOf(to, source);
  if (!builder.out.run)
    builder.fail("is not known from " + source.text() + " to " + to.text());
  builder.expectOperands(2);
  builder.out.op[0] = builder.destination(size_t(0), to, /*mayBeWider=*/true);
  builder.out.op[1] = builder.source(1, source, /*mayBeWider=*/true);
  return true;
}
