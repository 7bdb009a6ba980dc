// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The direct convolution with weights that lie in the file, and come from memory, at their true width.
//
// A work item expands the weights of its block of output channels to bytes, in its scratch memory, and goes on as
// direct_dot does; the next item of the same block finds them there. What is expanded is the packed filter of
// direct_dot, a run of vectors of bytes w = low + (k << shift), 0 <= k < 2^bits (TrueWidth.h).
//
// `bits` is a sum of 4, 2 and 1, and k is cut into such parts, each of which fills bytes: field f of byte i of a stored
// vector is a part of byte i of vector f. U vectors, U the fields of the smallest part, are a unit, whose stored
// vectors stand part after part. So a part of a vector is one shift and one mask, in 32-bit lanes, since what crosses
// the border of a byte is masked out:
//
//   bits = 3, U = 8:   stored 0, 1: bits 0-1 of k of vectors 0-3, 4-7;   stored 2: bit 2 of k of vectors 0-7
//
// The channels that fill up a row are 0 in direct_dot's filter; that is often no number of this form, so they are
// cleared behind the expansion.
#include "../TrueWidth.h"
#include "DirectDot.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace n2uq;

namespace {

/// How the blocks of a filter are stored.
struct Storage {
  TrueWidth width;
  int64_t vectorBytes, vectors; ///< of a block's expanded weights

  struct Part {
    int64_t bits, from; ///< bits [from, from + bits) of k
    int64_t fields() const { return 8 / bits; }
  };
  /// The widest first.
  SmallVector<Part> parts() const {
    SmallVector<Part> parts;
    int64_t from = 0;
    for (int64_t bits : {4, 2, 1})
      if (width.bits & bits) {
        parts.push_back({bits, from});
        from += bits;
      }
    return parts;
  }
  int64_t unit() const { return parts().back().fields(); }
  int64_t units() const { return ceilDiv(vectors, unit()); }
  int64_t storedBytes() const { return units() * unit() * width.bits / 8 * vectorBytes; }
  int64_t expandedBytes() const { return units() * unit() * vectorBytes; }
};

/// The width of a filter's weights, of the channels and outputs that there are; none, with the reason in `why`, where a
/// root has no such filter or its weights need whole bytes.
std::optional<TrueWidth> weightWidth(Operation *root, std::string &why) {
  if (!isa_and_nonnull<Conv2DOp, PackedConv2DOp>(root)) {
    why = "its root is not a convolution of codes";
    return std::nullopt;
  }
  std::optional<std::vector<int8_t>> numbers = constantBytes(root->getOperand(1));
  if (!numbers) {
    why = "its weights are not constant";
    return std::nullopt;
  }
  if (auto conv = dyn_cast<Conv2DOp>(root)) {
    // Packed, a filter has zeros between groups.
    if (conv.getWindow().groups != 1)
      numbers->push_back(0);
  } else {
    ImageShape in(root->getOperand(0).getType()), out(root->getResult(0).getType());
    ArrayRef<int64_t> shape = cast<ShapedType>(root->getOperand(1).getType()).getShape();
    int64_t fours = shape[3], block = shape[4];
    std::vector<int8_t> existing;
    for (auto [place, number] : llvm::enumerate(*numbers)) {
      int64_t at = place, c = at / (4 * block) % fours * 4 + at % 4;
      int64_t o = at / (4 * block * fours * shape[1] * shape[2]) * block + at / 4 % block;
      if (c < in.channels && o < out.channels)
        existing.push_back(number);
    }
    numbers = std::move(existing);
  }
  TrueWidth width = trueWidthOf(*numbers);
  if (width.bits == 8) {
    why = "its weights need 8 bits";
    return std::nullopt;
  }
  return width;
}

/// Storage in blocks of `vectors` vectors of output channels.
Storage storageOf(Operation *root, TrueWidth width, int64_t lanes, int64_t vectors) {
  Window window = isa<Conv2DOp>(root) ? cast<Conv2DOp>(root).getWindow() : cast<PackedConv2DOp>(root).getWindow();
  int64_t steps = window.kernel[0] * window.kernel[1] * (memoryChannels(channelsOf(root->getOperand(0))) / 4);
  return {width, lanes * 4, steps * vectors};
}

Storage storageOf(KernelOp kernel) {
  std::string why;
  StrategyAttr strategy = *kernel.getStrategy();
  return storageOf(kernel.getRoot(), *weightWidth(kernel.getRoot(), why), strategy.getLanes(), strategy.getTile()[2]);
}

bool mayRun(KernelOp kernel, const CpuTarget &target, std::string &why) {
  std::optional<TrueWidth> width = weightWidth(kernel.getRoot(), why);
  if (!width)
    return false;
  std::optional<StrategyAttr> strategy = kernel.getStrategy();
  int64_t lanes = strategy ? strategy->getLanes() : target.lanes();
  int64_t vectors = strategy && strategy->getTile().size() == 3 ? strategy->getTile()[2] : 1;
  if (storageOf(kernel.getRoot(), *width, lanes, vectors).expandedBytes() > maxScratchBytes) {
    why = "the weights of " + std::to_string(lanes * vectors) + " outputs take more than " +
          std::to_string(maxScratchBytes) + " bytes";
    return false;
  }
  return true;
}

void offer(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) {
  std::string why;
  TrueWidth width = *weightWidth(kernel.getRoot(), why);
  const CpuPorts &ports = portsOf(target);
  int64_t height = ImageShape(kernel.getRoot()->getResult(0).getType()).height;
  offerDirectDot(kernel, target, [&](const Plan &direct) {
    Storage storage = storageOf(kernel.getRoot(), width, direct.lanes, direct.tile[2]);
    if (storage.expandedBytes() > maxScratchBytes)
      return;
    Plan plan = direct;
    // Of each vector: a shift, a mask and an addition for each part, a store, and a load when it is used.
    // Where threads share the work, hardly any item follows another one of its block.
    double vectors = direct.weightBytes / storage.vectorBytes * ceilDiv(height, direct.tile[0]);
    double expansion = vectors * (3 * storage.parts().size() / ports.vectors + 1 / ports.stores + 1 / ports.nearLoads);
    plan.weightBytes = direct.weightBytes / (storage.vectors * storage.vectorBytes) * storage.storedBytes();
    plan.cycles += expansion - (direct.weightBytes - plan.weightBytes) / ports.farBytes;
    take(plan);
  });
}

Plan plan(KernelOp kernel, const CpuTarget &target) {
  return cheapestPlan([&](auto take) { offer(kernel, target, take); });
}

int64_t scratch(KernelOp kernel) { return storageOf(kernel).expandedBytes(); }

std::vector<char> store(const Storage &storage, ArrayRef<int8_t> packed) {
  int64_t vectorBytes = storage.vectorBytes, blockBytes = storage.vectors * vectorBytes, unit = storage.unit();
  std::vector<char> stored;
  for (ArrayRef<int8_t> rest = packed; !rest.empty(); rest = rest.drop_front(blockBytes))
    for (int64_t first = 0; first < storage.vectors; first += unit)
      for (Storage::Part part : storage.parts())
        for (int64_t vector = first; vector < first + unit; vector += part.fields())
          for (int64_t i = 0; i < vectorBytes; ++i) {
            int64_t byte = 0;
            for (int64_t field = 0; field < part.fields() && vector + field < storage.vectors; ++field) {
              int64_t k = storage.width.indexOf(rest[(vector + field) * vectorBytes + i]);
              byte |= (k >> part.from & ((1 << part.bits) - 1)) << (field * part.bits);
            }
            stored.push_back(static_cast<char>(byte));
          }
  return stored;
}

/// Emits the expansion of the block of weights at `stored` to `expanded`.
void emitExpansion(ItemEmitter &e, const Storage &storage, Value stored, Value expanded) {
  int64_t unit = storage.unit(), vectorBytes = storage.vectorBytes;
  VectorType bytes = e.vector(e.b.getI8Type(), vectorBytes);
  Value low = arith::ConstantOp::create(
      e.b, DenseElementsAttr::get(bytes, e.b.getI8IntegerAttr(static_cast<int8_t>(storage.width.low))));
  e.loop(e.number(0), e.number(storage.units()), [&](Value number) {
    Value from = e.at(stored, e.mul(number, unit * storage.width.bits / 8 * vectorBytes));
    Value to = e.at(expanded, e.mul(number, unit * vectorBytes));
    SmallVector<Value> numbers(unit);
    int64_t place = 0;
    for (Storage::Part part : storage.parts()) {
      int64_t goal = part.from + storage.width.shift;
      Value mask = e.splat(static_cast<int32_t>(UINT32_C(0x01010101) * (((1u << part.bits) - 1) << goal)));
      for (int64_t vector = 0; vector < unit; vector += part.fields(), ++place) {
        Value fields = e.load(e.ints(), e.at(from, place * vectorBytes), vectorBytes);
        for (int64_t field = 0; field < part.fields(); ++field) {
          auto distance = static_cast<int32_t>(field * part.bits - goal);
          Value moved = fields;
          if (distance > 0)
            moved = arith::ShRUIOp::create(e.b, fields, e.splat(distance));
          else if (distance < 0)
            moved = arith::ShLIOp::create(e.b, fields, e.splat(-distance));
          moved = arith::AndIOp::create(e.b, moved, mask);
          Value &sum = numbers[vector + field];
          sum = sum ? arith::OrIOp::create(e.b, sum, moved).getResult() : moved;
        }
      }
    }
    for (int64_t vector = 0; vector < unit; ++vector) {
      Value weights = arith::AddIOp::create(e.b, vector::BitCastOp::create(e.b, bytes, numbers[vector]), low);
      e.store(weights, e.at(to, vector * vectorBytes), vectorBytes);
    }
  });
}

/// Emits zeros for the channels of a block of weights that the input does not have.
void emitClearing(ItemEmitter &e, PackedConv2DOp conv, int64_t vectorBytes, Value expanded) {
  int64_t channels = channelsOf(conv.getInput()), fours = memoryChannels(channels) / 4;
  if (channels % channelUnit == 0)
    return;
  Window window = conv.getWindow();
  int64_t fourBytes = packedBlockBytes(conv.getPacked()) / (window.kernel[0] * window.kernel[1] * fours);
  VectorType bytes = e.vector(e.b.getI8Type(), vectorBytes);
  Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(bytes));
  SmallVector<int8_t> kept(vectorBytes);
  for (int64_t i = 0; i < vectorBytes; ++i)
    kept[i] = i % 4 < channels % 4 ? -1 : 0;
  Value mask = arith::ConstantOp::create(e.b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(kept)));
  e.loop(e.number(0), e.number(window.kernel[0] * window.kernel[1]), [&](Value tap) {
    Value row = e.at(expanded, e.mul(tap, fours * fourBytes));
    for (int64_t four = channels / 4; four < fours; ++four)
      for (int64_t at = four * fourBytes; at < (four + 1) * fourBytes; at += vectorBytes) {
        bool isCut = four * 4 < channels;
        Value weights = isCut ? arith::AndIOp::create(e.b, e.load(bytes, e.at(row, at), vectorBytes), mask) : zero;
        e.store(weights, e.at(row, at), vectorBytes);
      }
  });
}

void emit(KernelOp kernel, ItemEmitter &e) {
  auto conv = cast<PackedConv2DOp>(kernel.getRoot());
  Storage storage = storageOf(kernel);
  Value data = e.data(conv.getPacked(), [&] { return store(storage, *constantBytes(conv.getPacked())); }, e.lanes);
  emitDirect(kernel, e, emitDot4, [&](const ItemPart &part) {
    // The item before this one has left the weights here, unless it was the last one of another block.
    Value isFirst = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, part.firstRow, e.number(0));
    Value isNew =
        arith::SelectOp::create(e.b, e.continues, isFirst, arith::ConstantOp::create(e.b, e.b.getBoolAttr(true)));
    auto ifOp = scf::IfOp::create(e.b, isNew, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(ifOp.thenBlock());
    emitExpansion(e, storage, e.at(data, e.mul(part.block, storage.storedBytes())), e.scratch());
    emitClearing(e, conv, storage.vectorBytes, e.scratch());
    return e.scratch();
  });
}

} // namespace

namespace n2uq {
extern const KernelFamily narrowDot = {"narrow_dot",   3,    mayRun,  plan,    packDirectDot,
                                       directDotItems, emit, scratch, nullptr, offer};
} // namespace n2uq
