// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_LIB_STRATEGY_X86_WINOGRAD_H
#define N2UQ_LIB_STRATEGY_X86_WINOGRAD_H

#include "../Contraction.h"
#include "n2uq/Analysis/WinogradForm.h"

namespace n2uq {

/// What the families of this algorithm differ in.
struct WinogradKind {
  int64_t tailBytes;       ///< of a number behind the products
  WinogradFactors factors; ///< of which the products are

  bool multipliesSums() const { return factors == WinogradFactors::Sums; }
};

/// Of the first vector of a block where sums are multiplied: products of codes and weights all the same. Sums leave the
/// multiplier idle a third of the time, and their additions the other ports not at all.
constexpr int64_t winogradPlainVectors = 1;

/// How an axis of the result is covered: `full` tiles of m outputs and then `brief` ones of m - 1, exactly. Where no
/// such cover exists there are only full ones and the last ends with the image, over a part of the one before it.
struct WinogradAxis {
  WinogradAxis(int64_t outputs, int64_t extent);

  int64_t outputs, extent, full, brief;

  int64_t count(bool isBrief) const { return isBrief ? brief : full; }
  int64_t outputsOf(bool isBrief) const { return outputs - isBrief; }
};

/// Tiles of one size. Brief tiles use fewer points, which are among those of the full ones: one packed filter serves
/// all.
struct WinogradClass {
  bool briefY, briefX;
};

/// Tiles of a class in a chunk.
struct WinogradPiece {
  WinogradClass kind;
  int64_t count; ///< tiles
  int64_t slot;  ///< of the first one in the chunk's buffers
};

/// Chunks of the same make-up. A small image is one chunk of all of its tiles; the tiles of a large one are chunked
/// class by class. A work item is a block of output channels of a chunk.
struct WinogradChunks {
  int64_t number;
  llvm::SmallVector<WinogradPiece> pieces;

  int64_t tiles() const { return pieces.back().slot + pieces.back().count; }
};

/// How a Winograd kernel's work is cut, and where its intermediate data stands in scratch memory. A strategy's tile is
/// [my, mx, tiles, vectors]: outputs of a tile, tiles of a work item at most, vectors of output channels of a block.
struct WinogradLayout {
  WinogradLayout(ImageShape in, ImageShape out, llvm::ArrayRef<int64_t> tile, int64_t lanes, WinogradKind kind,
                 int64_t halvedCount);

  WinogradAxis y, x;
  WinogradKind kind;
  int64_t positions, halved, lanes;
  int64_t rowChannels;   ///< channels of a pixel in memory
  int64_t block, blocks; ///< output channels of a block, and how many blocks there are
  llvm::SmallVector<WinogradChunks> chunks;
  int64_t chunkCount; ///< all of them
  int64_t mostTiles;  ///< of a chunk

  /// Codes: position r of the tile in slot t at codes + r * codeStride + t * rowChannels.
  int64_t codeStride() const { return mostTiles * rowChannels + 64; }
  /// Sums of the codes of a halved position, one number a slot and position.
  int64_t sumsOffset() const { return roundUp(positions * codeStride(), 64); }
  /// Where sums are multiplied, the products of codes with each other: slot t, position r at terms + t * termStride +
  /// r * 4.
  int64_t termsOffset() const { return sumsOffset() + roundUp(mostTiles * halved * 4, 64); }
  int64_t termStride() const { return kind.multipliesSums() ? roundUp(positions * 4, 64) : 0; }
  /// Products: slot t, position r at products + (t * positions + r) * block * tailBytes.
  int64_t productsOffset() const { return termsOffset() + mostTiles * termStride(); }
  int64_t scratchBytes() const { return productsOffset() + mostTiles * positions * block * kind.tailBytes; }
  int64_t weightBytes() const { return positions * rowChannels * block * blocks; }
  /// Work items of an image. The blocks of a chunk follow each other, so that who computes them in a row transforms the
  /// chunk's codes once.
  int64_t items() const { return chunkCount * blocks; }

  /// The part of an image that its largest item computes.
  double largestShare() const { return double(mostTiles) / double((y.full + y.brief) * (x.full + x.brief) * blocks); }

  int64_t tilesOf(WinogradClass kind) const { return y.count(kind.briefY) * x.count(kind.briefX); }
  /// Whether tiles of a class use a row (or column) of positions: brief ones have no last finite point.
  static bool uses(const WinogradAxis &axis, bool isBrief, int64_t point) { return !isBrief || point != axis.outputs; }
  /// Slots [first, last) of a chunk whose tiles use position (row, column): one range, by the order of the classes.
  std::pair<int64_t, int64_t> slotsUsing(const WinogradChunks &chunk, int64_t row, int64_t column) const;
};

WinogradLayout winogradLayout(KernelOp kernel);
/// Tiles whose products are summed in registers at once.
int64_t winogradRegisterTiles(int64_t tiles, int64_t vectors, int64_t registers, const WinogradKind &kind);
/// Weights of more bytes than this are fetched ahead: they come from a cache far from the core.
constexpr int64_t winogradFarWeights = 64 * 1024;

void emitWinograd(KernelOp kernel, ItemEmitter &emitter);

} // namespace n2uq

#endif // N2UQ_LIB_STRATEGY_X86_WINOGRAD_H
