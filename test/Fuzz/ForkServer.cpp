// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ForkServer.h"

#include "Fuzz.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

// The counters of this executable's edges, which the compiler lays out and libFuzzer reads.
extern "C" {
extern uint8_t __start___sancov_cntrs[] __attribute__((weak, visibility("hidden")));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak, visibility("hidden")));
}

namespace n2uq::fuzz {

/// Longer inputs are not run: libFuzzer's own default is 4096.
static constexpr size_t maxInput = 1 << 20;
/// Processor time of one input while it is in their hands, which is a hundred times what a sound one takes, and in
/// ours; memory of the child beyond what it has at its start.
static constexpr int microsecondsOfTheirs = 20000, microsecondsOfOurs = 900000;
static constexpr rlim_t memoryBytes = rlim_t(2) << 30;

struct ForkServer::Shared {
  std::atomic<int> stage;
  size_t size;
  uint8_t data[maxInput];
  uint8_t counters[];
};

static size_t counterBytes() { return static_cast<size_t>(__stop___sancov_cntrs - __start___sancov_cntrs); }

ForkServer::ForkServer(Action action, int generation) : action(std::move(action)), generation(generation) {
  void *memory =
      mmap(nullptr, sizeof(Shared) + counterBytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  output = memfd_create("output", MFD_CLOEXEC);
  require(memory != MAP_FAILED && output >= 0, "there is memory for the child's input and output");
  shared = static_cast<Shared *>(memory);
  std::signal(SIGPIPE, SIG_IGN);
}

void ForkServer::setStage(Stage stage) {
  itimerval once = {};
  once.it_value.tv_usec = stage == Theirs ? microsecondsOfTheirs : microsecondsOfOurs;
  setitimer(ITIMER_PROF, &once, nullptr);
  shared->stage = stage;
}

void ForkServer::start() {
  int requests[2], answers[2];
  require(pipe(requests) == 0 && pipe(answers) == 0, "pipes can be made");
  child = fork();
  require(child >= 0, "a process can be made");
  if (child == 0) {
    close(requests[1]);
    close(answers[0]);
    serve(requests[0], answers[1]);
  }
  close(requests[0]);
  close(answers[1]);
  toChild = requests[1];
  fromChild = answers[0];
  runsLeft = generation;
}

void ForkServer::stop() {
  if (child < 0)
    return;
  close(toChild);
  close(fromChild);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  child = -1;
}

/// Address space in use: of the address sanitizer's, nearly all is shadow that nobody touches.
static rlim_t usedAddressSpace() {
  unsigned long long pages = 0;
  if (FILE *file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%llu", &pages) != 1)
      pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void ForkServer::serve(int requests, int answers) {
  // A death is the parent's to judge, not libFuzzer's.
  __sanitizer_set_death_callback(nullptr);
  for (int number : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGALRM, SIGPROF, SIGINT, SIGTERM, SIGXFSZ,
                     SIGUSR1, SIGUSR2})
    std::signal(number, SIG_DFL);
  rlimit none = {0, 0}, memory;
  setrlimit(RLIMIT_CORE, &none);
  if (getrlimit(RLIMIT_AS, &memory) == 0) {
    memory.rlim_cur = usedAddressSpace() + memoryBytes;
    setrlimit(RLIMIT_AS, &memory);
  }
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  char signal;
  while (read(requests, &signal, 1) == 1) {
    std::memset(__start___sancov_cntrs, 0, counterBytes());
    setStage(Theirs);
    // A copy of the right size, so that a read behind it is seen.
    uint8_t *input = new uint8_t[shared->size];
    std::memcpy(input, shared->data, shared->size);
    action(input, shared->size);
    delete[] input;
    std::memcpy(shared->counters, __start___sancov_cntrs, counterBytes());
    if (write(answers, &signal, 1) != 1)
      break;
  }
  _exit(0);
}

ForkServer::Outcome ForkServer::run(const uint8_t *data, size_t size) {
  Outcome outcome;
  if (size > maxInput)
    return outcome;
  if (runsLeft == 0)
    stop();
  if (child < 0)
    start();
  --runsLeft;
  require(ftruncate(output, 0) == 0 && lseek(output, 0, SEEK_SET) == 0, "the child's output can be emptied");
  shared->size = size;
  std::memcpy(shared->data, data, size);
  char signal = 'r';
  ssize_t got = -1;
  if (write(toChild, &signal, 1) == 1)
    while ((got = read(fromChild, &signal, 1)) < 0 && errno == EINTR) {
    }
  if (got == 1) {
    std::memcpy(__start___sancov_cntrs, shared->counters, counterBytes());
    return outcome;
  }
  stop();
  outcome.died = true;
  outcome.stage = static_cast<Stage>(shared->stage.load());
  outcome.output.resize(1 << 16);
  ssize_t bytes = pread(output, outcome.output.data(), outcome.output.size(), 0);
  outcome.output.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  return outcome;
}

ForkServer::Outcome ForkServer::runFresh(const uint8_t *data, size_t size) {
  stop();
  return run(data, size);
}

} // namespace n2uq::fuzz
