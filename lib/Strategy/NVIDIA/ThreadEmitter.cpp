// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses, loads, stores and control flow of a thread.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/ThreadEmit.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
namespace LLVM = mlir::LLVM;

namespace n2uq {

int64_t DeviceData::find(Value constant, int64_t form, llvm::function_ref<std::vector<char>()> make) {
  auto [place, isNew] = places.try_emplace({constant, form}, 0);
  if (isNew) {
    std::vector<char> bytes = make();
    data.resize(roundUp(data.size(), 64));
    place->second = data.size();
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  return place->second;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

ThreadEmitter::ThreadEmitter(ImplicitLocOpBuilder &builder, DeviceData &data, KernelOp kernel,
                             DeviceParameters parameters)
    : b(builder), kernel(kernel), parameters(parameters), constants(data) {
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands())
      findAccess(operand);
  for (auto [index, result] : llvm::enumerate(kernel.getResults()))
    results.push_back(inBuffer(kernel.getBuffer(index), result.getType()));
}

DeviceAccess ThreadEmitter::inBuffer(BufferAttr buffer, Type type) {
  DeviceAccess access;
  bool inArena = buffer.getSpace() == "arena";
  access.isFloat = getElementTypeOrSelf(type).isF32();
  access.channels = ImageShape(type).channels;
  access.bits = inArena ? deviceBits(type) : access.isFloat ? 32 : 8;
  access.channelBits = access.bits;
  access.room = inArena ? deviceChannels(type) : access.channels;
  access.isDense = !inArena;
  access.image = buffer.getImage();
  access.row = buffer.getRow();
  access.pixel = buffer.getPixel();
  access.base = inArena ? parameters.arena : parameters.output;
  if (inArena && buffer.getOffset() != 0) {
    Value batch = arith::ExtUIOp::create(b, b.getI64Type(), parameters.batch);
    Value offset = arith::ConstantOp::create(b, b.getI64IntegerAttr(buffer.getOffset()));
    access.base = at(access.base, arith::MulIOp::create(b, batch, offset).getResult());
  }
  return access;
}

void ThreadEmitter::findAccess(Value tensor) {
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
  DeviceAccess access;
  access.isFloat = getElementTypeOrSelf(tensor).isF32();
  access.channels = access.room = shape.channels;
  access.isDense = true;
  access.bits = access.isFloat ? 32 : 8;
  int64_t pixels = shape.height * shape.width, bytes = access.bits / 8;
  access.channelBits = moved ? pixels * access.bits : access.bits;
  access.pixel = moved ? bytes : shape.channels * bytes;
  access.row = access.pixel * shape.width;
  access.image = pixels * shape.channels * bytes;
  access.base = parameters.input;
  accesses[tensor] = access;
}

DeviceAccess ThreadEmitter::read(Value tensor) {
  assert(accesses.contains(tensor) && "n2uq-verify-strategy lets through only what can be read");
  return accesses[tensor];
}

Value ThreadEmitter::data(Value constant, int64_t form, llvm::function_ref<std::vector<char>()> make) {
  return at(parameters.weights, constants.find(constant, form, make));
}

//===----------------------------------------------------------------------===//
// Numbers and addresses
//===----------------------------------------------------------------------===//

Value ThreadEmitter::number(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}
Value ThreadEmitter::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value ThreadEmitter::mul(Value x, int64_t y) { return b.createOrFold<arith::MulIOp>(x, number(y)); }
Value ThreadEmitter::divide(Value x, int64_t y) { return b.createOrFold<arith::DivUIOp>(x, number(y)); }
Value ThreadEmitter::modulo(Value x, int64_t y) { return b.createOrFold<arith::RemUIOp>(x, number(y)); }
Value ThreadEmitter::isLess(Value x, Value y) { return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y); }
Value ThreadEmitter::isBelow(Value x, int64_t y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, x, number(y));
}
Value ThreadEmitter::both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(x, y); }
Value ThreadEmitter::shiftRight(Value x, int64_t bits) { return b.createOrFold<arith::ShRUIOp>(x, number(bits)); }
Value ThreadEmitter::mask(Value x, uint32_t bits) { return b.createOrFold<arith::AndIOp>(x, number(bits)); }
Value ThreadEmitter::real(float value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }

Value ThreadEmitter::at(Value pointer, Value index) {
  if (index.getType().isInteger(32))
    index = b.createOrFold<arith::ExtSIOp>(b.getI64Type(), index);
  IntegerAttr known;
  if (matchPattern(index, m_Constant(&known)))
    return at(pointer, known.getInt());
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{index});
}

Value ThreadEmitter::at(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  LLVM::GEPArg index = static_cast<int32_t>(bytes);
  // A constant index of a GEP has 32 bits.
  if (bytes != static_cast<int32_t>(bytes))
    index = arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes)).getResult();
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{index});
}

Value ThreadEmitter::pixelAddress(const DeviceAccess &access, Value image, Value y, Value x) {
  // An image may have more than 2^31 bytes, and a batch often has.
  auto scaled = [&](Value index, int64_t bytes) {
    Value wide = b.createOrFold<arith::ExtSIOp>(b.getI64Type(), index);
    Value factor = arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
    return b.createOrFold<arith::MulIOp>(wide, factor);
  };
  return at(access.base, add(scaled(image, access.image), add(scaled(y, access.row), scaled(x, access.pixel))));
}

static Value toI32(ImplicitLocOpBuilder &b, Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}
Value ThreadEmitter::threadIndex() { return toI32(b, gpu::ThreadIdOp::create(b, gpu::Dimension::x)); }
Value ThreadEmitter::blockIndex() { return toI32(b, gpu::BlockIdOp::create(b, gpu::Dimension::x)); }
Value ThreadEmitter::blockRow() { return toI32(b, gpu::BlockIdOp::create(b, gpu::Dimension::y)); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value ThreadEmitter::load(Type type, Value pointer, int64_t alignment, bool isConstant) {
  return LLVM::LoadOp::create(b, type, pointer, alignment, /*isVolatile=*/false, /*isNonTemporal=*/false,
                              /*isInvariant=*/isConstant);
}

void ThreadEmitter::store(Value value, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(b, value, pointer, alignment);
}

Value ThreadEmitter::sharedMemory() {
  constexpr unsigned sharedSpace = 3;
  static constexpr llvm::StringLiteral name = "n2uq_shared";
  auto device = b.getInsertionBlock()->getParent()->getParentOfType<gpu::GPUModuleOp>();
  if (!SymbolTable::lookupSymbolIn(device, name)) {
    OpBuilder builder = OpBuilder::atBlockBegin(device.getBody());
    LLVM::GlobalOp::create(builder, device.getLoc(), LLVM::LLVMArrayType::get(builder.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name, Attribute(), /*alignment=*/16,
                           sharedSpace);
  }
  return LLVM::AddressOfOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), sharedSpace), name);
}

void ThreadEmitter::barrier() { gpu::BarrierOp::create(b); }

SmallVector<Value> ThreadEmitter::loadWords(Type element, Value pointer, int64_t count, bool isConstant) {
  SmallVector<Value> words;
  int64_t step = count % 4 == 0 ? 4 : count % 2 == 0 ? 2 : 1;
  for (int64_t i = 0; i < count; i += step) {
    Type type = step == 1 ? element : VectorType::get({step}, element);
    Value loaded = load(type, at(pointer, i * 4), step * 4, isConstant);
    for (int64_t j = 0; j < step; ++j)
      words.push_back(step == 1 ? loaded : LLVM::ExtractElementOp::create(b, loaded, number(j)).getResult());
  }
  return words;
}

void ThreadEmitter::storeWords(ArrayRef<Value> words, Value pointer) {
  int64_t count = words.size(), step = count % 4 == 0 ? 4 : count % 2 == 0 ? 2 : 1;
  for (int64_t i = 0; i < count; i += step) {
    Value stored = words[i];
    if (step > 1) {
      stored = LLVM::PoisonOp::create(b, VectorType::get({step}, words[i].getType()));
      for (int64_t j = 0; j < step; ++j)
        stored = LLVM::InsertElementOp::create(b, stored, words[i + j], number(j));
    }
    store(stored, at(pointer, i * 4), step * 4);
  }
}

Value ThreadEmitter::intrinsic(StringRef name, Type result, ValueRange operands) {
  if (result)
    return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name), operands).getResult(0);
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr(name), operands);
  return Value();
}

Value ThreadEmitter::fma(Value x, Value y, Value z) { return LLVM::FMAOp::create(b, x, y, z); }

Value ThreadEmitter::dot4(Value codes, Value weights, Value acc) {
  return intrinsic("llvm.nvvm.idp4a.u.s", b.getI32Type(), {codes, weights, acc});
}

Value ThreadEmitter::loadElement(const DeviceAccess &access, Value pixel, Value channel) {
  if (access.isFloat)
    return load(b.getF32Type(), at(pixel, mul(channel, access.channelBits / 8)), 4);
  if (access.bits == 8)
    return arith::ExtUIOp::create(b, b.getI32Type(),
                                  load(b.getI8Type(), at(pixel, mul(channel, access.channelBits / 8)), 1));
  int64_t perByte = 8 / access.bits;
  Value byte = arith::ExtUIOp::create(b, b.getI32Type(), load(b.getI8Type(), at(pixel, divide(channel, perByte)), 1));
  Value shift = mul(modulo(channel, perByte), access.bits);
  return mask(arith::ShRUIOp::create(b, byte, shift), (1u << access.bits) - 1);
}

Channels ThreadEmitter::loadChannels(const DeviceAccess &access, Value pixel, Value channel, int64_t count) {
  Channels values;
  if (access.isDense || count * access.bits < 8) {
    // Elements for themselves; of those behind the last one, the last one in their place.
    for (int64_t i = 0; i < count; ++i) {
      Value c = add(channel, i);
      if (access.channels % count != 0)
        c = arith::MinSIOp::create(b, c, number(access.channels - 1));
      values.push_back(loadElement(access, pixel, c));
    }
    return values;
  }
  if (access.isFloat)
    return loadWords(b.getF32Type(), at(pixel, mul(channel, 4)), count, /*isConstant=*/false);
  int64_t total = count * access.bits;
  Value from = at(pixel, mul(divide(channel, count), total / 8));
  SmallVector<Value> words;
  if (total >= 32)
    words = loadWords(b.getI32Type(), from, total / 32, /*isConstant=*/false);
  else
    words = {arith::ExtUIOp::create(b, b.getI32Type(), load(b.getIntegerType(total), from, total / 8))};
  int64_t perWord = std::min<int64_t>(32, total) / access.bits;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(mask(shiftRight(words[i / perWord], i % perWord * access.bits), (1u << access.bits) - 1));
  return values;
}

void ThreadEmitter::storeChannels(const DeviceAccess &access, Value pixel, Value channel, Channels values) {
  int64_t count = values.size();
  if (access.isDense) {
    // No element behind the last channel may be touched.
    for (int64_t i = 0; i < count; ++i) {
      Value c = add(channel, i);
      auto put = [&] {
        Value value = access.isFloat ? values[i] : arith::TruncIOp::create(b, b.getI8Type(), values[i]).getResult();
        store(value, at(pixel, mul(c, access.bits / 8)), access.bits / 8);
      };
      if (access.channels % count == 0)
        put();
      else
        when(isLess(c, access.channels), put);
    }
    return;
  }
  if (access.isFloat)
    return storeWords(values, at(pixel, mul(channel, 4)));
  int64_t total = count * access.bits;
  assert(total % 8 == 0 && "a thread writes whole bytes");
  SmallVector<Value> words((total + 31) / 32);
  int64_t perWord = std::min<int64_t>(32, total) / access.bits;
  for (int64_t i = 0; i < count; ++i) {
    Value code = values[i];
    if (access.channels % count != 0)
      code = arith::SelectOp::create(b, isLess(add(channel, i), access.channels), code, number(0));
    Value &word = words[i / perWord];
    int64_t shift = i % perWord * access.bits;
    if (shift != 0)
      code = arith::ShLIOp::create(b, code, number(shift));
    word = word ? arith::OrIOp::create(b, word, code).getResult() : code;
  }
  Value to = at(pixel, mul(divide(channel, count), total / 8));
  if (total >= 32)
    return storeWords(words, to);
  store(arith::TruncIOp::create(b, b.getIntegerType(total), words[0]), to, total / 8);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

SmallVector<Value> ThreadEmitter::loop(Value begin, Value end, ValueRange carried, LoopBody body) {
  IntegerAttr first, last;
  if (matchPattern(begin, m_Constant(&first)) && matchPattern(end, m_Constant(&last)) &&
      last.getInt() == first.getInt() + 1)
    return body(begin, carried); // a loop of one turn is its body
  auto loop = scf::ForOp::create(b, begin, end, number(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> yielded = body(loop.getInductionVar(), loop.getRegionIterArgs());
  // Without carried values the builder has made the terminator already.
  if (!carried.empty())
    scf::YieldOp::create(b, yielded);
  return llvm::to_vector(llvm::map_range(loop.getResults(), [](OpResult result) -> Value { return result; }));
}

SmallVector<Value> ThreadEmitter::when(Value condition, std::function<SmallVector<Value>()> then,
                                       ValueRange otherwise) {
  auto ifOp = scf::IfOp::create(b, otherwise.getTypes(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(ifOp.thenBlock());
  scf::YieldOp::create(b, then());
  b.setInsertionPointToStart(ifOp.elseBlock());
  scf::YieldOp::create(b, otherwise);
  return llvm::to_vector(llvm::map_range(ifOp.getResults(), [](OpResult result) -> Value { return result; }));
}

void ThreadEmitter::when(Value condition, std::function<void()> then, std::function<void()> otherwise) {
  auto ifOp = scf::IfOp::create(b, condition, /*withElseRegion=*/otherwise != nullptr);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(ifOp.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(ifOp.elseBlock());
    otherwise();
  }
}

} // namespace n2uq
