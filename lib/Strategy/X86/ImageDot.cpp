// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolution of pixels by dot products of four bytes: pixels are the bytes without a sign, limbs of weights the signed
// ones.
//
// With few channels a tap is no multiple of four bytes. So the windows of a row of outputs are copied first, one behind
// the other, KH*KW*C bytes each and filled up to a multiple of four; bytes outside of the image are 0, which leaves
// their taps out. A step then multiplies four neighbouring bytes of a window, whatever taps they belong to:
//
//   acc[m][n][i][lane] += sum over j < 4 of window[m][4k + j] * packed[k][i][n*lanes + lane][j]
//
// The copy is read by all output channels and costs a few per cent; 7x7x3 takes 37 steps instead of 49. Windows of a
// long row are copied and used piece by piece, so that they stay in the nearest cache.
#include "../StemRows.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace n2uq;

namespace {

/// Bytes of windows that are copied at a time.
constexpr int64_t pieceBytes = 24 * 1024;
/// The part of scratch memory that windows may take where a filter is enormous.
constexpr int64_t maxWindowBytes = maxScratchBytes - maxPooledRowsBytes;
constexpr int64_t pixelBits = 8;

bool mayRun(KernelOp kernel, const CpuTarget &, std::string &why) {
  Operation *root = kernel.getRoot();
  if (!isa_and_nonnull<ImageConv2DOp, PackedImageConv2DOp>(root))
    why = "its root is not a convolution of pixels";
  else if (!isa<BlockArgument>(root->getOperand(0)))
    why = "its pixels are not the network's input";
  else
    return fitsPool(kernel, why);
  return false;
}

Window windowOf(Operation *root) {
  return isa<ImageConv2DOp>(root) ? cast<ImageConv2DOp>(root).getWindow() : cast<PackedImageConv2DOp>(root).getWindow();
}

int64_t limbsOf(Operation *root) {
  return isa<ImageConv2DOp>(root) ? cast<ShapedType>(root->getOperand(1).getType()).getDimSize(0)
                                  : cast<ShapedType>(root->getOperand(1).getType()).getDimSize(2);
}

/// How windows lie in scratch memory.
struct Pieces {
  int64_t runBytes;    ///< of a row of a window
  int64_t windowBytes; ///< of a window, a multiple of four
  int64_t pixels;      ///< windows of a piece; all pieces of a row have as many, so neighbours may overlap
  int64_t count;       ///< pieces of a row
  int64_t tile;        ///< pixels of a register tile

  explicit Pieces(KernelOp kernel) {
    Operation *root = kernel.getRoot();
    Window window = windowOf(root);
    int64_t width = ImageShape(root->getResult(0).getType()).width;
    runBytes = window.kernel[1] * channelsOf(root->getOperand(0));
    windowBytes = roundUp(window.kernel[0] * runBytes, 4);
    tile = std::min({kernel.getStrategy()->getTile()[1], width, std::max<int64_t>(maxWindowBytes / windowBytes, 1)});
    count = ceilDiv(width, roundUp(std::max<int64_t>(pieceBytes / windowBytes, 1), tile));
    pixels = std::max(ceilDiv(width, count), tile);
  }
};

Plan plan(KernelOp kernel, const CpuTarget &target) {
  Operation *root = kernel.getRoot();
  Window window = windowOf(root);
  int64_t limbs = limbsOf(root), lanes = target.lanes();
  ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
  int64_t vectors = memoryChannels(out.channels) / lanes;
  double steps = ceilDiv(window.kernel[0] * window.kernel[1] * in.channels, 4);
  // Without an instruction for it a dot product of bytes is a dozen and needs registers of its own.
  double dot = target.hasDotProduct() ? 1 : 12;
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

LogicalResult pack(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<ImageConv2DOp>(kernel.getRoot());
  std::optional<std::vector<int8_t>> limbs = constantBytes(conv.getLimbs());
  if (!limbs)
    return conv.emitOpError() << "expects constant limbs";
  Window window = conv.getWindow();
  int64_t outputs = channelsOf(conv.getResult()), count = limbsOf(conv);
  int64_t taps = window.kernel[0] * window.kernel[1] * channelsOf(conv.getInput());
  int64_t block = kernel.getStrategy()->getLanes() * kernel.getStrategy()->getTile()[2];
  int64_t blocks = ceilDiv(outputs, block), steps = ceilDiv(taps, 4);
  FailureOr<int64_t> elements = packedElements(conv, {blocks, steps, count, block, 4});
  if (failed(elements))
    return failure();
  std::vector<int8_t> packed(*elements, 0);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t t = 0; t < taps; ++t)
        packed[(((o / block * steps + t / 4) * count + i) * block + o % block) * 4 + t % 4] =
            (*limbs)[(i * outputs + o) * taps + t];
  rewriter.setInsertionPoint(kernel);
  Value constant = createBytes(rewriter, conv.getLoc(), {blocks, steps, count, block, 4}, packed, "packed");
  rewriter.setInsertionPoint(conv);
  rewriter.replaceOpWithNewOp<PackedImageConv2DOp>(
      conv, conv.getType(), conv.getInput(), constant, conv.getScale(), conv.getOffset(),
      ArrayRef<int64_t>{window.kernel[0], window.kernel[1]}, conv.getStrides(), conv.getPadding());
  return success();
}

int64_t items(KernelOp kernel) { return ceilDiv(rowsOf(kernel).height, kernel.getStrategy()->getTile()[0]); }

/// Windows come first, then the rows between convolution and pool.
int64_t windowsBytes(const Pieces &pieces) { return roundUp(pieces.pixels * pieces.windowBytes, 64); }

int64_t scratch(KernelOp kernel) {
  MaxPoolOp pool = kernel.getPool();
  return windowsBytes(Pieces(kernel)) + (pool ? pooledRowsBytes(pool) : 0);
}

/// Calls body(place, bytes) for pieces of a power of two that cover [0, bytes), the last one overlapping.
void forEachPart(int64_t bytes, llvm::function_ref<void(int64_t at, int64_t size)> body) {
  int64_t size = 32;
  while (size > bytes)
    size /= 2;
  for (int64_t at = 0; at < bytes; at += size)
    body(std::min(at, bytes - size), size);
}

struct Emitter {
  ItemEmitter &e;
  PackedImageConv2DOp conv;
  Window window;
  ImageShape in, out;
  Pieces pieces;
  Access image;
  Value windows;

  Emitter(ItemEmitter &e, KernelOp kernel)
      : e(e), conv(cast<PackedImageConv2DOp>(kernel.getRoot())), window(conv.getWindow()),
        in(conv.getInput().getType()), out(conv.getType()), pieces(kernel), image(e.read(conv.getInput())),
        windows(e.scratch()) {}

  void copy(Value from, Value to) {
    forEachPart(pieces.runBytes, [&](int64_t at, int64_t size) {
      e.store(e.load(e.vector(e.b.getI8Type(), size), e.at(from, at), 1), e.at(to, at), 1);
    });
  }

  void clear(Value to, int64_t bytes) {
    forEachPart(bytes, [&](int64_t at, int64_t size) {
      Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(e.vector(e.b.getI8Type(), size)));
      e.store(zero, e.at(to, at), 1);
    });
  }

  /// The windows of outputs (y, firstX) to (y, firstX + pixels) into scratch memory.
  void copyWindows(Value y, Value firstX) {
    // Outputs [inner, outer) of a row see all columns of the window.
    int64_t inner = std::min(ceilDiv(window.before[1], window.strides[1]), out.width);
    int64_t fitting = in.width + window.before[1] - window.kernel[1];
    int64_t outer = fitting < 0 ? inner : std::clamp(fitting / window.strides[1] + 1, inner, out.width);
    Value lastX = e.add(firstX, pieces.pixels);
    int64_t rest = pieces.windowBytes - window.kernel[0] * pieces.runBytes;
    auto place = [&](Value x) {
      return e.at(windows, e.mul(arith::SubIOp::create(e.b, x, firstX), pieces.windowBytes));
    };
    if (rest > 0)
      e.loop(firstX, lastX, [&](Value x) { clear(e.at(place(x), pieces.windowBytes - rest), rest); });

    e.loop(e.number(0), e.number(window.kernel[0]), [&](Value kh) {
      Value row = e.add(e.add(e.mul(y, window.strides[0]), -window.before[0]), kh);
      Value line = e.at(image.base, e.mul(row, image.row));
      auto target = [&](Value x) { return e.at(place(x), e.mul(kh, pieces.runBytes)); };
      // The byte of the line at which the window begins; negative where it hangs over the left edge.
      auto origin = [&](Value x) { return e.mul(e.add(e.mul(x, window.strides[1]), -window.before[1]), image.pixel); };
      // Below 2^63 as an unsigned number where it is not negative: one comparison for both edges.
      Value inside = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, row, e.number(in.height));
      auto ifOp = scf::IfOp::create(e.b, inside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(e.b);
      e.b.setInsertionPointToStart(ifOp.thenBlock());
      auto hanging = [&](Value x) {
        clear(target(x), pieces.runBytes);
        Value begin = origin(x), negative = arith::SubIOp::create(e.b, e.number(0), begin);
        Value first = e.max(negative, e.number(0));
        Value last = e.min(e.add(negative, image.row), e.number(pieces.runBytes));
        e.loop(first, last, [&](Value byte) {
          e.store(e.load(e.b.getI8Type(), e.at(line, e.add(begin, byte)), 1), e.at(target(x), byte), 1);
        });
      };
      e.loop(firstX, e.min(lastX, e.number(inner)), hanging);
      auto copyInner = [&](llvm::function_ref<void(Value from, Value to)> copyRun) {
        e.loop(e.max(firstX, e.number(inner)), e.min(lastX, e.number(outer)),
               [&](Value x) { copyRun(e.at(line, origin(x)), target(x)); });
      };
      // One vector that is longer than a run will do where what it reads behind the line is the image's next line, and
      // what it writes behind the run is the window's next run, which is copied later.
      int64_t wide = llvm::PowerOf2Ceil(pieces.runBytes);
      if (wide > pieces.runBytes && wide <= 32 && wide - pieces.runBytes <= image.row) {
        Value isNotLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, kh, e.number(window.kernel[0] - 1));
        Value hasNext = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, row, e.number(in.height - 1));
        auto wideOp = scf::IfOp::create(e.b, arith::AndIOp::create(e.b, isNotLast, hasNext), /*withElseRegion=*/true);
        OpBuilder::InsertionGuard wideGuard(e.b);
        e.b.setInsertionPointToStart(wideOp.thenBlock());
        copyInner([&](Value from, Value to) { e.store(e.load(e.vector(e.b.getI8Type(), wide), from, 1), to, 1); });
        e.b.setInsertionPointToStart(wideOp.elseBlock());
        copyInner([&](Value from, Value to) { copy(from, to); });
      } else {
        copyInner([&](Value from, Value to) { copy(from, to); });
      }
      e.loop(e.max(firstX, e.number(outer)), lastX, hanging);
      e.b.setInsertionPointToStart(ifOp.elseBlock());
      e.loop(firstX, lastX, [&](Value x) { clear(target(x), pieces.runBytes); });
    });
  }
};

void emit(KernelOp kernel, ItemEmitter &e) {
  Emitter s(e, kernel);
  auto conv = s.conv;
  auto tile = kernel.getStrategy()->getTile();
  auto packed = cast<ShapedType>(conv.getPacked().getType()).getShape();
  int64_t m = s.pieces.tile, n = tile[2], block = e.lanes * n, steps = packed[1], limbs = packed[2];
  int64_t stepBytes = limbs * block * 4, rowChannels = memoryChannels(s.out.channels);
  Value weights = weightData(e, conv.getPacked());

  // Parameters by class and channel; the tables give the byte at which a row's or a column's class begins.
  auto floatData = [&](Value constant, int64_t form, float factor) {
    return e.data(
        constant,
        [&] {
          std::vector<float> numbers = *constantFloats(constant), padded;
          for (size_t at = 0; at < numbers.size(); at += s.out.channels)
            for (int64_t c = 0; c < rowChannels; ++c)
              padded.push_back(c < s.out.channels ? numbers[at + c] * factor : 0.0f);
          std::vector<char> bytes(padded.size() * sizeof(float));
          std::memcpy(bytes.data(), padded.data(), bytes.size());
          return bytes;
        },
        form);
  };
  enum Form { Plain, HighScale, RowClasses, ColumnClasses };
  Value scales = floatData(conv.getScale(), Plain, 1), offsets = floatData(conv.getOffset(), Plain, 1);
  Value highScales = limbs > 2 ? floatData(conv.getScale(), HighScale, 65536) : Value();
  auto classTable = [&](unsigned axis, int64_t input, int64_t outputs, int64_t classBytes) {
    return e.data(
        conv.getOffset(),
        [&] {
          std::vector<int64_t> first = s.window.borderClasses(axis, input, outputs), table;
          for (int64_t index = 0, next = 0; index < outputs; ++index) {
            next += next < static_cast<int64_t>(first.size()) && first[next] == index;
            table.push_back((next - 1) * classBytes);
          }
          std::vector<char> bytes(table.size() * sizeof(int64_t));
          std::memcpy(bytes.data(), table.data(), bytes.size());
          return bytes;
        },
        axis == 0 ? RowClasses : ColumnClasses);
  };
  int64_t columnClasses = cast<ShapedType>(conv.getOffset().getType()).getDimSize(1);
  Value rowTable = classTable(0, s.in.height, s.out.height, columnClasses * rowChannels * 4);
  Value columnTable = classTable(1, s.in.width, s.out.width, rowChannels * 4);

  /// One register tile: `m` pixels from (y, x) on, whose windows begin at `from`.
  auto emitTile = [&](Value y, Value x, Value from, Value blockWeights, Value channel, const RowSink &sink) {
    VectorType bytes = e.vector(e.b.getI8Type(), e.lanes * 4);
    SmallVector<Value> accumulators(m * n * limbs, e.splat(int32_t(0)));
    accumulators = e.loop(e.number(0), e.number(steps), accumulators, [&](Value step, ValueRange accs) {
      Value w = e.at(blockWeights, e.mul(step, stepBytes)), c = e.at(from, e.mul(step, 4));
      SmallVector<Value> vectors, next(accs.begin(), accs.end());
      for (int64_t v = 0; v < n * limbs; ++v)
        vectors.push_back(e.load(bytes, e.at(w, v * e.lanes * 4), e.lanes * 4));
      for (int64_t i = 0; i < m; ++i) {
        Value four = e.load(e.b.getI32Type(), e.at(c, i * s.pieces.windowBytes), 4);
        Value pixels = vector::BitCastOp::create(e.b, bytes, vector::BroadcastOp::create(e.b, e.ints(), four));
        for (int64_t l = 0; l < limbs; ++l)
          for (int64_t j = 0; j < n; ++j) {
            Value &acc = next[(i * n + j) * limbs + l];
            acc = Dot4Op::create(e.b, acc.getType(), acc, pixels, vectors[l * n + j], e.b.getI64IntegerAttr(pixelBits));
          }
      }
      return next;
    });
    SmallVector<Value> borders;
    Value rowClass = e.at(offsets, e.load(e.b.getI64Type(), e.at(rowTable, e.mul(y, 8)), 8));
    for (int64_t i = 0; i < m; ++i)
      borders.push_back(e.at(rowClass, e.load(e.b.getI64Type(), e.at(columnTable, e.mul(e.add(x, i), 8)), 8)));
    SmallVector<Value> results(m * n);
    for (int64_t j = 0; j < n; ++j) {
      Value first = e.add(channel, j * e.lanes), firstBytes = e.mul(first, 4);
      Value scale = e.load(e.floats(), e.at(scales, firstBytes), e.lanes * 4);
      for (int64_t i = 0; i < m; ++i) {
        Value *acc = &accumulators[(i * n + j) * limbs];
        auto toFloat = [&](Value sum) { return arith::SIToFPOp::create(e.b, e.floats(), sum); };
        Value low = acc[0];
        if (limbs > 1)
          low = arith::AddIOp::create(e.b, low, arith::ShLIOp::create(e.b, acc[1], e.splat(int32_t(8))));
        Value offset = e.load(e.floats(), e.at(borders[i], firstBytes), e.lanes * 4);
        Value value = math::FmaOp::create(e.b, toFloat(low), scale, offset);
        if (limbs > 2) {
          Value highScale = e.load(e.floats(), e.at(highScales, firstBytes), e.lanes * 4);
          value = math::FmaOp::create(e.b, toFloat(acc[2]), highScale, value);
        }
        results[i * n + j] = value;
      }
    }
    sink(results, n, x, m, channel);
  };

  ItemPart part = partOf(e, rowsOf(kernel).height, tile[0], rowChannels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), rowChannels);
  Value rows = e.at(e.scratch(), windowsBytes(s.pieces));
  emitStemRows(kernel, e, part, rows, [&](Value y, RowSink sink) {
    e.loop(e.number(0), e.number(s.pieces.count), [&](Value piece) {
      Value firstX = e.min(e.mul(piece, s.pieces.pixels), e.number(s.out.width - s.pieces.pixels));
      s.copyWindows(y, firstX);
      e.loop(e.number(0), e.number(packed[0]), [&](Value index) {
        Value blockWeights = e.at(weights, e.mul(index, steps * stepBytes)), channel = e.mul(index, block);
        e.loop(e.number(0), e.number(ceilDiv(s.pieces.pixels, m)), [&](Value t) {
          Value first = e.min(e.mul(t, m), e.number(s.pieces.pixels - m));
          emitTile(y, e.add(firstX, first), e.at(s.windows, e.mul(first, s.pieces.windowBytes)), blockWeights, channel,
                   sink);
        });
      });
    });
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily imageDot = {"image_dot", 3, mayRun, plan, pack, items, emit, scratch};
} // namespace n2uq
