// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Conversion/Passes.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/CpuTarget.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

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

  /// The accumulators and sums of two neighbours' products. Where both products are 2^30, which only those of -2^15
  /// are, pmaddwd says -2^31, the same number modulo 2^32.
  Value addWords(Value acc, Value x, Value y) {
    if (!target.hasDotProduct())
      return arith::AddIOp::create(b, acc, multiplyAddWords(x, y));
    StringRef name = lanes == 16  ? "llvm.x86.avx512.vpdpwssd.512"
                     : lanes == 8 ? "llvm.x86.avx512.vpdpwssd.256"
                                  : "llvm.x86.avx512.vpdpwssd.128";
    return call(name, type(32), {acc, x, y});
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

/// Vectors of 16 floats to codes, by the table of n2uq.cell_codes.
struct CellCodesEmitter {
  ImplicitLocOpBuilder b;
  int64_t width;
  ArrayRef<int32_t> table;

  Value call(StringRef name, Type result, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name), operands).getResults();
  }
  VectorType vectorOf(int64_t elements, int64_t bits) { return VectorType::get({elements}, b.getIntegerType(bits)); }
  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getIntegerAttr(type.getElementType(), value)));
  }

  /// rne(value) as 32-bit numbers; values below them become the smallest one, values above as well.
  Value roundToInts(Value value) {
    VectorType ints = vectorOf(16, 32);
    Value all = arith::ConstantOp::create(b, b.getI16IntegerAttr(-1));
    Value current = arith::ConstantOp::create(b, b.getI32IntegerAttr(4)); // rounding as it is: to nearest even
    return call("llvm.x86.avx512.mask.cvtps2dq.512", ints, {value, splat(ints, 0), all, current});
  }

  /// place + table[cell], cell by cell from registers of `lanes` table entries.
  Value addCells(Value place, int64_t lanes) {
    int64_t cells = table.size();
    unsigned cellBits = llvm::Log2_64(cells);
    VectorType type = vectorOf(lanes, width);
    SmallVector<Value> parts;
    for (int64_t from = 0; from < cells; from += lanes) {
      SmallVector<APInt> entries;
      for (int64_t i = 0; i < lanes; ++i)
        entries.push_back(APInt(32, static_cast<uint32_t>(table[from + i])).trunc(width));
      parts.push_back(arith::ConstantOp::create(b, DenseElementsAttr::get(type, entries)));
    }
    Value cell = arith::ShRUIOp::create(b, place, splat(type, width - cellBits));
    StringRef one = width == 16 ? "llvm.x86.avx512.permvar.hi.512" : "llvm.x86.avx512.permvar.si.512";
    StringRef two = width == 16 ? "llvm.x86.avx512.vpermi2var.hi.512" : "llvm.x86.avx512.vpermi2var.d.512";
    Value entry;
    if (parts.size() == 1) {
      entry = call(one, type, {parts[0], cell});
    } else {
      // The index of a permutation counts modulo its entries; the upper half of four registers is the negative places.
      entry = call(two, type, {parts[0], cell, parts[1]});
      if (parts.size() == 4) {
        Value upper = call(two, type, {parts[2], cell, parts[3]});
        Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, splat(type, 0));
        entry = arith::SelectOp::create(b, negative, upper, entry);
      }
    }
    return arith::AddIOp::create(b, place, entry);
  }

  Value bytesOf(Value vector) { return vector::BitCastOp::create(b, vectorOf(64, 8), vector); }

  /// Codes of 16 bits: two vectors of places are packed into one, four lanes of each in turn, and a last shuffle takes
  /// the upper bytes in the order of the values.
  Value emitNarrow(ValueRange values) {
    SmallVector<Value> words;
    for (size_t i = 0; i < values.size(); i += 2) {
      Value first = roundToInts(values[i]);
      Value second = i + 1 < values.size() ? roundToInts(values[i + 1]) : first;
      Value places = call("llvm.x86.avx512.packssdw.512", vectorOf(32, 16), {first, second});
      words.push_back(bytesOf(addCells(places, 32)));
    }
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i)
      for (int64_t e = 0; e < 16; ++e)
        order.push_back(i / 2 * 64 + (e / 4 * 8 + i % 2 * 4 + e % 4) * 2 + 1);
    return vector::ShuffleOp::create(b, words.front(), words.back(), order);
  }

  /// Codes of 32 bits: places stay as they are, and shuffles gather the uppermost bytes.
  Value emitWide(ValueRange values) {
    auto floats = cast<VectorType>(values.front().getType());
    // The largest float32 number below 2^31: above it, rounding would turn to the smallest place.
    Value most = arith::ConstantOp::create(b, DenseElementsAttr::get(floats, 2147483520.0f));
    SmallVector<Value> words;
    for (Value value : values) {
      Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, most);
      Value held = arith::SelectOp::create(b, below, value, most);
      words.push_back(bytesOf(addCells(roundToInts(held), 16)));
    }
    if (words.size() % 2 != 0)
      words.push_back(words.back());
    SmallVector<int64_t> order, all;
    for (int64_t i = 0; i < 32; ++i)
      order.push_back(i * 4 + 3);
    SmallVector<Value> pairs;
    for (size_t i = 0; i < words.size(); i += 2)
      pairs.push_back(vector::ShuffleOp::create(b, words[i], words[i + 1], order));
    for (int64_t i = 0; i < 16 * static_cast<int64_t>(values.size()); ++i)
      all.push_back(i);
    return vector::ShuffleOp::create(b, pairs.front(), pairs.back(), all);
  }

  Value emit(ValueRange values) {
    Value bytes = width == 16 ? emitNarrow(values) : emitWide(values);
    return arith::ShRUIOp::create(b, bytes, splat(cast<VectorType>(bytes.getType()), 4));
  }
};

struct ConvertN2UQToX86 final : n2uq::impl::ConvertN2UQToX86PassBase<ConvertN2UQToX86> {
  using Base::Base;

  void runOnOperation() override {
    CpuTarget target;
    if (std::string error = findCpu(targetCpu, target); !error.empty()) {
      getOperation()->emitError() << error;
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](Operation *op) {
      bool converted = true;
      if (auto dot = dyn_cast<Dot4Op>(op))
        converted = succeeded(convert(dot, target));
      else if (auto words = dyn_cast<Dot2WordsOp>(op))
        converted = succeeded(convert(words, target));
      else if (auto codes = dyn_cast<CellCodesOp>(op))
        converted = succeeded(convert(codes, target));
      else if (auto permute = dyn_cast<PermuteOp>(op))
        converted = succeeded(convert(permute, target));
      else if (auto lookup = dyn_cast<TableLookupOp>(op))
        converted = succeeded(convert(lookup, target));
      return converted ? WalkResult::advance() : WalkResult::interrupt();
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

  static LogicalResult checkLanes(Operation *op, int64_t lanes, const CpuTarget &target) {
    if (lanes > target.lanes())
      return op->emitOpError() << "needs vectors of " << lanes << " lanes, but " << target.name << " has "
                               << target.lanes();
    return success();
  }

  /// The lanes of a dot product's accumulators; a failure where the target has no such vectors.
  static FailureOr<int64_t> lanesOf(Operation *op, Value acc, const CpuTarget &target) {
    int64_t lanes = cast<VectorType>(acc.getType()).getNumElements();
    if (lanes != 4 && lanes != 8 && lanes != 16)
      return op->emitOpError() << "expects 4, 8 or 16 accumulators, but got " << lanes;
    if (failed(checkLanes(op, lanes, target)))
      return failure();
    return lanes;
  }

  static LogicalResult convert(Dot4Op op, const CpuTarget &target) {
    FailureOr<int64_t> lanes = lanesOf(op, op.getAcc(), target);
    if (failed(lanes))
      return failure();
    DotEmitter emitter{ImplicitLocOpBuilder(op.getLoc(), op), target, *lanes};
    return replace(op, emitter.emit(op.getAcc(), op.getCodes(), op.getWeights(), op.getCodeBits()));
  }

  static LogicalResult convert(Dot2WordsOp op, const CpuTarget &target) {
    FailureOr<int64_t> lanes = lanesOf(op, op.getAcc(), target);
    if (failed(lanes))
      return failure();
    DotEmitter emitter{ImplicitLocOpBuilder(op.getLoc(), op), target, *lanes};
    return replace(op, emitter.addWords(op.getAcc(), op.getLhs(), op.getRhs()));
  }

  static LogicalResult convert(TableLookupOp op, const CpuTarget &target) {
    if (!target.has("avx512vbmi"))
      return op.emitOpError() << "needs a permutation of 64 bytes (avx512vbmi), which " << target.name << " has not";
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto call = LLVM::CallIntrinsicOp::create(b, op.getType(), b.getStringAttr("llvm.x86.avx512.permvar.qi.512"),
                                              ValueRange{op.getTable(), op.getIndices()});
    return replace(op, call.getResults());
  }

  static LogicalResult convert(CellCodesOp op, const CpuTarget &target) {
    constexpr int64_t lanes = 16;
    constexpr size_t most = 4;
    for (Value value : op.getValues())
      if (cast<VectorType>(value.getType()).getNumElements() != lanes || op.getValues().size() > most)
        return op.emitOpError() << "expects at most " << most << " vectors of " << lanes << " values";
    if (failed(checkLanes(op, lanes, target)))
      return failure();
    CellCodesEmitter emitter{ImplicitLocOpBuilder(op.getLoc(), op), static_cast<int64_t>(op.getWidth()), op.getTable()};
    return replace(op, emitter.emit(op.getValues()));
  }

  static LogicalResult convert(PermuteOp op, const CpuTarget &target) {
    auto type = cast<VectorType>(op.getType());
    int64_t lanes = type.getNumElements();
    if (lanes != 8 && lanes != 16)
      return op.emitOpError() << "expects vectors of 8 or 16 elements, but got " << lanes;
    if (failed(checkLanes(op, lanes, target)))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), op);
    bool isFloat = type.getElementType().isF32();
    StringRef name = lanes == 8 ? (isFloat ? "llvm.x86.avx2.permps" : "llvm.x86.avx2.permd")
                                : (isFloat ? "llvm.x86.avx512.permvar.sf.512" : "llvm.x86.avx512.permvar.si.512");
    ValueRange operands = op->getOperands();
    return replace(op, LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResults());
  }

  static LogicalResult replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
    return success();
  }
};
} // namespace
