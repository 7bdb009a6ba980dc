// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ModelFacts.h"
#include "n2uq/Strategy/Candidates.h"
#include "n2uq/Strategy/DeviceLayout.h"

#include <cctype>

using namespace mlir;

namespace n2uq {

func::FuncOp plannedNetwork(ModuleOp module) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  if (functions.size() != 1 || functions.front().isDeclaration() || !functions.front().getBody().hasOneBlock() ||
      functions.front().getNumArguments() != 1 || functions.front().getNumResults() != 1) {
    module.emitError() << "expects one function with one input and one output: the network";
    return nullptr;
  }
  if (!functions.front()->getAttrOfType<IntegerAttr>("n2uq.arena_bytes")) {
    functions.front().emitError() << "has no plan of its memory; run n2uq-plan-memory before";
    return nullptr;
  }
  return functions.front();
}

std::string symbolFor(KernelOp kernel) {
  std::string name = nameOf(kernel).str();
  if (name.empty())
    name = "kernel";
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

/// The kernel's strategy for people, and whether it was measured. Lanes are a CPU's.
static std::string describeStrategy(KernelOp kernel, bool isForGpu) {
  return describe(*kernel.getStrategy(), /*withLanes=*/!isForGpu) + (kernel->hasAttr(measuredName) ? " measured" : "");
}

/// Bytes of one image of a tensor in memory.
static int64_t imageBytes(Value tensor, bool isForGpu) {
  ImageShape shape(tensor.getType());
  int64_t pixel = memoryChannels(shape.channels) * elementBytes(getElementTypeOrSelf(tensor));
  if (isForGpu)
    pixel = devicePixelBytes(tensor.getType());
  return shape.height * shape.width * pixel;
}

void ModelFacts::add(KernelOp kernel, StringRef function, int64_t items, int64_t weightBytes, int64_t scratchBytes,
                     int64_t storedBytes) {
  auto string = [&](StringRef key, StringRef value) { return builder.getNamedAttr(key, builder.getStringAttr(value)); };
  bool onGpu = isForGpu(kernel);
  int64_t traffic = 0, index = kernels.size();
  llvm::SmallPtrSet<Value, 4> read;
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands())
      if ((operand.getDefiningOp<KernelOp>() || isa<BlockArgument>(operand)) && read.insert(operand).second)
        traffic += imageBytes(operand, onGpu);
  for (Value result : kernel.getResults())
    traffic += imageBytes(result, onGpu);
  SmallVector<NamedAttribute> row = {string("name", nameOf(kernel).empty() ? function : nameOf(kernel)),
                                     string("strategy", describeStrategy(kernel, onGpu)),
                                     string("function", function),
                                     number("items", items),
                                     number("macs", macsOf(kernel)),
                                     number("weight_bytes", weightBytes),
                                     number("activation_bytes", traffic),
                                     number("scratch_bytes", scratchBytes)};
  if (auto trueWidth = kernel->getAttrOfType<IntegerAttr>(trueWidthBytesName)) {
    row.push_back(number("true_width_bytes", trueWidth.getInt()));
    row.push_back(number("stored_bytes", storedBytes));
  }
  kernels.push_back(builder.getDictionaryAttr(row));

  for (auto [result, value] : llvm::enumerate(kernel.getResults())) {
    Operation *quantizer = kernel.getYielded(result).getDefiningOp();
    if (!codeBitsOf(value.getType()) || !quantizer || !givesQuantizerCodes(quantizer) || nameOf(quantizer).empty())
      continue;
    ImageShape shape(value.getType());
    BufferAttr buffer = kernel.getBuffer(result);
    codes.push_back(builder.getDictionaryAttr(
        {string("name", nameOf(quantizer)), number("kernel", index), number("bits", codeBitsOf(value.getType())),
         number("height", shape.height), number("width", shape.width), number("channels", shape.channels),
         number("offset", buffer.getOffset()), number("image", buffer.getImage()), number("origin", buffer.getOrigin()),
         number("row", buffer.getRow()), number("pixel", buffer.getPixel()),
         number("storage_bits", onGpu ? deviceBits(value.getType()) : 8)}));
  }
}

void ModelFacts::addLaunch(const Launch &launch) {
  NamedAttrList row(cast<DictionaryAttr>(kernels.back()));
  row.set("launch",
          builder.getDictionaryAttr({number("units_per_image", launch.unitsPerImage),
                                     number("units_per_block", launch.unitsPerBlock), number("grid_y", launch.gridY),
                                     number("threads", launch.threads), number("shared_bytes", launch.sharedBytes)}));
  kernels.back() = row.getDictionary(builder.getContext());
}

void ModelFacts::writeTo(ModuleOp module, func::FuncOp network, int64_t weightBytes) {
  module->setAttr("n2uq.model", builder.getDictionaryAttr({
                                    builder.getNamedAttr("arena_bytes_per_image", network->getAttr("n2uq.arena_bytes")),
                                    number("weight_bytes", weightBytes),
                                    builder.getNamedAttr("input", TypeAttr::get(network.getArgumentTypes().front())),
                                    builder.getNamedAttr("output", TypeAttr::get(network.getResultTypes().front())),
                                    builder.getNamedAttr("kernels", builder.getArrayAttr(kernels)),
                                    builder.getNamedAttr("codes", builder.getArrayAttr(codes)),
                                }));
}

} // namespace n2uq
