// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ModelFacts.h"
#include "n2uq/Codegen/Passes.h"
#include "n2uq/Strategy/Candidates.h"
#include "n2uq/Strategy/Emit.h"
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/model.h"

#include "mlir/IR/SymbolTable.h"
#include <cstddef>

#define DEBUG_TYPE "n2uq-lower-kernels"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace n2uq {
#define GEN_PASS_DEF_LOWERKERNELSPASS
#include "n2uq/Codegen/Passes.h.inc"
} // namespace n2uq

/// Only the descriptor is seen from outside of the library.
static void makeInternal(func::FuncOp function) {
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
}

namespace {
struct LowerKernels final : n2uq::impl::LowerKernelsPassBase<LowerKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp network = plannedNetwork(module);
    if (!network)
      return signalPassFailure();

    SymbolTable symbols(module);
    Globals globals(symbols);
    ModelFacts facts(&getContext());
    std::vector<std::pair<FlatSymbolRefAttr, int64_t>> calls; // function, items per image
    for (KernelOp kernel : network.getOps<KernelOp>()) {
      if (isForGpu(kernel)) {
        kernel.emitOpError() << "is to be computed by a GPU; run n2uq-lower-kernels-to-gpu";
        return signalPassFailure();
      }
      int64_t before = globals.totalBytes();
      func::FuncOp function = lower(kernel, symbols, globals);
      const KernelFamily *family = findFamily(kernel.getStrategy()->getKernel());
      int64_t items = family->items(kernel);
      calls.push_back({FlatSymbolRefAttr::get(function), items});
      int64_t scratchBytes = family->scratch ? family->scratch(kernel) : 0;
      // Where its true width is known, the second operand is the weights.
      int64_t storedBytes = 0;
      if (kernel->hasAttr(trueWidthBytesName))
        for (Operation *root : kernel.getRoots())
          storedBytes += globals.bytesOf(root->getOperand(1));
      facts.add(kernel, function.getName(), items, globals.totalBytes() - before, scratchBytes, storedBytes);
    }
    makeRun(module, calls);

    facts.writeTo(module, network, globals.totalBytes());
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
