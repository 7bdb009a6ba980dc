// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model's descriptor as LLVM constants. The field order is that of runtime/include/n2uq/model.h; sizes are checked
// against the C structs below, so that the two cannot drift apart unseen.
#include "n2uq/Support/Version.h"
#include "n2uq/Target/Target.h"
#include "n2uq/model.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DataLayout.h"

using namespace llvm;

namespace n2uq {

namespace {
struct DescriptorBuilder {
  Module &module;
  Type *pointer = PointerType::get(module.getContext(), 0);
  Type *i32 = Type::getInt32Ty(module.getContext());
  Type *i64 = Type::getInt64Ty(module.getContext());

  Constant *number(int64_t value) { return ConstantInt::get(i64, value, /*IsSigned=*/true); }
  Constant *word(int64_t value) { return ConstantInt::get(i32, value, /*IsSigned=*/true); }
  GlobalVariable *global(Constant *value, const Twine &name) {
    auto *variable =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value, name);
    variable->setAlignment(Align(8));
    return variable;
  }
  Constant *string(StringRef text) {
    auto *variable = global(ConstantDataArray::getString(module.getContext(), text), "text");
    variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  Constant *structure(ArrayRef<Constant *> fields) { return ConstantStruct::getAnon(module.getContext(), fields); }
  Constant *table(ArrayRef<Constant *> rows, const Twine &name) {
    if (rows.empty())
      return ConstantPointerNull::get(cast<PointerType>(pointer));
    return global(ConstantArray::get(ArrayType::get(rows.front()->getType(), rows.size()), rows), name);
  }

  Constant *tensor(StringRef name, mlir::Type type) {
    auto shaped = mlir::cast<mlir::ShapedType>(type);
    SmallVector<Constant *> dims;
    for (int64_t i = 0; i < 4; ++i)
      dims.push_back(number(i == 0 ? -1 : i < shaped.getRank() ? shaped.getDimSize(i) : 0));
    n2uq_dtype dtype = shaped.getElementType().isF32() ? N2UQ_FLOAT32 : N2UQ_UINT8;
    return structure(
        {string(name), word(dtype), word(shaped.getRank()), ConstantArray::get(ArrayType::get(i64, 4), dims)});
  }
};
} // namespace

std::string addDescriptor(mlir::ModuleOp mlirModule, Module &module, const TargetOptions &options) {
  auto model = mlirModule->getAttrOfType<mlir::DictionaryAttr>("n2uq.model");
  Function *run = module.getFunction("n2uq_run");
  if (!model || (!run && !options.gpu))
    return "the module describes no model; lower it with n2uq-lower-kernels";
  DescriptorBuilder b{module};
  auto number = [&](mlir::DictionaryAttr row, StringRef key) {
    return b.number(row.getAs<mlir::IntegerAttr>(key).getInt());
  };
  auto string = [&](mlir::DictionaryAttr row, StringRef key) {
    return b.string(row.getAs<mlir::StringAttr>(key).getValue());
  };

  Constant *null = ConstantPointerNull::get(cast<PointerType>(b.pointer));
  SmallVector<Constant *> kernels, codes, launches;
  for (auto row : model.getAs<mlir::ArrayAttr>("kernels").getAsRange<mlir::DictionaryAttr>()) {
    Constant *function = null;
    if (auto launch = row.getAs<mlir::DictionaryAttr>("launch")) {
      launches.push_back(
          b.structure({string(row, "function"), number(launch, "units_per_image"), number(launch, "units_per_block"),
                       number(launch, "grid_y"), number(launch, "threads"), number(launch, "shared_bytes")}));
    } else {
      function = module.getFunction(row.getAs<mlir::StringAttr>("function").getValue());
      if (!function)
        return "the module lost the function of a kernel";
    }
    kernels.push_back(b.structure({string(row, "name"), string(row, "strategy"), function, number(row, "items"),
                                   number(row, "macs"), number(row, "weight_bytes"), number(row, "activation_bytes")}));
  }
  for (auto row : model.getAs<mlir::ArrayAttr>("codes").getAsRange<mlir::DictionaryAttr>())
    codes.push_back(
        b.structure({string(row, "name"), number(row, "kernel"), number(row, "bits"), number(row, "height"),
                     number(row, "width"), number(row, "channels"), number(row, "offset"), number(row, "image"),
                     number(row, "origin"), number(row, "row"), number(row, "pixel"), number(row, "storage_bits")}));

  Constant *cuda = null;
  if (options.gpu) {
    GlobalVariable *weights = module.getNamedGlobal("n2uq_weights");
    if (!weights)
      return "the module lost the weights of its kernels";
    uint64_t bytes = module.getDataLayout().getTypeAllocSize(weights->getValueType()).getFixedValue();
    cuda = b.global(b.structure({b.string(options.ptx), b.number(options.ptx.size()), b.number(options.gpu->capability),
                                 weights, b.number(bytes), b.number(launches.size()), b.table(launches, "launches")}),
                    "cuda");
  }

  SmallVector<Constant *> labels;
  for (const std::string &label : options.labels)
    labels.push_back(b.string(label));
  Constant *pictures = null;
  if (options.pictures) {
    auto channels = [&](const float (&values)[3]) {
      return ConstantDataArray::get(module.getContext(), ArrayRef(values));
    };
    pictures = b.global(b.structure({b.number(options.pictures->resize), b.word(options.pictures->filter),
                                     channels(options.pictures->mean), channels(options.pictures->deviation)}),
                        "pictures");
  }

  Constant *descriptor = b.structure({
      b.word(N2UQ_MODEL_MAGIC),
      b.word(N2UQ_ABI_VERSION),
      b.number(sizeof(n2uq_model)),
      b.string(options.modelName),
      b.string("n2uq " N2UQ_VERSION " (LLVM " LLVM_VERSION_STRING ")"),
      b.string(options.gpu ? options.gpu->name : options.cpu.name),
      b.number(static_cast<int64_t>(options.cpu.featureBits())),
      b.tensor("input", model.getAs<mlir::TypeAttr>("input").getValue()),
      b.tensor("output", model.getAs<mlir::TypeAttr>("output").getValue()),
      number(model, "arena_bytes_per_image"),
      b.number(0),
      number(model, "weight_bytes"),
      b.number(kernels.size()),
      b.table(kernels, "kernels"),
      b.number(codes.size()),
      b.table(codes, "codes"),
      run ? run : null,
      cuda,
      b.number(labels.size()),
      b.table(labels, "labels"),
      pictures,
  });
  const DataLayout &layout = module.getDataLayout();
  auto sizeOf = [&](ArrayRef<Constant *> rows, uint64_t otherwise) {
    return rows.empty() ? otherwise : layout.getTypeAllocSize(rows.front()->getType()).getFixedValue();
  };
  if (layout.getTypeAllocSize(descriptor->getType()) != sizeof(n2uq_model) ||
      sizeOf(kernels, sizeof(n2uq_kernel)) != sizeof(n2uq_kernel) ||
      sizeOf(codes, sizeof(n2uq_codes)) != sizeof(n2uq_codes) ||
      sizeOf(launches, sizeof(n2uq_cuda_launch)) != sizeof(n2uq_cuda_launch))
    return "the descriptor does not have the layout of n2uq/model.h";
  auto *variable = new GlobalVariable(module, descriptor->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage,
                                      descriptor, options.symbol);
  variable->setAlignment(Align(8));
  return "";
}

} // namespace n2uq
