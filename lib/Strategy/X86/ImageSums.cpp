// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution of pixels by products of sums, in words: the inner-product identity (InnerProduct.cpp) where one factor
// is a weight q of up to two limbs. With x = pixel - 128 and taps in fours, of which the first two are x1, y1 and the
// others x2, y2:
//
//   pixel * q summed up  =  128 * sum of q  +  sum over fours of dot(x1 + y2, x2 + y1) - dot(x1, x2) - dot(y1, y2)
//
// The sums stay in 16 bits because |q| <= 127 * 257 for weights of two limbs that balance (n2uq-image-input makes no
// others) and -128 <= x <= 127; where hand-written limbs reach further the family says so. One dot product of words and
// two additions make four products of a pixel and 16 bits, for which dot products of bytes come twice; additions find
// other ports. dot(x1, x2) is one number for each window, the rest one for each output channel, and sums start from
// both. Everything is modulo 2^32, which holds the result (n2uq.image_conv2d's C5).
//
// Without dot products in the instruction set a product of words is two instructions, that of bytes ten.
#include "ImageWindows.h"

#include <cmath>

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

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  if (!mayReadPixels(kernel, why))
    return false;
  Operation *root = kernel.getRoot();
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  if (strategy && strategy->getLanes() < 4)
    why = "it has vectors of at least 4 lanes";
  else if (imageLimbsOf(root) > 2)
    why = "its weights have more than two limbs";
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
  Window window = imageWindowOf(root);
  const CpuPorts &ports = portsOf(target);
  int64_t lanes = target.lanes();
  ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
  int64_t vectors = memoryChannels(out.channels) / lanes;
  double taps = double(window.kernel[0]) * window.kernel[1] * in.channels, steps = std::ceil(taps / 4);
  // Dot products of words go where those of bytes go.
  double dot = 1 / ports.dots, perProduct = (target.hasDotProduct() ? 3 : 4) / ports.vectors;
  Plan best;
  best.lanes = lanes;
  best.cycles = -1;
  for (int64_t n = 1; n <= std::min<int64_t>(vectors, 4); ++n)
    for (int64_t m = 1; m <= std::min<int64_t>(out.width, 14); ++m) {
      // Accumulators, weights, a pixel's numbers and their sums.
      if (vectors % n != 0 || (m * n + 2 * n + 4 > target.vectorRegisters() && m * n > 1))
        continue;
      double products = double(m) * n;
      double step = std::max({products * dot, products * perProduct, (2.0 * m + 2 * n) / ports.loads, 4.0});
      double cycles = (steps * step + products * 10 + 10) * ceilDiv(out.width, m) * out.height * (vectors / n);
      if (best.cycles < 0 || cycles < best.cycles) {
        best.cycles = cycles;
        best.tile = {1, m, n};
      }
    }
  // The windows and their numbers.
  double window64 = std::ceil(taps * 2 / (lanes * 4));
  best.cycles += double(out.height) * out.width * (window.kernel[0] * 3 + (window64 * 3 + 12) / ports.vectors);
  best.tile[0] = stemRowsPerItem(kernel);
  best.weightBytes = double(imageLimbsOf(root)) * steps * 4 * vectors * lanes;
  return best;
}

int64_t items(KernelOp kernel) { return ceilDiv(rowsOf(kernel).height, kernel.getStrategy()->getTile()[0]); }

/// Bytes of a number for each window of a piece.
int64_t termBytes(const ImagePieces &pieces) { return roundUp(pieces.pixels * 4, 64); }

/// Windows come first, then their numbers and the rows between convolution and pool.
int64_t scratch(KernelOp kernel) {
  MaxPoolOp pool = kernel.getPool();
  ImagePieces pieces(kernel, WindowForm::Words);
  return pieces.bytes() + termBytes(pieces) + (pool ? pooledRowsBytes(pool) : 0);
}

template <typename T>
std::vector<char> asBytes(const std::vector<T> &numbers) {
  std::vector<char> bytes(numbers.size() * sizeof(T));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// Forms of the packed filter's data.
enum Form : int64_t { Words = 1, Starts };

/// Weights as words: of each four taps first all y2 of a block, then all y1.
std::vector<char> words(PackedImageConv2DOp conv) {
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t steps = shape[1], block = shape[3];
  std::vector<int16_t> words(shape[0] * steps * block * 4);
  forEachPacked(conv, [&](int64_t output, int64_t tap, int64_t weight) {
    bool isSecond = tap % 4 >= 2;
    int64_t step = output / block * steps + tap / 4;
    words[((step * 2 + (isSecond ? 0 : 1)) * block + output % block) * 2 + tap % 2] = static_cast<int16_t>(weight);
  });
  return asBytes(words);
}

/// What the sums of each output start from, but for the window's number.
std::vector<char> starts(PackedImageConv2DOp conv) {
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  std::vector<uint32_t> starts(shape[0] * shape[3], 0);
  std::vector<int64_t> before(2 * starts.size(), 0); // y1 of each output
  forEachPacked(conv, [&](int64_t output, int64_t tap, int64_t weight) {
    starts[output] += static_cast<uint32_t>(128 * weight);
    int64_t &first = before[2 * output + tap % 2];
    if (tap % 4 < 2)
      first = weight;
    else
      starts[output] -= static_cast<uint32_t>(first * weight);
  });
  return asBytes(starts);
}

/// Stores minus the sum of dot(x1, x2) of a window.
void emitTerm(ItemEmitter &e, Value from, int64_t windowBytes, Value to) {
  int64_t bytes = e.lanes * 4;
  VectorType words = e.vector(e.b.getI16Type(), bytes / 2), fours = e.vector(e.b.getI64Type(), bytes / 8);
  Value shift = arith::ConstantOp::create(e.b, DenseElementsAttr::get(fours, int64_t(32)));
  Value sum =
      e.loop(e.number(0), e.number(windowBytes / bytes), {e.splat(int32_t(0))}, [&](Value v, ValueRange carried) {
        Value x = e.load(words, e.at(from, e.mul(v, bytes)), 4);
        // x2 stands four bytes behind x1: shifted down it meets it, and nothing meets what is in its place then.
        Value x2 = arith::ShRUIOp::create(e.b, vector::BitCastOp::create(e.b, fours, x), shift);
        return SmallVector<Value>{
            Dot2WordsOp::create(e.b, carried[0].getType(), carried[0], x, vector::BitCastOp::create(e.b, words, x2))};
      })[0];
  Value total = vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, sum);
  Value zero = arith::ConstantOp::create(e.b, e.b.getI32IntegerAttr(0));
  e.store(arith::SubIOp::create(e.b, zero, total), to, 4);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  ImageWindows windows(e, kernel, WindowForm::Words);
  PackedImageConv2DOp conv = windows.conv;
  const ImagePieces &pieces = windows.pieces;
  auto packed = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t m = pieces.tile, n = kernel.getStrategy()->getTile()[2], block = e.lanes * n, steps = packed[1];
  int64_t half = block * 4, stepBytes = 2 * half;
  Value weights = e.data(conv.getPacked(), [&] { return words(conv); }, Words);
  Value channelStarts = e.data(conv.getPacked(), [&] { return starts(conv); }, Starts);
  Value terms = e.at(e.scratch(), pieces.bytes());
  ImageFloats floats(e, conv);

  auto prepare = [&](Value) {
    e.loop(e.number(0), e.number(pieces.pixels), [&](Value pixel) {
      emitTerm(e, e.at(windows.windows, e.mul(pixel, pieces.windowBytes)), pieces.windowBytes,
               e.at(terms, e.mul(pixel, 4)));
    });
  };
  auto emitTile = [&](Value y, Value x, Value inPiece, Value index, const RowSink &sink) {
    Value from = e.at(windows.windows, e.mul(inPiece, pieces.windowBytes)), term = e.at(terms, e.mul(inPiece, 4));
    Value blockWeights = e.at(weights, e.mul(index, steps * stepBytes)), channel = e.mul(index, block);
    VectorType words = e.vector(e.b.getI16Type(), e.lanes * 2);
    auto spread = [&](Value from) {
      return vector::BroadcastOp::create(e.b, e.ints(), e.load(e.b.getI32Type(), from, 4)).getResult();
    };
    SmallVector<Value> accumulators;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        Value start = e.load(e.ints(), e.at(channelStarts, e.mul(e.add(channel, j * e.lanes), 4)), e.lanes * 4);
        accumulators.push_back(arith::AddIOp::create(e.b, start, spread(e.at(term, i * 4))));
      }
    accumulators = e.loop(e.number(0), e.number(steps), accumulators, [&](Value step, ValueRange accs) {
      Value w = e.at(blockWeights, e.mul(step, stepBytes)), c = e.at(from, e.mul(step, 8));
      SmallVector<Value> y1, y2, next(accs.begin(), accs.end());
      for (int64_t j = 0; j < n; ++j) {
        y2.push_back(e.load(words, e.at(w, j * e.lanes * 4), e.lanes * 4));
        y1.push_back(e.load(words, e.at(w, half + j * e.lanes * 4), e.lanes * 4));
      }
      for (int64_t i = 0; i < m; ++i) {
        Value x1 = vector::BitCastOp::create(e.b, words, spread(e.at(c, i * pieces.windowBytes)));
        Value x2 = vector::BitCastOp::create(e.b, words, spread(e.at(c, i * pieces.windowBytes + 4)));
        for (int64_t j = 0; j < n; ++j) {
          Value &acc = next[i * n + j];
          acc = Dot2WordsOp::create(e.b, acc.getType(), acc, arith::AddIOp::create(e.b, x1, y2[j]),
                                    arith::AddIOp::create(e.b, x2, y1[j]));
        }
      }
      return next;
    });
    SmallVector<Value> borders = floats.bordersOf(y, x, m), results(m * n);
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < m; ++i)
        results[i * n + j] = floats.floatOf(accumulators[i * n + j], Value(), borders[i], e.add(channel, j * e.lanes));
    sink(results, n, x, m, channel);
  };
  emitImageRows(kernel, windows, e.at(terms, termBytes(pieces)), prepare, emitTile);
}

} // namespace

namespace n2uq {
extern const KernelFamily imageSums = {"image_sums", 3, mayRun, plan, packImage, items, emit, scratch};
} // namespace n2uq
