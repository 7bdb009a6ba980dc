// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Direct convolution by dot products of four bytes.
//
// A register tile is M pixels of a row times N vectors of output channels. For every four input channels of a tap, four
// codes of each pixel are broadcast to all lanes and multiplied with N vectors of weights, four bytes a lane:
//
//   acc[m][n][lane] += sum over j < 4 of codes[m][4k + j] * packed[k][n*lanes + lane][j]
//
// A row in memory is padded with code 0 to the window's reach and to whole units of channels, where weights are 0; so
// all taps of a row are one run of KW*CP/4 steps, there is no test at the border and no remainder over channels. Where
// four padding channels or more could be left out, every tap is a run of its own. The last tile of a row starts early
// enough to end with the row: a few pixels are computed twice, to the same codes.
#include "DirectDot.h"

using namespace mlir;
using namespace n2uq;

namespace {

bool isDirect(KernelOp kernel, std::string &why) {
  Operation *root = kernel.getRoot();
  if (!isa_and_nonnull<Conv2DOp, PackedConv2DOp>(root)) {
    why = "its root is not a convolution of codes";
    return false;
  }
  return true;
}

bool mayRunDot(KernelOp kernel, const CpuTarget &, std::string &why) { return isDirect(kernel, why); }

/// Steps of a tap: quadruples of channels that the image has.
int64_t tapSteps(int64_t channels) { return ceilDiv(channels, 4); }

/// Cycles of one dot product of a vector: one instruction, or a few where the CPU has none for it.
double dotCycles(const CpuTarget &target, int64_t codeBits) {
  if (target.hasDotProduct())
    return 1 / portsOf(target).dots;
  return target.has("ssse3") && target.lanes() > 4 && codeBits < 8 ? 1.5 : 4;
}

void offerWith(KernelOp kernel, const CpuTarget &target, double cyclesPerDot, int64_t scratchRegisters,
               llvm::function_ref<void(const Plan &)> take) {
  Operation *root = kernel.getRoot();
  Value input = root->getOperand(0), output = root->getResult(0);
  ImageShape in(input.getType()), out(output.getType());
  Window window = isa<Conv2DOp>(root) ? cast<Conv2DOp>(root).getWindow() : cast<PackedConv2DOp>(root).getWindow();
  int64_t lanes = target.lanes(), vectors = memoryChannels(out.channels) / lanes;
  int64_t taps = window.kernel[0] * window.kernel[1], steps = taps * tapSteps(in.channels);
  const CpuPorts &ports = portsOf(target);
  double weightBytes = double(taps) * memoryChannels(in.channels) * vectors * lanes;

  for (int64_t n = 1; n <= std::min<int64_t>(vectors, 4); ++n) {
    if (vectors % n != 0)
      continue;
    for (int64_t m = 1; m <= std::min<int64_t>(out.width, 14); ++m) {
      if (m * n + n + 1 + scratchRegisters > target.vectorRegisters())
        break;
      // The multiplier, the load ports, or the latency of a chain of dot products (4 cycles) is the limit of a step.
      double step = std::max({m * n * cyclesPerDot, (m + n) / ports.loads, 4.0});
      double tile = steps * step + m * n * finishCycles(ports) + 10;
      double tiles = double(ceilDiv(out.width, m)) * out.height * (vectors / n);
      double cycles = tile * tiles + weightBytes / ports.farBytes;
      take({lanes, {rowsPerItem(out.height, vectors / n), m, n}, cycles, weightBytes});
    }
  }
}

} // namespace

namespace n2uq {

void offerDirectDot(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
  int64_t bits = codeBitsOf(kernel.getRoot()->getOperand(0).getType());
  offerWith(kernel, target, dotCycles(target, bits), target.hasDotProduct() ? 0 : 3, take);
}

LogicalResult packDirectDot(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<Conv2DOp>(kernel.getRoot());
  std::optional<std::vector<int8_t>> filter = constantBytes(conv.getFilter());
  if (!filter)
    return conv.emitOpError() << "expects a constant filter";
  ImageShape in(conv.getInput().getType()), out(conv.getResult().getType());
  Window window = conv.getWindow();
  int64_t block = kernel.getStrategy()->getLanes() * kernel.getStrategy()->getTile()[2];
  int64_t blocks = ceilDiv(out.channels, block), rowChannels = memoryChannels(in.channels);
  int64_t groupIn = in.channels / window.groups, groupOut = out.channels / window.groups;
  int64_t taps = window.kernel[0] * window.kernel[1];
  FailureOr<int64_t> elements = packedElements(conv, {blocks, taps, rowChannels, block});
  if (failed(elements))
    return failure();
  std::vector<int8_t> packed(*elements, 0);
  for (int64_t o = 0; o < out.channels; ++o)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t j = 0; j < groupIn; ++j) {
        int64_t c = o / groupOut * groupIn + j;
        int64_t place = ((o / block * taps + tap) * (rowChannels / 4) + c / 4) * block + o % block;
        packed[place * 4 + c % 4] = (*filter)[(o * taps + tap) * groupIn + j];
      }
  rewriter.setInsertionPoint(kernel);
  Value constant =
      createBytes(rewriter, conv.getLoc(), {blocks, window.kernel[0], window.kernel[1], rowChannels / 4, block, 4},
                  packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedConv2DOp>(conv, conv.getType(), conv.getInput(), constant, conv.getStrides(),
                                              conv.getPadding(), conv.getDilations());
  return success();
}

int64_t directDotItems(KernelOp kernel) {
  ImageShape out(kernel.getRoot()->getResult(0).getType());
  auto tile = kernel.getStrategy()->getTile();
  int64_t blocks = ceilDiv(out.channels, kernel.getStrategy()->getLanes() * tile[2]);
  return blocks * ceilDiv(out.height, tile[0]);
}

int64_t packedBlockBytes(Value packed) {
  return llvm::product_of(cast<ShapedType>(packed.getType()).getShape().drop_front());
}

Value emitDot4(ItemEmitter &e, Value acc, Value codes, Value weights, int64_t codeBits) {
  return Dot4Op::create(e.b, acc.getType(), acc, codes, weights, e.b.getI64IntegerAttr(codeBits));
}

void emitDirect(KernelOp kernel, ItemEmitter &e, Dot dot, llvm::function_ref<Value(const ItemPart &)> blockWeights) {
  auto conv = cast<PackedConv2DOp>(kernel.getRoot());
  Window window = conv.getWindow();
  ImageShape out(conv.getType());
  auto tile = kernel.getStrategy()->getTile();
  int64_t m = std::min(tile[1], out.width), n = tile[2], block = e.lanes * n;
  int64_t channels = channelsOf(conv.getInput()), packedSteps = memoryChannels(channels) / 4;
  int64_t bits = codeBitsOf(conv.getInput().getType());
  Access in = e.read(conv.getInput());

  // Taps of a row lie side by side in memory unless they are dilated or have steps to leave out between them.
  bool oneRun = window.dilations[1] == 1 && tapSteps(channels) == packedSteps;
  int64_t runs = oneRun ? 1 : window.kernel[1];
  int64_t run = oneRun ? window.kernel[1] * packedSteps : tapSteps(channels);
  int64_t stepBytes = block * 4, tapBytes = packedSteps * stepBytes;

  ItemPart part = partOf(e, out.height, tile[0], block);
  Value weights = blockWeights(part);
  e.clearBorder(part.firstRow, part.lastRow, part.channel, block);

  e.loop(part.firstRow, part.lastRow, [&](Value y) {
    e.loop(e.number(0), e.number(ceilDiv(out.width, m)), [&](Value t) {
      Value x = e.min(e.mul(t, m), e.number(out.width - m));
      Value corner = windowCorner(e, in, window, y, x);
      SmallVector<Value> accumulators(m * n, e.splat(int32_t(0)));
      accumulators = e.loop(e.number(0), e.number(window.kernel[0]), accumulators, [&](Value kh, ValueRange rowAccs) {
        Value rowCodes = e.at(corner, e.mul(kh, window.dilations[0] * in.row));
        Value rowWeights = e.at(weights, e.mul(kh, window.kernel[1] * tapBytes));
        return e.loop(e.number(0), e.number(runs), rowAccs, [&](Value kw, ValueRange runAccs) {
          Value runCodes = e.at(rowCodes, e.mul(kw, window.dilations[1] * in.pixel));
          Value runWeights = e.at(rowWeights, e.mul(kw, tapBytes));
          return e.loop(e.number(0), e.number(run), runAccs, [&](Value step, ValueRange accs) {
            Value w = e.at(runWeights, e.mul(step, stepBytes)), c = e.at(runCodes, e.mul(step, 4));
            VectorType bytes = e.vector(e.b.getI8Type(), e.lanes * 4);
            SmallVector<Value> vectors, next(accs.begin(), accs.end());
            for (int64_t j = 0; j < n; ++j)
              vectors.push_back(e.load(bytes, e.at(w, j * e.lanes * 4), e.lanes * 4));
            for (int64_t i = 0; i < m; ++i) {
              Value four = e.load(e.b.getI32Type(), e.at(c, i * window.strides[1] * in.pixel), 4);
              Value codes = vector::BitCastOp::create(e.b, bytes, vector::BroadcastOp::create(e.b, e.ints(), four));
              for (int64_t j = 0; j < n; ++j)
                next[i * n + j] = dot(e, next[i * n + j], codes, vectors[j], bits);
            }
            return next;
          });
        });
      });
      e.finishTile(accumulators, n, y, x, m, part.channel);
    });
  });
}

} // namespace n2uq

namespace {

void offerPortable(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
  offerWith(kernel, target, /*cyclesPerDot=*/24, /*scratchRegisters=*/6, take);
}

Plan planDot(KernelOp kernel, const CpuTarget &target) {
  return cheapestPlan([&](auto take) { offerDirectDot(kernel, target, take); });
}

Plan planPortable(KernelOp kernel, const CpuTarget &target) {
  return cheapestPlan([&](auto take) { offerPortable(kernel, target, take); });
}

/// emitDot4 with nothing but 32-bit arithmetic, for any target.
Value emitPortableDot(ItemEmitter &e, Value acc, Value codes, Value weights, int64_t) {
  auto &b = e.b;
  Value code = vector::BitCastOp::create(b, e.ints(), codes), weight = vector::BitCastOp::create(b, e.ints(), weights);
  for (int32_t j = 0; j < 4; ++j) {
    Value c = arith::ShRUIOp::create(b, code, e.splat(8 * j));
    c = arith::AndIOp::create(b, c, e.splat(int32_t(255)));
    Value w = arith::ShLIOp::create(b, weight, e.splat(24 - 8 * j));
    w = arith::ShRSIOp::create(b, w, e.splat(int32_t(24)));
    acc = arith::AddIOp::create(b, acc, arith::MulIOp::create(b, c, w));
  }
  return acc;
}

void emitWith(KernelOp kernel, ItemEmitter &e, Dot dot) {
  Value packed = cast<PackedConv2DOp>(kernel.getRoot()).getPacked();
  int64_t blockBytes = packedBlockBytes(packed);
  emitDirect(kernel, e, dot,
             [&](const ItemPart &part) { return e.at(weightData(e, packed), e.mul(part.block, blockBytes)); });
}

void emit(KernelOp kernel, ItemEmitter &emitter) { emitWith(kernel, emitter, emitDot4); }
void emitPortable(KernelOp kernel, ItemEmitter &emitter) { emitWith(kernel, emitter, emitPortableDot); }

} // namespace

namespace n2uq {
extern const KernelFamily directDot = {"direct_dot",   3,    mayRunDot, planDot, packDirectDot,
                                       directDotItems, emit, nullptr,   nullptr, offerDirectDot};
extern const KernelFamily portableDot = {"portable",   3,       mayRunDot, planPortable, packDirectDot, directDotItems,
                                         emitPortable, nullptr, nullptr,   offerPortable};
} // namespace n2uq
