// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the extensions of the Python package share: arrays in, arrays out, and errors as n2uq.Error.
#ifndef N2UQ_PYTHON_EXTENSION_COMMON_H
#define N2UQ_PYTHON_EXTENSION_COMMON_H

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace n2uq::python {

namespace nb = nanobind;

/// A dense array in the CPU's memory that is only read, or that is written to, of any type. Nothing is ever copied:
/// arguments are declared `noconvert`.
using Input = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Output = nb::ndarray<nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<nb::numpy, uint8_t, nb::c_contig>;

/// Raises n2uq.Error with this sentence.
[[noreturn]] inline void fail(const std::string &sentence) {
  nb::object type = nb::module_::import_("n2uq.errors").attr("Error");
  PyErr_SetObject(type.ptr(), nb::str(sentence.data(), sentence.size()).ptr());
  throw nb::python_error();
}

/// The path that os.fsencode() made.
inline const char *pathOf(const nb::bytes &path) {
  if (std::string(path.c_str()).size() != path.size())
    fail("a path cannot have a zero byte in it");
  return path.c_str();
}

/// A numpy array that owns these bytes.
inline Bytes toNumpy(std::unique_ptr<uint8_t[]> bytes, std::vector<size_t> shape) {
  uint8_t *data = bytes.release();
  nb::capsule owner(data, [](void *pointer) noexcept { delete[] static_cast<uint8_t *>(pointer); });
  return Bytes(data, shape.size(), shape.data(), owner);
}

} // namespace n2uq::python

#endif // N2UQ_PYTHON_EXTENSION_COMMON_H
