// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A test-only machine that executes PTX, so that CUDA kernels can be proved right where no GPU is. See README.md for
// what it checks.
//
//   Device device;
//   Module *module;
//   std::string error = device.load("k.ptx", text, module);
//   uint64_t buffer = device.allocate(bytes, "input");
//   error = device.write(buffer, data, bytes);
//   error = device.launch(*module, "k", launch, {bytesOf(buffer), bytesOf(int32_t(5))});
//   error = device.read(buffer, data, bytes);
//
// Every function that can fail returns an empty string, or one sentence that names the place.
#ifndef N2UQ_TEST_PTX_PTX_H
#define N2UQ_TEST_PTX_PTX_H

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace n2uq::ptx {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

struct Launch {
  Dim3 grid, block;
  /// Bytes of dynamic shared memory (`.extern .shared name[]`).
  uint32_t dynamicShared = 0;
  /// Host threads that execute blocks; 0: one for each core.
  unsigned hostThreads = 0;
  /// An endless loop ends here, with a sentence: instructions of one warp.
  uint64_t maxInstructions = uint64_t(1) << 34;
};

struct ParameterInfo {
  std::string name;
  uint32_t bytes, offset;
};

struct KernelInfo {
  std::string name;
  std::vector<ParameterInfo> parameters;
  uint32_t parameterBytes = 0;
  /// Static shared memory, and local memory of a thread.
  uint32_t sharedBytes = 0, localBytes = 0;
  /// `.reqntid` and `.maxntid` (as a product); 0 where there is none.
  Dim3 requiredBlock = {0, 0, 0};
  uint64_t maxThreads = 0;
};

/// What a launch did, for tests that ask how much work a kernel is.
struct Statistics {
  uint64_t instructions = 0; ///< of warps
  uint64_t lanes = 0;        ///< of threads
};

class Module;
class Memory;

class Device {
public:
  Device();
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  /// Parses and checks a whole module: every instruction of every kernel is known, or the sentence names the one that
  /// is not. The device owns `module`. `name` is for sentences.
  std::string load(const std::string &name, std::string text, Module *&module);
  void unload(Module *module);
  static std::vector<KernelInfo> kernels(const Module &module);
  /// Address and size of a module's `.global` or `.const` variable.
  static bool findVariable(const Module &module, const std::string &name, uint64_t &address, uint64_t &bytes);

  /// Device memory: its bytes are uninitialised until they are written. 0 where there is no memory. `name` is for
  /// sentences.
  uint64_t allocate(uint64_t bytes, const std::string &name = "");
  std::string release(uint64_t address);
  std::string write(uint64_t address, const void *data, uint64_t bytes);
  std::string fill(uint64_t address, uint8_t value, uint64_t bytes);
  std::string copy(uint64_t to, uint64_t from, uint64_t bytes);
  /// Refuses bytes that nobody wrote.
  std::string read(uint64_t address, void *data, uint64_t bytes) const;

  /// Runs a kernel to its end. `parameters` are the bytes of each one, in order.
  std::string launch(const Module &module, const std::string &kernel, const Launch &launch,
                     const std::vector<std::vector<uint8_t>> &parameters, Statistics *statistics = nullptr);

private:
  std::unique_ptr<Memory> memory;
  std::vector<std::unique_ptr<Module>> modules;
};

/// The bytes of one kernel parameter.
template <typename T>
std::vector<uint8_t> bytesOf(T value) {
  std::vector<uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_PTX_H
