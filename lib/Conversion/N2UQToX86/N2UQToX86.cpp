// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Conversion/Passes.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/CpuTarget.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#define DEBUG_TYPE "convert-n2uq-to-x86"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace n2uq {
#define GEN_PASS_DEF_CONVERTN2UQTOX86PASS
#include "n2uq/Conversion/Passes.h.inc"
} // namespace n2uq

namespace {
/// Codes below 2^7 times weights down to -128: two products are at least -2 * 127 * 128 > -2^15, so pmaddubsw does not
/// saturate.
constexpr int64_t pairBits = 7;

struct DotEmitter {
  ImplicitLocOpBuilder b;
  const CpuTarget &target;
  int64_t lanes;

  VectorType type(int64_t bits) { return VectorType::get({lanes * 32 / bits}, b.getIntegerType(bits)); }
  Value cast(Value value, int64_t bits) { return vector::BitCastOp::create(b, type(bits), value); }
  Value splat(int64_t bits, int64_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type(bits), b.getIntegerAttr(b.getIntegerType(bits), value)));
  }
  Value call(StringRef name, Type result, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name), operands).getResults();
  }

  /// Sums of two neighbours' products: i16 x i16 -> i32.
  Value multiplyAddWords(Value x, Value y) {
    StringRef name = lanes == 16  ? "llvm.x86.avx512.pmaddw.d.512"
                     : lanes == 8 ? "llvm.x86.avx2.pmadd.wd"
                                  : "llvm.x86.sse2.pmadd.wd";
    return call(name, type(32), {x, y});
  }

  Value emit(Value acc, Value codes, Value weights, int64_t codeBits) {
    if (target.hasDotProduct()) {
      StringRef name = lanes == 16  ? "llvm.x86.avx512.vpdpbusd.512"
                       : lanes == 8 ? "llvm.x86.avx512.vpdpbusd.256"
                                    : "llvm.x86.avx512.vpdpbusd.128";
      return call(name, type(32), {acc, codes, weights});
    }
    bool hasPairs = lanes == 4 ? target.has("ssse3") : true;
    if (hasPairs && codeBits <= pairBits) {
      StringRef name = lanes == 16  ? "llvm.x86.avx512.pmaddubs.w.512"
                       : lanes == 8 ? "llvm.x86.avx2.pmadd.ub.sw"
                                    : "llvm.x86.ssse3.pmadd.ub.sw.128";
      Value pairs = call(name, type(16), {codes, weights});
      return arith::AddIOp::create(b, acc, multiplyAddWords(pairs, splat(16, 1)));
    }
    // Even and odd bytes as 16-bit numbers: codes by mask and shift, weights by arithmetic shifts.
    Value c = cast(codes, 16), w = cast(weights, 16), eight = splat(16, 8);
    Value evenCodes = arith::AndIOp::create(b, c, splat(16, 255)), oddCodes = arith::ShRUIOp::create(b, c, eight);
    Value evenWeights = arith::ShRSIOp::create(b, arith::ShLIOp::create(b, w, eight), eight);
    Value oddWeights = arith::ShRSIOp::create(b, w, eight);
    Value sum = arith::AddIOp::create(b, acc, multiplyAddWords(evenCodes, evenWeights));
    return arith::AddIOp::create(b, sum, multiplyAddWords(oddCodes, oddWeights));
  }
};

/// Products of two bytes and their sum, of which the caller promises that it fits into 16 bits.
static Value emitDot2(Dot2Op op, const CpuTarget &target) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto words = mlir::cast<VectorType>(op.getType());
  int64_t bytes = words.getNumElements() * 2;
  StringRef name = bytes == 64   ? "llvm.x86.avx512.pmaddubs.w.512"
                   : bytes == 32 ? "llvm.x86.avx2.pmadd.ub.sw"
                                 : "llvm.x86.ssse3.pmadd.ub.sw.128";
  if (bytes > 16 || target.has("ssse3"))
    return LLVM::CallIntrinsicOp::create(b, words, b.getStringAttr(name), ValueRange{op.getCodes(), op.getWeights()})
        .getResults();
  // Even and odd bytes as 16-bit numbers: codes by mask and shift, weights by arithmetic shifts.
  auto splat = [&](int64_t value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(words, b.getI16IntegerAttr(value)));
  };
  Value c = vector::BitCastOp::create(b, words, op.getCodes()),
        w = vector::BitCastOp::create(b, words, op.getWeights());
  Value eight = splat(8);
  Value even = arith::MulIOp::create(b, arith::AndIOp::create(b, c, splat(255)),
                                     arith::ShRSIOp::create(b, arith::ShLIOp::create(b, w, eight), eight));
  Value odd = arith::MulIOp::create(b, arith::ShRUIOp::create(b, c, eight), arith::ShRSIOp::create(b, w, eight));
  return arith::AddIOp::create(b, even, odd);
}

struct ConvertN2UQToX86 final : n2uq::impl::ConvertN2UQToX86PassBase<ConvertN2UQToX86> {
  using Base::Base;

  void runOnOperation() override {
    CpuTarget target;
    if (std::string error = findCpu(targetCpu, target); !error.empty()) {
      getOperation()->emitError() << error;
      return signalPassFailure();
    }
    WalkResult lookups = getOperation()->walk([&](TableLookupOp op) {
      if (!target.has("avx512vbmi")) {
        op.emitOpError() << "needs a permutation of 64 bytes (avx512vbmi), which " << target.name << " has not";
        return WalkResult::interrupt();
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      auto call = LLVM::CallIntrinsicOp::create(b, op.getType(), b.getStringAttr("llvm.x86.avx512.permvar.qi.512"),
                                                ValueRange{op.getTable(), op.getIndices()});
      op.replaceAllUsesWith(call.getResults());
      op.erase();
      return WalkResult::advance();
    });
    if (lookups.wasInterrupted())
      return signalPassFailure();
    WalkResult result = getOperation()->walk([&](Dot4Op op) {
      int64_t lanes = mlir::cast<VectorType>(op.getAcc().getType()).getNumElements();
      if (lanes != 4 && lanes != 8 && lanes != 16) {
        op.emitOpError() << "expects 4, 8 or 16 accumulators, but got " << lanes;
        return WalkResult::interrupt();
      }
      if (lanes > target.lanes()) {
        op.emitOpError() << "needs vectors of " << lanes << " lanes, but " << target.name << " has " << target.lanes();
        return WalkResult::interrupt();
      }
      DotEmitter emitter{ImplicitLocOpBuilder(op.getLoc(), op), target, lanes};
      op.replaceAllUsesWith(emitter.emit(op.getAcc(), op.getCodes(), op.getWeights(), op.getCodeBits()));
      op.erase();
      return WalkResult::advance();
    });
    if (!result.wasInterrupted())
      result = getOperation()->walk([&](Dot2Op op) {
        int64_t lanes = mlir::cast<VectorType>(op.getType()).getNumElements() / 2;
        if ((lanes != 4 && lanes != 8 && lanes != 16) || lanes > target.lanes()) {
          op.emitOpError() << "needs vectors of " << lanes << " lanes, but " << target.name << " has "
                           << target.lanes();
          return WalkResult::interrupt();
        }
        op.replaceAllUsesWith(emitDot2(op, target));
        op.erase();
        return WalkResult::advance();
      });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
