// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CUDA driver for tests: the functions that the runtime calls, with devices that are machines of PTX.h.
//
// It is as lazy as a driver may be: what was put into a stream is done when somebody waits for it, not before, and
// pinned memory is read and written at that time. Who forgets to wait, or changes a buffer too early, sees wrong
// results. Calls without a current context, with handles that are none, or that capture forbids, fail as in the driver.
//
// N2UQ_FAKE_CUDA holds settings, a list with commas:
//   devices=2          how many there are
//   capability=80      what they can do
//   version=12040      CUDA 12.4
//   fail=cuMemAlloc_v2:3   the third call of that function fails
//   leaks              at the end of the process, handles and memory that were not given back make it exit with 86
#include "PTX.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>

using namespace n2uq::ptx;

#define API extern "C" __attribute__((visibility("default"))) int

namespace {
enum Result {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidContext = 201,
  InvalidPtx = 218,
  InvalidHandle = 400,
  NotFound = 500,
  IllegalAddress = 700,
  LaunchFailed = 719,
  CaptureUnsupported = 900
};

struct Gpu {
  Device device;
  int retained = 0;
};
struct LoadedModule {
  Gpu *gpu;
  Module *module;
  std::map<std::string, KernelInfo> kernels;
};
struct Function {
  LoadedModule *module;
  const KernelInfo *info;
  int dynamicShared = 48 * 1024;
};
using Work = std::function<int()>;
struct Graph {
  std::vector<Work> work;
};
struct Stream {
  Gpu *gpu;
  std::deque<Work> queue;
  Graph *capture = nullptr;
};
struct Event {
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

/// All that there is, behind one lock.
struct Driver {
  std::recursive_mutex mutex;
  bool initialized = false;
  int devices = 1, capability = 80, version = 12040;
  std::string failFunction;
  int failCall = 0;
  bool findsLeaks = false;
  std::vector<std::unique_ptr<Gpu>> gpus;
  std::set<LoadedModule *> modules;
  std::set<Function *> functions;
  std::set<Stream *> streams;
  std::set<Graph *> graphs;
  std::set<Event *> events;
  std::map<void *, size_t> pinned;
  std::map<uint64_t, Gpu *> memory;
  /// The device is broken after a kernel failed; every call says so.
  int sticky = Success;
  std::string text = "no error";

  Driver() {
    const char *settings = std::getenv("N2UQ_FAKE_CUDA");
    std::string list = settings ? settings : "";
    for (size_t begin = 0; begin < list.size();) {
      size_t end = std::min(list.find(',', begin), list.size());
      set(list.substr(begin, end - begin));
      begin = end + 1;
    }
    for (int i = 0; i < devices; ++i)
      gpus.push_back(std::make_unique<Gpu>());
  }
  void set(const std::string &setting) {
    size_t equals = setting.find('=');
    std::string name = setting.substr(0, equals), value = equals == std::string::npos ? "" : setting.substr(equals + 1);
    if (name == "devices")
      devices = std::atoi(value.c_str());
    else if (name == "capability")
      capability = std::atoi(value.c_str());
    else if (name == "version")
      version = std::atoi(value.c_str());
    else if (name == "leaks")
      findsLeaks = true;
    else if (name == "fail") {
      size_t colon = value.find(':');
      failFunction = value.substr(0, colon);
      failCall = colon == std::string::npos ? 1 : std::atoi(value.c_str() + colon + 1);
    } else {
      std::fprintf(stderr, "fake CUDA driver: no setting '%s'\n", name.c_str());
      std::abort();
    }
  }
  ~Driver() {
    size_t retained = 0;
    for (auto &gpu : gpus)
      retained += static_cast<size_t>(gpu->retained);
    if (!findsLeaks)
      return;
    size_t left =
        retained + modules.size() + streams.size() + graphs.size() + events.size() + pinned.size() + memory.size();
    if (left) {
      std::fprintf(stderr,
                   "fake CUDA driver: not given back: %zu contexts, %zu modules, %zu streams, %zu graphs, %zu events, "
                   "%zu pinned buffers, %zu buffers\n",
                   retained, modules.size(), streams.size(), graphs.size(), events.size(), pinned.size(),
                   memory.size());
      std::fflush(nullptr);
      _exit(86);
    }
  }

  int fail(int result, const std::string &sentence) {
    text = sentence;
    return result;
  }
};
Driver driver;
thread_local std::vector<Gpu *> contexts;

Gpu *current() { return contexts.empty() ? nullptr : contexts.back(); }

/// Opens every function: whether this call is the one that is to fail, and whether it is allowed now.
int enter(const char *function, bool needsContext, bool inCapture = false) {
  if (driver.failFunction == function && driver.failCall > 0 && --driver.failCall == 0)
    return driver.fail(std::string(function).find("Alloc") != std::string::npos ? OutOfMemory : LaunchFailed,
                       "planted failure");
  if (driver.sticky)
    return driver.sticky;
  if (!driver.initialized && std::strcmp(function, "cuInit") && std::strcmp(function, "cuDriverGetVersion"))
    return driver.fail(NotInitialized, "cuInit was not called");
  if (needsContext && !current())
    return driver.fail(InvalidContext, "no context is current");
  if (!inCapture)
    for (Stream *stream : driver.streams)
      if (stream->capture)
        return driver.fail(CaptureUnsupported, std::string(function) + " is not permitted while a stream is captured");
  return Success;
}
#define ENTER(...)                                                                                                     \
  std::lock_guard<std::recursive_mutex> lock(driver.mutex);                                                            \
  if (int entered = enter(__func__, __VA_ARGS__))                                                                      \
    return entered;

/// Does what a stream holds. The first failure breaks the device.
int drain(Stream &stream) {
  while (!stream.queue.empty() && !driver.sticky) {
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    driver.sticky = work();
  }
  return driver.sticky;
}
int drainAll() {
  for (Stream *stream : driver.streams)
    if (int result = drain(*stream))
      return result;
  return Success;
}

/// The default stream is one for each device, made when it is first used.
Stream *streamOf(void *handle) {
  static std::map<Gpu *, std::unique_ptr<Stream>> defaults;
  if (!handle) {
    auto &made = defaults[current()];
    if (!made)
      made = std::make_unique<Stream>(Stream{current(), {}, nullptr});
    return made.get();
  }
  Stream *stream = static_cast<Stream *>(handle);
  return driver.streams.count(stream) ? stream : nullptr;
}

int put(void *handle, Work work) {
  Stream *stream = streamOf(handle);
  if (!stream)
    return driver.fail(InvalidHandle, "no such stream");
  if (stream->capture)
    stream->capture->work.push_back(std::move(work));
  else
    stream->queue.push_back(std::move(work));
  return Success;
}

bool isPinned(const void *at, size_t bytes) {
  auto after = driver.pinned.upper_bound(const_cast<void *>(at));
  if (after == driver.pinned.begin())
    return false;
  auto &block = *std::prev(after);
  size_t offset = static_cast<size_t>(static_cast<const uint8_t *>(at) - static_cast<const uint8_t *>(block.first));
  return offset < block.second && bytes <= block.second - offset;
}
} // namespace

API cuInit(unsigned flags) {
  ENTER(false)
  if (flags)
    return InvalidValue;
  driver.initialized = true;
  return driver.devices ? Success : NoDevice;
}
API cuDriverGetVersion(int *version) {
  ENTER(false)
  *version = driver.version;
  return Success;
}
API cuDeviceGetCount(int *count) {
  ENTER(false)
  *count = driver.devices;
  return Success;
}
API cuDeviceGet(int *device, int index) {
  ENTER(false)
  *device = index;
  return index >= 0 && index < driver.devices ? Success : InvalidDevice;
}
API cuDeviceGetName(char *name, int bytes, int device) {
  ENTER(false)
  std::snprintf(name, static_cast<size_t>(bytes), "Fake GPU %d", device);
  return Success;
}
API cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER(false)
  switch (attribute) {
  case 75:
    *value = driver.capability / 10;
    return Success;
  case 76:
    *value = driver.capability % 10;
    return Success;
  case 97: // as the programming guide lists them
    *value = driver.capability >= 90 ? 227 << 10 : driver.capability == 80 ? 163 << 10 : 99 << 10;
    return Success;
  }
  return driver.fail(InvalidValue, "no such attribute");
}
API cuDevicePrimaryCtxRetain(void **context, int device) {
  ENTER(false)
  Gpu *gpu = driver.gpus.at(static_cast<size_t>(device)).get();
  ++gpu->retained;
  *context = gpu;
  return Success;
}
API cuDevicePrimaryCtxRelease_v2(int device) {
  std::lock_guard<std::recursive_mutex> lock(driver.mutex);
  Gpu *gpu = driver.gpus.at(static_cast<size_t>(device)).get();
  if (gpu->retained == 0)
    return driver.fail(InvalidContext, "the context was not retained");
  --gpu->retained;
  return driver.sticky;
}
API cuCtxPushCurrent_v2(void *context) {
  ENTER(false)
  for (auto &gpu : driver.gpus)
    if (gpu.get() == context && gpu->retained) {
      contexts.push_back(gpu.get());
      return Success;
    }
  return driver.fail(InvalidContext, "no such context");
}
API cuCtxPopCurrent_v2(void **context) {
  std::lock_guard<std::recursive_mutex> lock(driver.mutex);
  if (contexts.empty())
    return driver.fail(InvalidContext, "no context is current");
  *context = contexts.back();
  contexts.pop_back();
  return enter(__func__, false);
}

API cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options, void **values) {
  ENTER(true)
  auto made = std::make_unique<LoadedModule>();
  made->gpu = current();
  std::string error = current()->device.load("module", static_cast<const char *>(image), made->module);
  if (!error.empty()) {
    char *log = nullptr;
    size_t bytes = 0;
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5)
        log = static_cast<char *>(values[i]);
      else if (options[i] == 6)
        bytes = reinterpret_cast<uintptr_t>(values[i]);
    if (log && bytes)
      std::snprintf(log, bytes, "%s\n", error.c_str());
    return driver.fail(InvalidPtx, "a PTX JIT compilation failed");
  }
  for (KernelInfo &info : Device::kernels(*made->module))
    made->kernels[info.name] = info;
  driver.modules.insert(made.get());
  *module = made.release();
  return Success;
}
API cuModuleUnload(void *handle) {
  ENTER(true)
  LoadedModule *module = static_cast<LoadedModule *>(handle);
  if (!driver.modules.erase(module))
    return driver.fail(InvalidHandle, "no such module");
  for (auto function = driver.functions.begin(); function != driver.functions.end();)
    if ((*function)->module == module) {
      delete *function;
      function = driver.functions.erase(function);
    } else {
      ++function;
    }
  module->gpu->device.unload(module->module);
  delete module;
  return Success;
}
API cuModuleGetFunction(void **function, void *handle, const char *name) {
  ENTER(true)
  LoadedModule *module = static_cast<LoadedModule *>(handle);
  if (!driver.modules.count(module))
    return driver.fail(InvalidHandle, "no such module");
  auto found = module->kernels.find(name);
  if (found == module->kernels.end())
    return driver.fail(NotFound, "named symbol not found");
  Function *made = new Function{module, &found->second};
  driver.functions.insert(made);
  *function = made;
  return Success;
}
API cuFuncSetAttribute(void *handle, int attribute, int value) {
  ENTER(true)
  Function *function = static_cast<Function *>(handle);
  if (!driver.functions.count(function) || attribute != 8 || value < 0)
    return driver.fail(InvalidValue, "no such function or attribute");
  function->dynamicShared = value;
  return Success;
}

API cuMemAlloc_v2(unsigned long long *at, size_t bytes) {
  ENTER(true)
  *at = current()->device.allocate(bytes, "device buffer " + std::to_string(driver.memory.size()));
  if (!*at)
    return driver.fail(bytes ? OutOfMemory : InvalidValue, "out of memory");
  driver.memory[*at] = current();
  return Success;
}
API cuMemFree_v2(unsigned long long at) {
  ENTER(true)
  auto found = driver.memory.find(at);
  if (found == driver.memory.end())
    return driver.fail(InvalidValue, "no such memory");
  drainAll(); // as the driver, which waits for the device
  found->second->device.release(at);
  driver.memory.erase(found);
  return Success;
}
API cuMemHostAlloc(void **at, size_t bytes, unsigned) {
  ENTER(true)
  *at = std::malloc(bytes);
  if (!*at)
    return driver.fail(OutOfMemory, "out of memory");
  std::memset(*at, 0xa5, bytes);
  driver.pinned[*at] = bytes;
  return Success;
}
API cuMemFreeHost(void *at) {
  ENTER(true)
  if (!driver.pinned.erase(at))
    return driver.fail(InvalidValue, "no such memory");
  drainAll();
  std::free(at);
  return Success;
}
API cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes, void *stream) {
  ENTER(true, true)
  Gpu *gpu = current();
  // Memory that is not pinned has been read when the call returns.
  std::vector<uint8_t> staged;
  if (!isPinned(from, bytes))
    staged.assign(static_cast<const uint8_t *>(from), static_cast<const uint8_t *>(from) + bytes);
  return put(stream, [=] {
    std::string error = gpu->device.write(to, staged.empty() ? from : staged.data(), bytes);
    return error.empty() ? Success : driver.fail(IllegalAddress, error);
  });
}
API cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes, void *stream) {
  ENTER(true, true)
  Gpu *gpu = current();
  return put(stream, [=] {
    std::string error = gpu->device.read(from, to, bytes);
    return error.empty() ? Success : driver.fail(IllegalAddress, error);
  });
}

API cuStreamCreate(void **handle, unsigned) {
  ENTER(true)
  Stream *stream = new Stream{current(), {}, nullptr};
  driver.streams.insert(stream);
  *handle = stream;
  return Success;
}
API cuStreamDestroy_v2(void *handle) {
  ENTER(true)
  Stream *stream = static_cast<Stream *>(handle);
  if (!driver.streams.count(stream))
    return driver.fail(InvalidHandle, "no such stream");
  int result = drain(*stream);
  driver.streams.erase(stream);
  delete stream;
  return result;
}
API cuStreamSynchronize(void *handle) {
  ENTER(true)
  Stream *stream = streamOf(handle);
  return stream ? drain(*stream) : driver.fail(InvalidHandle, "no such stream");
}
API cuStreamBeginCapture_v2(void *handle, int) {
  ENTER(true)
  Stream *stream = streamOf(handle);
  if (!handle || !stream)
    return driver.fail(InvalidHandle, "no such stream");
  stream->capture = new Graph;
  return Success;
}
API cuStreamEndCapture(void *handle, void **graph) {
  std::lock_guard<std::recursive_mutex> lock(driver.mutex);
  Stream *stream = streamOf(handle);
  if (!stream || !stream->capture)
    return driver.fail(InvalidValue, "the stream is not captured");
  Graph *made = stream->capture;
  stream->capture = nullptr;
  // A call that failed in it makes the capture void.
  if (int result = enter(__func__, true)) {
    delete made;
    return result;
  }
  driver.graphs.insert(made);
  *graph = made;
  return Success;
}
API cuGraphInstantiateWithFlags(void **executable, void *handle, unsigned long long) {
  ENTER(true)
  Graph *graph = static_cast<Graph *>(handle);
  if (!driver.graphs.count(graph))
    return driver.fail(InvalidHandle, "no such graph");
  Graph *made = new Graph(*graph);
  driver.graphs.insert(made);
  *executable = made;
  return Success;
}
static int destroyGraph(void *handle) {
  Graph *graph = static_cast<Graph *>(handle);
  if (!driver.graphs.erase(graph))
    return driver.fail(InvalidHandle, "no such graph");
  delete graph;
  return Success;
}
API cuGraphExecDestroy(void *handle) {
  ENTER(true)
  return destroyGraph(handle);
}
API cuGraphDestroy(void *handle) {
  ENTER(true)
  return destroyGraph(handle);
}
API cuGraphLaunch(void *handle, void *stream) {
  ENTER(true)
  Graph *graph = static_cast<Graph *>(handle);
  if (!driver.graphs.count(graph))
    return driver.fail(InvalidHandle, "no such graph");
  for (Work &work : graph->work)
    if (int result = put(stream, work))
      return result;
  return Success;
}

API cuLaunchKernel(void *handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned shared, void *stream, void **parameters, void **extra) {
  ENTER(true, true)
  Function *function = static_cast<Function *>(handle);
  if (!driver.functions.count(function) || extra)
    return driver.fail(InvalidHandle, "no such function");
  if (shared > static_cast<unsigned>(function->dynamicShared))
    return driver.fail(InvalidValue, "more dynamic shared memory than the function may have");
  Launch launch;
  launch.grid = {gridX, gridY, gridZ};
  launch.block = {blockX, blockY, blockZ};
  launch.dynamicShared = shared;
  std::vector<std::vector<uint8_t>> values;
  for (size_t i = 0; i < function->info->parameters.size(); ++i) {
    const uint8_t *bytes = static_cast<const uint8_t *>(parameters[i]);
    values.emplace_back(bytes, bytes + function->info->parameters[i].bytes);
  }
  LoadedModule *module = function->module;
  std::string name = function->info->name;
  return put(stream, [=] {
    std::string error = module->gpu->device.launch(*module->module, name, launch, values);
    return error.empty() ? Success : driver.fail(LaunchFailed, error);
  });
}

API cuEventCreate(void **handle, unsigned) {
  ENTER(true)
  Event *event = new Event;
  driver.events.insert(event);
  *handle = event;
  return Success;
}
API cuEventRecord(void *handle, void *stream) {
  ENTER(true)
  Event *event = static_cast<Event *>(handle);
  if (!driver.events.count(event))
    return driver.fail(InvalidHandle, "no such event");
  return put(stream, [=] {
    event->done = true;
    event->time = std::chrono::steady_clock::now();
    return Success;
  });
}
API cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
  ENTER(true)
  Event *first = static_cast<Event *>(begin), *last = static_cast<Event *>(end);
  if (!driver.events.count(first) || !driver.events.count(last) || !first->done || !last->done)
    return driver.fail(InvalidHandle, "no such event, or it is not done");
  *milliseconds = std::chrono::duration<float, std::milli>(last->time - first->time).count();
  return Success;
}
API cuEventDestroy_v2(void *handle) {
  ENTER(true)
  Event *event = static_cast<Event *>(handle);
  if (!driver.events.erase(event))
    return driver.fail(InvalidHandle, "no such event");
  delete event;
  return Success;
}

API cuGetErrorName(int result, const char **name) {
  static const std::map<int, const char *> names = {{InvalidValue, "CUDA_ERROR_INVALID_VALUE"},
                                                    {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                    {NotInitialized, "CUDA_ERROR_NOT_INITIALIZED"},
                                                    {NoDevice, "CUDA_ERROR_NO_DEVICE"},
                                                    {InvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
                                                    {InvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
                                                    {InvalidPtx, "CUDA_ERROR_INVALID_PTX"},
                                                    {InvalidHandle, "CUDA_ERROR_INVALID_HANDLE"},
                                                    {NotFound, "CUDA_ERROR_NOT_FOUND"},
                                                    {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                                    {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
                                                    {CaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"}};
  auto found = names.find(result);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? InvalidValue : Success;
}
API cuGetErrorString(int, const char **text) {
  std::lock_guard<std::recursive_mutex> lock(driver.mutex);
  static thread_local std::string last;
  last = driver.text;
  *text = last.c_str();
  return Success;
}
