// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modules, buffers and launches: the interface of PTX.h.
#include "Decoder.h"
#include "Machine.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

using namespace n2uq::ptx;

class n2uq::ptx::Module {
public:
  std::string name;
  Syntax syntax;
  std::map<std::string, uint64_t> globals;
  std::map<std::string, Program> programs;
  std::vector<std::string> order;
};

Device::Device() : memory(std::make_unique<Memory>()) {}
Device::~Device() = default;

static std::string place(const std::string &name, const Fault &fault) {
  return name + (fault.line ? ":" + std::to_string(fault.line) : "") + ": " + fault.sentence;
}

std::string Device::load(const std::string &name, std::string text, Module *&module) {
  module = nullptr;
  auto made = std::make_unique<Module>();
  made->name = name;
  std::string error;
  try {
    made->syntax = parse(text);
    for (const Variable &variable : made->syntax.variables) {
      if (variable.space == "shared")
        continue;
      if (variable.isExtern || variable.unsized)
        throw Fault{"'" + variable.name + "' is defined nowhere", variable.line};
      Buffer *buffer = memory->allocate(std::max<uint64_t>(variable.bytes(), 1), variable.name);
      if (!buffer || !made->globals.emplace(variable.name, buffer->address).second)
        throw Fault{"there is no place for '" + variable.name + "', or it is declared twice", variable.line};
      // Without initial values they are zero.
      std::memset(buffer->data.get(), 0, buffer->bytes);
      std::memset(buffer->defined.get(), 1, buffer->bytes);
      std::copy(variable.initial.begin(), variable.initial.end(), buffer->data.get());
      buffer->readOnly = variable.space == "const";
    }
    for (const Function &function : made->syntax.functions)
      if (function.isEntry && function.hasBody) {
        made->programs.emplace(function.name, decode(made->syntax, function, made->globals));
        made->order.push_back(function.name);
      }
  } catch (const Fault &fault) {
    for (auto &global : made->globals)
      memory->release(global.second);
    return place(name, fault);
  }
  module = made.get();
  modules.push_back(std::move(made));
  return {};
}

void Device::unload(Module *module) {
  auto found = std::find_if(modules.begin(), modules.end(), [&](auto &known) { return known.get() == module; });
  if (found == modules.end())
    return;
  for (auto &global : module->globals)
    memory->release(global.second);
  modules.erase(found);
}

std::vector<KernelInfo> Device::kernels(const Module &module) {
  std::vector<KernelInfo> result;
  for (const std::string &name : module.order)
    result.push_back(module.programs.at(name).info);
  return result;
}

bool Device::findVariable(const Module &module, const std::string &name, uint64_t &address, uint64_t &bytes) {
  auto found = module.globals.find(name);
  if (found == module.globals.end())
    return false;
  address = found->second;
  for (const Variable &variable : module.syntax.variables)
    if (variable.name == name)
      bytes = variable.bytes();
  return true;
}

uint64_t Device::allocate(uint64_t bytes, const std::string &name) {
  Buffer *buffer = memory->allocate(bytes, name);
  return buffer ? buffer->address : 0;
}

std::string Device::release(uint64_t address) {
  return memory->release(address) ? "" : "an address is released that is no buffer";
}

std::string Device::write(uint64_t address, const void *data, uint64_t bytes) {
  std::string why;
  Buffer *buffer = memory->find(address, bytes, why);
  if (!buffer)
    return "the host writes " + why;
  std::memcpy(buffer->data.get() + (address - buffer->address), data, bytes);
  std::memset(buffer->defined.get() + (address - buffer->address), 1, bytes);
  return {};
}

std::string Device::fill(uint64_t address, uint8_t value, uint64_t bytes) {
  std::vector<uint8_t> data(bytes, value);
  return write(address, data.data(), bytes);
}

std::string Device::copy(uint64_t to, uint64_t from, uint64_t bytes) {
  std::string why;
  Buffer *source = memory->find(from, bytes, why), *target = source ? memory->find(to, bytes, why) : nullptr;
  if (!target)
    return "a copy reaches " + why;
  uint64_t read = from - source->address, written = to - target->address;
  std::memmove(target->data.get() + written, source->data.get() + read, bytes);
  std::memmove(target->defined.get() + written, source->defined.get() + read, bytes);
  return {};
}

std::string Device::read(uint64_t address, void *data, uint64_t bytes) const {
  std::string why;
  Buffer *buffer = memory->find(address, bytes, why);
  if (!buffer)
    return "the host reads " + why;
  uint64_t offset = address - buffer->address;
  const uint8_t *marks = buffer->defined.get() + offset;
  if (const uint8_t *hole = static_cast<const uint8_t *>(std::memchr(marks, 0, bytes)))
    return "the host reads byte " + std::to_string(offset + (hole - marks)) + " of " + buffer->text() +
           ", which is not initialised";
  std::memcpy(data, buffer->data.get() + offset, bytes);
  return {};
}

/// One block, warp by warp: each runs until it exits or waits, and when all that are left wait at one barrier, they go
/// on.
static void runBlock(Block &block, std::vector<std::unique_ptr<Warp>> &warps, const Program &program,
                     const Launch &launch) {
  auto variables = program.sharedVariables;
  if (launch.dynamicShared)
    variables.push_back({program.dynamicSharedBase, program.dynamicSharedBase + launch.dynamicShared});
  block.shared.reset(variables);
  for (auto &warp : warps)
    warp->reset();
  std::vector<Warp *> running;
  for (auto &warp : warps)
    running.push_back(warp.get());
  while (!running.empty()) {
    std::vector<Warp *> waiting;
    for (Warp *warp : running)
      if (warp->run() == Warp::AtBarrier)
        waiting.push_back(warp);
    for (Warp *warp : waiting)
      if (warp->waitingBarrier != waiting[0]->waitingBarrier)
        throw Fault{"warps of a block wait at the barriers " + std::to_string(waiting[0]->waitingBarrier) + " and " +
                    std::to_string(warp->waitingBarrier) + ": neither is ever complete"};
    block.shared.barrier();
    running = std::move(waiting);
  }
}

static std::string checkLaunch(const Program &program, const Launch &launch,
                               const std::vector<std::vector<uint8_t>> &parameters, std::vector<uint8_t> &bytes) {
  const KernelInfo &info = program.info;
  const Dim3 &grid = launch.grid, &block = launch.block;
  std::string name = "'" + info.name + "' ";
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
    return name + "is launched with a grid that is no grid of CUDA";
  if (!block.x || !block.y || block.x > 1024 || block.y > 1024 || !block.z || block.z > 64 || block.count() > 1024)
    return name + "is launched with a block that is no block of CUDA";
  const Dim3 &required = info.requiredBlock;
  if (required.x && (required.x != block.x || required.y != block.y || required.z != block.z))
    return name + "is launched with another block than its .reqntid";
  if (info.maxThreads && block.count() > info.maxThreads)
    return name + "is launched with more threads than its .maxntid";
  constexpr uint64_t maxShared = 227 * 1024;
  if (uint64_t(info.sharedBytes) + launch.dynamicShared > maxShared)
    return name + "is launched with more shared memory than any chip has";
  if (parameters.size() != info.parameters.size())
    return name + "is launched with " + std::to_string(parameters.size()) + " parameters, but has " +
           std::to_string(info.parameters.size());
  bytes.resize(info.parameterBytes);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].size() != info.parameters[i].bytes)
      return name + "is launched with " + std::to_string(parameters[i].size()) + " bytes for '" +
             info.parameters[i].name + "' of " + std::to_string(info.parameters[i].bytes);
    std::copy(parameters[i].begin(), parameters[i].end(), bytes.begin() + info.parameters[i].offset);
  }
  return {};
}

std::string Device::launch(const Module &module, const std::string &kernel, const Launch &launch,
                           const std::vector<std::vector<uint8_t>> &parameters, Statistics *statistics) {
  auto found = module.programs.find(kernel);
  if (found == module.programs.end())
    return module.name + ": there is no kernel '" + kernel + "'";
  const Program &program = found->second;
  std::vector<uint8_t> bytes;
  std::string wrong = checkLaunch(program, launch, parameters, bytes);
  if (!wrong.empty())
    return module.name + ": " + wrong;
  LaunchState state{program, *memory, launch, bytes, module.name, module.syntax.lines};

  memory->beginLaunch();
  uint64_t blocks = launch.grid.count();
  std::atomic<uint64_t> next{0};
  // Blocks begin in order, so that the first block with a fault is the same one in every run.
  std::mutex mutex;
  uint64_t faultBlock = blocks;
  std::string fault;
  Statistics total;
  auto work = [&] {
    Block block;
    std::vector<std::unique_ptr<Warp>> warps;
    uint64_t count = (launch.block.count() + lanesPerWarp - 1) / lanesPerWarp;
    for (uint64_t i = 0; i < count; ++i)
      warps.push_back(std::make_unique<Warp>(state, block, static_cast<uint32_t>(i)));
    for (;;) {
      uint64_t index = next++;
      if (index >= blocks)
        break;
      block.number = static_cast<uint32_t>(index);
      block.index = {static_cast<uint32_t>(index % launch.grid.x),
                     static_cast<uint32_t>(index / launch.grid.x % launch.grid.y),
                     static_cast<uint32_t>(index / launch.grid.x / launch.grid.y)};
      try {
        runBlock(block, warps, program, launch);
      } catch (const Fault &found) {
        next = blocks;
        std::lock_guard<std::mutex> lock(mutex);
        if (index < faultBlock) {
          faultBlock = index;
          fault = place(module.name, found);
        }
      }
    }
    std::lock_guard<std::mutex> lock(mutex);
    for (auto &warp : warps) {
      total.instructions += warp->instructions;
      total.lanes += warp->lanes;
    }
  };
  uint64_t threads = launch.hostThreads ? launch.hostThreads : std::max(1u, std::thread::hardware_concurrency());
  threads = std::min(threads, blocks);
  std::vector<std::thread> others;
  for (uint64_t i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread &other : others)
    other.join();
  if (statistics) {
    statistics->instructions += total.instructions;
    statistics->lanes += total.lanes;
  }
  return fault;
}
