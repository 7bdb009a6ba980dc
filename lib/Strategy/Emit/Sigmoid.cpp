// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq.sigmoid on registers: the steps of the op's description, line against line.
#include "n2uq/Strategy/Emit.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"
#include <limits>

using namespace mlir;

namespace n2uq {

Value emitSigmoid(ItemEmitter &e, Value x) {
  auto fma = [&](Value a, Value b, Value c) { return math::FmaOp::create(e.b, a, b, c).getResult(); };
  auto select = [&](arith::CmpFPredicate predicate, Value a, Value b, Value yes, Value no) {
    return arith::SelectOp::create(e.b, arith::CmpFOp::create(e.b, predicate, a, b), yes, no).getResult();
  };
  Value one = e.splat(1.0f), magic = e.splat(0x1.8p+23f), most = e.splat(87.0f);
  // |x| is a clear of the sign bit, which a NaN survives; -t is its setting.
  Value bits = arith::BitcastOp::create(e.b, e.ints(), x);
  Value t = arith::BitcastOp::create(e.b, e.floats(),
                                     arith::AndIOp::create(e.b, bits, e.splat(std::numeric_limits<int32_t>::max())));
  t = select(arith::CmpFPredicate::OGT, t, most, most, t);
  Value minusT = arith::NegFOp::create(e.b, t);
  Value sum = arith::AddFOp::create(e.b, arith::MulFOp::create(e.b, t, e.splat(0x1.715476p+0f)), magic);
  Value k = arith::SubFOp::create(e.b, sum, magic);
  Value r = fma(k, e.splat(0x1.7f7d1cp-20f), fma(k, e.splat(0x1.62e4p-1f), minusT));
  Value p = e.splat(0x1.9bbf72p-13f);
  for (float a : {0x1.6d507ap-10f, 0x1.1114ccp-7f, 0x1.5554e4p-5f, 0x1.555552p-3f, 0.5f, 1.0f, 1.0f})
    p = fma(p, r, e.splat(a));
  // `sum` holds 2^23 + 2^22 + k, so its bits are those of the magic number and k. 2^-k is the float whose exponent's
  // bits are 127 - k; for a NaN these are nonsense, and the product is still a NaN.
  Value whole = arith::SubIOp::create(e.b, arith::BitcastOp::create(e.b, e.ints(), sum),
                                      e.splat(llvm::bit_cast<int32_t>(0x1.8p+23f)));
  Value exponent =
      arith::ShLIOp::create(e.b, arith::SubIOp::create(e.b, e.splat(int32_t(127)), whole), e.splat(int32_t(23)));
  Value exp = arith::MulFOp::create(e.b, p, arith::BitcastOp::create(e.b, e.floats(), exponent));
  Value over = select(arith::CmpFPredicate::OLT, x, e.splat(0.0f), exp, one);
  return arith::DivFOp::create(e.b, over, arith::AddFOp::create(e.b, one, exp));
}

} // namespace n2uq
