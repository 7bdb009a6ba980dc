// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Codegen/Passes.h"
#include "n2uq/Strategy/Candidates.h"
#include "n2uq/Strategy/Emit.h"
#include "n2uq/Strategy/Family.h"
#include "n2uq/model.h"

#include "mlir/IR/SymbolTable.h"
#include <cctype>
#include <cstddef>

#define DEBUG_TYPE "n2uq-lower-kernels"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace n2uq {
#define GEN_PASS_DEF_LOWERKERNELSPASS
#include "n2uq/Codegen/Passes.h.inc"
} // namespace n2uq

/// A kernel's name as a symbol: "layer1.0.conv1" becomes "layer1_0_conv1".
static std::string symbolFor(KernelOp kernel) {
  std::string name = nameOf(kernel).str();
  if (name.empty())
    name = "kernel";
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

/// Only the descriptor is seen from outside of the library.
static void makeInternal(func::FuncOp function) {
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
}

/// The kernel's strategy for people, and whether it was measured.
static std::string describeStrategy(KernelOp kernel) {
  return describe(*kernel.getStrategy()) + (kernel->hasAttr(measuredName) ? " measured" : "");
}

namespace {
/// What the descriptor says about the model, gathered on the way and left on the module.
struct ModelFacts {
  SmallVector<Attribute> kernels, codes;
};

struct LowerKernels final : n2uq::impl::LowerKernelsPassBase<LowerKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
    if (functions.size() != 1 || functions.front().isDeclaration() || !functions.front().getBody().hasOneBlock() ||
        functions.front().getNumArguments() != 1 || functions.front().getNumResults() != 1) {
      module.emitError() << "expects one function with one input and one output: the network";
      return signalPassFailure();
    }
    func::FuncOp network = functions.front();
    auto arena = network->getAttrOfType<IntegerAttr>("n2uq.arena_bytes");
    if (!arena) {
      network.emitError() << "has no plan of its memory; run n2uq-plan-memory before";
      return signalPassFailure();
    }

    OpBuilder builder(&getContext());
    SymbolTable symbols(module);
    Globals globals(symbols);
    ModelFacts facts;
    std::vector<std::pair<FlatSymbolRefAttr, int64_t>> calls; // function, items per image
    for (auto [index, kernel] : llvm::enumerate(network.getOps<KernelOp>())) {
      int64_t before = globals.totalBytes();
      func::FuncOp function = lower(kernel, symbols, globals);
      int64_t items = findFamily(kernel.getStrategy()->getKernel())->items(kernel);
      calls.push_back({FlatSymbolRefAttr::get(function), items});
      describe(builder, kernel, index, function, items, globals, globals.totalBytes() - before, facts);
    }
    makeRun(module, calls);

    auto number = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
    module->setAttr("n2uq.model", builder.getDictionaryAttr({
                                      builder.getNamedAttr("arena_bytes_per_image", arena),
                                      builder.getNamedAttr("weight_bytes", number(globals.totalBytes())),
                                      builder.getNamedAttr("input", TypeAttr::get(network.getArgumentTypes().front())),
                                      builder.getNamedAttr("output", TypeAttr::get(network.getResultTypes().front())),
                                      builder.getNamedAttr("kernels", builder.getArrayAttr(facts.kernels)),
                                      builder.getNamedAttr("codes", builder.getArrayAttr(facts.codes)),
                                  }));
    network.erase();
  }

  /// func @layer(frame, begin, end): for every item in [begin, end), what the family emits.
  func::FuncOp lower(KernelOp kernel, SymbolTable &symbols, Globals &globals) {
    MLIRContext *context = &getContext();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    ImplicitLocOpBuilder b(kernel.getLoc(), context);
    auto function = func::FuncOp::create(b, symbolFor(kernel), b.getFunctionType({pointer, i64, i64}, {}));
    symbols.insert(function); // at the module's end, under a name of its own
    makeInternal(function);
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    const KernelFamily *family = findFamily(kernel.getStrategy()->getKernel());
    Value perImage = arith::ConstantOp::create(b, b.getI64IntegerAttr(family->items(kernel)));
    Value one = arith::ConstantOp::create(b, b.getI64IntegerAttr(1));
    int64_t scratchBytes = family->scratch ? family->scratch(kernel) : 0;
    Value scratch = scratchBytes > 0 ? makeScratch(b, scratchBytes) : Value();
    auto loop = scf::ForOp::create(b, entry->getArgument(1), entry->getArgument(2), one);
    func::ReturnOp::create(b);
    b.setInsertionPointToStart(loop.getBody());
    Value image = arith::DivUIOp::create(b, loop.getInductionVar(), perImage);
    Value item = arith::RemUIOp::create(b, loop.getInductionVar(), perImage);
    Value isLater = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, loop.getInductionVar(), entry->getArgument(1));
    Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
    Value isInside = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, item, zero);
    Value continues = arith::AndIOp::create(b, isLater, isInside);
    ItemEmitter emitter(b, globals, kernel, entry->getArgument(0), image, item, scratch, continues);
    family->emit(kernel, emitter);
    return function;
  }

  /// Memory of the function's own, once for all items. It may be larger than the guard page below a stack; touching its
  /// pages in order makes an overflow a fault and not a write into another's memory.
  static Value makeScratch(ImplicitLocOpBuilder &b, int64_t bytes) {
    auto function = cast<func::FuncOp>(b.getInsertionBlock()->getParentOp());
    Attribute probes = b.getStrArrayAttr({"probe-stack", "inline-asm"});
    // Inlined into the run, every kernel's scratch would stand on the stack at once.
    function->setAttr("passthrough", b.getArrayAttr({b.getStringAttr("noinline"), probes}));
    Value count = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(bytes));
    return LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), b.getI8Type(), count,
                                  /*alignment=*/64);
  }

  void describe(OpBuilder &builder, KernelOp kernel, int64_t index, func::FuncOp function, int64_t items,
                const Globals &globals, int64_t newBytes, ModelFacts &facts) {
    auto number = [&](StringRef key, int64_t value) {
      return builder.getNamedAttr(key, builder.getI64IntegerAttr(value));
    };
    auto string = [&](StringRef key, StringRef value) {
      return builder.getNamedAttr(key, builder.getStringAttr(value));
    };
    int64_t traffic = 0;
    auto count = [&](Value tensor) {
      ImageShape shape(tensor.getType());
      traffic +=
          shape.height * shape.width * memoryChannels(shape.channels) * elementBytes(getElementTypeOrSelf(tensor));
    };
    llvm::SmallPtrSet<Value, 4> read;
    for (Operation &op : kernel.getBody().front())
      for (Value operand : op.getOperands())
        if ((operand.getDefiningOp<KernelOp>() || isa<BlockArgument>(operand)) && read.insert(operand).second)
          count(operand);
    for (Value result : kernel.getResults())
      count(result);
    const KernelFamily *family = findFamily(kernel.getStrategy()->getKernel());
    SmallVector<NamedAttribute> row = {
        string("name", nameOf(kernel).empty() ? StringRef(function.getName()) : nameOf(kernel)),
        string("strategy", describeStrategy(kernel)),
        string("function", function.getName()),
        number("items", items),
        number("macs", macsOf(kernel)),
        number("weight_bytes", newBytes),
        number("activation_bytes", traffic),
        number("scratch_bytes", family->scratch ? family->scratch(kernel) : 0)};
    if (auto trueWidth = kernel->getAttrOfType<IntegerAttr>(trueWidthBytesName)) {
      row.push_back(number("true_width_bytes", trueWidth.getInt()));
      row.push_back(number("stored_bytes", globals.bytesOf(kernel.getRoot()->getOperand(1))));
    }
    facts.kernels.push_back(builder.getDictionaryAttr(row));

    for (auto [result, value] : llvm::enumerate(kernel.getResults())) {
      Operation *quantizer = kernel.getYielded(result).getDefiningOp();
      if (!codeBitsOf(value.getType()) || !quantizer || !givesQuantizerCodes(quantizer) || nameOf(quantizer).empty())
        continue;
      ImageShape shape(value.getType());
      BufferAttr buffer = kernel.getBuffer(result);
      facts.codes.push_back(builder.getDictionaryAttr(
          {string("name", nameOf(quantizer)), number("kernel", index), number("bits", codeBitsOf(value.getType())),
           number("height", shape.height), number("width", shape.width), number("channels", shape.channels),
           number("offset", buffer.getOffset()), number("image", buffer.getImage()),
           number("origin", buffer.getOrigin()), number("row", buffer.getRow()), number("pixel", buffer.getPixel())}));
    }
  }

  /// llvm.func @n2uq_run(frame, parallel_for, context): the kernels in order.
  void makeRun(ModuleOp module, ArrayRef<std::pair<FlatSymbolRefAttr, int64_t>> calls) {
    MLIRContext *context = &getContext();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    ImplicitLocOpBuilder b(module.getLoc(), context);
    b.setInsertionPointToEnd(module.getBody());
    auto function = func::FuncOp::create(b, "n2uq_run", b.getFunctionType({pointer, pointer, pointer}, {}));
    makeInternal(function);
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    Value frame = entry->getArgument(0), parallelFor = entry->getArgument(1), parallelContext = entry->getArgument(2);
    Value batchAddress = LLVM::GEPOp::create(b, pointer, b.getI8Type(), frame,
                                             ArrayRef<LLVM::GEPArg>{int32_t(offsetof(n2uq_frame, batch))});
    Value batch = LLVM::LoadOp::create(b, i64, batchAddress, 8);
    Value null = LLVM::ZeroOp::create(b, pointer);
    Value alone = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, parallelFor, null);
    Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
    auto ifOp = scf::IfOp::create(b, alone, /*withElseRegion=*/true);
    func::ReturnOp::create(b);
    auto signature = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, i64, pointer, pointer});
    for (auto [name, items] : calls) {
      b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
      Value count = arith::MulIOp::create(b, batch, arith::ConstantOp::create(b, b.getI64IntegerAttr(items)));
      func::CallOp::create(b, name, TypeRange(), ValueRange{frame, zero, count});
      b.setInsertionPoint(ifOp.elseBlock()->getTerminator());
      count = arith::MulIOp::create(b, batch, arith::ConstantOp::create(b, b.getI64IntegerAttr(items)));
      Value body = func::ConstantOp::create(b, b.getFunctionType({pointer, i64, i64}, {}), name);
      Value address = UnrealizedConversionCastOp::create(b, pointer, body).getResult(0);
      LLVM::CallOp::create(b, signature, ValueRange{parallelFor, parallelContext, count, address, frame});
    }
  }
};
} // namespace
