// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats of 32 and 64 bits: add sub mul fma div sqrt rcp neg abs min max copysign, rounded to nearest even.
//
// Exactness is the point: forms whose result is not one rounding are refused. `add.f32` and `mul.f32` without .rn may
// be contracted into fma by the assembler, .ftz and .approx are other functions.
#include "Builder.h"
#include "FloatBits.h"

#include <cmath>

using namespace n2uq::ptx;

namespace {
template <typename T>
T add(T a, T b) {
  return canonical(a + b);
}
template <typename T>
T sub(T a, T b) {
  return canonical(a - b);
}
template <typename T>
T mul(T a, T b) {
  return canonical(a * b);
}
template <typename T>
T divide(T a, T b) {
  return canonical(a / b);
}
template <typename T>
T fma(T a, T b, T c) {
  return canonical(std::fma(a, b, c));
}
template <typename T>
T squareRoot(T a) {
  return canonical(std::sqrt(a));
}
template <typename T>
T reciprocal(T a) {
  return canonical(T(1) / a);
}
template <typename T>
T negate(T a) {
  return -a;
}
template <typename T>
T absolute(T a) {
  return std::fabs(a);
}
/// `b` with the sign of `a`: PTX's order of operands.
template <typename T>
T copySign(T a, T b) {
  return std::copysign(b, a);
}
/// -0 is less than +0; a NaN loses against a number, or wins with .NaN.
template <typename T, bool NaN>
T minimum(T a, T b) {
  if (std::isnan(a) || std::isnan(b))
    return NaN || (std::isnan(a) && std::isnan(b)) ? canonicalNaN<T>() : std::isnan(a) ? b : a;
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename T, bool NaN>
T maximum(T a, T b) {
  if (std::isnan(a) || std::isnan(b))
    return NaN || (std::isnan(a) && std::isnan(b)) ? canonicalNaN<T>() : std::isnan(a) ? b : a;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

template <typename T>
bool build(Builder &builder) {
  const std::string &name = builder.mnemonic;
  bool rounded = builder.take("rn");
  bool NaN = builder.take("NaN");
  Type type = builder.type();
  struct Known {
    const char *name;
    Runner run;
    size_t sources;
    bool rounds;
  };
  static const Known known[] = {
      {"add", runBinary<T, T, T, add<T>>, 2, true},           {"sub", runBinary<T, T, T, sub<T>>, 2, true},
      {"mul", runBinary<T, T, T, mul<T>>, 2, true},           {"div", runBinary<T, T, T, divide<T>>, 2, true},
      {"fma", runTernary<T, T, T, T, fma<T>>, 3, true},       {"mad", runTernary<T, T, T, T, fma<T>>, 3, true},
      {"sqrt", runUnary<T, T, squareRoot<T>>, 1, true},       {"rcp", runUnary<T, T, reciprocal<T>>, 1, true},
      {"neg", runUnary<T, T, negate<T>>, 1, false},           {"abs", runUnary<T, T, absolute<T>>, 1, false},
      {"copysign", runBinary<T, T, T, copySign<T>>, 2, false}};
  if (name == "min" || name == "max") {
    bool isMin = name == "min";
    builder.out.run = NaN ? (isMin ? runBinary<T, T, T, minimum<T, true>> : runBinary<T, T, T, maximum<T, true>>)
                          : (isMin ? runBinary<T, T, T, minimum<T, false>> : runBinary<T, T, T, maximum<T, false>>);
    if (rounded)
      builder.fail("has .rn, which is not known there");
    builder.uniformOperands(type, 2);
    return true;
  }
  for (const Known &entry : known) {
    if (name != entry.name)
      continue;
    if (NaN || rounded != entry.rounds)
      builder.fail(entry.rounds ? "is known with .rn only: without it the assembler may contract it, and other "
                                  "roundings are not the model's"
                                : "has a modifier that is not known there");
    builder.out.run = entry.run;
    builder.uniformOperands(type, entry.sources);
    return true;
  }
  return false;
}
} // namespace

bool n2uq::ptx::buildFloat(Builder &builder) {
  if (!builder.hasType("f32") && !builder.hasType("f64"))
    return false;
  for (const char *name :
       {"add", "sub", "mul", "div", "fma", "mad", "sqrt", "rcp", "neg", "abs", "copysign", "min", "max"})
    if (builder.mnemonic == name)
      return builder.hasType("f32") ? build<float>(builder) : build<double>(builder);
  return false;
}
