// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution of pixels by products of sums, in words: the inner-product identity (InnerProduct.cpp) where one factor
// is a weight q of up to two limbs. With x = pixel - 128, of which pairs x1 with weights y1 meet pairs x2 with y2:
//
//   pixel * q summed up  =  128 * sum of q  +  sum over steps of dot(x1 + y2, x2 + y1) - dot(x1, x2) - dot(y1, y2)
//
// The sums stay in 16 bits because |q| <= 127 * 257 for weights of two limbs that balance (n2uq-image-input makes no
// others) and -128 <= x <= 127; where hand-written limbs reach further the family says so. One dot product of words and
// two additions make four products of a pixel and 16 bits, for which dot products of bytes come twice; additions find
// other ports. Everything is modulo 2^32, which holds the result (n2uq.image_conv2d's C5).
//
// For a row of outputs the rows of the image under it become words, with the padding (pixel 0) on both sides. A
// window's row is a run of words in one of them, and runs of neighbouring outputs overlap, so nothing is copied. A step
// takes x1 from an even row of the window and x2 from the row behind it, at the same place; in the last row of an odd
// number, x1 from its first half and x2 from the second. A pair may reach behind its run: there the weights are 0, and
// the term below has what the products have.
//
// dot(x1, x2) is one number for each window, the others one for each output channel, and sums start from both. Where x1
// and x2 meet does not depend on the window: their products are computed once for each place of the rows, and a
// window's number is the sum of those at its places.
//
// Without dot products in the instruction set a product of words is two instructions, that of bytes ten.
#include "ImageWindows.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace n2uq;

namespace {

/// Calls body(output, tap, weight) for every weight of a packed filter, those that fill it up included.
template <typename Function>
void forEachPacked(PackedImageConv2DOp conv, Function body) {
  std::vector<int8_t> packed = *constantBytes(conv.getPacked());
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t steps = shape[1], limbs = shape[2], block = shape[3];
  for (int64_t at = 0; at < shape[0] * steps; ++at)
    for (int64_t o = 0; o < block; ++o)
      for (int64_t j = 0; j < 4; ++j) {
        const int8_t *low = &packed[(at * limbs * block + o) * 4 + j];
        body(at / steps * block + o, at % steps * 4 + j, low[0] + (limbs > 1 ? 256 * low[block * 4] : 0));
      }
}

/// Whether x + q fits into 16 bits for all weights of a root.
bool sumsFit(Operation *root) {
  int64_t least = 0, most = 0;
  auto meet = [&](int64_t weight) {
    least = std::min(least, weight);
    most = std::max(most, weight);
  };
  if (auto conv = dyn_cast<PackedImageConv2DOp>(root)) {
    forEachPacked(conv, [&](int64_t, int64_t, int64_t weight) { meet(weight); });
  } else {
    std::vector<int8_t> limbs = *constantBytes(root->getOperand(1));
    size_t count = limbs.size() / imageLimbsOf(root);
    for (size_t k = 0; k < count; ++k)
      meet(limbs[k] + (limbs.size() > count ? 256 * limbs[count + k] : 0));
  }
  return least - 128 >= INT16_MIN && most + 127 <= INT16_MAX;
}

/// Taps of a step: first those of x1, then those of x2; -1 for none.
using StepTaps = std::array<int64_t, 4>;

/// How the rows under a row of outputs lie in scratch memory, and which taps a step multiplies.
struct ImageRows {
  Window window;
  ImageShape in, out;
  int64_t lanes;
  int64_t run;     ///< words of a window's row
  int64_t pairs;   ///< of a run
  int64_t halves;  ///< pairs of half a run, for the last row of an odd number; else 0
  int64_t advance; ///< words from an output's window to the next one's

  ImageRows(Operation *root, int64_t lanes)
      : window(imageWindowOf(root)), in(root->getOperand(0).getType()), out(root->getResult(0).getType()), lanes(lanes),
        run(window.kernel[1] * in.channels), pairs(ceilDiv(run, 2)),
        halves(window.kernel[0] % 2 ? ceilDiv(pairs, 2) : 0), advance(window.strides[1] * in.channels) {}

  int64_t rowPairs() const { return window.kernel[0] / 2; }
  int64_t steps() const { return rowPairs() * pairs + halves; }

  StepTaps taps(int64_t step) const {
    bool isHalf = step >= rowPairs() * pairs;
    int64_t row = isHalf ? window.kernel[0] - 1 : step / pairs * 2,
            pair = isHalf ? step - rowPairs() * pairs : step % pairs;
    auto tap = [&](int64_t row, int64_t word) { return word < run ? row * run + word : -1; };
    int64_t second = isHalf ? row : row + 1, ahead = isHalf ? 2 * halves : 0;
    return {tap(row, 2 * pair), tap(row, 2 * pair + 1), tap(second, 2 * pair + ahead),
            tap(second, 2 * pair + 1 + ahead)};
  }

  /// Pairs begin at every second word; at odd ones too where an output's window does.
  int64_t parities() const { return advance % 2 ? 2 : 1; }
  /// Places at which windows begin, of one parity; and those at which products of pairs are needed.
  int64_t starts() const { return roundUp((out.width - 1) * advance / 2 + 1, lanes); }
  int64_t places() const { return roundUp(starts() + pairs, lanes); }
  int64_t rowBytes() const {
    int64_t read = 2 * (places() + halves) + 1, written = (window.before[1] + in.width) * in.channels;
    return roundUp(2 * std::max(read, written), 64);
  }
  int64_t rowsBytes() const { return window.kernel[0] * rowBytes(); }
  /// The products of row pairs, those of halves, and the terms.
  int64_t productBytes() const { return places() * 4; }
  int64_t termBytes() const { return starts() * 4; }
  int64_t bytes() const { return rowsBytes() + 2 * productBytes() + parities() * termBytes(); }
};

/// What rows may take of the scratch memory; the pool has the rest.
constexpr int64_t maxRowsBytes = maxScratchBytes - maxPooledRowsBytes;

bool mayRun(KernelOp kernel, const CpuTarget &target, std::string &why) {
  if (!mayReadPixels(kernel, why))
    return false;
  Operation *root = kernel.getRoot();
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  int64_t lanes = strategy ? int64_t(strategy->getLanes()) : target.lanes();
  if (lanes < 4)
    why = "it has vectors of at least 4 lanes";
  else if (imageLimbsOf(root) > 2)
    why = "its weights have more than two limbs";
  else if (ImageRows rows(root, lanes); rows.rowBytes() > maxRowsBytes || rows.bytes() > maxRowsBytes)
    why = "the rows under a row of outputs need more than " + std::to_string(maxRowsBytes) + " bytes";
  else if (!constantBytes(root->getOperand(1)))
    why = "its limbs are not constant";
  else if (!sumsFit(root))
    why = "sums of its pixels and weights do not fit into 16 bits";
  else
    return true;
  return false;
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  const CpuPorts &ports = portsOf(target);
  ImageRows rows(root, target.lanes());
  int64_t lanes = target.lanes(), vectors = memoryChannels(rows.out.channels) / lanes;
  // Dot products of words go where those of bytes go.
  double dot = 1 / ports.dots, perProduct = (target.hasDotProduct() ? 3 : 4) / ports.vectors;
  Plan best;
  best.lanes = lanes;
  best.cycles = -1;
  for (int64_t n = 1; n <= std::min<int64_t>(vectors, 4); ++n)
    for (int64_t m = 1; m <= std::min<int64_t>(rows.out.width, 14); ++m) {
      // Accumulators, weights, a pixel's numbers and their sums.
      if (vectors % n != 0 || (m * n + 2 * n + 4 > target.vectorRegisters() && m * n > 1))
        continue;
      double products = double(m) * n;
      double step = std::max({products * dot, products * perProduct, (2.0 * m + 2 * n) / ports.loads, 4.0});
      double cycles =
          (rows.steps() * step + products * 10 + 10) * ceilDiv(rows.out.width, m) * rows.out.height * (vectors / n);
      if (best.cycles < 0 || cycles < best.cycles) {
        best.cycles = cycles;
        best.tile = {1, m, n};
      }
    }
  // Words of a row, the products of pairs, the windows' sums of them.
  double words = double(rows.rowsBytes()) / (lanes * 4) * (1 / ports.loads + 1 / ports.stores);
  double products = double(rows.parities()) * rows.places() / lanes * (rows.window.kernel[0] + 2) / ports.loads;
  double terms = double(rows.parities()) * rows.starts() / lanes * (rows.pairs + rows.halves) / ports.nearLoads;
  best.cycles += rows.out.height * (words + products + terms);
  best.tile[0] = stemRowsPerItem(kernel);
  best.weightBytes = double(imageLimbsOf(root)) * ceilDiv(rows.run * rows.window.kernel[0], 4) * 4 * vectors * lanes;
  return best;
}

int64_t items(KernelOp kernel) { return ceilDiv(rowsOf(kernel).height, kernel.getStrategy()->getTile()[0]); }

/// The rows of words and their products come first, then the rows between convolution and pool.
int64_t rowsScratch(KernelOp kernel) {
  return roundUp(ImageRows(kernel.getRoot(), kernel.getStrategy()->getLanes()).bytes(), 64);
}

int64_t scratch(KernelOp kernel) {
  MaxPoolOp pool = kernel.getPool();
  return rowsScratch(kernel) + (pool ? pooledRowsBytes(pool) : 0);
}

template <typename T>
std::vector<char> asBytes(const std::vector<T> &numbers) {
  std::vector<char> bytes(numbers.size() * sizeof(T));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// Emits one work item.
struct Emitter {
  ItemEmitter &e;
  PackedImageConv2DOp conv;
  ImageRows rows;
  Access image;
  int64_t n, block, stepBytes;
  VectorType words;
  Value lines, products, halfProducts, terms; ///< in scratch memory
  Value weights, starts;
  ImageFloats floats;

  Emitter(KernelOp kernel, ItemEmitter &e)
      : e(e), conv(cast<PackedImageConv2DOp>(kernel.getRoot())), rows(conv, e.lanes), image(e.read(conv.getInput())),
        n(kernel.getStrategy()->getTile()[2]), block(n * e.lanes), stepBytes(2 * block * 4),
        words(e.vector(e.b.getI16Type(), 2 * e.lanes)), lines(e.scratch()), products(e.at(lines, rows.rowsBytes())),
        halfProducts(e.at(products, rows.productBytes())), terms(e.at(halfProducts, rows.productBytes())),
        weights(e.data(
            conv.getPacked(), [&] { return asBytes(packedWords()); }, Words)),
        starts(e.data(conv.getPacked(), [&] { return asBytes(startOfSums()); }, Starts)), floats(e, conv) {}

  enum Form : int64_t { Words = 1, Starts };

  int64_t blocks() { return cast<ShapedType>(conv.getPacked().getType()).getDimSize(0); }

  /// Calls body(output, step, weights): for each step the weights of its taps.
  void forEachStep(llvm::function_ref<void(int64_t output, int64_t step, const std::array<int32_t, 4> &y)> body) {
    int64_t outputs = blocks() * block, taps = cast<ShapedType>(conv.getPacked().getType()).getDimSize(1) * 4;
    std::vector<int32_t> filter(outputs * taps);
    forEachPacked(conv, [&](int64_t output, int64_t tap, int64_t weight) { filter[output * taps + tap] = weight; });
    for (int64_t step = 0; step < rows.steps(); ++step) {
      StepTaps places = rows.taps(step);
      for (int64_t output = 0; output < outputs; ++output) {
        std::array<int32_t, 4> y;
        for (int64_t i = 0; i < 4; ++i)
          y[i] = places[i] < 0 ? 0 : filter[output * taps + places[i]];
        body(output, step, y);
      }
    }
  }

  /// Weights of a block step by step: first all y2, then all y1.
  std::vector<int16_t> packedWords() {
    std::vector<int16_t> packed(blocks() * rows.steps() * block * 4);
    forEachStep([&](int64_t output, int64_t step, const std::array<int32_t, 4> &y) {
      int64_t at = ((output / block * rows.steps() + step) * 2 * block + output % block) * 2;
      for (int64_t i = 0; i < 2; ++i) {
        packed[at + i] = static_cast<int16_t>(y[2 + i]);
        packed[at + block * 2 + i] = static_cast<int16_t>(y[i]);
      }
    });
    return packed;
  }

  /// What the sums of each output start from, but for the window's number.
  std::vector<uint32_t> startOfSums() {
    std::vector<uint32_t> sums(blocks() * block, 0);
    forEachStep([&](int64_t output, int64_t, const std::array<int32_t, 4> &y) {
      for (int64_t i = 0; i < 4; ++i)
        sums[output] += 128 * static_cast<uint32_t>(y[i]);
      for (int64_t i = 0; i < 2; ++i)
        sums[output] -= static_cast<uint32_t>(y[i]) * static_cast<uint32_t>(y[2 + i]);
    });
    return sums;
  }

  /// Words of pixel 0.
  Value padding(int64_t count) {
    return arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.vector(e.b.getI16Type(), count), int16_t(-128)));
  }

  /// Calls body(first word, count), vectors of a power of two that cover [0, count), the last one overlapping.
  void cover(int64_t count, llvm::function_ref<void(Value first, int64_t size)> body) {
    int64_t size = 2 * e.lanes;
    while (size > count)
      size /= 2;
    if (size > 0)
      e.loop(e.number(0), e.number(ceilDiv(count, size)),
             [&](Value part) { body(e.min(e.mul(part, size), e.number(count - size)), size); });
  }

  /// The rows of the image under row `y` of outputs, as words.
  void widenRows(Value y) {
    int64_t left = rows.window.before[1] * rows.in.channels, pixels = rows.in.width * rows.in.channels;
    int64_t right = rows.rowBytes() / 2 - left - pixels;
    auto pad = [&](Value to, int64_t count) {
      cover(count, [&](Value first, int64_t size) { e.store(padding(size), e.at(to, e.mul(first, 2)), 2); });
    };
    e.loop(e.number(0), e.number(rows.window.kernel[0]), [&](Value kh) {
      Value row = e.add(e.add(e.mul(y, rows.window.strides[0]), -rows.window.before[0]), kh);
      Value from = e.at(image.base, e.mul(row, image.row)), to = e.at(lines, e.mul(kh, rows.rowBytes()));
      // Below 2^63 as an unsigned number where it is not negative: one comparison for both edges.
      Value inside = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, row, e.number(rows.in.height));
      auto ifOp = scf::IfOp::create(e.b, inside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(e.b);
      e.b.setInsertionPointToStart(ifOp.thenBlock());
      pad(to, left);
      cover(pixels, [&](Value first, int64_t size) {
        Value bytes = e.load(e.vector(e.b.getI8Type(), size), e.at(from, first), 1);
        Value wide = arith::ExtUIOp::create(e.b, e.vector(e.b.getI16Type(), size), bytes);
        e.store(arith::AddIOp::create(e.b, wide, padding(size)), e.at(e.at(to, 2 * left), e.mul(first, 2)), 2);
      });
      pad(e.at(to, 2 * (left + pixels)), right);
      e.b.setInsertionPointToStart(ifOp.elseBlock());
      pad(to, left + pixels + right);
    });
  }

  Value dot(Value acc, Value x, Value y) { return Dot2WordsOp::create(e.b, acc.getType(), acc, x, y); }
  Value line(int64_t row) { return e.at(lines, row * rows.rowBytes()); }
  Value zeros() { return e.splat(int32_t(0)); }

  /// Minus the sums of dot(x1, x2) of all windows that begin at words of one parity.
  void emitTerms(int64_t parity) {
    int64_t vectorBytes = e.lanes * 4;
    auto forEachVector = [&](int64_t count, llvm::function_ref<void(Value bytes)> body) {
      e.loop(e.number(0), e.number(count / e.lanes), [&](Value v) { body(e.mul(v, vectorBytes)); });
    };
    auto pairsAt = [&](int64_t row, Value bytes, int64_t ahead) {
      return e.load(words, e.at(e.at(line(row), bytes), 2 * parity + ahead), 2);
    };
    forEachVector(rows.places(), [&](Value bytes) {
      Value sum = zeros();
      for (int64_t p = 0; p < rows.rowPairs(); ++p)
        sum = dot(sum, pairsAt(2 * p, bytes, 0), pairsAt(2 * p + 1, bytes, 0));
      e.store(sum, e.at(products, bytes), vectorBytes);
      if (!rows.halves)
        return;
      int64_t last = rows.window.kernel[0] - 1;
      sum = dot(zeros(), pairsAt(last, bytes, 0), pairsAt(last, bytes, 4 * rows.halves));
      e.store(sum, e.at(halfProducts, bytes), vectorBytes);
    });
    forEachVector(rows.starts(), [&](Value bytes) {
      Value sum = zeros();
      auto subtract = [&](Value from, int64_t count) {
        for (int64_t d = 0; d < count; ++d)
          sum = arith::SubIOp::create(e.b, sum, e.load(e.ints(), e.at(e.at(from, bytes), 4 * d), 4));
      };
      if (rows.rowPairs() > 0)
        subtract(products, rows.pairs);
      subtract(halfProducts, rows.halves);
      e.store(sum, e.at(e.at(terms, parity * rows.termBytes()), bytes), vectorBytes);
    });
  }

  Value termOf(Value x) {
    Value word = e.mul(x, rows.advance);
    Value term = e.at(terms, e.mul(e.divide(word, 2), 4));
    return rows.parities() == 1 ? term : e.at(term, e.mul(e.modulo(word, 2), rows.termBytes()));
  }

  Value spread(Value from) { return vector::BroadcastOp::create(e.b, e.ints(), e.load(e.b.getI32Type(), from, 2)); }

  /// The sums of outputs x to x + m of a row and of a block.
  SmallVector<Value> sums(Value x, int64_t m, Value index) {
    SmallVector<Value> accumulators;
    for (int64_t i = 0; i < m; ++i) {
      Value term = spread(termOf(e.add(x, i)));
      for (int64_t j = 0; j < n; ++j) {
        Value start = e.load(e.ints(), e.at(e.at(starts, e.mul(index, block * 4)), j * e.lanes * 4), e.lanes * 4);
        accumulators.push_back(arith::AddIOp::create(e.b, start, term));
      }
    }
    Value corner = e.at(lines, e.mul(x, rows.advance * 2));
    Value blockWeights = e.at(weights, e.mul(index, rows.steps() * stepBytes));
    // A step: x1 at `from`, x2 `ahead` bytes behind it.
    auto step = [&](Value number, Value from, int64_t ahead, ValueRange carried) {
      Value w = e.at(blockWeights, e.mul(number, stepBytes));
      SmallVector<Value> y1, y2, next(carried.begin(), carried.end());
      for (int64_t j = 0; j < n; ++j) {
        y2.push_back(e.load(words, e.at(w, j * e.lanes * 4), e.lanes * 4));
        y1.push_back(e.load(words, e.at(w, (n + j) * e.lanes * 4), e.lanes * 4));
      }
      for (int64_t i = 0; i < m; ++i) {
        Value x1 = vector::BitCastOp::create(e.b, words, spread(e.at(from, i * rows.advance * 2)));
        Value x2 = vector::BitCastOp::create(e.b, words, spread(e.at(from, i * rows.advance * 2 + ahead)));
        for (int64_t j = 0; j < n; ++j)
          next[i * n + j] =
              dot(next[i * n + j], arith::AddIOp::create(e.b, x1, y2[j]), arith::AddIOp::create(e.b, x2, y1[j]));
      }
      return next;
    };
    accumulators = e.loop(e.number(0), e.number(rows.rowPairs()), accumulators, [&](Value p, ValueRange outer) {
      Value from = e.at(corner, e.mul(p, 2 * rows.rowBytes())), first = e.mul(p, rows.pairs);
      return e.loop(e.number(0), e.number(rows.pairs), outer, [&](Value d, ValueRange inner) {
        return step(e.add(first, d), e.at(from, e.mul(d, 4)), rows.rowBytes(), inner);
      });
    });
    Value last = e.at(corner, (rows.window.kernel[0] - 1) * rows.rowBytes());
    return e.loop(e.number(0), e.number(rows.halves), accumulators, [&](Value d, ValueRange inner) {
      return step(e.add(d, rows.rowPairs() * rows.pairs), e.at(last, e.mul(d, 4)), 4 * rows.halves, inner);
    });
  }

  void emitRow(Value y, int64_t m, const RowSink &sink) {
    widenRows(y);
    for (int64_t parity = 0; parity < rows.parities(); ++parity)
      emitTerms(parity);
    e.loop(e.number(0), e.number(blocks()), [&](Value index) {
      e.loop(e.number(0), e.number(ceilDiv(rows.out.width, m)), [&](Value t) {
        Value x = e.min(e.mul(t, m), e.number(rows.out.width - m)), channel = e.mul(index, block);
        SmallVector<Value> results = sums(x, m, index), borders = floats.bordersOf(y, x, m);
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j)
            results[i * n + j] = floats.floatOf(results[i * n + j], Value(), borders[i], e.add(channel, j * e.lanes));
        sink(results, n, x, m, channel);
      });
    });
  }
};

void emit(KernelOp kernel, ItemEmitter &e) {
  Emitter s(kernel, e);
  auto tile = kernel.getStrategy()->getTile();
  int64_t m = std::min(tile[1], s.rows.out.width), rowChannels = memoryChannels(s.rows.out.channels);
  ItemPart part = partOf(e, rowsOf(kernel).height, tile[0], rowChannels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), rowChannels);
  emitStemRows(kernel, e, part, e.at(e.scratch(), rowsScratch(kernel)),
               [&](Value y, RowSink sink) { s.emitRow(y, m, sink); });
}

} // namespace

namespace n2uq {
extern const KernelFamily imageSums = {"image_sums", 3, mayRun, plan, packImage, items, emit, scratch};
} // namespace n2uq
