// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution as an implicit GEMM on tensor cores, from packed codes to packed codes without a step through memory.
//
// A warp computes 16 * mt pixels (of any images) times N outputs. Lane 4g + t of it loads 32 bits of codes of pixels g
// and g + 8 at once, word t of 16 bytes, and spreads them to elements of L = 8 or 4 bits by shift and mask: register j
// holds every (L / bits)th code from code j on. That permutes the channels of a sum, and the weights follow:
//
//   mma m of a chunk, half h, element i of lane (g, t):  channel  chunk * 128W/bits + (r / P) * 128/bits + t * 32/bits
//   + i * P + r % P with r = 2m + h, P = L / bits registers a word, W = 2 words a lane where P is 1, else 1
//
// Which output a column is, is free as well. Of the N / 8 tiles of columns, lane t holds columns 2t and 2t + 1 of each:
//
//   tile n, column j:   output  block * N + (j / 2) * N/4 + 2n + j % 2
//
// so a lane holds N / 4 neighbouring outputs of each pixel, runs the kernel's tail on them and stores them at once.
// Taps outside of the image read its first pixel and take zero instead: no lane ever leaves the warp before an mma.
//
// Where one image gives too few blocks, `ways` warps share the channels of a tile and the first of them adds up what
// the others leave in shared memory: integers, so in any order.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/Upstream.h"
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/ThreadEmit.h"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace {

constexpr int64_t warpLanes = 32, tileRows = 16, tileColumns = 8;
/// Places in an image are counted in 32 bits.
constexpr int64_t maxImageBytes = INT32_MAX;
/// Share of the tensor cores' rate that the warps reach, a guess until it is measured on a device.
constexpr double efficiency = 0.5;

/// The numbers of a strategy's tile, in order.
struct Tile {
  int64_t rowTiles, outputs, warps, ways;
  explicit Tile(ArrayRef<int64_t> tile) : rowTiles(tile[0]), outputs(tile[1]), warps(tile[2]), ways(tile[3]) {}
  Tile(int64_t rowTiles, int64_t outputs, int64_t warps, int64_t ways)
      : rowTiles(rowTiles), outputs(outputs), warps(warps), ways(ways) {}
  int64_t columnTiles() const { return outputs / tileColumns; }
  int64_t pixels() const { return rowTiles * tileRows * warps; }
  /// Accumulators of a lane.
  int64_t accumulators() const { return rowTiles * columnTiles() * 4; }
};

/// How codes become elements of the tensor core.
struct Elements {
  int64_t bits, width, parts, words, chunkCodes, chunks, products;
  Elements(Conv2DOp conv, int64_t width) : bits(deviceBits(conv.getInput().getType())), width(width) {
    parts = width / bits;
    words = parts == 1 ? 2 : 1;
    chunkCodes = 128 / bits * words;
    chunks = ceilDiv(deviceChannels(conv.getInput().getType()), chunkCodes);
    products = words * parts / 2; // mma instructions a chunk
  }
  int64_t depth() const { return 256 / width; } // of one mma
};

Conv2DOp convOf(KernelOp kernel) { return cast<Conv2DOp>(kernel.getRoot()); }

bool mayRunWith(KernelOp kernel, int64_t width, std::string &why) {
  auto conv = dyn_cast_or_null<Conv2DOp>(kernel.getRoot());
  if (!conv)
    why = "its root is not a convolution of codes";
  else if (conv.getGroups() != 1)
    why = "it has groups";
  else if (!conv.getInput().getDefiningOp<KernelOp>())
    why = "its codes are not another kernel's";
  else if (deviceBits(conv.getInput().getType()) > width)
    why = "its codes have more than " + std::to_string(width) + " bits";
  else if (ImageShape in(conv.getInput().getType());
           in.height * in.width > maxImageBytes / devicePixelBytes(conv.getInput().getType()))
    why = "its input has more than 2 GiB an image";
  else if (kernel.getPool())
    why = "it has a pool behind its root";
  else
    for (Operation &op : kernel.getBody().front())
      if (isa<SharedThresholdOp>(op))
        why = "it has thresholds in a CPU's form";
      else if (isUpstreamElementwise(&op))
        why = "it has a " + op.getName().getStringRef().str() + ", which GPUs' kernels do not compute yet";
  return why.empty();
}

bool mayRunBytes(KernelOp kernel, const GpuTarget &, std::string &why) { return mayRunWith(kernel, 8, why); }

bool mayRunNibbles(KernelOp kernel, const GpuTarget &target, std::string &why) {
  if (!mayRunWith(kernel, 4, why))
    return false;
  if (target.tensorNibbles == 0) {
    why = std::string(target.name) + " has no tensor cores for 4 bits";
    return false;
  }
  std::optional<std::vector<int8_t>> filter = constantBytes(convOf(kernel).getFilter());
  if (!filter || !llvm::all_of(*filter, [](int8_t weight) { return weight >= -8 && weight < 8; })) {
    why = "its weights do not fit into 4 bits";
    return false;
  }
  return true;
}

/// Blocks of outputs: those behind the last output fill up the room that codes have.
int64_t blocksOf(KernelOp kernel, int64_t outputs) {
  int64_t room = 0;
  for (auto [index, result] : llvm::enumerate(kernel.getResults())) {
    bool isOutput = kernel.getBuffers() && kernel.getBuffer(index).getSpace() == "output";
    room = std::max(room, isOutput ? channelsOf(result) : deviceChannels(result.getType()));
  }
  return ceilDiv(room, outputs);
}

/// Outputs of a block at least, so that a lane writes whole bytes of every code.
int64_t leastOutputs(KernelOp kernel) {
  int64_t least = 16;
  for (Value result : kernel.getResults())
    least = std::max(least, 4 * 8 / deviceBits(result.getType()));
  return least;
}

Plan planWith(KernelOp kernel, const GpuTarget &target, int64_t width, double rate) {
  Conv2DOp conv = convOf(kernel);
  ImageShape out(conv.getType());
  Window window = conv.getWindow();
  Elements elements(conv, width);
  int64_t pixels = out.height * out.width, outputs = leastOutputs(kernel);
  while (outputs < 64 && outputs < out.channels)
    outputs *= 2;
  // Two tiles of rows share each load of weights; small images have too few pixels for them.
  Tile tile(pixels >= 1024 ? 2 : 1, outputs, 4, 1);
  int64_t blocks = ceilDiv(pixels, tile.pixels()) * blocksOf(kernel, outputs);
  while (blocks < target.multiprocessors && tile.warps > 1) {
    tile.warps /= 2;
    blocks = ceilDiv(pixels, tile.pixels()) * blocksOf(kernel, outputs);
    while (tile.ways * tile.warps < 4 && elements.chunks % (tile.ways * 2) == 0)
      tile.ways *= 2;
  }
  double products = double(pixels) * blocksOf(kernel, outputs) * outputs * window.kernel[0] * window.kernel[1] *
                    elements.chunks * elements.products * elements.depth();
  double tail = double(pixels) * out.channels * 20;
  Plan plan;
  plan.lanes = 1;
  plan.tile = {tile.rowTiles, tile.outputs, tile.warps, tile.ways};
  plan.cycles = (products / (rate * efficiency) + tail / (target.floats / 2)) / target.multiprocessors;
  return plan;
}

Plan planBytes(KernelOp kernel, const GpuTarget &target) { return planWith(kernel, target, 8, target.tensorBytes); }
Plan planNibbles(KernelOp kernel, const GpuTarget &target) { return planWith(kernel, target, 4, target.tensorNibbles); }

bool isPowerOfTwo(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

bool checkTileWith(KernelOp kernel, int64_t width, std::string &why) {
  Tile tile(kernel.getStrategy()->getTile());
  Elements elements(convOf(kernel), width);
  if (tile.rowTiles < 1 || tile.rowTiles > 4)
    why = "a warp computes 1 to 4 times 16 pixels";
  else if (!isPowerOfTwo(tile.outputs) || tile.outputs < leastOutputs(kernel) || tile.outputs > 64)
    why = "a warp computes " + std::to_string(leastOutputs(kernel)) + " to 64 outputs here, a power of two";
  else if (tile.warps < 1 || tile.ways < 1 || tile.warps * tile.ways > 16)
    why = "a block has 1 to 16 warps";
  else if (elements.chunks % tile.ways != 0)
    why = "the " + std::to_string(elements.chunks) + " chunks of its channels are not to be divided by " +
          std::to_string(tile.ways);
  else if (tile.warps * (tile.ways - 1) * tile.accumulators() * warpLanes * 4 > (48 << 10))
    why = "its sums take more than 48 KiB of shared memory";
  return why.empty();
}

bool checkBytes(KernelOp kernel, std::string &why) { return checkTileWith(kernel, 8, why); }
bool checkNibbles(KernelOp kernel, std::string &why) { return checkTileWith(kernel, 4, why); }

Launch launch(KernelOp kernel) {
  ImageShape out(convOf(kernel).getType());
  Tile tile(kernel.getStrategy()->getTile());
  Launch launch;
  launch.unitsPerImage = out.height * out.width;
  launch.unitsPerBlock = tile.pixels();
  launch.gridY = blocksOf(kernel, tile.outputs);
  launch.threads = warpLanes * tile.warps * tile.ways;
  launch.sharedBytes = tile.warps * (tile.ways - 1) * tile.accumulators() * warpLanes * 4;
  return launch;
}

/// [block of outputs][tap][chunk][mma][pair of tiles][lane][tile of the pair][half]: 32 bits of weights each.
std::vector<char> packWeights(Conv2DOp conv, const Elements &e, const Tile &tile, int64_t blocks) {
  std::vector<int8_t> filter = *constantBytes(conv.getFilter());
  Window window = conv.getWindow();
  int64_t outputs = channelsOf(conv.getResult()), channels = channelsOf(conv.getInput());
  int64_t taps = window.kernel[0] * window.kernel[1], tiles = tile.columnTiles();
  std::vector<uint32_t> packed;
  packed.reserve(blocks * taps * e.chunks * e.products * tiles * warpLanes * 2);
  uint32_t elementMask = (1u << e.width) - 1;
  auto word = [&](int64_t block, int64_t tap, int64_t chunk, int64_t r, int64_t n, int64_t lane) {
    int64_t column = lane / 4, t = lane % 4; // of the second operand
    int64_t o = block * tile.outputs + column / 2 * (tile.outputs / 4) + 2 * n + column % 2;
    uint32_t bits = 0;
    for (int64_t i = 0; i < 32 / e.width; ++i) {
      int64_t c = chunk * e.chunkCodes + r / e.parts * (128 / e.bits) + t * (32 / e.bits) + i * e.parts + r % e.parts;
      if (o < outputs && c < channels)
        bits |= (uint32_t(filter[(o * taps + tap) * channels + c]) & elementMask) << i * e.width;
    }
    return bits;
  };
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t chunk = 0; chunk < e.chunks; ++chunk)
        for (int64_t m = 0; m < e.products; ++m)
          for (int64_t pair = 0; pair < tiles / 2; ++pair)
            for (int64_t lane = 0; lane < warpLanes; ++lane)
              for (int64_t k = 0; k < 4; ++k)
                packed.push_back(word(block, tap, chunk, 2 * m + k % 2, 2 * pair + k / 2, lane));
  return bytesOf(packed);
}

/// A row of a warp's tile: a pixel of the result.
struct Row {
  Value isValid, image, y, x;   // where it is; a valid place where it is none
  Value originY, originX, base; // tap (0, 0): its place, and the address of column 0 of the image's row 0
};

/// An address of codes that may be read, and whether they count.
struct Source {
  Value address, isInside;
};

struct Emission {
  ThreadEmitter &e;
  Conv2DOp conv;
  Elements elements;
  Tile tile;
  bool nibbles;
  DeviceAccess input;
  Window window;
  ImageShape in, out;
  Value lane, warp, group, quarter; // lane = 4 * group + quarter
  SmallVector<Row> rows;

  Emission(ThreadEmitter &e, int64_t width)
      : e(e), conv(convOf(e.kernel)), elements(conv, width), tile(e.kernel.getStrategy()->getTile()),
        nibbles(width == 4), input(e.read(conv.getInput())), window(conv.getWindow()), in(conv.getInput().getType()),
        out(conv.getType()) {
    Value thread = e.threadIndex();
    lane = e.modulo(thread, warpLanes);
    warp = e.divide(thread, warpLanes);
    group = e.divide(lane, 4);
    quarter = e.modulo(lane, 4);
  }

  void findRows() {
    int64_t perImage = out.height * out.width;
    Value total = e.mul(e.parameters.batch, perImage), last = e.add(total, -1);
    Value first = e.add(e.mul(e.blockIndex(), tile.pixels()),
                        e.add(e.mul(e.modulo(warp, tile.warps), tile.rowTiles * tileRows), group));
    for (int64_t i = 0; i < 2 * tile.rowTiles; ++i) {
      Row row;
      Value pixel = e.add(first, i * tileRows / 2);
      row.isValid = e.isLess(pixel, total);
      pixel = arith::MinSIOp::create(e.b, pixel, last);
      row.image = e.divide(pixel, perImage);
      Value place = e.modulo(pixel, perImage);
      row.y = e.divide(place, out.width);
      row.x = e.modulo(place, out.width);
      row.originY = e.add(e.mul(row.y, window.strides[0]), -window.before[0]);
      row.originX = e.add(e.mul(row.x, window.strides[1]), -window.before[1]);
      row.base = e.pixelAddress(input, row.image, e.number(0), e.number(0));
      rows.push_back(row);
    }
  }

  /// Where a row reads at tap (kh, kw): word `quarter` of the pixel's first 16 bytes.
  Source sourceOf(const Row &row, Value kh, Value kw) {
    Value y = e.add(row.originY, e.mul(kh, window.dilations[0])),
          x = e.add(row.originX, e.mul(kw, window.dilations[1]));
    Source source;
    source.isInside = e.both(e.isBelow(y, in.height), e.isBelow(x, in.width));
    // Nothing overflows: an image has less than 2^31 bytes.
    Value offset = e.add(e.mul(y, input.row), e.mul(x, input.pixel));
    offset = arith::SelectOp::create(e.b, source.isInside, offset, e.number(0));
    source.address = e.at(e.at(row.base, offset), e.mul(quarter, 4));
    return source;
  }

  /// The registers of one row's codes of a chunk.
  SmallVector<Value> loadCodes(const Source &source, Value chunk) {
    SmallVector<Value> registers;
    for (int64_t w = 0; w < elements.words; ++w) {
      Value offset = e.add(e.mul(chunk, 16 * elements.words), 16 * w);
      // The last 16 bytes of a chunk may be behind the pixel; their weights are zeros, so any codes do.
      if (elements.chunks * elements.words * 16 > input.pixel)
        offset = arith::MinSIOp::create(e.b, offset, e.number(input.pixel - 16));
      Value word = e.load(e.b.getI32Type(), e.at(source.address, offset), 4);
      word = arith::SelectOp::create(e.b, source.isInside, word, e.number(0));
      uint32_t first = (1u << elements.bits) - 1, all = 0;
      for (int64_t i = 0; i < 32; i += elements.width)
        all |= first << i;
      for (int64_t j = 0; j < elements.parts; ++j)
        registers.push_back(elements.parts == 1 ? word : e.mask(e.shiftRight(word, j * elements.bits), all));
    }
    return registers;
  }

  void multiply(MutableArrayRef<Value> acc, ArrayRef<Value> a, ArrayRef<Value> b) {
    Type i32 = e.b.getI32Type();
    auto type = LLVM::LLVMStructType::getLiteral(e.b.getContext(), {i32, i32, i32, i32});
    SmallVector<Value> operands(a);
    llvm::append_range(operands, b);
    llvm::append_range(operands, acc);
    Value result = e.intrinsic(
        nibbles ? "llvm.nvvm.mma.m16n8k64.row.col.u4.s4" : "llvm.nvvm.mma.m16n8k32.row.col.u8.s8", type, operands);
    for (int64_t i = 0; i < 4; ++i)
      acc[i] = LLVM::ExtractValueOp::create(e.b, result, i);
  }

  /// One chunk of one tap: accumulators are [tile of rows][tile of columns][4].
  SmallVector<Value> step(ArrayRef<Source> sources, Value weights, Value chunk, ValueRange carried) {
    SmallVector<Value> accs(carried);
    SmallVector<SmallVector<Value>> codes;
    for (const Source &source : sources)
      codes.push_back(loadCodes(source, chunk));
    int64_t tiles = tile.columnTiles();
    for (int64_t m = 0; m < elements.products; ++m)
      for (int64_t pair = 0; pair < tiles / 2; ++pair) {
        auto b = e.loadWords(e.b.getI32Type(), e.at(weights, (m * tiles / 2 + pair) * warpLanes * 16), 4,
                             /*isConstant=*/true);
        for (int64_t i = 0; i < tile.rowTiles; ++i) {
          const auto &upper = codes[2 * i], &lower = codes[2 * i + 1];
          Value a[] = {upper[2 * m], lower[2 * m], upper[2 * m + 1], lower[2 * m + 1]};
          for (int64_t k = 0; k < 2; ++k)
            multiply(MutableArrayRef(accs).slice((i * tiles + 2 * pair + k) * 4, 4), a, ArrayRef(b).slice(2 * k, 2));
        }
      }
    return accs;
  }

  SmallVector<Value> contract() {
    int64_t blocks = blocksOf(e.kernel, tile.outputs), taps = window.kernel[0] * window.kernel[1];
    int64_t stepBytes = elements.products * tile.columnTiles() * warpLanes * 8;
    // One filter may be read with other codes and by other blocks.
    int64_t form = 1024 + ((blocks * 128 + tile.outputs) * 16 + elements.bits) * 16 + elements.width;
    Value weights = e.data(conv.getFilter(), form, [&] { return packWeights(conv, elements, tile, blocks); });
    weights = e.at(e.at(weights, e.mul(e.blockRow(), taps * elements.chunks * stepBytes)), e.mul(lane, 16));
    int64_t share = elements.chunks / tile.ways;
    Value first = tile.ways == 1 ? e.number(0) : e.mul(e.divide(warp, tile.warps), share);
    SmallVector<Value> start(tile.accumulators(), e.number(0));
    return e.loop(e.number(0), e.number(window.kernel[0]), start, [&](Value kh, ValueRange rowAccs) {
      return e.loop(e.number(0), e.number(window.kernel[1]), rowAccs, [&](Value kw, ValueRange tapAccs) {
        SmallVector<Source> sources;
        for (const Row &row : rows)
          sources.push_back(sourceOf(row, kh, kw));
        Value tap = e.add(e.mul(kh, window.kernel[1]), kw);
        Value tapWeights = e.at(weights, e.mul(tap, elements.chunks * stepBytes));
        return e.loop(e.number(0), e.number(share), tapAccs, [&](Value index, ValueRange accs) {
          Value chunk = e.add(first, index);
          return step(sources, e.at(tapWeights, e.mul(chunk, stepBytes)), chunk, accs);
        });
      });
    });
  }

  /// Adds the sums of the other warps of a tile to those of its first one, which goes on alone.
  void addUp(SmallVector<Value> &accs) {
    Value memory = e.sharedMemory(), way = e.divide(warp, tile.warps), place = e.modulo(warp, tile.warps);
    int64_t accBytes = warpLanes * 4, warpBytes = tile.accumulators() * accBytes;
    Value mine = e.at(memory, e.add(e.mul(place, (tile.ways - 1) * warpBytes), e.mul(lane, 4)));
    e.when(e.isLess(e.number(0), way), [&] {
      Value to = e.at(mine, e.mul(e.add(way, -1), warpBytes));
      for (auto [i, acc] : llvm::enumerate(accs))
        e.store(acc, e.at(to, i * accBytes), 4);
    });
    e.barrier();
    accs = e.when(
        e.isLess(way, 1),
        [&] {
          SmallVector<Value> sums(accs);
          for (int64_t other = 0; other + 1 < tile.ways; ++other)
            for (auto [i, sum] : llvm::enumerate(sums))
              sum = e.add(sum, e.load(e.b.getI32Type(), e.at(mine, other * warpBytes + i * accBytes), 4));
          return sums;
        },
        accs);
  }

  void finish(ArrayRef<Value> accs) {
    int64_t count = tile.outputs / 4, tiles = tile.columnTiles();
    Value channel = e.add(e.mul(e.blockRow(), tile.outputs), e.mul(quarter, count));
    for (auto [r, row] : llvm::enumerate(rows)) {
      Channels values;
      for (int64_t n = 0; n < tiles; ++n)
        for (int64_t k = 0; k < 2; ++k)
          values.push_back(accs[(r / 2 * tiles + n) * 4 + r % 2 * 2 + k]);
      Value writes = row.isValid;
      if (tile.ways > 1)
        writes = e.both(writes, e.isLess(e.divide(warp, tile.warps), 1));
      e.when(writes, [&, &row = row] {
        e.when(
            e.isLess(channel, out.channels), [&] { e.finish(values, row.image, row.y, row.x, channel, count); },
            [&] { e.clear(row.image, row.y, row.x, channel, count); });
      });
    }
  }
};

void emitWith(ThreadEmitter &e, int64_t width) {
  Emission emission(e, width);
  emission.findRows();
  SmallVector<Value> accs = emission.contract();
  if (emission.tile.ways > 1)
    emission.addUp(accs);
  emission.finish(accs);
}

void emitBytes(KernelOp, ThreadEmitter &e) { emitWith(e, 8); }
void emitNibbles(KernelOp, ThreadEmitter &e) { emitWith(e, 4); }

} // namespace

namespace n2uq {
extern const GpuFamily cudaMma = {"cuda_mma", 4, mayRunBytes, planBytes, checkBytes, launch, emitBytes};
extern const GpuFamily cudaMmaNibbles = {"cuda_mma_s4", 4,      mayRunNibbles, planNibbles,
                                         checkNibbles,  launch, emitNibbles};
} // namespace n2uq
