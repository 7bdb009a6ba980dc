// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ModelFacts.h"
#include "n2uq/Codegen/Passes.h"
#include "n2uq/Strategy/ThreadEmit.h"

#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "n2uq-lower-kernels-to-gpu"

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace n2uq {
#define GEN_PASS_DEF_LOWERKERNELSTOGPUPASS
#include "n2uq/Codegen/Passes.h.inc"
} // namespace n2uq

namespace {
/// Device memory, as NVPTX numbers address spaces.
constexpr unsigned globalSpace = 1;

struct LowerKernelsToGpu final : n2uq::impl::LowerKernelsToGpuPassBase<LowerKernelsToGpu> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp network = plannedNetwork(module);
    if (!network)
      return signalPassFailure();
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto device = gpu::GPUModuleOp::create(builder, module.getLoc(), "n2uq_kernels");
    SymbolTable symbols(device);
    DeviceData data;
    ModelFacts facts(&getContext());
    for (KernelOp kernel : network.getOps<KernelOp>()) {
      if (!isForGpu(kernel)) {
        kernel.emitOpError() << "is not to be computed by a GPU; run n2uq-lower-kernels";
        return signalPassFailure();
      }
      const GpuFamily *family = findGpuFamily(kernel.getStrategy()->getKernel());
      Launch launch = family->launch(kernel);
      int64_t before = data.bytes().size();
      gpu::GPUFuncOp entry = lower(kernel, *family, launch, symbols, data);
      facts.add(kernel, entry.getName(), launch.unitsPerImage, data.bytes().size() - before);
      facts.addLaunch(launch);
    }
    facts.writeTo(module, network, data.bytes().size());
    network.erase();
    addWeights(builder, module.getLoc(), data);
  }

  gpu::GPUFuncOp lower(KernelOp kernel, const GpuFamily &family, const Launch &launch, SymbolTable &symbols,
                       DeviceData &data) {
    MLIRContext *context = &getContext();
    Type pointer = LLVM::LLVMPointerType::get(context, globalSpace), i32 = IntegerType::get(context, 32);
    ImplicitLocOpBuilder b(kernel.getLoc(), context);
    auto type = b.getFunctionType({pointer, pointer, pointer, pointer, i32}, {});
    auto entry = gpu::GPUFuncOp::create(b, symbolFor(kernel), type);
    symbols.insert(entry); // under a name of its own
    entry->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    entry.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({int32_t(launch.threads), 1, 1}));
    Block &body = entry.getBody().front();
    b.setInsertionPointToEnd(&body);
    gpu::ReturnOp::create(b);
    b.setInsertionPointToStart(&body);
    DeviceParameters parameters{body.getArgument(0), body.getArgument(1), body.getArgument(2), body.getArgument(3),
                                body.getArgument(4)};
    ThreadEmitter emitter(b, data, kernel, parameters);
    family.emit(kernel, emitter);
    return entry;
  }

  static void addWeights(OpBuilder &builder, Location loc, const DeviceData &data) {
    std::vector<char> bytes = data.bytes();
    if (bytes.empty())
      bytes.push_back(0); // a model without parameters
    int64_t size = bytes.size();
    auto attribute = DenseResourceElementsAttr::get(
        RankedTensorType::get({size}, builder.getI8Type()), "weights",
        HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64, /*dataIsMutable=*/false));
    LLVM::GlobalOp::create(builder, loc, LLVM::LLVMArrayType::get(builder.getI8Type(), size),
                           /*isConstant=*/true, LLVM::Linkage::Internal, "n2uq_weights", attribute, /*alignment=*/64);
  }
};
} // namespace
