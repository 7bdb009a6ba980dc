// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution of pixels by dot products of four bytes: pixels are the bytes without a sign, limbs of weights the signed
// ones. Windows are copied first (ImageWindows.h); bytes outside of the image are 0.
//
//   acc[m][n][i][lane] += sum over j < 4 of window[m][4k + j] * packed[k][i][n*lanes + lane][j]
#include "ImageWindows.h"

using namespace mlir;
using namespace n2uq;

namespace {

constexpr int64_t pixelBits = 8;

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) { return mayReadPixels(kernel, why); }

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  Window window = imageWindowOf(root);
  int64_t limbs = imageLimbsOf(root), lanes = target.lanes();
  ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
  int64_t vectors = memoryChannels(out.channels) / lanes;
  double steps = ceilDiv(window.kernel[0] * window.kernel[1] * in.channels, 4);
  // Without an instruction for it a dot product of bytes is a dozen and needs registers of its own.
  double dot = target.hasDotProduct() ? 1 / portsOf(target).dots : 12;
  int64_t scratchRegisters = target.hasDotProduct() ? 0 : 5;
  Plan best;
  best.lanes = lanes;
  best.cycles = -1;
  for (int64_t n = 1; n <= std::min<int64_t>(vectors, 4); ++n)
    for (int64_t m = 1; m <= std::min<int64_t>(out.width, 14); ++m) {
      int64_t registers = (m * n + n) * limbs + 1 + scratchRegisters;
      if (vectors % n != 0 || (registers > target.vectorRegisters() && m * n > 1))
        continue;
      double step = std::max({m * n * limbs * dot, (m + n * limbs) / 1.5, 4.0});
      double cycles = (steps * step + m * n * 12 + 10) * ceilDiv(out.width, m) * out.height * (vectors / n);
      if (best.cycles < 0 || cycles < best.cycles) {
        best.cycles = cycles;
        best.tile = {1, m, n};
      }
    }
  best.cycles += double(out.height) * out.width * window.kernel[0] * 3; // the windows
  best.tile[0] = stemRowsPerItem(kernel);
  return best;
}

int64_t items(KernelOp kernel) { return ceilDiv(rowsOf(kernel).height, kernel.getStrategy()->getTile()[0]); }

/// Windows come first, then the rows between convolution and pool.
int64_t scratch(KernelOp kernel) {
  MaxPoolOp pool = kernel.getPool();
  return ImagePieces(kernel).bytes() + (pool ? pooledRowsBytes(pool) : 0);
}

void emit(KernelOp kernel, ItemEmitter &e) {
  ImageWindows windows(e, kernel);
  const ImagePieces &pieces = windows.pieces;
  auto packed = cast<ShapedType>(windows.conv.getPacked().getType()).getShape();
  int64_t m = pieces.tile, n = kernel.getStrategy()->getTile()[2], block = e.lanes * n;
  int64_t steps = packed[1], limbs = packed[2], stepBytes = limbs * block * 4;
  Value weights = weightData(e, windows.conv.getPacked());
  ImageFloats floats(e, windows.conv);

  auto emitTile = [&](Value y, Value x, Value inPiece, Value index, const RowSink &sink) {
    Value from = e.at(windows.windows, e.mul(inPiece, pieces.windowBytes));
    Value blockWeights = e.at(weights, e.mul(index, steps * stepBytes)), channel = e.mul(index, block);
    VectorType bytes = e.vector(e.b.getI8Type(), e.lanes * 4);
    SmallVector<Value> accumulators(m * n * limbs, e.splat(int32_t(0)));
    accumulators = e.loop(e.number(0), e.number(steps), accumulators, [&](Value step, ValueRange accs) {
      Value w = e.at(blockWeights, e.mul(step, stepBytes)), c = e.at(from, e.mul(step, 4));
      SmallVector<Value> vectors, next(accs.begin(), accs.end());
      for (int64_t v = 0; v < n * limbs; ++v)
        vectors.push_back(e.load(bytes, e.at(w, v * e.lanes * 4), e.lanes * 4));
      for (int64_t i = 0; i < m; ++i) {
        Value four = e.load(e.b.getI32Type(), e.at(c, i * pieces.windowBytes), 4);
        Value pixels = vector::BitCastOp::create(e.b, bytes, vector::BroadcastOp::create(e.b, e.ints(), four));
        for (int64_t l = 0; l < limbs; ++l)
          for (int64_t j = 0; j < n; ++j) {
            Value &acc = next[(i * n + j) * limbs + l];
            acc = Dot4Op::create(e.b, acc.getType(), acc, pixels, vectors[l * n + j], e.b.getI64IntegerAttr(pixelBits));
          }
      }
      return next;
    });
    SmallVector<Value> borders = floats.bordersOf(y, x, m), results(m * n);
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < m; ++i) {
        Value *acc = &accumulators[(i * n + j) * limbs];
        Value low = acc[0];
        if (limbs > 1)
          low = arith::AddIOp::create(e.b, low, arith::ShLIOp::create(e.b, acc[1], e.splat(int32_t(8))));
        results[i * n + j] = floats.floatOf(low, limbs > 2 ? acc[2] : Value(), borders[i], e.add(channel, j * e.lanes));
      }
    sink(results, n, x, m, channel);
  };
  emitImageRows(kernel, windows, emitTile);
}

} // namespace

namespace n2uq {
extern const KernelFamily imageDot = {"image_dot", 3, mayRun, plan, packImage, items, emit, scratch};
} // namespace n2uq
