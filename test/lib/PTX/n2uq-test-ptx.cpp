// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one kernel of a PTX file in the machine of PTX.h.
#include "PTX.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Npy.h"
#include "n2uq/Support/Version.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace n2uq;

static const char tool[] = "n2uq-test-ptx";

static const char helpText[] =
    R"(usage: n2uq-test-ptx FILE.ptx [--kernel=NAME] [--grid=X,Y,Z] [--block=X,Y,Z] [PARAMETER]...

Executes a kernel, all accesses and races checked, and prints the buffers that it was given to write. Without --kernel it
checks the file and lists its kernels. FILE.ptx may be `-`.

  --kernel=NAME            the kernel
  --grid=X,Y,Z             blocks; a size that is left out is 1
  --block=X,Y,Z            threads of a block
  --shared=BYTES           dynamic shared memory
  --param=PARAMETER        the next parameter of the kernel:
      TYPE=VALUE           a number: i32 i64 u8 u16 u32 u64 f32
      in=FILE.npy          a buffer with the bytes of a file
      in=TYPE:1,2,3        a buffer with these elements; `a..b` stands for all from a to b
      out=TYPE:N           an uninitialised buffer of N elements, printed after the run
      inout=TYPE:1,2,3     a buffer with these elements, printed after the run
      out=TYPE:N=FILE.npy  the same as out, written to a file
  --statistics             print how many instructions warps executed
  --help, --version        print this, or the version
)";

namespace {
struct Element {
  const char *name, *dtype;
  uint32_t bytes;
};
constexpr Element elements[] = {{"u8", "|u1", 1},  {"i8", "|i1", 1},  {"u16", "<u2", 2},
                                {"i16", "<i2", 2}, {"u32", "<u4", 4}, {"i32", "<i4", 4},
                                {"u64", "<u8", 8}, {"i64", "<i8", 8}, {"f32", "<f4", 4}};

struct Argument {
  const Element *element = nullptr;
  uint64_t address = 0, count = 0;
  std::string file;
  bool printed = false;
};
} // namespace

static const Element *elementOf(const std::string &name) {
  for (const Element &element : elements)
    if (name == element.name)
      return &element;
  return nullptr;
}

/// Appends the bytes of a number. False where it is none of that type.
static bool append(const Element &element, const std::string &text, std::vector<uint8_t> &bytes) {
  char *end = nullptr;
  uint64_t bits = 0;
  errno = 0;
  if (element.name[0] == 'f') {
    float value = std::strtof(text.c_str(), &end);
    std::memcpy(&bits, &value, sizeof value);
  } else {
    bits = text[0] == '-' ? static_cast<uint64_t>(std::strtoll(text.c_str(), &end, 0))
                          : std::strtoull(text.c_str(), &end, 0);
  }
  if (text.empty() || *end || errno)
    return false;
  for (uint32_t i = 0; i < element.bytes; ++i)
    bytes.push_back(static_cast<uint8_t>(bits >> (8 * i)));
  return true;
}

/// "1,2,5..9"
static bool appendList(const Element &element, const std::string &list, std::vector<uint8_t> &bytes) {
  std::stringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) {
    size_t dots = part.find("..");
    if (dots == std::string::npos) {
      if (!append(element, part, bytes))
        return false;
      continue;
    }
    char *end = nullptr;
    long long first = std::strtoll(part.c_str(), &end, 0), last = std::strtoll(part.c_str() + dots + 2, nullptr, 0);
    if (end != part.c_str() + dots || last < first || last - first > (1 << 24))
      return false;
    for (long long value = first; value <= last; ++value)
      append(element, std::to_string(value), bytes);
  }
  return !bytes.empty();
}

static bool parseDim(const std::string &text, ptx::Dim3 &dim) {
  uint32_t *sizes[] = {&dim.x, &dim.y, &dim.z};
  std::stringstream stream(text);
  size_t i = 0;
  for (std::string part; std::getline(stream, part, ','); ++i) {
    char *end = nullptr;
    unsigned long long value = std::strtoull(part.c_str(), &end, 10);
    if (i == 3 || part.empty() || *end || value > 0xffffffffull)
      return false;
    *sizes[i] = static_cast<uint32_t>(value);
  }
  return i > 0 || text.empty();
}

/// Makes a kernel's parameter. Returns an empty string or one sentence.
static std::string makeParameter(ptx::Device &device, const std::string &text, std::vector<uint8_t> &parameter,
                                 Argument &argument) {
  size_t equals = text.find('=');
  if (equals == std::string::npos)
    return "'" + text + "' is no parameter; --help lists their forms";
  std::string kind = text.substr(0, equals), rest = text.substr(equals + 1);
  if (const Element *element = elementOf(kind))
    return append(*element, rest, parameter) ? "" : "'" + rest + "' is no " + kind;
  bool isOut = kind == "out";
  if (!isOut && kind != "in" && kind != "inout")
    return "'" + kind + "' is no kind of parameter; --help lists them";
  argument.printed = kind != "in";
  std::vector<uint8_t> bytes;
  size_t colon = rest.find(':');
  argument.element = elementOf(rest.substr(0, std::min(colon, rest.size())));
  if (argument.element && colon != std::string::npos) {
    std::string list = rest.substr(colon + 1);
    if (size_t file = list.find('='); isOut && file != std::string::npos) {
      argument.file = list.substr(file + 1);
      list.resize(file);
    }
    if (isOut) {
      argument.count = std::strtoull(list.c_str(), nullptr, 10);
      bytes.resize(argument.count * argument.element->bytes);
    } else if (!appendList(*argument.element, list, bytes)) {
      return "'" + list + "' is no list of " + argument.element->name;
    }
  } else if (kind == "in") {
    NpyArray array;
    std::string error = readNpy(rest, array);
    if (!error.empty())
      return error;
    bytes = array.data;
  } else {
    return "'" + rest + "' is no TYPE:…";
  }
  if (argument.element)
    argument.count = bytes.size() / argument.element->bytes;
  argument.address = device.allocate(bytes.size(), text.substr(0, 40));
  if (!argument.address)
    return "there is no memory for '" + text + "'";
  parameter = ptx::bytesOf(argument.address);
  return isOut ? "" : device.write(argument.address, bytes.data(), bytes.size());
}

static std::string number(const Element &element, const uint8_t *at) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, element.bytes);
  char text[40];
  if (element.name[0] == 'f') {
    float value;
    std::memcpy(&value, at, sizeof value);
    std::snprintf(text, sizeof text, "%.9g", value);
  } else if (element.name[0] == 'i') {
    uint32_t unused = 64 - 8 * element.bytes;
    std::snprintf(text, sizeof text, "%lld", static_cast<long long>(static_cast<int64_t>(bits << unused) >> unused));
  } else {
    std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(bits));
  }
  return text;
}

/// Prints or writes what the kernel wrote.
static std::string finish(const ptx::Device &device, const Argument &argument) {
  const Element &element = *argument.element;
  std::vector<uint8_t> bytes(argument.count * element.bytes);
  std::string error = device.read(argument.address, bytes.data(), bytes.size());
  if (!error.empty())
    return error;
  if (!argument.file.empty())
    return writeNpy(argument.file, element.dtype, {static_cast<int64_t>(argument.count)}, bytes.data());
  for (uint64_t i = 0; i < argument.count; ++i)
    std::printf("%s%s", i ? " " : "", number(element, bytes.data() + i * element.bytes).c_str());
  std::printf("\n");
  return {};
}

static void list(const ptx::Module &module) {
  for (const ptx::KernelInfo &kernel : ptx::Device::kernels(module)) {
    std::printf("%s:", kernel.name.c_str());
    for (const ptx::ParameterInfo &parameter : kernel.parameters)
      std::printf(" %u", parameter.bytes);
    std::printf(" bytes of parameters, shared %u, local %u\n", kernel.sharedBytes, kernel.localBytes);
  }
}

int main(int argc, char **argv) {
  CommandLine commands(helpText, "n2uq-test-ptx " N2UQ_VERSION);
  std::string kernel, grid, block;
  std::vector<std::string> parameters;
  int64_t shared = 0;
  bool wantsStatistics = false;
  commands.text("kernel", kernel);
  commands.text("grid", grid);
  commands.text("block", block);
  commands.number("shared", shared, 0, 1 << 30);
  commands.texts("param", parameters);
  commands.flag("statistics", wantsStatistics);
  std::string error = commands.parse(argc, argv);
  if (!error.empty())
    return failWith(tool, error);
  if (commands.answersAboutItself())
    return 0;
  if (commands.files().size() != 1)
    return failWith(tool, "needs one file");
  const std::string &file = commands.files()[0];
  std::stringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
      return failWith(tool, "cannot read '" + file + "'");
    text << stream.rdbuf();
  }
  ptx::Device device;
  ptx::Module *module;
  error = device.load(file.substr(file.find_last_of('/') + 1), text.str(), module);
  if (!error.empty())
    return failWith(tool, error);
  if (kernel.empty()) {
    list(*module);
    return 0;
  }
  ptx::Launch launch;
  if (!parseDim(grid, launch.grid) || !parseDim(block, launch.block))
    return failWith(tool, "--grid and --block are one to three numbers");
  launch.dynamicShared = static_cast<uint32_t>(shared);
  std::vector<std::vector<uint8_t>> values(parameters.size());
  std::vector<Argument> arguments(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    error = makeParameter(device, parameters[i], values[i], arguments[i]);
    if (!error.empty())
      return failWith(tool, error);
  }
  ptx::Statistics statistics;
  error = device.launch(*module, kernel, launch, values, &statistics);
  for (size_t i = 0; i < arguments.size() && error.empty(); ++i)
    if (arguments[i].printed)
      error = finish(device, arguments[i]);
  if (!error.empty())
    return failWith(tool, error);
  if (wantsStatistics)
    std::printf("%llu instructions of warps, %llu of threads\n",
                static_cast<unsigned long long>(statistics.instructions),
                static_cast<unsigned long long>(statistics.lanes));
  return 0;
}
