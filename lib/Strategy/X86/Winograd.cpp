// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact integer Winograd: 2.25 to 3.6 times fewer multiplications for 3x3 filters of stride 1, inside dot products of
// bytes. Low-bit codes leave so much headroom in a byte that both transforms fit (n2uq/Analysis/WinogradForm.h decides
// it from the real weights); nothing is rounded anywhere. This file says where it may run, what it costs and how
// weights are packed; WinogradEmit.cpp computes.
//
// Where two codes are multiplied with two weights, the inner-product identity (InnerProduct.cpp) makes one product of
// two sums: the second half of the families does that. Transformed codes and weights leave the room, for where the ones
// are large the others are small.
#include "Winograd.h"

using namespace mlir;

namespace n2uq {

WinogradAxis::WinogradAxis(int64_t outputs, int64_t extent)
    : outputs(outputs), extent(extent), full(ceilDiv(extent, outputs)), brief(0) {
  if (outputs == minCookToomOutputs)
    return; // there is no smaller algorithm
  for (int64_t b = 0; b * (outputs - 1) <= extent; ++b)
    if ((extent - b * (outputs - 1)) % outputs == 0) {
      full = (extent - b * (outputs - 1)) / outputs;
      brief = b;
      return;
    }
}

WinogradLayout::WinogradLayout(ImageShape in, ImageShape out, ArrayRef<int64_t> tile, int64_t lanes, WinogradKind kind,
                               int64_t halvedCount)
    : y(tile[0], out.height), x(tile[1], out.width), kind(kind), positions((tile[0] + 2) * (tile[1] + 2)),
      halved(halvedCount), lanes(lanes), rowChannels(memoryChannels(in.channels)), block(lanes * tile[3]),
      blocks(ceilDiv(out.channels, block)) {
  // In this order the tiles that use a position are neighbours, whichever of both axes lacks it in brief tiles.
  static constexpr WinogradClass classes[] = {{false, true}, {false, false}, {true, false}, {true, true}};
  int64_t total = (y.full + y.brief) * (x.full + x.brief), slot = 0;
  for (WinogradClass tileClass : classes) {
    int64_t tiles = tilesOf(tileClass), count = total <= tile[2] ? tiles : std::min(tiles, tile[2]);
    if (tiles == 0)
      continue;
    if (total > tile[2]) { // a make-up of its own, cut into nearly equal chunks
      int64_t number = ceilDiv(tiles, count);
      chunks.push_back({number, {{tileClass, ceilDiv(tiles, number), 0}}});
      continue;
    }
    if (chunks.empty())
      chunks.push_back({1, {}});
    chunks.back().pieces.push_back({tileClass, count, slot});
    slot += count;
  }
  chunkCount = 0;
  mostTiles = 0;
  for (const WinogradChunks &chunk : chunks) {
    chunkCount += chunk.number;
    mostTiles = std::max(mostTiles, chunk.tiles());
  }
}

std::pair<int64_t, int64_t> WinogradLayout::slotsUsing(const WinogradChunks &chunk, int64_t row, int64_t column) const {
  int64_t first = 0, last = 0;
  for (const WinogradPiece &piece : chunk.pieces)
    if (uses(y, piece.kind.briefY, row) && uses(x, piece.kind.briefX, column)) {
      if (first == last)
        first = piece.slot;
      last = piece.slot + piece.count;
    }
  return {first, last};
}

static WinogradKind kindOf(KernelOp kernel);

WinogradLayout winogradLayout(KernelOp kernel) {
  auto conv = cast<PackedWinogradConv2DOp>(kernel.getRoot());
  StrategyAttr strategy = *kernel.getStrategy();
  return WinogradLayout(ImageShape(conv.getInput().getType()), ImageShape(conv.getType()), strategy.getTile(),
                        strategy.getLanes(), kindOf(kernel), conv.getHalved().size());
}

int64_t winogradRegisterTiles(int64_t tiles, int64_t vectors, int64_t registers, const WinogradKind &kind) {
  // Weights and one tile's codes; or weights and codes of both halves, and two sums.
  int64_t others = kind.multipliesSums() ? 2 * vectors + 4 : vectors + 1;
  int64_t most = std::max<int64_t>(1, (registers - others) / vectors);
  return ceilDiv(tiles, ceilDiv(tiles, most));
}

namespace {

/// Whether numbers of 16 bits hold the scaled sums of \p filter [O, taps]: results times 2^shift.
template <typename Weight>
bool fits16(ArrayRef<Weight> filter, int64_t outputs, int64_t top, int64_t shift, std::string &why) {
  int64_t taps = filter.size() / outputs, smallest = 0, largest = 0;
  for (int64_t o = 0; o < outputs; ++o) {
    int64_t lo = 0, hi = 0;
    for (Weight weight : filter.slice(o * taps, taps))
      (weight < 0 ? lo : hi) += top * weight;
    smallest = std::min(smallest, lo);
    largest = std::max(largest, hi);
  }
  int64_t limit = (int64_t(1) << 15) >> shift;
  if (smallest >= -limit && largest < limit)
    return true;
  why = "its sums reach [" + std::to_string(smallest) + ", " + std::to_string(largest) +
        "], 16 bits hold those below " + std::to_string(limit);
  return false;
}

int64_t topOf(Value codes) { return (int64_t(1) << codeBitsOf(codes.getType())) - 1; }

/// The algorithms that may compute a convolution, as [my, mx].
struct Variants {
  std::vector<std::array<int64_t, 2>> legal;
  std::vector<size_t> halved; // how many positions
  std::string why;            // where there is none
};

Variants variantsOf(Conv2DOp conv, const WinogradKind &kind) {
  Variants variants;
  auto reject = [&](StringRef why) {
    variants.why = why.str();
    return variants;
  };
  Window window = conv.getWindow();
  ImageShape in(conv.getInput().getType()), out(conv.getType());
  if (window.kernel[0] != 3 || window.kernel[1] != 3 || window.strides[0] != 1 || window.strides[1] != 1 ||
      window.dilations[0] != 1 || window.dilations[1] != 1 || window.groups != 1)
    return reject("its window is not 3x3 with stride 1 and one group");
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getFilter());
  if (!filter)
    return reject("its filter is not constant");
  TransformedWeights weights(*filter, out.channels, in.channels);
  int64_t top = topOf(conv.getInput());
  for (int64_t my = maxCookToomOutputs; my >= minCookToomOutputs; --my)
    for (int64_t mx = maxCookToomOutputs; mx >= minCookToomOutputs; --mx) {
      SmallVector<int64_t> halved;
      if (my > out.height || mx > out.width) {
        variants.why = "its result is smaller than a tile";
        continue;
      }
      if (!winogradForm(weights, top, my, mx, kind.factors, halved, variants.why))
        continue;
      if (kind.tailBytes == 2 &&
          !fits16(ArrayRef(*filter), out.channels, top, Winograd(my, mx).scaleShift(), variants.why))
        continue;
      // One tile must fit into scratch memory, on any CPU; 16-bit sums want two vectors.
      int64_t smallest[] = {my, mx, 1, 2};
      if (WinogradLayout(in, out, smallest, channelUnit, kind, halved.size()).scratchBytes() > maxScratchBytes) {
        variants.why = "a tile of its channels needs more than " + std::to_string(maxScratchBytes) + " bytes";
        continue;
      }
      variants.legal.push_back({my, mx});
      variants.halved.push_back(halved.size());
    }
  return variants;
}

/// Whether a block may have so many vectors: sums of 16 bits come in pairs of them, and where sums are multiplied there
/// is a plain vector and at least one other.
bool mayHaveVectors(const WinogradKind &kind, int64_t vectors) {
  return kind.tailBytes == 2 ? vectors % 2 == 0 : !kind.multipliesSums() || vectors > winogradPlainVectors;
}

bool mayRunWith(KernelOp kernel, const WinogradKind &kind, const CpuTarget &target, std::string &why) {
  Operation *root = kernel.getRoot();
  if (kind.multipliesSums() && !target.name.empty() && (target.lanes() != 16 || !target.hasDotProduct())) {
    why = target.name + " has no dot product of 64 bytes (avx512vnni)";
    return false;
  }
  // The last block may have vectors too many, but stored vectors of 16-bit sums are pairs of vectors of channels.
  int64_t memory = memoryChannels(channelsOf(kernel.getResult(0))), pair = 2 * target.lanes();
  if (kind.tailBytes == 2 ? memory % pair != 0 : !mayHaveVectors(kind, memory / target.lanes())) {
    why = kind.tailBytes == 2 ? "its channels do not fill pairs of vectors"
                              : "its channels do not fill two vectors, one of products and one of products of sums";
    return false;
  }
  if (isa_and_nonnull<PackedWinogradConv2DOp>(root))
    return true;
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  if (!conv) {
    why = "its root is not a convolution of codes";
    return false;
  }
  Variants variants = variantsOf(conv, kind);
  why = variants.why;
  return !variants.legal.empty();
}

/// Cycles of an image. With the ports of Zen 4, these were fitted to 55 measurements inside of ResNet-18 W2A2, W3A3 and
/// W4A4 there: they are 1.05 of what was measured on average, with a deviation of 0.055.
double cyclesOf(const WinogradLayout &l, int64_t vectors, const CpuTarget &target) {
  const CpuPorts &ports = portsOf(target);
  double load = 1 / ports.nearLoads, store = 1 / ports.stores, operation = 1 / ports.vectors;
  double dot = target.hasDotProduct() ? 1 / ports.dots : 4;
  // Of four channels, or of two times four where sums are multiplied.
  bool sums = l.kind.multipliesSums();
  int64_t steps = l.rowChannels / (sums ? 8 : 4);
  double plain = sums ? winogradPlainVectors : vectors, other = vectors - plain;
  // Stage 2, one position of one block for some tiles.
  auto multiply = [&](int64_t tiles) {
    double cycles = 0;
    int64_t registerTiles = winogradRegisterTiles(tiles, vectors, target.vectorRegisters(), l.kind);
    for (int64_t left = tiles; left > 0; left -= registerTiles) {
      int64_t m = std::min(left, registerTiles);
      double step = std::max({m * vectors * dot, vectors * load + m / ports.loads, 4.0});
      if (sums) // dot products, all instructions, loads
        step = std::max({m * (2 * plain + other) * dot, m * (2 * plain + 3 * other) * operation,
                         2 * (vectors * load + m / ports.loads), 4.0});
      cycles += steps * step + m * (vectors * store + other * operation) + 15;
    }
    return cycles;
  };
  double codeVectors = double(l.rowChannels) / std::min<int64_t>(l.lanes * 4, l.rowChannels % 64 ? 16 : 64);
  double tailVectors = double(l.block) * l.blocks * l.kind.tailBytes / (l.lanes * 4);
  // A position's weights come from the L2 cache once for each chunk.
  double firstReading = double(l.rowChannels * l.block) / (l.lanes * 4) * 0.35 * load;
  double gemm = 0, input = 0, output = 0;
  for (const WinogradChunks &chunk : l.chunks) {
    for (int64_t row = 0; row < l.y.outputs + 2; ++row)
      for (int64_t column = 0; column < l.x.outputs + 2; ++column) {
        auto [first, last] = l.slotsUsing(chunk, row, column);
        if (first < last)
          gemm += chunk.number * (multiply(last - first) + firstReading);
      }
    for (const WinogradPiece &piece : chunk.pieces) {
      int64_t my = l.y.outputsOf(piece.kind.briefY), mx = l.x.outputsOf(piece.kind.briefX);
      double tiles = double(chunk.number) * piece.count, points = (my + 2) * (mx + 2);
      // Transforms of four outputs keep more numbers alive than there are registers.
      int64_t spilled = (my == maxCookToomOutputs) + (mx == maxCookToomOutputs);
      // Stores bound stage 1: what else it does goes through other ports meanwhile.
      input += tiles * points * (store + 2 * spilled) * codeVectors;
      if (sums)
        input += tiles * points * (3 * operation * codeVectors + 1);
      output += tiles * (points * (load + 2 * operation + 1.2 * spilled) + my * mx * (8 * operation + 1)) * tailVectors;
    }
  }
  gemm *= l.blocks;
  // In a network, the other layers have driven a layer's weights out of the near caches. They come fetched ahead, which
  // hides half of it, and nearly all of what another chunk reads again; but where a layer's weights are so many, the
  // last-level cache does not hold those of the network.
  constexpr int64_t nearBytes = 1 << 20, sharedBytes = 4 << 20;
  double bytes = double(l.weightBytes()), far = bytes / (2 * ports.farBytes);
  if (l.weightBytes() >= nearBytes)
    far += bytes / (8 * ports.farBytes) * double(l.chunkCount - 1);
  if (l.weightBytes() > sharedBytes)
    far += (bytes - sharedBytes) * 1.8 / ports.farBytes;
  // Each item waits for its first weights and codes.
  far += 250.0 * double(l.items());
  return gemm + input + output + far;
}

/// The best number of tiles for each algorithm and width of blocks.
void offerWith(KernelOp kernel, const CpuTarget &target, const WinogradKind &kind,
               llvm::function_ref<void(const Plan &)> take) {
  auto conv = cast<Conv2DOp>(kernel.getRoot());
  ImageShape in(conv.getInput().getType()), out(conv.getType());
  Variants variants = variantsOf(conv, kind);
  int64_t lanes = target.lanes(), vectors = memoryChannels(out.channels) / lanes;
  // Intermediate data of an item stays in a core's second-level cache.
  constexpr int64_t scratchWanted = 512 * 1024;
  for (auto [variant, halved] : llvm::zip_equal(variants.legal, variants.halved))
    for (int64_t n : {4, 3, 2, 1}) {
      if (n > vectors || !mayHaveVectors(kind, n))
        continue;
      Plan best;
      best.lanes = lanes;
      best.cycles = -1;
      double bestRank = 0;
      for (int64_t tiles = 1; tiles <= 32; ++tiles) {
        int64_t tile[] = {variant[0], variant[1], tiles, n};
        WinogradLayout layout(in, out, tile, lanes, kind, halved);
        if (layout.scratchBytes() > (tiles > 1 ? scratchWanted : maxScratchBytes))
          break;
        double cycles = cyclesOf(layout, n, target);
        // Several threads end up to an item apart, which shows where items are few.
        double rank = cycles * (1 + 0.25 * std::max(layout.largestShare() - 0.5 / itemsWanted, 0.0));
        if (best.cycles < 0 || rank < bestRank) {
          bestRank = rank;
          best.cycles = cycles;
          best.weightBytes = double(layout.weightBytes());
          best.tile.assign(std::begin(tile), std::end(tile));
        }
      }
      if (best.cycles >= 0)
        take(best);
    }
}

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<Conv2DOp>(kernel.getRoot());
  ImageShape in(conv.getInput().getType()), out(conv.getType());
  auto tile = kernel.getStrategy()->getTile();
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getFilter());
  if (!filter)
    return conv.emitOpError() << "expects a constant filter";
  if (tile[0] < minCookToomOutputs || tile[0] > maxCookToomOutputs || tile[1] < minCookToomOutputs ||
      tile[1] > maxCookToomOutputs)
    return kernel.emitOpError() << "expects a tile of " << minCookToomOutputs << " to " << maxCookToomOutputs
                                << " outputs, but got " << tile[0] << "x" << tile[1];
  SmallVector<int64_t> halved;
  std::string why;
  if (!winogradForm(TransformedWeights(*filter, out.channels, in.channels), topOf(conv.getInput()), tile[0], tile[1],
                    kindOf(kernel).factors, halved, why))
    return kernel.emitOpError() << "cannot be computed with its tile, " << why;

  Winograd algorithm(tile[0], tile[1]);
  int64_t positions = algorithm.positions(), plain = positions - halved.size();
  int64_t block = kernel.getStrategy()->getLanes() * tile[3], blocks = ceilDiv(out.channels, block);
  int64_t fours = memoryChannels(in.channels) / 4;
  FailureOr<int64_t> elements = packedElements(conv, {blocks, positions, fours, block, 4});
  if (failed(elements))
    return failure();
  SmallVector<int64_t> order; // as PackedWinogradConv2DOp::getPositions
  for (int64_t position = 0; position < positions; ++position)
    if (!llvm::is_contained(halved, position))
      order.push_back(position);
  order.append(halved);
  // Zeros for the channels behind the last one, also at halved positions: stage 1 leaves them out of its sums.
  std::vector<int8_t> packed(*elements, 0);
  std::array<int64_t, 9> taps;
  for (int64_t o = 0; o < out.channels; ++o)
    for (int64_t c = 0; c < in.channels; ++c) {
      for (int64_t tap = 0; tap < 9; ++tap)
        taps[tap] = (*filter)[(o * 9 + tap) * in.channels + c];
      std::vector<int64_t> transformed = algorithm.transformFilter(taps);
      for (auto [r, position] : llvm::enumerate(order)) {
        int64_t u = transformed[position];
        int64_t place = ((o / block * positions + r) * fours + c / 4) * block + o % block;
        packed[place * 4 + c % 4] = static_cast<int8_t>(int64_t(r) < plain ? u : (u - 1) / 2);
      }
    }
  rewriter.setInsertionPoint(kernel);
  Value constant = createBytes(rewriter, conv.getLoc(), {blocks, positions, fours, block, 4}, packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedWinogradConv2DOp>(conv, conv.getType(), conv.getInput(), constant,
                                                      tile.take_front(2), halved, conv.getPadding());
  return success();
}

/// Smallest and largest weight of place \p r of a packed filter.
std::pair<int64_t, int64_t> weightRange(PackedWinogradConv2DOp conv, ArrayRef<int8_t> packed, int64_t r) {
  auto shape = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t place = shape[2] * shape[3] * 4, smallest = 0, largest = 0;
  for (int64_t block = 0; block < shape[0]; ++block)
    for (int8_t weight : packed.slice((block * shape[1] + r) * place, place)) {
      smallest = std::min<int64_t>(smallest, weight);
      largest = std::max<int64_t>(largest, weight);
    }
  return {smallest, largest};
}

LogicalResult verify(KernelOp kernel) {
  auto conv = cast<PackedWinogradConv2DOp>(kernel.getRoot());
  StrategyAttr strategy = *kernel.getStrategy();
  auto tile = strategy.getTile();
  auto packed = cast<ShapedType>(conv.getPacked().getType());
  if (tile.take_front(2) != conv.getOutputs())
    return conv.emitOpError() << "expects outputs as in its kernel's tile, " << tile[0] << "x" << tile[1];
  int64_t rowChannels = memoryChannels(channelsOf(conv.getInput())), block = strategy.getLanes() * tile[3];
  if (packed.getDimSize(2) * 4 != rowChannels || packed.getDimSize(3) != block)
    return conv.emitOpError() << "expects a filter packed for rows of " << rowChannels << " channels in blocks of "
                              << block << " outputs, but got " << packed;
  WinogradKind kind = kindOf(kernel);
  if (strategy.getLanes() == 1 || !mayHaveVectors(kind, tile[3]))
    return kernel.emitOpError() << "expects vectors"
                                << (strategy.getLanes() == 1 ? ""
                                    : kind.tailBytes == 2    ? " in pairs"
                                                             : ", at least two");
  int64_t memory = memoryChannels(channelsOf(conv.getResult()));
  if (kind.tailBytes == 2 && memory % (2 * strategy.getLanes()) != 0)
    return kernel.emitOpError() << "expects pairs of vectors that divide " << memory << " channels of memory, but got "
                                << strategy.getLanes() << " lanes";
  if (winogradLayout(kernel).scratchBytes() > maxScratchBytes)
    return kernel.emitOpError() << "needs more than " << maxScratchBytes << " bytes for " << tile[2]
                                << " tiles; take fewer";
  std::optional<std::vector<int8_t>> bytes = constantBytes(conv.getPacked());
  if (!bytes)
    return conv.emitOpError() << "expects a constant filter";
  bool isTransform;
  std::vector<int32_t> filter = conv.recoverFilter(*bytes, isTransform);
  if (!isTransform)
    return conv.emitOpError() << "expects a packed filter that is the transform of a filter";
  Winograd algorithm(tile[0], tile[1]);
  int64_t top = topOf(conv.getInput());
  auto [lo, hi] = algorithm.inputRange(top);
  if (lo < -128 || hi > 127)
    return conv.emitOpError() << "expects transformed codes of 8 bits, but they reach [" << lo << ", " << hi << "]";
  if (kind.multipliesSums())
    for (auto [r, position] : llvm::enumerate(conv.getPositions())) {
      auto [least, most] = winogradCodeRange(top, tile[0], tile[1], position);
      auto [smallest, largest] = weightRange(conv, *bytes, r);
      if (smallest + least < -128 || largest + most > 127)
        return conv.emitOpError() << "expects sums of codes and weights of 8 bits, but those of position " << position
                                  << " reach [" << smallest + least << ", " << largest + most << "]";
    }
  std::string why;
  if (kind.tailBytes == 2 && !fits16(ArrayRef(filter), channelsOf(conv.getResult()), top, algorithm.scaleShift(), why))
    return kernel.emitOpError() << "cannot be computed in 16 bits: " << why;
  return success();
}

int64_t items(KernelOp kernel) { return winogradLayout(kernel).items(); }

int64_t scratch(KernelOp kernel) { return winogradLayout(kernel).scratchBytes(); }

} // namespace

/// A family; what it answers depends on its kind alone.
template <const WinogradKind &kind>
constexpr KernelFamily familyOf(const char *name) {
  auto mayRun = [](KernelOp kernel, const CpuTarget &target, std::string &why) {
    return mayRunWith(kernel, kind, target, why);
  };
  auto offer = [](KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
    offerWith(kernel, target, kind, take);
  };
  auto plan = [](KernelOp kernel, const CpuTarget &target) {
    return cheapestPlan([&](auto take) { offerWith(kernel, target, kind, take); });
  };
  return {name, 4, mayRun, plan, pack, items, emitWinograd, scratch, verify, offer};
}

static constexpr WinogradKind words = {4, WinogradFactors::Plain}, halfWords = {2, WinogradFactors::Plain},
                              wordsOfSums = {4, WinogradFactors::Sums}, halfWordsOfSums = {2, WinogradFactors::Sums};

extern const KernelFamily winograd = familyOf<words>("winograd");
extern const KernelFamily winograd16 = familyOf<halfWords>("winograd_i16");
extern const KernelFamily winogradSums = familyOf<wordsOfSums>("winograd_sums");
extern const KernelFamily winogradSums16 = familyOf<halfWordsOfSums>("winograd_sums_i16");

static WinogradKind kindOf(KernelOp kernel) {
  StringRef name = kernel.getStrategy()->getKernel();
  for (auto [family, kind] :
       {std::pair(&winograd, words), std::pair(&winograd16, halfWords), std::pair(&winogradSums, wordsOfSums)})
    if (name == family->name)
      return kind;
  return halfWordsOfSums;
}

} // namespace n2uq
