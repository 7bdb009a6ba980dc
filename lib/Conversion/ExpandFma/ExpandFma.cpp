// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Conversion/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#define DEBUG_TYPE "n2uq-expand-fma"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_EXPANDFMAPASS
#include "n2uq/Conversion/Passes.h.inc"
} // namespace n2uq

/// fma(x, y, z) of float32 in float64:
///
///   p = x * y                exact: 24 + 24 bits fit into 53, and no exponent leaves the range
///   s = fl64(p + z), e = (p + z) - s    exact, by Knuth's two-sum: nothing over- or underflows
///   t = s, with its last bit set where e != 0 (round to odd): where s is even and e != 0, the neighbour of s towards e
///   result = fl32(t)
///
/// Rounding to odd keeps what the second rounding needs to know: a number of 53 bits rounded to odd is a tie of 24 bits
/// only if the exact sum is that tie (Boldo and Melquiond, 2008; 53 >= 2 * 24 + 2, and subnormal results have fewer
/// bits still). An infinity or NaN gives e = NaN, which is not ordered against 0, so s stays.
static Value expand(ImplicitLocOpBuilder &b, Value x, Value y, Value z) {
  Type narrow = x.getType(), wide = b.getF64Type(), bits = b.getI64Type();
  auto like = [&](Type element) -> Type {
    if (auto vector = dyn_cast<VectorType>(narrow))
      return vector.clone(element);
    return element;
  };
  auto constant = [&](Type element, Attribute value) -> Value {
    Type type = like(element);
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value));
    return arith::ConstantOp::create(b, cast<TypedAttr>(value));
  };
  auto extend = [&](Value value) -> Value { return arith::ExtFOp::create(b, like(wide), value); };
  auto add = [&](Value l, Value r) -> Value { return arith::AddFOp::create(b, l, r); };
  auto subtract = [&](Value l, Value r) -> Value { return arith::SubFOp::create(b, l, r); };

  Value p = arith::MulFOp::create(b, extend(x), extend(y)), c = extend(z);
  Value s = add(p, c);
  Value cRound = subtract(s, p), pRound = subtract(s, cRound);
  Value e = add(subtract(p, pRound), subtract(c, cRound));

  Value zero = constant(wide, b.getF64FloatAttr(0)), one = constant(bits, b.getI64IntegerAttr(1));
  Value inexact = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, e, zero);
  Value word = arith::BitcastOp::create(b, like(bits), s);
  Value isEven = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, word, one),
                                       constant(bits, b.getI64IntegerAttr(0)));
  // Away from zero where e has the sign of s, else towards it; s is not 0 where e is not.
  Value sPositive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, s, zero);
  Value ePositive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, e, zero);
  Value outward = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, sPositive, ePositive);
  Value step = arith::SelectOp::create(b, outward, one, constant(bits, b.getI64IntegerAttr(-1)));
  Value moved = arith::AddIOp::create(b, word, step);
  Value odd = arith::SelectOp::create(b, arith::AndIOp::create(b, inexact, isEven), moved, word);
  return arith::TruncFOp::create(b, narrow, arith::BitcastOp::create(b, like(wide), odd));
}

namespace {
struct ExpandFma final : n2uq::impl::ExpandFmaPassBase<ExpandFma> {
  void runOnOperation() override {
    getOperation()->walk([](math::FmaOp op) {
      if (!getElementTypeOrSelf(op.getType()).isF32())
        return;
      ImplicitLocOpBuilder b(op.getLoc(), op);
      op.replaceAllUsesWith(expand(b, op.getA(), op.getB(), op.getC()));
      op.erase();
    });
  }
};
} // namespace
