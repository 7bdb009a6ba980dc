// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Guard.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include <csignal>
#include <ctime>
#include <exception>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace n2uq {

/// A damaged text may nest as deep as it is long, and the parser recurses.
static constexpr unsigned stackBytes = 256u << 20;

/// Processor time for a file: many times what reading it takes, and short enough to wait for.
static constexpr long secondsForAny = 1, bytesPerSecond = 1 << 20;

/// Back to runGuarded, as after a crash.
[[noreturn]] static void giveUp() { llvm::CrashRecoveryContext::GetCurrent()->HandleExit(1); }

static void onFatalError(void *, const char *, bool) {
  if (llvm::CrashRecoveryContext::GetCurrent())
    giveUp();
}

static void onTimeout(int) {
  if (llvm::CrashRecoveryContext::GetCurrent())
    giveUp();
}

namespace {
/// Signals of the calling thread, for as long as the object lives: crashes are handled on a stack of their own, or an
/// overflow of the stack could not be caught, and a timer counts the thread's processor time.
class Signals {
public:
  explicit Signals(size_t bytes) : stack(64 << 10) {
    stack_t mine = {};
    mine.ss_sp = stack.data();
    mine.ss_size = stack.size();
    sigaltstack(&mine, &stackBefore);
    for (int number : {SIGSEGV, SIGBUS}) {
      struct sigaction action;
      sigaction(number, nullptr, &action);
      action.sa_flags |= SA_ONSTACK;
      sigaction(number, &action, nullptr);
    }
    struct sigaction action = {};
    action.sa_handler = onTimeout;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGVTALRM, &action, &timeoutBefore);
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGVTALRM;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    hasTimer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
    itimerspec once = {};
    once.it_value.tv_sec = secondsForAny + static_cast<long>(bytes / bytesPerSecond);
    if (hasTimer)
      timer_settime(timer, 0, &once, nullptr);
  }
  ~Signals() {
    if (hasTimer)
      timer_delete(timer);
    sigaction(SIGVTALRM, &timeoutBefore, nullptr);
    sigaltstack(&stackBefore, nullptr);
  }

private:
  std::vector<char> stack;
  stack_t stackBefore = {};
  struct sigaction timeoutBefore = {};
  timer_t timer = {};
  bool hasTimer = false;
};
} // namespace

bool runGuarded(size_t bytes, llvm::function_ref<void()> read) {
  llvm::CrashRecoveryContext::Enable();
  llvm::ScopedFatalErrorHandler handler(onFatalError);
  llvm::CrashRecoveryContext recovery;
  bool threw = false;
  auto guarded = [&] {
    Signals signals(bytes);
    try {
      read();
    } catch (const std::exception &) { // out of memory, mostly
      threw = true;
    }
  };
  return recovery.RunSafelyOnThread(guarded, stackBytes) && !threw;
}

} // namespace n2uq
