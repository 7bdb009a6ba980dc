// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;

namespace n2uq {

/// Constants of more bytes than this become resource blobs.
static constexpr size_t inlineBytes = 512;

bool hasSoundBlob(Attribute attribute) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  if (!resource)
    return true;
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  ShapedType type = resource.getType();
  if (!blob || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return false;
  int64_t bits = type.getElementTypeBitWidth();
  // i1 blobs hold a byte an element in files of some versions and a bit in others: nobody here uses them.
  if (bits % 8 != 0)
    return false;
  // A file may claim extents whose product is no number.
  int64_t bytes = bits / 8;
  for (int64_t extent : type.getShape())
    if (llvm::MulOverflow(bytes, extent, bytes))
      return false;
  return static_cast<int64_t>(blob->getData().size()) == bytes;
}

template <typename T>
static std::optional<std::vector<T>> constantElements(Value value, bool (*isElement)(Type)) {
  Attribute attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  auto elements = dyn_cast<ElementsAttr>(attribute);
  if (!elements || !isElement(elements.getElementType()) || !hasSoundBlob(attribute))
    return std::nullopt;
  size_t count = elements.getNumElements();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    std::vector<T> result(count);
    // A blob need not be aligned for T.
    std::memcpy(result.data(), resource.getRawHandle().getBlob()->getData().data(), count * sizeof(T));
    return result;
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    auto values = dense.tryGetValues<T>();
    if (succeeded(values))
      return std::vector<T>(values->begin(), values->end());
  }
  return std::nullopt;
}

std::optional<std::vector<float>> constantFloats(Value value) {
  return constantElements<float>(value, [](Type type) { return type.isF32(); });
}
std::optional<std::vector<int8_t>> constantBytes(Value value) {
  return constantElements<int8_t>(value, [](Type type) { return type.isSignlessInteger(8); });
}
std::optional<std::vector<int32_t>> constantInts(Value value) {
  return constantElements<int32_t>(value, [](Type type) { return type.isSignlessInteger(32); });
}

template <typename T>
static Value createElements(OpBuilder &builder, Location loc, Type element, ArrayRef<int64_t> shape, ArrayRef<T> data,
                            StringRef name) {
  auto type = RankedTensorType::get(shape, element);
  assert(type.getNumElements() == static_cast<int64_t>(data.size()) && "as many numbers as the shape has elements");
  ElementsAttr attribute;
  if (data.size() * sizeof(T) <= inlineBytes) {
    attribute = DenseElementsAttr::get(type, data);
  } else {
    AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
        ArrayRef<char>(reinterpret_cast<const char *>(data.data()), data.size() * sizeof(T)), 64,
        /*dataIsMutable=*/false);
    attribute = DenseResourceElementsAttr::get(type, name, std::move(blob));
  }
  return arith::ConstantOp::create(builder, loc, attribute);
}

Value createFloats(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, ArrayRef<float> data, StringRef name) {
  return createElements<float>(builder, loc, builder.getF32Type(), shape, data, name);
}
Value createBytes(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, ArrayRef<int8_t> data, StringRef name) {
  return createElements<int8_t>(builder, loc, builder.getI8Type(), shape, data, name);
}
Value createInts(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, ArrayRef<int32_t> data, StringRef name) {
  return createElements<int32_t>(builder, loc, builder.getI32Type(), shape, data, name);
}

} // namespace n2uq
