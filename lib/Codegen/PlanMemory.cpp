// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Codegen/Passes.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/DeviceLayout.h"
#include "n2uq/Strategy/Family.h"
#include "n2uq/Strategy/GpuFamily.h"

#define DEBUG_TYPE "n2uq-plan-memory"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "n2uq/Codegen/Passes.h.inc"
} // namespace n2uq

namespace {
/// Every buffer starts at a multiple of this, and so does each image's buffer of floats.
constexpr int64_t alignment = 64;
/// No image takes more bytes than this; a network that asks for more is a mistake or an attack.
constexpr int64_t maxArena = int64_t(1) << 40;

/// Rows and columns that readers need around an image.
struct Margin {
  int64_t before[2] = {0, 0}, after[2] = {0, 0};
};

struct Buffer {
  Value value;
  Margin margin;
  size_t firstKernel = 0, lastKernel = 0; // written by the one, read up to the other
  bool isOutput = false;
  std::optional<size_t> home; // the buffer of an operand in whose place this one lies
  int64_t row = 0, pixel = 0, image = 0, origin = 0, offset = 0;
};

Margin marginOf(Value value) {
  Margin margin;
  ImageShape in(value.getType());
  int64_t extents[2] = {in.height, in.width};
  for (Operation *user : value.getUsers()) {
    auto packed = dyn_cast<PackedWeightsOpInterface>(user);
    std::optional<Window> window = packed ? packed.getPaddedWindow() : std::nullopt;
    if (!window)
      continue;
    for (unsigned axis : {0u, 1u}) {
      int64_t outputs = *window->outputExtent(axis, extents[axis]);
      // Row (or column) behind the last tap of the last output.
      int64_t end = window->origin(axis, outputs - 1) + window->reach(axis);
      margin.before[axis] = std::max(margin.before[axis], window->before[axis]);
      margin.after[axis] = std::max(margin.after[axis], end - extents[axis]);
    }
  }
  return margin;
}

/// An operand of floats in whose place result \p index of \p kernel may lie: it is read element by element in the same
/// order as the result is written, no later kernel reads it, and no element is computed twice. So the residual of a
/// block is one buffer, whose lines are in the cache when they are written. Null where there is none.
Value replacedOperand(KernelOp kernel, unsigned index) {
  Value result = kernel.getResult(index);
  if (isForGpu(kernel) || !getElementTypeOrSelf(result).isF32() || !kernel.getStrategy())
    return nullptr;
  const KernelFamily *family = findFamily(kernel.getStrategy()->getKernel());
  if (!family || !family->computesOnce || !family->computesOnce(kernel))
    return nullptr;
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands()) {
      auto producer = operand.getDefiningOp<KernelOp>();
      if (!producer || operand.getType() != result.getType())
        continue;
      bool isFree = llvm::all_of(operand.getUsers(), [&](Operation *user) {
        auto reader = user->getParentOfType<KernelOp>();
        return reader && (reader == kernel ? isElementwise(user) : reader->isBeforeInBlock(kernel));
      });
      if (isFree)
        return operand;
    }
  return nullptr;
}

struct PlanMemory final : n2uq::impl::PlanMemoryPassBase<PlanMemory> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || !function.getBody().hasOneBlock())
      return;
    SmallVector<KernelOp> kernels(function.getOps<KernelOp>());
    std::vector<Buffer> buffers;
    int64_t total = 0;
    for (auto [index, kernel] : llvm::enumerate(kernels))
      for (auto [number, result] : llvm::enumerate(kernel.getResults())) {
        std::optional<Buffer> buffer = describe(result, index, kernels);
        if (!buffer || (total += buffer->image) > maxArena) {
          kernel.emitOpError() << "needs more than " << maxArena << " bytes of memory for one image";
          return signalPassFailure();
        }
        if (Value operand = buffer->isOutput ? Value() : replacedOperand(kernel, number))
          settle(*buffer, operand, buffers);
        buffers.push_back(*buffer);
      }
    int64_t arena = place(buffers);

    MLIRContext *context = &getContext();
    size_t next = 0;
    for (KernelOp kernel : kernels) {
      SmallVector<Attribute> attributes;
      for (size_t i = 0; i < kernel.getNumResults(); ++i, ++next) {
        const Buffer &b = buffers[next];
        attributes.push_back(
            BufferAttr::get(context, b.isOutput ? "output" : "arena", b.offset, b.image, b.origin, b.row, b.pixel));
      }
      kernel.setBuffersAttr(ArrayAttr::get(context, attributes));
    }
    function->setAttr("n2uq.arena_bytes", IntegerAttr::get(IntegerType::get(context, 64), arena));
  }

  /// Lets \p buffer lie where \p operand does, unless another result of the same kernel does already.
  static void settle(Buffer &buffer, Value operand, std::vector<Buffer> &buffers) {
    auto old = llvm::find_if(buffers, [&](const Buffer &other) { return other.value == operand; });
    if (old == buffers.end() || old->isOutput || old->image != buffer.image || old->row != buffer.row)
      return;
    size_t home = old->home.value_or(old - buffers.begin());
    if (llvm::any_of(buffers, [&](const Buffer &other) {
          return other.home == home && other.firstKernel == buffer.firstKernel;
        }))
      return;
    buffer.home = home;
    buffers[home].lastKernel = std::max(buffers[home].lastKernel, buffer.lastKernel);
  }

  /// None where the image with its padding does not fit into \c maxArena.
  std::optional<Buffer> describe(Value value, size_t kernel, ArrayRef<KernelOp> kernels) {
    Buffer buffer;
    buffer.value = value;
    buffer.firstKernel = buffer.lastKernel = kernel;
    buffer.isOutput = llvm::any_of(value.getUsers(), [](Operation *user) { return isa<func::ReturnOp>(user); });
    for (Operation *user : value.getUsers())
      if (auto reader = user->getParentOfType<KernelOp>())
        buffer.lastKernel = std::max<size_t>(buffer.lastKernel, llvm::find(kernels, reader) - kernels.begin());
    if (keepCodes && codeBitsOf(value.getType()))
      buffer.lastKernel = kernels.size() - 1;

    ImageShape shape(value.getType());
    int64_t bytes = elementBytes(getElementTypeOrSelf(value));
    if (!buffer.isOutput)
      buffer.margin = marginOf(value);
    // The caller's output is dense; in the arena every pixel has whole units of channels.
    buffer.pixel = (buffer.isOutput ? shape.channels : memoryChannels(shape.channels)) * bytes;
    if (isForGpu(kernels[kernel]) && !buffer.isOutput)
      buffer.pixel = devicePixelBytes(value.getType());
    buffer.row = (buffer.margin.before[1] + shape.width + buffer.margin.after[1]) * buffer.pixel;
    int64_t rows = buffer.margin.before[0] + shape.height + buffer.margin.after[0];
    // Extents and paddings are at most 2^24 (the verifier), so a row cannot overflow; rows of it could.
    if (rows > maxArena / buffer.row)
      return std::nullopt;
    buffer.image = rows * buffer.row;
    buffer.origin = buffer.margin.before[0] * buffer.row + buffer.margin.before[1] * buffer.pixel;
    return buffer;
  }

  /// Largest buffers first, each at the lowest place that is free for as long as it lives. Offsets count bytes per
  /// image of a batch: the arena of a batch is this plan scaled by the batch, so what does not overlap for one image
  /// does not for many.
  static int64_t place(std::vector<Buffer> &buffers) {
    std::vector<Buffer *> order;
    for (Buffer &buffer : buffers)
      if (!buffer.isOutput && !buffer.home)
        order.push_back(&buffer);
    // Equal sizes in the order of the network, so that the plan is the same on every machine.
    llvm::sort(order, [](Buffer *a, Buffer *b) { return a->image != b->image ? a->image > b->image : a < b; });
    std::vector<Buffer *> placed;
    int64_t arena = 0;
    for (Buffer *buffer : order) {
      std::vector<Buffer *> alive;
      for (Buffer *other : placed)
        if (buffer->firstKernel <= other->lastKernel && other->firstKernel <= buffer->lastKernel)
          alive.push_back(other);
      llvm::sort(alive, [](Buffer *a, Buffer *b) { return a->offset < b->offset; });
      int64_t size = roundUp(buffer->image, alignment), at = 0;
      for (Buffer *other : alive) {
        if (at + size <= other->offset)
          break;
        at = std::max(at, other->offset + roundUp(other->image, alignment));
      }
      buffer->offset = at;
      arena = std::max(arena, at + size);
      placed.push_back(buffer);
    }
    for (Buffer &buffer : buffers)
      if (buffer.home)
        buffer.offset = buffers[*buffer.home].offset;
    return arena;
  }
};
} // namespace
