// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the ops of arith and math that a network may hold do to numbers, each by its own description.
#include "Evaluate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace n2uq {

/// IEEE-754 maximum: a NaN wins, and -0 is less than +0.
static float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? a : b;
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}

using Unary = float (*)(float);
using Binary = float (*)(float, float);

static Unary unaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Unary>(op)
      .Case([](arith::NegFOp) { return [](float x) { return -x; }; })
      .Case([](math::AbsFOp) { return [](float x) { return std::fabs(x); }; })
      .Case([](math::SqrtOp) { return [](float x) { return std::sqrt(x); }; })
      .Default(Unary());
}

static Binary binaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Binary>(op)
      .Case([](arith::AddFOp) { return [](float a, float b) { return a + b; }; })
      .Case([](arith::SubFOp) { return [](float a, float b) { return a - b; }; })
      .Case([](arith::MulFOp) { return [](float a, float b) { return a * b; }; })
      .Case([](arith::DivFOp) { return [](float a, float b) { return a / b; }; })
      .Case([](arith::MaximumFOp) { return &maximum; })
      .Case([](arith::MinimumFOp) { return [](float a, float b) { return -maximum(-a, -b); }; })
      .Default(Binary());
}

void evaluateUpstream(Operation *op, ArrayRef<const Array *> inputs, Array &result, unsigned threads) {
  float *out = result.as<float>();
  const float *a = inputs[0]->as<float>(), *b = inputs.size() > 1 ? inputs[1]->as<float>() : nullptr;
  Unary unary = unaryOf(op);
  Binary binary = binaryOf(op);
  parallelFor(result.elements(), threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[i] = b ? binary(a[i], b[i]) : unary(a[i]);
  });
}

} // namespace n2uq
