// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value of the IR as a plain array, as the reference sees it.
#ifndef N2UQ_REFERENCE_ARRAY_H
#define N2UQ_REFERENCE_ARRAY_H

#include "n2uq/Support/Npy.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace n2uq {

/// Dense numbers in row-major order: f32 as float, i32 as int32_t, i16 as int16_t, i8 as int8_t, codes (ui1 to ui8) as
/// uint8_t.
struct Array {
  using Data = std::variant<std::vector<float>, std::vector<int32_t>, std::vector<int8_t>, std::vector<uint8_t>,
                            std::vector<int16_t>>;

  std::vector<int64_t> shape;
  Data data;

  Array() = default;
  Array(std::vector<int64_t> shape, Data data) : shape(std::move(shape)), data(std::move(data)) {}
  /// Zeros of the element type of `type`, which isArrayType(type) allows.
  Array(std::vector<int64_t> shape, mlir::Type elementType);

  int64_t elements() const;
  template <typename T>
  const T *as() const {
    return std::get<std::vector<T>>(data).data();
  }
  template <typename T>
  T *as() {
    return std::get<std::vector<T>>(data).data();
  }
  /// NumPy's name of the element type.
  const char *dtype() const;
  const void *bytes() const;

  /// Images [first, first + count) of a batch.
  Array images(int64_t first, int64_t count) const;
};

/// Whether values of this type can be held: tensors and vectors of f32, i32, i16, i8 or codes.
bool isArrayType(mlir::Type type);

/// Bytes of one element; 0 for any other type.
int64_t arrayElementBytes(mlir::Type elementType);

/// Checks an array against a type whose first extent may be dynamic. Returns an empty string or one sentence about
/// `name`.
std::string checkArray(const Array &array, mlir::Type type, const std::string &name);

/// Takes a file's array as a value of `type`. Returns an empty string or one sentence about `name`.
std::string arrayFromNpy(NpyArray &&file, mlir::Type type, const std::string &name, Array &result);

/// Writes a .npy file. Returns an empty string or one sentence.
std::string writeNpy(const std::string &path, const Array &array);

} // namespace n2uq

#endif // N2UQ_REFERENCE_ARRAY_H
