// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/Npy.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace n2uq {

/// No array of more bytes is read; a header that claims more is damaged or hostile.
static constexpr int64_t maxBytes = int64_t(1) << 36;

int64_t NpyArray::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t NpyArray::elementBytes(const std::string &dtype) {
  if (dtype == "<f4" || dtype == "<i4")
    return 4;
  if (dtype == "<i2")
    return 2;
  if (dtype == "|u1" || dtype == "|i1")
    return 1;
  if (dtype == "<i8")
    return 8;
  return 0;
}

namespace {
using File = std::unique_ptr<FILE, int (*)(FILE *)>;

/// Reads the one Python dict literal that a header is: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderParser {
public:
  explicit HeaderParser(const std::string &text) : text(text) {}

  bool parse(std::string &dtype, bool &fortranOrder, std::vector<int64_t> &shape) {
    bool haveDtype = false, haveOrder = false, haveShape = false;
    if (!take('{'))
      return false;
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return false;
      if (key == "descr" && !haveDtype)
        haveDtype = string(dtype);
      else if (key == "fortran_order" && !haveOrder)
        haveOrder = boolean(fortranOrder);
      else if (key == "shape" && !haveShape)
        haveShape = tuple(shape);
      else
        return false;
      if (!take(',') && !peek('}'))
        return false;
    }
    skip();
    return haveDtype && haveOrder && haveShape && at == text.size();
  }

private:
  void skip() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  bool peek(char c) {
    skip();
    return at < text.size() && text[at] == c;
  }
  bool take(char c) { return peek(c) && ++at; }
  bool string(std::string &result) {
    skip();
    if (at >= text.size() || (text[at] != '\'' && text[at] != '"'))
      return false;
    char quote = text[at++];
    size_t end = text.find(quote, at);
    if (end == std::string::npos)
      return false;
    result = text.substr(at, end - at);
    at = end + 1;
    return true;
  }
  bool boolean(bool &result) {
    skip();
    for (bool value : {false, true}) {
      const char *word = value ? "True" : "False";
      if (text.compare(at, std::strlen(word), word) == 0) {
        at += std::strlen(word);
        result = value;
        return true;
      }
    }
    return false;
  }
  bool tuple(std::vector<int64_t> &result) {
    if (!take('('))
      return false;
    while (!take(')')) {
      skip();
      int64_t number = 0;
      size_t start = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        number = number * 10 + (text[at] - '0');
        if (number > maxBytes)
          return false;
      }
      if (at == start || result.size() >= 32)
        return false;
      result.push_back(number);
      if (!take(',') && !peek(')'))
        return false;
    }
    return true;
  }

  const std::string &text;
  size_t at = 0;
};
} // namespace

std::string readNpy(const std::string &path, NpyArray &array) {
  File file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file)
    return "cannot open '" + path + "': " + std::strerror(errno);
  auto bad = [&](const std::string &what) { return "'" + path + "' is not a NumPy array that can be read: " + what; };

  uint8_t start[12];
  if (std::fread(start, 1, 10, file.get()) != 10 || std::memcmp(start, "\x93NUMPY", 6) != 0)
    return bad("it does not start as a .npy file does");
  size_t headerBytes = start[8] | start[9] << 8;
  if (start[6] == 2 || start[6] == 3) {
    if (std::fread(start + 10, 1, 2, file.get()) != 2)
      return bad("its header is cut off");
    headerBytes |= size_t(start[10]) << 16 | size_t(start[11]) << 24;
  } else if (start[6] != 1) {
    return bad("its format version " + std::to_string(start[6]) + " is not known");
  }
  if (headerBytes > 1 << 16)
    return bad("its header is too long");
  std::string header(headerBytes, '\0');
  if (std::fread(header.data(), 1, headerBytes, file.get()) != headerBytes)
    return bad("its header is cut off");

  NpyArray result;
  bool fortranOrder = false;
  if (!HeaderParser(header).parse(result.dtype, fortranOrder, result.shape))
    return bad("its header is damaged");
  if (fortranOrder)
    return bad("it is in Fortran order; save numpy.ascontiguousarray of it");
  int64_t bytes = NpyArray::elementBytes(result.dtype);
  if (bytes == 0) {
    std::string dtype = result.dtype.substr(0, 32);
    for (char &c : dtype)
      if (c < ' ') // a sentence stays one line
        c = '?';
    return bad("elements of type '" + dtype + "' are not supported; use float32 or uint8");
  }
  for (int64_t extent : result.shape) {
    if (extent != 0 && bytes > maxBytes / extent)
      return bad("its shape is too large");
    bytes *= extent;
  }
  // The file must hold what its shape claims before that much memory is asked for.
  long here = std::ftell(file.get());
  if (here < 0 || std::fseek(file.get(), 0, SEEK_END) != 0)
    return bad("it cannot be read to its end");
  long end = std::ftell(file.get());
  if (end - here != bytes)
    return bad("its shape needs " + std::to_string(bytes) + " bytes, but it holds " + std::to_string(end - here));
  std::fseek(file.get(), here, SEEK_SET);
  result.data.resize(bytes);
  if (std::fread(result.data.data(), 1, bytes, file.get()) != static_cast<size_t>(bytes))
    return bad("it cannot be read to its end");
  array = std::move(result);
  return "";
}

/// The bytes before the data, filled up so that these are aligned to 64.
static std::string headerOf(const std::string &dtype, const std::vector<int64_t> &shape) {
  std::string header = "{'descr': '" + dtype + "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : shape)
    header += std::to_string(extent) + ", ";
  if (shape.size() != 1 && !shape.empty())
    header.resize(header.size() - 2);
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0)
    header += ' ';
  header += '\n';
  std::string start("\x93NUMPY\x01\0", 8);
  start += static_cast<char>(header.size() & 255);
  start += static_cast<char>(header.size() >> 8);
  return start + header;
}

std::string NpyWriter::open(const std::string &path, const std::string &dtype, const std::vector<int64_t> &shape) {
  bytesLeft = NpyArray::elementBytes(dtype);
  for (int64_t extent : shape)
    bytesLeft *= extent;
  std::string error = file.open(path);
  return error.empty() ? file.append(headerOf(dtype, shape)) : error;
}

std::string NpyWriter::append(const void *data, int64_t bytes) {
  if (bytes > bytesLeft)
    return file.fail("more data than its shape holds");
  bytesLeft -= bytes;
  return file.append(data, static_cast<size_t>(bytes));
}

std::string NpyWriter::finish() { return bytesLeft == 0 ? file.finish() : file.fail("less data than its shape holds"); }

std::string writeNpy(const std::string &path, const std::string &dtype, const std::vector<int64_t> &shape,
                     const void *data) {
  int64_t bytes = NpyArray::elementBytes(dtype);
  for (int64_t extent : shape)
    bytes *= extent;
  NpyWriter writer;
  std::string error = writer.open(path, dtype, shape);
  if (error.empty())
    error = writer.append(data, bytes);
  return error.empty() ? writer.finish() : error;
}

std::string writeNpy(const std::string &path, const NpyArray &array) {
  return writeNpy(path, array.dtype, array.shape, array.data.data());
}

} // namespace n2uq
