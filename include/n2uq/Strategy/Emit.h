// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every kernel family needs to emit a work item: addresses, loads and stores, loops, and the element-by-element
// tail of a kernel on registers. The output is scf, arith, vector and llvm (pointers only).
#ifndef N2UQ_STRATEGY_EMIT_H
#define N2UQ_STRATEGY_EMIT_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/Layout.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include <functional>

namespace n2uq {

/// The same vector of channels at several pixels of a row, one register each.
using Column = llvm::SmallVector<mlir::Value>;

/// A tensor in memory: element (y, x, c) of the current image at base + y*row + x*pixel + c*channel.
struct Access {
  mlir::Value base;
  int64_t row = 0, pixel = 0, channel = 0;
  int64_t channels = 0;      ///< that the tensor has; memory may have room for more
  bool wholeVectors = false; ///< whether vectors may reach behind the last channel
  mlir::Type element;
};

/// Read-only data of the module: parameters and weights in the form in which kernels read them. Data is added once for
/// a key (a constant and the form that it takes).
class Globals {
public:
  using Key = std::pair<mlir::Value, int64_t>;

  explicit Globals(mlir::SymbolTable &symbols) : symbols(symbols) {}
  /// The name of the global for `key`; the first call makes it from `make`, named after `hint`.
  mlir::FlatSymbolRefAttr find(Key key, llvm::StringRef hint, llvm::function_ref<std::vector<char>()> make);
  int64_t totalBytes() const { return total; }
  /// Bytes of all forms of a constant.
  int64_t bytesOf(mlir::Value constant) const { return formBytes.lookup(constant); }

private:
  mlir::SymbolTable &symbols;
  int64_t total = 0;
  llvm::DenseMap<Key, mlir::FlatSymbolRefAttr> names;
  llvm::DenseMap<mlir::Value, int64_t> formBytes;
};

class ItemEmitter {
public:
  /// Inserts at `builder`. `frame` is the n2uq_frame, `image` the image's number, `item` the item's number in the
  /// image, `scratch` the family's scratch memory (null where it has none). `continues` (i1): whether this call ran the
  /// item before this one, of the same image, just before; scratch memory holds what it left there.
  ItemEmitter(mlir::ImplicitLocOpBuilder &builder, Globals &globals, KernelOp kernel, mlir::Value frame,
              mlir::Value image, mlir::Value item, mlir::Value scratch, mlir::Value continues);

  mlir::ImplicitLocOpBuilder &b;
  KernelOp kernel;
  mlir::Value item, continues;
  const int64_t lanes;

  // Numbers (i64) and addresses.
  mlir::Value number(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, number(b)); }
  mlir::Value mul(mlir::Value a, int64_t b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value divide(mlir::Value a, int64_t b); ///< a >= 0
  mlir::Value modulo(mlir::Value a, int64_t b); ///< a >= 0
  mlir::Value at(mlir::Value pointer, mlir::Value bytes);
  mlir::Value at(mlir::Value pointer, int64_t bytes);

  // Vectors.
  mlir::VectorType vector(mlir::Type element, int64_t count) { return mlir::VectorType::get({count}, element); }
  mlir::VectorType floats() { return vector(b.getF32Type(), lanes); }
  mlir::VectorType ints() { return vector(b.getI32Type(), lanes); }
  mlir::Value splat(float value);
  mlir::Value splat(int32_t value);
  mlir::Value load(mlir::Type type, mlir::Value pointer, int64_t alignment);
  void store(mlir::Value value, mlir::Value pointer, int64_t alignment);
  /// value >= edge; a NaN reaches every edge with `nanIsTop` and none without.
  mlir::Value reaches(mlir::Value value, mlir::Value edge, bool nanIsTop);

  /// A loop over [begin, end) that carries `carried`; returns their last values.
  using LoopBody = std::function<llvm::SmallVector<mlir::Value>(mlir::Value index, mlir::ValueRange carried)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value begin, mlir::Value end, mlir::ValueRange carried, LoopBody body);
  void loop(mlir::Value begin, mlir::Value end, std::function<void(mlir::Value index)> body);

  // Tensors and parameters.
  /// Where a tensor that the kernel reads lies: a kernel's result, or the network's input in its own layout.
  Access read(mlir::Value tensor);
  Access written(unsigned result);
  /// A vector of lanes of a tensor, codes widened to i32.
  mlir::Value loadVector(const Access &access, mlir::Value rowAndPixel, mlir::Value channel);
  /// The address of element (y, x, 0).
  mlir::Value pixelAddress(const Access &access, mlir::Value y, mlir::Value x);
  /// The address of a constant's elements, in the form that `make` gives them (`form` tells forms of one constant
  /// apart).
  mlir::Value data(mlir::Value constant, llvm::function_ref<std::vector<char>()> make, int64_t form = 0);
  llvm::StringRef name() { return kernelName; }
  /// Memory of the family's `scratch` bytes, aligned to 64, that only this work item uses; what it holds is undefined
  /// but where the item `continues`.
  mlir::Value scratch() { return scratchMemory; }

  /// Runs everything between the root and the pool behind it on registers. Returns what the pool reads.
  Column beforePool(Column root, mlir::Value y, mlir::Value x, int64_t pixels, mlir::Value channel);

  /// Runs everything behind the root (behind the pool, where there is one) on registers and stores what the kernel
  /// yields. `root` holds the root's (the pool's) result at pixels (y, x), (y, x+1), … and channels [channel, channel +
  /// lanes); empty where the kernel has no root.
  /// Accumulators of 16 bits come in vectors of twice the lanes, where all that stands behind the root compares them.
  void finish(Column root, mlir::Value y, mlir::Value x, int64_t pixels, mlir::Value channel);
  /// The same for a whole register tile: root[pixel * vectors + j] holds channels from channel + j*lanes on. To be
  /// preferred where there is one, since codes of neighbouring vectors can be made and stored together.
  void finishTile(llvm::ArrayRef<mlir::Value> root, int64_t vectors, mlir::Value y, mlir::Value x, int64_t pixels,
                  mlir::Value channel);

  /// The same for every root of a kernel that has several, in order.
  void finishRoots(llvm::ArrayRef<Column> roots, int64_t vectors, mlir::Value y, mlir::Value x, int64_t pixels,
                   mlir::Value channel);

  /// Fills the padding around rows [begin, end) of every result with zeros, in channels [channel, channel + count).
  void clearBorder(mlir::Value begin, mlir::Value end, mlir::Value channel, int64_t count);

private:
  using Columns = llvm::DenseMap<mlir::Value, Column>;

  mlir::Value frameField(mlir::Type type, int64_t offset);
  Access inBuffer(BufferAttr buffer, mlir::Type type);
  void findAccess(mlir::Value tensor);
  /// Numbers per channel; with `narrow`, twice as many of 16 bits.
  mlir::Value parameter(mlir::Value constant, mlir::Value channel, bool narrow = false);
  mlir::Value threshold(mlir::Value rows, mlir::Value k, mlir::Value channel, bool narrow);
  /// Adds to \p counts, for every pixel, how many thresholds of the channel it reaches.
  void countReached(llvm::ArrayRef<mlir::Value> column, mlir::Value rows, mlir::Value channel, bool nanIsTop,
                    bool subtract, Column &counts);
  /// How many thresholds each element reaches, by bisection; empty where counting is better or bisection would not be
  /// the same.
  Column searchReached(llvm::ArrayRef<mlir::Value> column, mlir::Value rows, mlir::Value channel, bool nanIsTop);
  Column columnOf(mlir::Value value, mlir::Value y, mlir::Value x, int64_t pixels, mlir::Value channel,
                  Columns &columns);
  Column apply(mlir::Operation *op, mlir::Value y, mlir::Value x, int64_t pixels, mlir::Value channel,
               Columns &columns);
  /// Stores a vector of channels, or what the tensor has of it.
  void storePart(mlir::Value value, mlir::Value to, const Access &access, mlir::Value channel);

  /// Where accumulators lie on the axis of `op`, not yet rounded.
  Column places(SharedThresholdOp op, llvm::ArrayRef<mlir::Value> accumulators, mlir::Value channel);
  /// The codes of these places, bytes one behind the other.
  mlir::Value cellCodes(SharedThresholdOp op, llvm::ArrayRef<mlir::Value> places);
  /// Stores the codes of a tile; places[pixel * vectors + j].
  void storeCodes(SharedThresholdOp op, const Access &access, mlir::Value y, mlir::Value x, mlir::Value channel,
                  llvm::ArrayRef<mlir::Value> places, int64_t vectors);

  Globals &globals;
  mlir::Value frame, image, scratchMemory, arena, input, output, batch;
  std::string kernelName;
  llvm::DenseMap<mlir::Value, Access> accesses;
  llvm::SmallVector<Access> results;
};

/// `n2uq.sigmoid` on a vector of floats.
mlir::Value emitSigmoid(ItemEmitter &e, mlir::Value x);

} // namespace n2uq

#endif // N2UQ_STRATEGY_EMIT_H
