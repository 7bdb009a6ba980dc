// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses, loads, stores and loops of a work item.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Emit.h"
#include "n2uq/model.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include <cstddef>
#include <numeric>

using namespace mlir;
namespace LLVM = mlir::LLVM;

namespace n2uq {

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

FlatSymbolRefAttr Globals::find(Key key, StringRef hint, llvm::function_ref<std::vector<char>()> make) {
  FlatSymbolRefAttr &name = names[key];
  if (name)
    return name;
  std::vector<char> bytes = make();
  total += bytes.size();
  formBytes[key.first] += bytes.size();
  OpBuilder builder(symbols.getOp()->getContext());
  int64_t size = bytes.size();
  auto attribute =
      DenseResourceElementsAttr::get(RankedTensorType::get({size}, builder.getI8Type()), hint,
                                     HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64, /*dataIsMutable=*/false));
  auto global =
      LLVM::GlobalOp::create(builder, symbols.getOp()->getLoc(), LLVM::LLVMArrayType::get(builder.getI8Type(), size),
                             /*isConstant=*/true, LLVM::Linkage::Internal, hint, attribute, /*alignment=*/64);
  symbols.insert(global, symbols.getOp()->getRegion(0).front().begin()); // makes the name unique
  return name = FlatSymbolRefAttr::get(global);
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

ItemEmitter::ItemEmitter(ImplicitLocOpBuilder &builder, Globals &globals, KernelOp kernel, Value frame, Value image,
                         Value item, Value scratch, Value continues)
    : b(builder), kernel(kernel), item(item), continues(continues), lanes(kernel.getStrategy()->getLanes()),
      globals(globals), frame(frame), image(image), scratchMemory(scratch), kernelName(nameOf(kernel).str()) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  arena = frameField(pointer, offsetof(n2uq_frame, arena));
  input = frameField(pointer, offsetof(n2uq_frame, input));
  output = frameField(pointer, offsetof(n2uq_frame, output));
  batch = frameField(b.getI64Type(), offsetof(n2uq_frame, batch));
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands())
      findAccess(operand);
  for (auto [index, result] : llvm::enumerate(kernel.getResults()))
    results.push_back(inBuffer(kernel.getBuffer(index), result.getType()));
}

Value ItemEmitter::frameField(Type type, int64_t offset) { return load(type, at(frame, offset), 8); }

Access ItemEmitter::inBuffer(BufferAttr buffer, Type type) {
  Access access;
  bool inArena = buffer.getSpace() == "arena";
  access.element = getElementTypeOrSelf(type);
  access.channels = ImageShape(type).channels;
  access.channel = elementBytes(access.element);
  access.pixel = buffer.getPixel();
  access.row = buffer.getRow();
  access.wholeVectors = access.pixel >= memoryChannels(access.channels) * access.channel;
  Value offset = add(mul(batch, buffer.getOffset()), add(mul(image, buffer.getImage()), buffer.getOrigin()));
  access.base = at(inArena ? arena : output, offset);
  return access;
}

void ItemEmitter::findAccess(Value tensor) {
  if (accesses.contains(tensor) || !isa<TensorType>(tensor.getType()))
    return;
  if (auto producer = tensor.getDefiningOp<KernelOp>()) {
    accesses[tensor] = inBuffer(producer.getBuffer(cast<OpResult>(tensor).getResultNumber()), tensor.getType());
    return;
  }
  // The network's input: dense, and channels first where a to_nhwc stands before it.
  auto argument = dyn_cast<BlockArgument>(tensor);
  auto moved = tensor.getDefiningOp<ToNHWCOp>();
  if (moved)
    argument = dyn_cast<BlockArgument>(moved.getInput());
  if (!argument)
    return;
  ImageShape shape(tensor.getType());
  Access access;
  access.element = getElementTypeOrSelf(tensor);
  access.channels = shape.channels;
  int64_t pixels = shape.height * shape.width, bytes = elementBytes(access.element);
  access.channel = moved ? pixels * bytes : bytes;
  access.pixel = moved ? bytes : shape.channels * bytes;
  access.row = access.pixel * shape.width;
  access.base = at(input, mul(image, pixels * shape.channels * bytes));
  accesses[tensor] = access;
}

Access ItemEmitter::read(Value tensor) {
  assert(accesses.contains(tensor) && "n2uq-verify-strategy lets through only what can be read");
  return accesses[tensor];
}

Access ItemEmitter::written(unsigned result) { return results[result]; }

//===----------------------------------------------------------------------===//
// Numbers and addresses
//===----------------------------------------------------------------------===//

static std::optional<int64_t> constantNumber(Value value) {
  IntegerAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return attribute.getInt();
  return std::nullopt;
}

Value ItemEmitter::number(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
Value ItemEmitter::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value ItemEmitter::mul(Value x, int64_t y) { return b.createOrFold<arith::MulIOp>(x, number(y)); }
Value ItemEmitter::min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
Value ItemEmitter::max(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(x, y); }
Value ItemEmitter::divide(Value x, int64_t y) { return b.createOrFold<arith::DivUIOp>(x, number(y)); }
Value ItemEmitter::modulo(Value x, int64_t y) { return b.createOrFold<arith::RemUIOp>(x, number(y)); }

Value ItemEmitter::at(Value pointer, Value bytes) {
  if (std::optional<int64_t> known = constantNumber(bytes))
    return at(pointer, *known);
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{bytes});
}

Value ItemEmitter::at(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  // A constant index of a GEP has 32 bits.
  if (bytes != static_cast<int32_t>(bytes))
    return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{number(bytes)});
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value ItemEmitter::pixelAddress(const Access &access, Value y, Value x) {
  return at(access.base, add(mul(y, access.row), mul(x, access.pixel)));
}

Value ItemEmitter::data(Value constant, llvm::function_ref<std::vector<char>()> make, int64_t form) {
  FlatSymbolRefAttr name = globals.find({constant, form}, kernelName + ".data", make);
  return LLVM::AddressOfOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), name);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value ItemEmitter::splat(float value) { return arith::ConstantOp::create(b, DenseElementsAttr::get(floats(), value)); }
Value ItemEmitter::splat(int32_t value) { return arith::ConstantOp::create(b, DenseElementsAttr::get(ints(), value)); }
Value ItemEmitter::load(Type type, Value pointer, int64_t alignment) {
  return LLVM::LoadOp::create(b, type, pointer, alignment);
}
void ItemEmitter::store(Value value, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(b, value, pointer, alignment);
}

Value ItemEmitter::loadVector(const Access &access, Value address, Value channel) {
  Value from = at(address, mul(channel, access.channel));
  VectorType type = vector(access.element.isF32() ? access.element : b.getI8Type(), lanes);
  if (!access.wholeVectors && access.channels % channelUnit != 0) {
    Value left = arith::IndexCastOp::create(b, b.getIndexType(),
                                            arith::SubIOp::create(b, number(access.channels), channel).getResult());
    Value mask = vector::CreateMaskOp::create(b, vector(b.getI1Type(), lanes), ValueRange{left});
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return LLVM::MaskedLoadOp::create(b, type, from, mask, zero, b.getI32IntegerAttr(access.channel));
  }
  Value loaded = load(type, from, access.channel);
  return access.element.isF32() ? loaded : arith::ExtUIOp::create(b, ints(), loaded).getResult();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> ItemEmitter::loop(Value begin, Value end, ValueRange carried, LoopBody body) {
  // A loop of one turn is its body.
  std::optional<int64_t> first = constantNumber(begin), last = constantNumber(end);
  if (first && last && *last == *first + 1)
    return body(begin, carried);
  auto loop = scf::ForOp::create(b, begin, end, number(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> yielded = body(loop.getInductionVar(), loop.getRegionIterArgs());
  // Without carried values the builder has made the terminator already.
  if (!carried.empty())
    scf::YieldOp::create(b, yielded);
  return llvm::to_vector(llvm::map_range(loop.getResults(), [](OpResult result) -> Value { return result; }));
}

void ItemEmitter::loop(Value begin, Value end, std::function<void(Value)> body) {
  loop(begin, end, ValueRange(), [&](Value index, ValueRange) {
    body(index);
    return SmallVector<Value>();
  });
}

void ItemEmitter::clearBorder(Value begin, Value end, Value channel, int64_t count) {
  for (auto [index, result] : llvm::enumerate(kernel.getResults())) {
    BufferAttr buffer = kernel.getBuffer(index);
    ImageShape shape(result.getType());
    int64_t before = buffer.getOrigin() / buffer.getRow(); // rows above the image
    int64_t left = buffer.getOrigin() % buffer.getRow() / buffer.getPixel();
    int64_t columns = buffer.getRow() / buffer.getPixel();
    int64_t rows = buffer.getImage() / buffer.getRow();
    if (columns == shape.width && rows == shape.height)
      continue;
    const Access &access = results[index];
    // No store may reach behind the block: the next channels of the last block are the next pixel.
    int64_t bytes = std::gcd(count * access.channel, channelUnit);
    auto clear = [&](Value y, int64_t firstX, int64_t lastX) {
      if (firstX >= lastX)
        return;
      Value row = at(access.base, add(mul(y, access.row), mul(channel, access.channel)));
      loop(number(firstX), number(lastX), [&](Value x) {
        Value pixel = at(row, mul(x, access.pixel));
        VectorType type = vector(b.getI8Type(), bytes);
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
        for (int64_t c = 0; c < count * access.channel; c += bytes)
          store(zero, at(pixel, c), 1);
      });
    };
    loop(begin, end, [&](Value y) {
      clear(y, -left, 0);
      clear(y, shape.width, columns - left);
    });
    // The first rows of the image bring the rows above it along, the last ones those below.
    auto clearRows = [&](Value condition, int64_t firstY, int64_t lastY) {
      if (firstY >= lastY)
        return;
      auto ifOp = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(ifOp.thenBlock());
      loop(number(firstY), number(lastY), [&](Value y) { clear(y, -left, columns - left); });
    };
    clearRows(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, begin, number(0)), -before, 0);
    clearRows(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, end, number(shape.height)), shape.height,
              rows - before);
  }
}

} // namespace n2uq
