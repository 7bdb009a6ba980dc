// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the families of a first layer on bytes share: the windows of a row of outputs, copied one behind the other, and
// what becomes of the sums.
//
// With few channels a tap is no multiple of what an instruction multiplies. So the windows are copied first, KH*KW*C
// numbers each; a step then multiplies four neighbouring numbers of a window, whatever taps they belong to. The copy is
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

/// The form of the copied numbers.
enum class WindowForm {
  Bytes, ///< pixels
  Words, ///< pixels - 128, in 16 bits
};

/// How windows lie in scratch memory.
struct ImagePieces {
  WindowForm form;
  int64_t elementBytes;
  int64_t run;         ///< numbers of a row of a window
  int64_t windowBytes; ///< of a window: a multiple of four bytes, of a vector where they are words
  int64_t pixels;      ///< windows of a piece; all pieces of a row have as many, so neighbours may overlap
  int64_t count;       ///< pieces of a row
  int64_t tile;        ///< pixels of a register tile

  ImagePieces(KernelOp kernel, WindowForm form);
  /// Of a piece, a multiple of 64.
  int64_t bytes() const { return roundUp(pixels * windowBytes, 64); }
};

class ImageWindows {
public:
  ImageWindows(ItemEmitter &e, KernelOp kernel, WindowForm form);

  ItemEmitter &e;
  PackedImageConv2DOp conv;
  Window window;
  ImageShape in, out;
  ImagePieces pieces;
  mlir::Value windows; ///< where they lie

  /// Copies the windows of outputs (y, firstX) to (y, firstX + pixels). Numbers outside of the image are those of a
  /// pixel 0, which leaves their taps out; what fills up a window is 0.
  void copy(mlir::Value y, mlir::Value firstX);
  /// The address of the window of output `x` of a piece that begins at `firstX`.
  mlir::Value place(mlir::Value x, mlir::Value firstX);

private:
  Access image;

  /// Bytes of the image as numbers of a window.
  mlir::Value numbersOf(mlir::Value bytes);
  void copyRun(mlir::Value from, mlir::Value to);
  void fill(mlir::Value to, int64_t bytes, int8_t value);
  void clearRun(mlir::Value to);
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
/// tile. `prepare(firstX)` follows on the copy of a piece; `emitTile` computes outputs (y, x) to (y, x + tile), whose
/// windows begin at `from`, of block `index`.
void emitImageRows(
    KernelOp kernel, ImageWindows &windows, mlir::Value poolScratch,
    llvm::function_ref<void(mlir::Value firstX)> prepare,
    llvm::function_ref<void(mlir::Value y, mlir::Value x, mlir::Value inPiece, mlir::Value index, const RowSink &sink)>
        emitTile);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_IMAGEWINDOWS_H
