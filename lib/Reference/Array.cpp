// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Reference/Array.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include <cstring>

using namespace mlir;

namespace n2uq {

int64_t arrayElementBytes(Type element) {
  if (element.isF32() || element.isSignlessInteger(32))
    return 4;
  if (element.isSignlessInteger(16))
    return 2;
  if (element.isSignlessInteger(8))
    return 1;
  int64_t bits = codeBitsOf(element);
  return bits >= 1 && bits <= 8 ? 1 : 0;
}

bool isArrayType(Type type) {
  if (auto vector = dyn_cast<VectorType>(type); vector && vector.isScalable())
    return false;
  return isa<RankedTensorType, VectorType>(type) && arrayElementBytes(cast<ShapedType>(type).getElementType()) != 0;
}

static Array::Data zeros(Type element, int64_t count) {
  if (element.isF32())
    return std::vector<float>(count);
  if (element.isSignlessInteger(32))
    return std::vector<int32_t>(count);
  if (element.isSignlessInteger(16))
    return std::vector<int16_t>(count);
  if (element.isSignlessInteger(8))
    return std::vector<int8_t>(count);
  return std::vector<uint8_t>(count);
}

static int64_t product(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

Array::Array(std::vector<int64_t> extents, Type elementType)
    : shape(std::move(extents)), data(zeros(elementType, product(shape))) {}

int64_t Array::elements() const { return product(shape); }

const char *Array::dtype() const {
  static constexpr const char *names[] = {"<f4", "<i4", "|i1", "|u1", "<i2"};
  return names[data.index()];
}

const void *Array::bytes() const {
  return std::visit([](const auto &numbers) { return static_cast<const void *>(numbers.data()); }, data);
}

Array Array::images(int64_t first, int64_t count) const {
  std::vector<int64_t> part = shape;
  part[0] = count;
  int64_t perImage = product(part) / std::max<int64_t>(count, 1);
  return std::visit(
      [&](const auto &numbers) {
        auto begin = numbers.begin() + first * perImage;
        return Array(std::move(part), std::decay_t<decltype(numbers)>(begin, begin + count * perImage));
      },
      data);
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + (ShapedType::isDynamic(shape[i]) ? std::string("N") : std::to_string(shape[i]));
  return text + "]";
}

static const char *dtypeOf(Type element) {
  if (element.isF32())
    return "<f4";
  if (element.isSignlessInteger(32))
    return "<i4";
  if (element.isSignlessInteger(16))
    return "<i2";
  return element.isSignlessInteger(8) ? "|i1" : "|u1";
}

static const char *dtypeName(const std::string &dtype) {
  if (dtype == "<f4")
    return "float32";
  if (dtype == "<i4")
    return "int32";
  if (dtype == "<i2")
    return "int16";
  if (dtype == "|i1")
    return "int8";
  return dtype == "|u1" ? "uint8" : "int64";
}

/// The part of the check that needs no data.
static std::string checkForm(const std::string &dtype, ArrayRef<int64_t> shape, ShapedType type,
                             const std::string &name) {
  const char *expected = dtypeOf(type.getElementType());
  if (dtype != expected)
    return name + " holds " + dtypeName(dtype) + " numbers, but the model takes " + dtypeName(expected);
  ArrayRef<int64_t> wanted = type.getShape();
  bool same = shape.size() == wanted.size();
  for (size_t i = 0; same && i < shape.size(); ++i)
    same = ShapedType::isDynamic(wanted[i]) ? shape[i] > 0 : shape[i] == wanted[i];
  if (!same)
    return name + " has shape " + shapeText(shape) + ", but the model takes " + shapeText(wanted) +
           (type.hasStaticShape() ? "" : " with N at least 1");
  return "";
}

std::string checkArray(const Array &array, Type type, const std::string &name) {
  auto shaped = cast<ShapedType>(type);
  if (std::string error = checkForm(array.dtype(), array.shape, shaped, name); !error.empty())
    return error;
  size_t held = std::visit([](const auto &numbers) { return numbers.size(); }, array.data);
  if (held != static_cast<size_t>(array.elements()))
    return name + " holds " + std::to_string(held) + " numbers, but its shape says " + std::to_string(array.elements());
  if (int64_t bits = codeBitsOf(type); bits != 0 && bits < 8)
    for (uint8_t code : std::get<std::vector<uint8_t>>(array.data))
      if (code >> bits)
        return name + " holds the code " + std::to_string(code) + ", but codes of " + std::to_string(bits) +
               " bits are at most " + std::to_string((1 << bits) - 1);
  return "";
}

std::string arrayFromNpy(NpyArray &&file, Type type, const std::string &name, Array &result) {
  auto shaped = cast<ShapedType>(type);
  if (std::string error = checkForm(file.dtype, file.shape, shaped, name); !error.empty())
    return error;
  result.shape = file.shape;
  result.data = zeros(shaped.getElementType(), file.elements());
  std::visit([&](auto &numbers) { std::memcpy(numbers.data(), file.data.data(), file.data.size()); }, result.data);
  return checkArray(result, type, name);
}

std::string writeNpy(const std::string &path, const Array &array) {
  return writeNpy(path, array.dtype(), array.shape, array.bytes());
}

} // namespace n2uq
