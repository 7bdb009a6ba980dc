// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution by Winograd's inner product of 1968: half as many products, additions in their place. Of every eight
// channels, the codes x1 of the first four and x2 of the last four meet the weights y1 and y2:
//
//   x1*y1 + x2*y2 = (x1 + y2 + L) * (x2 + y1) - x2 * (x1 + L) - y1 * (y2 + L)
//
// Low-bit codes and weights leave the room that the sums need: with L the largest -y2, the first factor is a byte
// without a sign, the second one with a sign, and one dot product of bytes makes 128 products where it makes 64
// otherwise. The other two terms are one number for each pixel and one for each output channel; accumulators start from
// them.
//
// Two additions of bytes and a dot product are worth it where additions find other ports than dot products do.
//
// A register tile is M pixels times N vectors of output channels, as in DirectDot.cpp. What memory holds in channels
// that the image does not have appears in all three terms and cancels out, for its weights are 0.
#include "../Contraction.h"
#include "ReadRows.h"

using namespace mlir;
using namespace n2uq;

namespace {

int64_t rowChannelsOf(Value image) { return memoryChannels(channelsOf(image)); }

Window windowOf(Operation *root) {
  return isa<Conv2DOp>(root) ? cast<Conv2DOp>(root).getWindow() : cast<PackedInnerProductConv2DOp>(root).getWindow();
}

ReadRows rowsOf(Operation *root) { return {windowOf(root), ImageShape(root->getResult(0).getType())}; }

/// A weight of a plain filter and where it stands; channels of the image, whatever the group.
struct Weight {
  int64_t output, tap, channel, value;
};

template <typename Function>
void forEachWeight(Conv2DOp conv, ArrayRef<int8_t> filter, Function function) {
  Window window = conv.getWindow();
  int64_t taps = window.kernel[0] * window.kernel[1], outputs = channelsOf(conv.getResult());
  int64_t groupIn = channelsOf(conv.getInput()) / window.groups, groupOut = outputs / window.groups;
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t j = 0; j < groupIn; ++j)
        function(Weight{o, tap, o / groupOut * groupIn + j, filter[(o * taps + tap) * groupIn + j]});
}

/// The smallest L for these weights, to which those of 0 belong that fill up rows and groups; none where a sum would
/// not fit into its byte.
std::optional<int64_t> biasFor(Conv2DOp conv, ArrayRef<int8_t> filter) {
  int64_t top = (int64_t(1) << codeBitsOf(conv.getInput().getType())) - 1, least2 = 0, most1 = 0, most2 = 0;
  forEachWeight(conv, filter, [&](Weight w) {
    if (w.channel % 8 < 4) {
      most1 = std::max(most1, w.value);
    } else {
      least2 = std::min(least2, w.value);
      most2 = std::max(most2, w.value);
    }
  });
  int64_t bias = -least2;
  if (bias > 127 || top + most2 + bias > 255 || top + most1 > 127)
    return std::nullopt;
  return bias;
}

/// Bytes of `y2 + L` or of `y1` that stand together in a packed filter.
int64_t halfOf(PackedInnerProductConv2DOp conv) {
  return cast<ShapedType>(conv.getPacked().getType()).getDimSize(5) * 4;
}

/// The same for a packed filter.
bool packedFits(PackedInnerProductConv2DOp conv, ArrayRef<int8_t> packed) {
  int64_t top = (int64_t(1) << codeBitsOf(conv.getInput().getType())) - 1, half = halfOf(conv), bias = conv.getBias();
  for (auto [i, byte] : llvm::enumerate(packed)) {
    bool biased = int64_t(i) / half % 2 == 0;
    if (biased ? top + std::max<int64_t>(uint8_t(byte), bias) > 255 : top + std::max<int64_t>(byte, 0) > 127)
      return false;
  }
  return true;
}

bool mayRun(KernelOp kernel, const CpuTarget &target, std::string &why) {
  Operation *root = kernel.getRoot();
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  auto packedConv = dyn_cast_or_null<PackedInnerProductConv2DOp>(root);
  if (!conv && !packedConv) {
    why = "its root is not a convolution of codes";
    return false;
  }
  if (!target.name.empty() && (target.lanes() != 16 || !target.hasDotProduct())) {
    why = target.name + " has no dot product of 64 bytes (avx512vnni)";
    return false;
  }
  std::optional<std::vector<int8_t>> weights = constantBytes(root->getOperand(1));
  if (!weights) {
    why = "its weights are not constant";
    return false;
  }
  if (conv ? !biasFor(conv, *weights) : !packedFits(packedConv, *weights)) {
    why = "sums of its codes and weights do not fit into bytes";
    return false;
  }
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  if (strategy && (strategy->getLanes() != 16 || strategy->getTile().size() != 4)) {
    why = "it has 16 lanes and a tile of rows, pixels, vectors and blocks";
    return false;
  }
  if (rowsOf(root).sumBytes(strategy ? strategy->getTile()[0] : 1) > maxScratchBytes) {
    why = "the sums of its pixels take more than " + std::to_string(maxScratchBytes) + " bytes";
    return false;
  }
  return true;
}

void offer(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
  Operation *root = kernel.getRoot();
  ReadRows rows = rowsOf(root);
  const CpuPorts &ports = portsOf(target);
  int64_t rowChannels = rowChannelsOf(root->getOperand(0)), vectors = memoryChannels(rows.out.channels) / 16;
  double steps = double(rows.taps()) * rowChannels / 8;
  double packedPixel = ceilDiv(rowChannels, 64) * 5.0 / ports.vectors + 10;
  double weightBytes = steps * 8 * vectors * 16;
  for (int64_t n = 1; n <= std::min<int64_t>(vectors, 4); ++n) {
    if (vectors % n != 0)
      continue;
    ItemSplit split = splitItems(
        rows.out.height, vectors / n, weightBytes, ports,
        [&](int64_t count) { return rows.preparing(count, packedPixel); },
        [&](int64_t count) { return rows.sumBytes(count) <= maxScratchBytes; });
    for (int64_t m = 1; m <= std::min<int64_t>(rows.out.width, 12); ++m) {
      // Accumulators, weights, a pixel's codes and their sums.
      if (m * n + 2 * n + 4 > target.vectorRegisters())
        break;
      auto tileCycles = [&](int64_t pixels) {
        double products = double(pixels) * n;
        // Dot products, all vector instructions, loads, or the latency of a chain of dot products.
        double step =
            std::max({products / ports.dots, 3 * products / ports.vectors, (2.0 * pixels + 2 * n) / ports.loads, 4.0});
        return steps * step + products * (finishCycles(ports) + 1) + 12;
      };
      Cover cover = coverOf(rows.out.width, m);
      double row = cover.wide * tileCycles(m) + (cover.narrow ? cover.narrow * tileCycles(m - 1) : 0);
      double cycles = row * rows.out.height * (vectors / n) + split.cycles;
      take({16, {split.rows, m, n, split.blocks}, cycles, weightBytes});
    }
  }
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  return cheapestPlan([&](auto take) { offer(kernel, target, take); });
}

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<Conv2DOp>(kernel.getRoot());
  std::vector<int8_t> filter = *constantBytes(conv.getFilter());
  int64_t bias = *biasFor(conv, filter);
  Window window = conv.getWindow();
  int64_t taps = window.kernel[0] * window.kernel[1], steps = rowChannelsOf(conv.getInput()) / 8;
  int64_t block = 16 * kernel.getStrategy()->getTile()[2], blocks = ceilDiv(channelsOf(conv.getResult()), block);
  FailureOr<int64_t> elements = packedElements(conv, {blocks, taps, steps, 2, block, 4});
  if (failed(elements))
    return failure();
  std::vector<int8_t> packed(*elements, 0);
  int64_t half = block * 4;
  for (int64_t first = 0; first < *elements; first += 2 * half)
    std::fill_n(packed.begin() + first, half, int8_t(bias)); // weights of 0
  forEachWeight(conv, filter, [&](Weight w) {
    bool second = w.channel % 8 >= 4;
    int64_t step = (w.output / block * taps + w.tap) * steps + w.channel / 8;
    int64_t place = (step * 2 + (second ? 0 : 1)) * half + w.output % block * 4 + w.channel % 4;
    packed[place] = int8_t(w.value + (second ? bias : 0));
  });
  rewriter.setInsertionPoint(kernel);
  Value constant = createBytes(rewriter, conv.getLoc(),
                               {blocks, window.kernel[0], window.kernel[1], steps, 2, block, 4}, packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedInnerProductConv2DOp>(conv, conv.getType(), conv.getInput(), constant, bias,
                                                          conv.getStrides(), conv.getPadding(), conv.getDilations());
  return success();
}

int64_t items(KernelOp kernel) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  auto tile = kernel.getStrategy()->getTile();
  return ceilDiv(ceilDiv(out.channels, 16 * tile[2]), tile[3]) * ceilDiv(out.height, tile[0]);
}

int64_t scratch(KernelOp kernel) { return rowsOf(kernel.getRoot()).sumBytes(kernel.getStrategy()->getTile()[0]); }

/// Minus the sum of `y1 * (y2 + L)` of each output channel.
std::vector<char> channelTerms(PackedInnerProductConv2DOp conv) {
  std::vector<int8_t> packed = *constantBytes(conv.getPacked());
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t block = shape[5], half = halfOf(conv), perBlock = shape[1] * shape[2] * shape[3] * 2 * half;
  std::vector<int32_t> terms(shape[0] * block, 0);
  for (int64_t b = 0; b < shape[0]; ++b)
    for (int64_t step = 0; step < perBlock; step += 2 * half)
      for (int64_t i = 0; i < half; ++i) {
        const int8_t *biased = packed.data() + b * perBlock + step + i;
        terms[b * block + i / 4] -= int32_t(uint8_t(biased[0])) * biased[half];
      }
  std::vector<char> bytes(terms.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), terms.data(), bytes.size());
  return bytes;
}

/// Stores the sum of `x2 * (x1 + L)` of one pixel of `channels` bytes.
void emitPixelTerm(ItemEmitter &e, Value from, int64_t channels, int64_t bias, Value to) {
  VectorType bytes = e.vector(e.b.getI8Type(), 64), quads = e.vector(e.b.getI64Type(), 8);
  Value biases = arith::ConstantOp::create(e.b, DenseElementsAttr::get(bytes, e.b.getI8IntegerAttr(int8_t(bias))));
  Value shift = arith::ConstantOp::create(e.b, DenseElementsAttr::get(quads, e.b.getI64IntegerAttr(32)));
  auto addPart = [&](Value x, Value sum) {
    // x2 stands four bytes behind x1: shifted down it meets it, and nothing meets what is in its place then.
    Value quad = vector::BitCastOp::create(e.b, quads, x);
    Value x2 = vector::BitCastOp::create(e.b, bytes, arith::ShRUIOp::create(e.b, quad, shift));
    return Dot4Op::create(e.b, sum.getType(), sum, arith::AddIOp::create(e.b, x, biases), x2, e.b.getI64IntegerAttr(8));
  };
  Value sum = e.loop(e.number(0), e.number(channels / 64), {e.splat(int32_t(0))}, [&](Value part, ValueRange carried) {
    return SmallVector<Value>{addPart(e.load(bytes, e.at(from, e.mul(part, 64)), 1), carried[0])};
  })[0];
  if (int64_t rest = channels % 64) {
    SmallVector<bool> bits(64, false);
    std::fill(bits.begin(), bits.begin() + rest, true);
    Value mask =
        arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.vector(e.b.getI1Type(), 64), ArrayRef<bool>(bits)));
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(bytes));
    Value x = LLVM::MaskedLoadOp::create(e.b, bytes, e.at(from, channels - rest), mask, zero, e.b.getI32IntegerAttr(1));
    sum = addPart(x, sum);
  }
  e.store(vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, sum), to, 4);
}

/// The terms of `pixels` pixels and n vectors, summed up over a window from `accumulators` on.
SmallVector<Value> emitTile(ItemEmitter &e, const ReadRows &rows, const Access &in, int64_t rowChannels, int64_t n,
                            Value corner, Value weights, SmallVector<Value> accumulators) {
  const Window &window = rows.window;
  int64_t pixels = accumulators.size() / n, half = 64 * n;
  // Taps of a row lie side by side in memory unless they are dilated.
  int64_t runs = window.dilations[1] == 1 ? 1 : window.kernel[1];
  int64_t run = window.kernel[1] / runs * rowChannels / 8;
  VectorType bytes = e.vector(e.b.getI8Type(), 64);
  return e.loop(e.number(0), e.number(window.kernel[0]), accumulators, [&](Value kh, ValueRange rowAccs) {
    Value rowCodes = e.at(corner, e.mul(kh, window.dilations[0] * in.row));
    Value rowWeights = e.at(weights, e.mul(kh, runs * run * 2 * half));
    return e.loop(e.number(0), e.number(runs), rowAccs, [&](Value kw, ValueRange runAccs) {
      Value runCodes = e.at(rowCodes, e.mul(kw, window.dilations[1] * in.pixel));
      Value runWeights = e.at(rowWeights, e.mul(kw, run * 2 * half));
      return e.loop(e.number(0), e.number(run), runAccs, [&](Value step, ValueRange accs) {
        Value w = e.at(runWeights, e.mul(step, 2 * half)), c = e.at(runCodes, e.mul(step, 8));
        SmallVector<Value> biased, plain, next(accs.begin(), accs.end());
        for (int64_t j = 0; j < n; ++j) {
          biased.push_back(e.load(bytes, e.at(w, j * 64), 64));
          plain.push_back(e.load(bytes, e.at(w, half + j * 64), 64));
        }
        auto four = [&](int64_t offset) -> Value {
          Value codes = e.load(e.b.getI32Type(), e.at(c, offset), 4);
          return vector::BitCastOp::create(e.b, bytes, vector::BroadcastOp::create(e.b, e.ints(), codes));
        };
        for (int64_t i = 0; i < pixels; ++i) {
          int64_t pixel = i * window.strides[1] * in.pixel;
          Value x1 = four(pixel), x2 = four(pixel + 4);
          for (int64_t j = 0; j < n; ++j) {
            Value unsignedSum = arith::AddIOp::create(e.b, x1, biased[j]);
            Value signedSum = arith::AddIOp::create(e.b, x2, plain[j]);
            Value &acc = next[i * n + j];
            acc = Dot4Op::create(e.b, acc.getType(), acc, unsignedSum, signedSum, e.b.getI64IntegerAttr(8));
          }
        }
        return next;
      });
    });
  });
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto conv = cast<PackedInnerProductConv2DOp>(kernel.getRoot());
  ReadRows rows = rowsOf(conv);
  auto tile = kernel.getStrategy()->getTile();
  int64_t m = std::min(tile[1], rows.out.width), n = tile[2], perItem = tile[3], block = 16 * n;
  int64_t blocks = ceilDiv(rows.out.channels, block), rowChannels = rowChannelsOf(conv.getInput());
  Access in = e.read(conv.getInput());

  ItemPart part = partOf(e, rows.out.height, tile[0], perItem * block);
  Value firstBlock = e.mul(part.block, perItem), lastBlock = e.min(e.add(firstBlock, perItem), e.number(blocks));
  e.loop(firstBlock, lastBlock, [&](Value b) { e.clearBorder(part.firstRow, part.lastRow, e.mul(b, block), block); });

  Value sums = e.scratch(), windowSums = rows.taps() == 1 ? sums : e.at(sums, rows.pixelSumBytes(tile[0]));
  rows.forEachPixel(e, in, part.firstRow, part.lastRow, [&](Value from, Value number) {
    emitPixelTerm(e, from, rowChannels, conv.getBias(), e.at(sums, e.mul(number, 4)));
  });
  if (rows.taps() > 1)
    rows.emitWindowSums(e, sums, windowSums, arith::SubIOp::create(e.b, part.lastRow, part.firstRow), 1);

  Value weights = weightData(e, conv.getPacked());
  Value terms = e.data(conv.getPacked(), [&] { return channelTerms(conv); }, /*form=*/1);
  Cover cover = coverOf(rows.out.width, m);
  e.loop(firstBlock, lastBlock, [&](Value b) {
    Value channel = e.mul(b, block), blockTerms = e.at(terms, e.mul(channel, 4));
    Value blockWeights = e.at(weights, e.mul(b, rows.taps() * rowChannels * block));
    e.loop(part.firstRow, part.lastRow, [&](Value y) {
      auto emitPixels = [&](Value x, int64_t pixels) {
        Value output = e.add(e.mul(arith::SubIOp::create(e.b, y, part.firstRow), rows.out.width), x);
        Value windows = e.at(windowSums, e.mul(output, 4));
        SmallVector<Value> accumulators;
        for (int64_t i = 0; i < pixels; ++i) {
          Value window = e.load(e.b.getI32Type(), e.at(windows, i * 4), 4);
          window = vector::BroadcastOp::create(e.b, e.ints(), window);
          for (int64_t j = 0; j < n; ++j)
            accumulators.push_back(arith::SubIOp::create(e.b, e.load(e.ints(), e.at(blockTerms, j * 64), 64), window));
        }
        Value corner = windowCorner(e, in, rows.window, y, x);
        e.finishTile(emitTile(e, rows, in, rowChannels, n, corner, blockWeights, accumulators), n, y, x, pixels,
                     channel);
      };
      if (cover.wide > 0)
        e.loop(e.number(0), e.number(cover.wide),
               [&](Value t) { emitPixels(e.min(e.mul(t, m), e.number(rows.out.width - m)), m); });
      if (cover.narrow > 0)
        e.loop(e.number(0), e.number(cover.narrow),
               [&](Value t) { emitPixels(e.add(e.mul(t, m - 1), cover.wide * m), m - 1); });
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily innerProduct = {"inner_product", 4, mayRun, plan, pack, items, emit, scratch, nullptr, offer};
} // namespace n2uq
