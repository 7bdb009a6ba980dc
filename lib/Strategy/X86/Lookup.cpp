// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution by lookup tables: both operands of a product are so small that all products are tabulated beforehand.
//
// A weight is w = 2k - top, 0 <= k <= top, top = 2^f - 1. J weights of an output channel, f = 6 / J bits each, are one
// index; J codes of a pixel choose one of 2^(J * code bits) tables of 64 bytes:
//
//   table[codes][index] = sum over j < J of code_j * k_j
//
// 64 output channels have their indices in one vector, so one permutation of the table's bytes gives J products of
// each:
//
//   sum of a*w = 2 * (sum of a*k) - top * (sum of a)          the last sum is the pixel's, for all output channels
//
// Lookups are added as bytes. The weights are known, and so is the largest sum of any run of lookups; a run that stays
// below 256 is added to 16-bit sums of even and odd bytes at its end: with v the 16-bit number of two neighbours,
//
//   all += v (modulo 2^16),  odd += v >> 8;          at the end   even = all - 256 * odd (modulo 2^16)
//
// exact while no sum of a*k reaches 2^16, which mayRun makes sure of.
//
// A work item first turns the codes that it needs into indices of tables (times 64, in 16 bits), in its scratch memory,
// and sums up the codes of each output's window. Zero padding is code 0, whose products are 0.
#include "../Contraction.h"
#include "LookupGeometry.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace {

/// The geometry of every root; none, and the reason in `why`, where one cannot be computed by lookups.
std::optional<SmallVector<LookupGeometry>> geometriesOf(KernelOp kernel, std::string &why) {
  SmallVector<LookupGeometry> geometries;
  if (kernel.getRoots().empty()) {
    why = "it has no convolution";
    return std::nullopt;
  }
  for (Operation *root : kernel.getRoots()) {
    std::optional<LookupGeometry> geometry = lookupGeometryOf(root, why);
    if (!geometry)
      return std::nullopt;
    geometries.push_back(*geometry);
  }
  return geometries;
}

int64_t scratchBytes(ArrayRef<LookupGeometry> geometries, int64_t rows) {
  int64_t bytes = 0;
  for (const LookupGeometry &g : geometries)
    bytes += roundUp(g.scratchBytes(rows), 64);
  return bytes;
}

bool mayRun(KernelOp kernel, const CpuTarget &target, std::string &why) {
  std::optional<SmallVector<LookupGeometry>> geometries = geometriesOf(kernel, why);
  if (!geometries)
    return false;
  if (!target.name.empty() && (target.lanes() != 16 || !target.has("avx512vbmi"))) {
    why = target.name + " has no permutation of 64 bytes (avx512vbmi)";
    return false;
  }
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  if (strategy && (strategy->getLanes() != 16 || strategy->getTile().size() != 4 || strategy->getTile()[2] % 4 != 0)) {
    why = "it has 16 lanes and a tile of rows, pixels, a multiple of 4 vectors, and blocks";
    return false;
  }
  if (scratchBytes(*geometries, strategy ? strategy->getTile()[0] : 1) > maxScratchBytes) {
    why = "its indices take more than " + std::to_string(maxScratchBytes) + " bytes";
    return false;
  }
  return true;
}

/// Lookups of an output, and of those a run's sums added to 16-bit ones.
double stepsOf(const LookupGeometry &g) { return double(g.taps()) * g.groups; }
double flushesOf(const LookupGeometry &g) { return double(g.taps() / g.runTaps()) * g.partsOfRun(); }

void offer(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
  std::string why;
  SmallVector<LookupGeometry> geometries = *geometriesOf(kernel, why);
  const ImageShape &out = geometries.front().out;
  const CpuPorts &ports = portsOf(target);
  double steps = 0, flushes = 0;
  for (const LookupGeometry &g : geometries) {
    steps += stepsOf(g);
    flushes += flushesOf(g);
  }
  auto preparing = [&](int64_t rows) {
    double cycles = 0;
    for (const LookupGeometry &g : geometries)
      cycles += g.preparing(rows, ceilDiv(g.groups, 32) * (2.0 * g.perIndex + 3) / ports.vectors + 12);
    return cycles;
  };
  for (int64_t n = 1; n <= 2; ++n) {
    int64_t m = std::min<int64_t>(8 / n, out.width), blocks = ceilDiv(out.channels, 64 * n);
    auto tileCycles = [&](int64_t pixels) {
      double products = double(pixels) * n;
      // The ports of permutations and additions, or the loads: a table for each pixel, chosen by an index.
      double step = std::max(products / ports.lookups, pixels / ports.chosenLoads + n / ports.loads);
      return steps * step + flushes * products * 3 / ports.vectors + products * 4 * finishCycles(ports) + 20;
    };
    Cover cover = coverOf(out.width, m);
    double row = cover.wide * tileCycles(m) + (cover.narrow ? cover.narrow * tileCycles(m - 1) : 0);
    double weightBytes = steps * blocks * 64 * n;
    ItemSplit split = splitItems(out.height, blocks, weightBytes, ports, preparing,
                                 [&](int64_t rows) { return scratchBytes(geometries, rows) <= maxScratchBytes; });
    take({16, {split.rows, m, 4 * n, split.blocks}, row * out.height * blocks + split.cycles, weightBytes});
  }
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  return cheapestPlan([&](auto take) { offer(kernel, target, take); });
}

LogicalResult packRoot(KernelOp kernel, Conv2DOp conv, RewriterBase &rewriter) {
  std::string why;
  LookupGeometry g = *lookupGeometryOf(conv, why);
  std::vector<int8_t> filter = *constantBytes(conv.getFilter());
  int64_t block = 16 * kernel.getStrategy()->getTile()[2], blocks = ceilDiv(g.out.channels, block);
  FailureOr<int64_t> elements = packedElements(conv, {blocks, g.taps(), g.groups, block});
  if (failed(elements))
    return failure();
  std::vector<int8_t> packed(*elements, 0);
  for (int64_t o = 0; o < g.out.channels; ++o)
    for (int64_t tap = 0; tap < g.taps(); ++tap)
      for (int64_t c = 0; c < g.in.channels; ++c) {
        int64_t k = (filter[(o * g.taps() + tap) * g.in.channels + c] + g.top()) / 2;
        int64_t place = ((o / block * g.taps() + tap) * g.groups + c % g.groups) * block;
        packed[place + PackedLookupConv2DOp::place(o % block)] |= k << (c / g.groups * g.fieldBits());
      }
  rewriter.setInsertionPoint(kernel);
  Value constant = createBytes(rewriter, conv.getLoc(),
                               {blocks, g.window.kernel[0], g.window.kernel[1], g.groups, block}, packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedLookupConv2DOp>(conv, conv.getType(), conv.getInput(), constant, g.perIndex,
                                                    conv.getStrides(), conv.getPadding(), conv.getDilations());
  return success();
}

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  for (Operation *root : kernel.getRoots())
    if (failed(packRoot(kernel, cast<Conv2DOp>(root), rewriter)))
      return failure();
  return success();
}

int64_t items(KernelOp kernel) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  auto tile = kernel.getStrategy()->getTile();
  return ceilDiv(ceilDiv(out.channels, 16 * tile[2]), tile[3]) * ceilDiv(out.height, tile[0]);
}

int64_t scratch(KernelOp kernel) {
  std::string why;
  return scratchBytes(*geometriesOf(kernel, why), kernel.getStrategy()->getTile()[0]);
}

/// Tiles overlap where no number of wide and narrow ones covers a row.
bool computesOnce(KernelOp kernel) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  int64_t m = std::min(kernel.getStrategy()->getTile()[1], out.width);
  Cover cover = coverOf(out.width, m);
  return cover.wide * m + cover.narrow * (m - 1) == out.width;
}

/// table[codes][index] for all codes and indices.
std::vector<char> tablesOf(const LookupGeometry &g) {
  int64_t tables = int64_t(1) << (g.perIndex * g.codeBits);
  std::vector<char> bytes(tables * 64, 0);
  for (int64_t t = 0; t < tables; ++t)
    for (int64_t i = 0; i < 64; ++i)
      for (int64_t j = 0; j < g.perIndex; ++j)
        bytes[t * 64 + i] += char((t >> (j * g.codeBits)) % (int64_t(1) << g.codeBits) *
                                  ((i >> (j * g.fieldBits())) % (int64_t(1) << g.fieldBits())));
  return bytes;
}

/// Emits the accumulators of one root.
struct RootEmitter {
  ItemEmitter &e;
  PackedLookupConv2DOp conv;
  LookupGeometry g;
  int64_t n, block; // vectors of 64 channels, and channels of a tile
  Access in;
  Value tables, indices, sums, windowSums;
  VectorType bytes, words;

  /// `scratch` has room for the root's indices and sums of a tile's rows.
  RootEmitter(ItemEmitter &e, PackedLookupConv2DOp conv, const LookupGeometry &g, ArrayRef<int64_t> tile, Value scratch)
      : e(e), conv(conv), g(g), n(tile[2] / 4), block(64 * n), in(e.read(conv.getInput())) {
    bytes = e.vector(e.b.getI8Type(), 64);
    words = e.vector(e.b.getI16Type(), 32);
    tables = e.data(Value(), [&] { return tablesOf(g); }, g.perIndex * 8 + g.codeBits);
    indices = scratch;
    sums = e.at(indices, g.indexBytes(tile[0]));
    windowSums = g.taps() == 1 ? sums : e.at(sums, g.pixelSumBytes(tile[0]));
  }

  Value splatWords(int64_t value) {
    return arith::ConstantOp::create(e.b, DenseElementsAttr::get(words, e.b.getI16IntegerAttr(value)));
  }

  /// The sum of the lanes of 16-bit sums that are not negative.
  Value reduce(Value sixteen) {
    Value v = vector::BitCastOp::create(e.b, e.ints(), sixteen);
    Value low = arith::AndIOp::create(e.b, v, e.splat(int32_t(0xffff)));
    Value high = arith::ShRUIOp::create(e.b, v, e.splat(int32_t(16)));
    return vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, arith::AddIOp::create(e.b, low, high));
  }

  /// Indices of one pixel: word g is 64 * (code[g] | code[G + g] << bits | …). Channels that the input does not have
  /// count as code 0, whatever memory holds there. Stores reach behind the pixel's last index; the next pixel comes
  /// later.
  void packPixel(Value from, Value to, Value sumTo) {
    VectorType half = e.vector(e.b.getI8Type(), 32);
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(half));
    auto packVector = [&](Value first, std::optional<int64_t> known, Value sum) {
      Value index;
      for (int64_t j = 0; j < g.perIndex; ++j) {
        int64_t count = known ? std::clamp<int64_t>(g.in.channels - j * g.groups - *known, 0,
                                                    std::min<int64_t>(32, g.groups - *known))
                              : 32;
        if (count == 0)
          continue;
        Value address = e.at(e.at(from, first), j * g.groups), codes;
        if (count == 32) {
          codes = e.load(half, address, 1);
        } else {
          SmallVector<bool> bits(32, false);
          std::fill(bits.begin(), bits.begin() + count, true);
          Value mask = arith::ConstantOp::create(
              e.b, DenseElementsAttr::get(e.vector(e.b.getI1Type(), 32), ArrayRef<bool>(bits)));
          codes = LLVM::MaskedLoadOp::create(e.b, half, address, mask, zero, e.b.getI32IntegerAttr(1));
        }
        Value wide = arith::ExtUIOp::create(e.b, words, codes);
        sum = arith::AddIOp::create(e.b, sum, wide);
        wide = arith::ShLIOp::create(e.b, wide, splatWords(6 + j * g.codeBits));
        index = index ? arith::OrIOp::create(e.b, index, wide).getResult() : wide;
      }
      e.store(index, e.at(to, e.mul(first, 2)), 2);
      return sum;
    };
    // Vectors of 32 groups whose channels all exist, then those at the end.
    int64_t whole = std::max<int64_t>(0, g.in.channels - (g.perIndex - 1) * g.groups) / 32;
    Value sum = e.loop(e.number(0), e.number(whole), {splatWords(0)}, [&](Value v, ValueRange carried) {
      return SmallVector<Value>{packVector(e.mul(v, 32), std::nullopt, carried[0])};
    })[0];
    for (int64_t first = whole * 32; first < g.groups; first += 32)
      sum = packVector(e.number(first), first, sum);
    Value total = reduce(sum);
    if (g.taps() == 1)
      total = arith::MulIOp::create(e.b, total, arith::ConstantOp::create(e.b, e.b.getI32IntegerAttr(g.top())));
    e.store(total, sumTo, 4);
  }

  /// Packs what output rows [first, last) read, and sums up their windows.
  void packRows(Value first, Value last) {
    g.forEachPixel(e, in, first, last, [&](Value from, Value number) {
      packPixel(from, e.at(indices, e.mul(number, g.pixelBytes())), e.at(sums, e.mul(number, 4)));
    });
    if (g.taps() > 1)
      g.emitWindowSums(e, sums, windowSums, arith::SubIOp::create(e.b, last, first), g.top());
  }

  /// The lookups of one step for `pixels` pixels, added to `sums` unless they are the first of a run.
  SmallVector<Value> step(int64_t pixels, Value weights, Value pixelIndices, ValueRange runSums) {
    SmallVector<Value> next, vectors;
    for (int64_t j = 0; j < n; ++j)
      vectors.push_back(e.load(bytes, e.at(weights, j * 64), 64));
    for (int64_t i = 0; i < pixels; ++i) {
      Value index = e.load(e.b.getI16Type(), e.at(pixelIndices, i * g.step(1) * g.pixelBytes()), 2);
      Value table = e.load(bytes, e.at(tables, arith::ExtUIOp::create(e.b, e.b.getI64Type(), index).getResult()), 64);
      for (int64_t j = 0; j < n; ++j)
        next.push_back(TableLookupOp::create(e.b, bytes, table, vectors[j]));
    }
    if (!runSums.empty())
      for (auto [sum, before] : llvm::zip_equal(next, runSums))
        sum = arith::AddIOp::create(e.b, before, sum);
    return next;
  }

  /// Sums of a*k of a tile: for each pixel and vector the 16-bit sums `all`, then those of `odd`.
  SmallVector<Value> accumulate(int64_t pixels, Value weights, Value corner) {
    int64_t count = pixels * n;
    int64_t runTaps = g.runTaps(), run = runTaps * g.groups, runs = g.window.kernel[1] / runTaps;
    int64_t length = ceilDiv(run, g.partsOfRun()), flushes = ceilDiv(run, length);
    SmallVector<Value> zeros(2 * count, splatWords(0));
    return e.loop(e.number(0), e.number(g.window.kernel[0]), zeros, [&](Value kh, ValueRange rowSums) {
      Value rowIndices = e.at(corner, e.mul(kh, g.window.dilations[0] * g.columns() * g.pixelBytes()));
      Value rowWeights = e.at(weights, e.mul(kh, runs * run * block));
      return e.loop(e.number(0), e.number(runs), rowSums, [&](Value kw, ValueRange runSums) {
        Value runIndices = e.at(rowIndices, e.mul(kw, g.window.dilations[1] * g.pixelBytes()));
        Value runWeights = e.at(rowWeights, e.mul(kw, run * block));
        return e.loop(e.number(0), e.number(flushes), runSums, [&](Value flush, ValueRange carried) {
          Value begin = e.mul(flush, length), end = e.min(e.add(begin, length), e.number(run));
          auto at = [&](Value s, ValueRange before) {
            return step(pixels, e.at(runWeights, e.mul(s, block)), e.at(runIndices, e.mul(s, 2)), before);
          };
          SmallVector<Value> lookups = e.loop(e.add(begin, 1), end, at(begin, {}), at);
          // Unrolled, this loop spills.
          if (auto loop = lookups[0].getDefiningOp<scf::ForOp>())
            loop->setAttr("loop_annotation", noUnrolling());
          SmallVector<Value> next(carried.begin(), carried.end());
          for (int64_t i = 0; i < count; ++i) {
            Value v = vector::BitCastOp::create(e.b, words, lookups[i]);
            next[i] = arith::AddIOp::create(e.b, next[i], v);
            next[count + i] =
                arith::AddIOp::create(e.b, next[count + i], arith::ShRUIOp::create(e.b, v, splatWords(8)));
          }
          return next;
        });
      });
    });
  }

  Attribute noUnrolling() {
    return parseAttribute("#llvm.loop_annotation<unroll = <disable = true>>", e.b.getContext());
  }

  /// Accumulators 2 * sum - top * (the window's sum) of half of the channels of 16-bit sums of a*k, in 32 bits.
  Value wideAccumulator(Value sums16, Value window, int64_t half) {
    // Where 16 bits hold the result, both halves share their arithmetic.
    if (g.fitsWords) {
      Value both = narrowAccumulator(sums16, window);
      Value part = vector::ExtractStridedSliceOp::create(e.b, both, half * 16, 16, 1);
      return arith::ExtSIOp::create(e.b, e.ints(), part);
    }
    Value part = vector::ExtractStridedSliceOp::create(e.b, sums16, half * 16, 16, 1);
    Value wide = arith::ShLIOp::create(e.b, arith::ExtUIOp::create(e.b, e.ints(), part), e.splat(int32_t(1)));
    return arith::SubIOp::create(e.b, wide, vector::BroadcastOp::create(e.b, e.ints(), window));
  }

  /// The same of all 32 channels modulo 2^16, which is exact where 16 bits hold the result.
  Value narrowAccumulator(Value sums16, Value window) {
    Value low = arith::TruncIOp::create(e.b, e.b.getI16Type(), window);
    return arith::SubIOp::create(e.b, arith::ShLIOp::create(e.b, sums16, splatWords(1)),
                                 vector::BroadcastOp::create(e.b, words, low));
  }

  /// A tile: for each pixel and vector of 64 channels 32 sums of a*k in `even` and 32 in `odd`, and for each pixel the
  /// factor's part of its window's sum.
  struct Tile {
    SmallVector<Value> even, odd, windows;
  };
  Tile tile(int64_t pixels, Value b, Value row, Value x) {
    Value weights = e.at(weightData(e, conv.getPacked()), e.mul(b, g.taps() * g.groups * block));
    SmallVector<Value> totals = accumulate(pixels, weights, e.at(indices, e.mul(g.corner(e, row, x), g.pixelBytes())));
    Tile tile;
    for (int64_t i = 0; i < pixels * n; ++i) {
      tile.odd.push_back(totals[pixels * n + i]);
      Value shifted = arith::ShLIOp::create(e.b, tile.odd.back(), splatWords(8));
      tile.even.push_back(arith::SubIOp::create(e.b, totals[i], shifted));
    }
    Value windowAt = e.at(windowSums, e.add(e.mul(row, g.out.width * 4), e.mul(x, 4)));
    for (int64_t i = 0; i < pixels; ++i)
      tile.windows.push_back(e.load(e.b.getI32Type(), e.at(windowAt, i * 4), 4));
    return tile;
  }
};

/// Emits one work item.
struct Emitter {
  ItemEmitter &e;
  SmallVector<RootEmitter, 2> roots;
  ImageShape out;
  int64_t m, n, block; // pixels, vectors of 64 channels, and channels of a tile
  bool narrow;         // whether accumulators stay in 16 bits to the end

  Emitter(KernelOp kernel, ItemEmitter &e) : e(e), out(kernel.getRoot()->getResult(0).getType()) {
    auto tile = kernel.getStrategy()->getTile();
    m = std::min(tile[1], out.width);
    n = tile[2] / 4;
    block = 64 * n;
    std::string why;
    SmallVector<LookupGeometry> geometries = *geometriesOf(kernel, why);
    int64_t used = 0;
    for (auto [root, g] : llvm::zip_equal(kernel.getRoots(), geometries)) {
      roots.emplace_back(e, cast<PackedLookupConv2DOp>(root), g, tile, e.at(e.scratch(), used));
      used += roundUp(g.scratchBytes(tile[0]), 64);
    }
    narrow = geometries.front().fitsWords && memoryChannels(out.channels) % 32 == 0 &&
             llvm::all_of(kernel.getBody().front().without_terminator(), [&](Operation &op) {
               return &op == kernel.getRoot() || isa<ThresholdOp, TwoSidedThresholdOp>(op);
             });
  }

  /// Runs `finish` unless `channel` lies behind what memory has room for.
  void ifExists(Value channel, Value memory, llvm::function_ref<void()> finish) {
    if (!memory)
      return finish();
    auto exists = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, channel, memory);
    auto ifOp = scf::IfOp::create(e.b, exists, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(ifOp.thenBlock());
    finish();
  }

  /// Finishes the 64 channels of vector j of a tile, which each root has computed; those from `memory` on have no
  /// place.
  void finish(ArrayRef<RootEmitter::Tile> tiles, int64_t j, Value y, Value x, Value channel, Value memory) {
    int64_t pixels = tiles.front().windows.size();
    auto sums16 = [&](size_t root, int64_t pixel, int64_t side) {
      const RootEmitter::Tile &tile = tiles[root];
      return (side ? tile.odd : tile.even)[pixel * n + j];
    };
    auto wide = [&](size_t root, int64_t pixel, int64_t side, int64_t half) -> Value {
      return roots[root].wideAccumulator(sums16(root, pixel, side), tiles[root].windows[pixel], half);
    };
    SmallVector<Column> columns(roots.size());
    if (!narrow && !memory) {
      for (size_t root = 0; root < roots.size(); ++root)
        for (int64_t i = 0; i < pixels; ++i)
          for (int64_t side : {0, 1})
            for (int64_t half : {0, 1})
              columns[root].push_back(wide(root, i, side, half));
      e.finishRoots(columns, 4, y, x, pixels, channel);
      return;
    }
    for (int64_t side : {0, 1}) {
      Value first = e.add(channel, side * 32);
      if (narrow) {
        ifExists(first, memory, [&] {
          Column column;
          for (int64_t i = 0; i < pixels; ++i)
            column.push_back(roots[0].narrowAccumulator(sums16(0, i, side), tiles[0].windows[i]));
          e.finish(column, y, x, pixels, first);
        });
        continue;
      }
      for (int64_t half : {0, 1}) {
        Value channel16 = e.add(first, half * 16);
        ifExists(channel16, memory, [&] {
          for (size_t root = 0; root < roots.size(); ++root) {
            columns[root].clear();
            for (int64_t i = 0; i < pixels; ++i)
              columns[root].push_back(wide(root, i, side, half));
          }
          e.finishRoots(columns, 1, y, x, pixels, channel16);
        });
      }
    }
  }

  void tile(int64_t pixels, Value b, Value firstRow, Value y, Value x, Value channel, Value memory) {
    Value row = arith::SubIOp::create(e.b, y, firstRow);
    SmallVector<RootEmitter::Tile> tiles;
    for (RootEmitter &root : roots)
      tiles.push_back(root.tile(pixels, b, row, x));
    for (int64_t j = 0; j < n; ++j)
      finish(tiles, j, y, x, e.add(channel, j * 64), memory);
  }

  void emit(ArrayRef<int64_t> strategyTile) {
    int64_t rows = strategyTile[0], perItem = strategyTile[3], blocks = ceilDiv(out.channels, block);
    int64_t memory = memoryChannels(out.channels);
    ItemPart part = partOf(e, out.height, rows, perItem * block);
    Value firstBlock = e.mul(part.block, perItem), lastBlock = e.min(e.add(firstBlock, perItem), e.number(blocks));
    Value end = e.min(e.mul(lastBlock, block), e.number(memory));
    e.loop(e.divide(part.channel, channelUnit), e.divide(end, channelUnit),
           [&](Value unit) { e.clearBorder(part.firstRow, part.lastRow, e.mul(unit, channelUnit), channelUnit); });
    for (RootEmitter &root : roots)
      root.packRows(part.firstRow, part.lastRow);

    Value bound = memory % block == 0 ? Value() : e.number(memory);
    Cover cover = coverOf(out.width, m);
    e.loop(firstBlock, lastBlock, [&](Value b) {
      Value channel = e.mul(b, block);
      e.loop(part.firstRow, part.lastRow, [&](Value y) {
        if (cover.wide > 0)
          e.loop(e.number(0), e.number(cover.wide), [&](Value t) {
            Value x = e.min(e.mul(t, m), e.number(out.width - m));
            tile(m, b, part.firstRow, y, x, channel, bound);
          });
        if (cover.narrow > 0)
          e.loop(e.number(0), e.number(cover.narrow), [&](Value t) {
            Value x = e.add(e.mul(t, m - 1), cover.wide * m);
            tile(m - 1, b, part.firstRow, y, x, channel, bound);
          });
      });
    });
  }
};

void emit(KernelOp kernel, ItemEmitter &e) { Emitter(kernel, e).emit(kernel.getStrategy()->getTile()); }

} // namespace

namespace n2uq {
extern const KernelFamily lookup = {"lookup", 4,       mayRun,  plan,  pack, items,
                                    emit,     scratch, nullptr, offer, 2,    computesOnce};
} // namespace n2uq
