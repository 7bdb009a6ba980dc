// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ImageWindows.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace n2uq {

/// Bytes of windows that are copied at a time.
static constexpr int64_t pieceBytes = 24 * 1024;
/// The part of scratch memory that windows may take where a filter is enormous.
static constexpr int64_t maxWindowBytes = maxScratchBytes - maxPooledRowsBytes;

bool mayReadPixels(KernelOp kernel, std::string &why) {
  Operation *root = kernel.getRoot();
  if (!isa_and_nonnull<ImageConv2DOp, PackedImageConv2DOp>(root))
    why = "its root is not a convolution of pixels";
  else if (!isa<BlockArgument>(root->getOperand(0)))
    why = "its pixels are not the network's input";
  else
    return fitsPool(kernel, why);
  return false;
}

Window imageWindowOf(Operation *root) {
  return isa<ImageConv2DOp>(root) ? cast<ImageConv2DOp>(root).getWindow() : cast<PackedImageConv2DOp>(root).getWindow();
}

int64_t imageLimbsOf(Operation *root) {
  return isa<ImageConv2DOp>(root) ? cast<ShapedType>(root->getOperand(1).getType()).getDimSize(0)
                                  : cast<ShapedType>(root->getOperand(1).getType()).getDimSize(2);
}

LogicalResult packImage(KernelOp kernel, RewriterBase &rewriter) {
  auto conv = cast<ImageConv2DOp>(kernel.getRoot());
  std::optional<std::vector<int8_t>> limbs = constantBytes(conv.getLimbs());
  if (!limbs)
    return conv.emitOpError() << "expects constant limbs";
  Window window = conv.getWindow();
  int64_t outputs = channelsOf(conv.getResult()), count = imageLimbsOf(conv);
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

ImagePieces::ImagePieces(KernelOp kernel) {
  Operation *root = kernel.getRoot();
  Window window = imageWindowOf(root);
  int64_t width = ImageShape(root->getResult(0).getType()).width;
  run = window.kernel[1] * channelsOf(root->getOperand(0));
  windowBytes = roundUp(window.kernel[0] * run, 4);
  tile = std::min({kernel.getStrategy()->getTile()[1], width, std::max<int64_t>(maxWindowBytes / windowBytes, 1)});
  count = ceilDiv(width, roundUp(std::max<int64_t>(pieceBytes / windowBytes, 1), tile));
  pixels = std::max(ceilDiv(width, count), tile);
}

ImageWindows::ImageWindows(ItemEmitter &e, KernelOp kernel)
    : e(e), conv(cast<PackedImageConv2DOp>(kernel.getRoot())), window(conv.getWindow()), in(conv.getInput().getType()),
      out(conv.getType()), pieces(kernel), windows(e.scratch()), image(e.read(conv.getInput())) {}

Value ImageWindows::place(Value x, Value firstX) {
  return e.at(windows, e.mul(arith::SubIOp::create(e.b, x, firstX), pieces.windowBytes));
}

/// Calls body(place, count) for pieces of a power of two that cover [0, count), the last one overlapping.
static void forEachPart(int64_t count, llvm::function_ref<void(int64_t at, int64_t size)> body) {
  int64_t size = 32;
  while (size > count)
    size /= 2;
  for (int64_t at = 0; at < count; at += size)
    body(std::min(at, count - size), size);
}

void ImageWindows::copyRun(Value from, Value to) {
  forEachPart(pieces.run, [&](int64_t at, int64_t size) {
    e.store(e.load(e.vector(e.b.getI8Type(), size), e.at(from, at), 1), e.at(to, at), 1);
  });
}

void ImageWindows::clear(Value to, int64_t bytes) {
  forEachPart(bytes, [&](int64_t at, int64_t size) {
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(e.vector(e.b.getI8Type(), size)));
    e.store(zero, e.at(to, at), 1);
  });
}

void ImageWindows::copy(Value y, Value firstX) {
  // Outputs [inner, outer) of a row see all columns of the window.
  int64_t inner = std::min(ceilDiv(window.before[1], window.strides[1]), out.width);
  int64_t fitting = in.width + window.before[1] - window.kernel[1];
  int64_t outer = fitting < 0 ? inner : std::clamp(fitting / window.strides[1] + 1, inner, out.width);
  Value lastX = e.add(firstX, pieces.pixels);
  int64_t rest = pieces.windowBytes - window.kernel[0] * pieces.run;
  if (rest > 0)
    e.loop(firstX, lastX, [&](Value x) { clear(e.at(place(x, firstX), pieces.windowBytes - rest), rest); });

  e.loop(e.number(0), e.number(window.kernel[0]), [&](Value kh) {
    Value row = e.add(e.add(e.mul(y, window.strides[0]), -window.before[0]), kh);
    Value line = e.at(image.base, e.mul(row, image.row));
    auto target = [&](Value x) { return e.at(place(x, firstX), e.mul(kh, pieces.run)); };
    // The byte of the line at which the window begins; negative where it hangs over the left edge.
    auto origin = [&](Value x) { return e.mul(e.add(e.mul(x, window.strides[1]), -window.before[1]), image.pixel); };
    // Below 2^63 as an unsigned number where it is not negative: one comparison for both edges.
    Value inside = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, row, e.number(in.height));
    auto ifOp = scf::IfOp::create(e.b, inside, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(ifOp.thenBlock());
    auto hanging = [&](Value x) {
      clear(target(x), pieces.run);
      Value begin = origin(x), negative = arith::SubIOp::create(e.b, e.number(0), begin);
      Value first = e.max(negative, e.number(0));
      Value last = e.min(e.add(negative, image.row), e.number(pieces.run));
      e.loop(first, last, [&](Value number) {
        Value byte = e.load(e.b.getI8Type(), e.at(line, e.add(begin, number)), 1);
        e.store(byte, e.at(target(x), number), 1);
      });
    };
    e.loop(firstX, e.min(lastX, e.number(inner)), hanging);
    auto copyInner = [&](llvm::function_ref<void(Value from, Value to)> copyRun) {
      e.loop(e.max(firstX, e.number(inner)), e.min(lastX, e.number(outer)),
             [&](Value x) { copyRun(e.at(line, origin(x)), target(x)); });
    };
    // One vector that is longer than a run will do where what it reads behind the line is the image's next line, and
    // what it writes behind the run is the window's next run, which is copied later.
    int64_t wide = llvm::PowerOf2Ceil(pieces.run);
    if (wide > pieces.run && wide <= 32 && wide - pieces.run <= image.row) {
      Value isNotLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, kh, e.number(window.kernel[0] - 1));
      Value hasNext = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, row, e.number(in.height - 1));
      auto wideOp = scf::IfOp::create(e.b, arith::AndIOp::create(e.b, isNotLast, hasNext), /*withElseRegion=*/true);
      OpBuilder::InsertionGuard wideGuard(e.b);
      e.b.setInsertionPointToStart(wideOp.thenBlock());
      copyInner([&](Value from, Value to) { e.store(e.load(e.vector(e.b.getI8Type(), wide), from, 1), to, 1); });
      e.b.setInsertionPointToStart(wideOp.elseBlock());
      copyInner([&](Value from, Value to) { copyRun(from, to); });
    } else {
      copyInner([&](Value from, Value to) { copyRun(from, to); });
    }
    e.loop(e.max(firstX, e.number(outer)), lastX, hanging);
    e.b.setInsertionPointToStart(ifOp.elseBlock());
    e.loop(firstX, lastX, [&](Value x) { clear(target(x), pieces.run); });
  });
}

ImageFloats::ImageFloats(ItemEmitter &e, PackedImageConv2DOp conv) : e(e) {
  Window window = conv.getWindow();
  ImageShape in(conv.getInput().getType()), out(conv.getType());
  int64_t rowChannels = memoryChannels(out.channels), limbs = imageLimbsOf(conv);
  // Parameters by class and channel; the tables give the byte at which a row's or a column's class begins.
  auto floatData = [&](Value constant, int64_t form, float factor) {
    return e.data(
        constant,
        [&] {
          std::vector<float> numbers = *constantFloats(constant), padded;
          for (size_t at = 0; at < numbers.size(); at += out.channels)
            for (int64_t c = 0; c < rowChannels; ++c)
              padded.push_back(c < out.channels ? numbers[at + c] * factor : 0.0f);
          std::vector<char> bytes(padded.size() * sizeof(float));
          std::memcpy(bytes.data(), padded.data(), bytes.size());
          return bytes;
        },
        form);
  };
  enum Form { Plain, HighScale, RowClasses, ColumnClasses };
  scales = floatData(conv.getScale(), Plain, 1);
  offsets = floatData(conv.getOffset(), Plain, 1);
  if (limbs > 2)
    highScales = floatData(conv.getScale(), HighScale, 65536);
  auto classTable = [&](unsigned axis, int64_t input, int64_t outputs, int64_t classBytes) {
    return e.data(
        conv.getOffset(),
        [&] {
          std::vector<int64_t> first = window.borderClasses(axis, input, outputs), table;
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
  rowTable = classTable(0, in.height, out.height, columnClasses * rowChannels * 4);
  columnTable = classTable(1, in.width, out.width, rowChannels * 4);
}

SmallVector<Value> ImageFloats::bordersOf(Value y, Value x, int64_t m) {
  SmallVector<Value> borders;
  Value rowClass = e.at(offsets, e.load(e.b.getI64Type(), e.at(rowTable, e.mul(y, 8)), 8));
  for (int64_t i = 0; i < m; ++i)
    borders.push_back(e.at(rowClass, e.load(e.b.getI64Type(), e.at(columnTable, e.mul(e.add(x, i), 8)), 8)));
  return borders;
}

Value ImageFloats::floatOf(Value low, Value high, Value border, Value channel) {
  Value bytes = e.mul(channel, 4);
  auto toFloat = [&](Value sum) { return arith::SIToFPOp::create(e.b, e.floats(), sum); };
  auto numbers = [&](Value from) { return e.load(e.floats(), e.at(from, bytes), e.lanes * 4); };
  Value value = math::FmaOp::create(e.b, toFloat(low), numbers(scales), numbers(border));
  return high ? math::FmaOp::create(e.b, toFloat(high), numbers(highScales), value) : value;
}

void emitImageRows(
    KernelOp kernel, ImageWindows &windows,
    llvm::function_ref<void(Value y, Value x, Value inPiece, Value index, const RowSink &sink)> emitTile) {
  ItemEmitter &e = windows.e;
  const ImagePieces &pieces = windows.pieces;
  int64_t rowChannels = memoryChannels(windows.out.channels), m = pieces.tile;
  int64_t blocks = cast<ShapedType>(windows.conv.getPacked().getType()).getDimSize(0);
  ItemPart part = partOf(e, rowsOf(kernel).height, kernel.getStrategy()->getTile()[0], rowChannels);
  e.clearBorder(part.firstRow, part.lastRow, e.number(0), rowChannels);
  emitStemRows(kernel, e, part, e.at(e.scratch(), pieces.bytes()), [&](Value y, RowSink sink) {
    e.loop(e.number(0), e.number(pieces.count), [&](Value piece) {
      Value firstX = e.min(e.mul(piece, pieces.pixels), e.number(windows.out.width - pieces.pixels));
      windows.copy(y, firstX);
      e.loop(e.number(0), e.number(blocks), [&](Value index) {
        e.loop(e.number(0), e.number(ceilDiv(pieces.pixels, m)), [&](Value t) {
          Value first = e.min(e.mul(t, m), e.number(pieces.pixels - m));
          emitTile(y, e.add(firstX, first), first, index, sink);
        });
      });
    });
  });
}

} // namespace n2uq
