// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the families of a first layer on bytes share: whose pixels, how limbs are packed, what becomes of the sums. And
// the windows of a row of outputs, copied one behind the other.
//
// With few channels a tap is no multiple of what an instruction multiplies. So the windows are copied first, KH*KW*C
// bytes each; a step then multiplies four neighbouring bytes of a window, whatever taps they belong to. The copy is
// read by all output channels and costs a few per cent; 7x7x3 takes 37 steps instead of 49. Windows of a long row are
// copied and used piece by piece, so that they stay in the nearest cache.
#ifndef N2UQ_LIB_STRATEGY_X86_IMAGEWINDOWS_H
#define N2UQ_LIB_STRATEGY_X86_IMAGEWINDOWS_H

#include "../StemRows.h"

namespace n2uq {

/// Whether \p kernel is a convolution of pixels that lie where nobody else put them; else `why` is filled.
bool mayReadPixels(KernelOp kernel, std::string &why);
/// The window and the number of limbs of a root, packed or not.
Window imageWindowOf(mlir::Operation *root);
int64_t imageLimbsOf(mlir::Operation *root);
/// Packs the limbs for vectors of outputs.
mlir::LogicalResult packImage(KernelOp kernel, mlir::RewriterBase &rewriter);

/// How windows lie in scratch memory.
struct ImagePieces {
  int64_t run;         ///< bytes of a row of a window
  int64_t windowBytes; ///< of a window, a multiple of four
  int64_t pixels;      ///< windows of a piece; all pieces of a row have as many, so neighbours may overlap
  int64_t count;       ///< pieces of a row
  int64_t tile;        ///< pixels of a register tile

  explicit ImagePieces(KernelOp kernel);
  /// Of a piece, a multiple of 64.
  int64_t bytes() const { return roundUp(pixels * windowBytes, 64); }
};

class ImageWindows {
public:
  ImageWindows(ItemEmitter &e, KernelOp kernel);

  ItemEmitter &e;
  PackedImageConv2DOp conv;
  Window window;
  ImageShape in, out;
  ImagePieces pieces;
  mlir::Value windows; ///< where they lie

  /// Copies the windows of outputs (y, firstX) to (y, firstX + pixels). Bytes outside of the image are 0, which leaves
  /// their taps out.
  void copy(mlir::Value y, mlir::Value firstX);
  /// The address of the window of output `x` of a piece that begins at `firstX`.
  mlir::Value place(mlir::Value x, mlir::Value firstX);

private:
  Access image;

  void copyRun(mlir::Value from, mlir::Value to);
  void clear(mlir::Value to, int64_t bytes);
};

/// Sums to floats: scales, and the offset of the class of an output's row and column.
class ImageFloats {
public:
  ImageFloats(ItemEmitter &e, PackedImageConv2DOp conv);

  /// Addresses of the offsets of outputs (y, x) to (y, x + m).
  llvm::SmallVector<mlir::Value> bordersOf(mlir::Value y, mlir::Value x, int64_t m);
  /// Scales and offsets are those of channels [channel, channel + lanes); `high` is null where there is no third limb.
  mlir::Value floatOf(mlir::Value low, mlir::Value high, mlir::Value border, mlir::Value channel);

private:
  ItemEmitter &e;
  mlir::Value scales, highScales, offsets, rowTable, columnTable;
};

/// Emits an item: the rows of the convolution, piece by piece, and in a piece for each block of output channels tile by
/// tile. `emitTile` computes outputs (y, x) to (y, x + tile), which are those from `inPiece` on of the piece, of block
/// `index`.
void emitImageRows(
    KernelOp kernel, ImageWindows &windows,
    llvm::function_ref<void(mlir::Value y, mlir::Value x, mlir::Value inPiece, mlir::Value index, const RowSink &sink)>
        emitTile);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_IMAGEWINDOWS_H
