// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every kernel family for a GPU needs to emit the work of one thread: addresses in device memory, loads and stores
// of floats and packed codes, loops, and the element-by-element tail of a kernel on scalars. The output is scf, arith,
// gpu and llvm (pointers, vectors in memory, intrinsics).
#ifndef N2UQ_STRATEGY_THREADEMIT_H
#define N2UQ_STRATEGY_THREADEMIT_H

#include "n2uq/Strategy/DeviceLayout.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include <functional>

namespace n2uq {

/// One number for each of the neighbouring channels that a thread computes: f32, or i32 for codes and accumulators.
using Channels = llvm::SmallVector<mlir::Value>;

/// A tensor in device memory.
struct DeviceAccess {
  mlir::Value base;
  int64_t image = 0, row = 0, pixel = 0; ///< bytes from one to the next
  int64_t channelBits = 0;               ///< bits from one channel to the next
  int64_t bits = 32;                     ///< of an element
  int64_t channels = 0;                  ///< that the tensor has
  int64_t room = 0;                      ///< channels that a pixel has room for
  bool isDense = false;                  ///< the caller's: no room behind the last channel, aligned to an element only
  bool isFloat = true;
};

/// Read-only data of all kernels, one block: weights and parameters in the form in which kernels read them. Data is
/// added once for a key (a constant and the form that it takes).
class DeviceData {
public:
  /// Where the data for the key lies.
  int64_t find(mlir::Value constant, int64_t form, llvm::function_ref<std::vector<char>()> make);
  const std::vector<char> &bytes() const { return data; }

private:
  std::vector<char> data;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, int64_t> places;
};

/// Parameters of every kernel's entry.
struct DeviceParameters {
  mlir::Value arena, weights, input, output; ///< pointers to device memory
  mlir::Value batch;                         ///< i32
};

class ThreadEmitter {
public:
  ThreadEmitter(mlir::ImplicitLocOpBuilder &builder, DeviceData &data, KernelOp kernel, DeviceParameters parameters);

  mlir::ImplicitLocOpBuilder &b;
  KernelOp kernel;
  const DeviceParameters parameters;

  // Numbers (i32; 64 bits in addresses only) and addresses.
  mlir::Value number(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, number(b)); }
  mlir::Value mul(mlir::Value a, int64_t b);
  mlir::Value divide(mlir::Value a, int64_t b); ///< a >= 0
  mlir::Value modulo(mlir::Value a, int64_t b); ///< a >= 0
  mlir::Value isLess(mlir::Value a, mlir::Value b);
  mlir::Value isLess(mlir::Value a, int64_t b) { return isLess(a, number(b)); }
  mlir::Value isBelow(mlir::Value a, int64_t b); ///< 0 <= a < b
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value shiftRight(mlir::Value a, int64_t bits);
  mlir::Value mask(mlir::Value a, uint32_t bits);
  mlir::Value real(float value);
  mlir::Value at(mlir::Value pointer, mlir::Value number);
  mlir::Value at(mlir::Value pointer, int64_t bytes);
  mlir::Value pixelAddress(const DeviceAccess &access, mlir::Value image, mlir::Value y, mlir::Value x);

  mlir::Value threadIndex(), blockIndex(), blockRow(); ///< threadIdx.x, blockIdx.x, blockIdx.y

  /// The block's shared memory, as much as the launch gives.
  mlir::Value sharedMemory();
  /// All threads of the block meet here, and see what was written to shared memory before.
  void barrier();

  mlir::Value load(mlir::Type type, mlir::Value pointer, int64_t alignment, bool isConstant = false);
  void store(mlir::Value value, mlir::Value pointer, int64_t alignment);
  /// `count` neighbouring numbers of 32 bits, by loads as wide as their alignment (4 * count, at most 16) allows.
  llvm::SmallVector<mlir::Value> loadWords(mlir::Type element, mlir::Value pointer, int64_t count, bool isConstant);
  void storeWords(llvm::ArrayRef<mlir::Value> words, mlir::Value pointer);
  mlir::Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange operands);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  /// acc + four unsigned bytes times four signed bytes.
  mlir::Value dot4(mlir::Value codes, mlir::Value weights, mlir::Value acc);

  /// A loop over [begin, end) in steps that carries `carried`; returns their last values.
  using LoopBody = std::function<llvm::SmallVector<mlir::Value>(mlir::Value index, mlir::ValueRange carried)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value begin, mlir::Value end, mlir::ValueRange carried, LoopBody body);
  /// `then` where `condition` holds, or else `otherwise`.
  llvm::SmallVector<mlir::Value> when(mlir::Value condition, std::function<llvm::SmallVector<mlir::Value>()> then,
                                      mlir::ValueRange otherwise);
  void when(mlir::Value condition, std::function<void()> then, std::function<void()> otherwise = nullptr);

  // Tensors and parameters.
  DeviceAccess read(mlir::Value tensor);
  DeviceAccess written(unsigned result) { return results[result]; }
  /// Channels [channel, channel + count) at a pixel; `channel` is a multiple of `count`, a power of two of 16 at most.
  /// What lies behind the last channel is any number.
  Channels loadChannels(const DeviceAccess &access, mlir::Value pixel, mlir::Value channel, int64_t count);
  /// One code or number at any channel of the tensor.
  mlir::Value loadElement(const DeviceAccess &access, mlir::Value pixel, mlir::Value channel);
  /// The address of a constant's elements, in the form that `make` gives them (`form` tells forms of one constant
  /// apart).
  mlir::Value data(mlir::Value constant, int64_t form, llvm::function_ref<std::vector<char>()> make);
  /// Numbers of neighbouring channels of a constant of floats or ints, or of its only number.
  Channels loadParameters(mlir::Value constant, mlir::Value channel, int64_t count);

  /// Runs everything behind the root on scalars and stores what the kernel yields at one pixel. `root` holds channels
  /// [channel, channel + count) of the root's result, `channel` a multiple of `count`, which makes whole bytes of every
  /// code that is written; empty where the kernel has no root. At least one of the channels is one of the result.
  void finish(Channels root, mlir::Value image, mlir::Value y, mlir::Value x, mlir::Value channel, int64_t count);
  /// Fills channels from `channel` on, all of them behind the last one, with zeros where a result has room for them.
  void clear(mlir::Value image, mlir::Value y, mlir::Value x, mlir::Value channel, int64_t count);

private:
  using Columns = llvm::DenseMap<mlir::Value, Channels>;

  DeviceAccess inBuffer(BufferAttr buffer, mlir::Type type);
  void findAccess(mlir::Value tensor);
  Channels apply(mlir::Operation *op, mlir::Value image, mlir::Value y, mlir::Value x, mlir::Value channel,
                 int64_t count, Columns &columns);
  Channels columnOf(mlir::Value value, mlir::Value image, mlir::Value y, mlir::Value x, mlir::Value channel,
                    int64_t count, Columns &columns);
  void countReached(llvm::ArrayRef<mlir::Value> values, mlir::Value rows, mlir::Value channel, bool nanIsTop,
                    bool subtract, Channels &counts);
  void storeChannels(const DeviceAccess &access, mlir::Value pixel, mlir::Value channel, Channels values);

  DeviceData &constants;
  llvm::DenseMap<mlir::Value, DeviceAccess> accesses;
  llvm::SmallVector<DeviceAccess> results;
};

/// Words of `bits` per element as bytes of device memory.
template <typename T>
std::vector<char> bytesOf(const std::vector<T> &numbers) {
  const char *first = reinterpret_cast<const char *>(numbers.data());
  return {first, first + numbers.size() * sizeof(T)};
}

} // namespace n2uq

#endif // N2UQ_STRATEGY_THREADEMIT_H
