// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one function on many inputs in a process of its own, which may die. For readers behind which libraries stand
// that are known to crash.
#ifndef N2UQ_TEST_FUZZ_FORKSERVER_H
#define N2UQ_TEST_FUZZ_FORKSERVER_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace n2uq::fuzz {

class ForkServer {
public:
  /// What the child says about itself while it works: whose fault its death would be.
  enum Stage : int { Theirs, Ours };
  using Action = std::function<void(const uint8_t *data, size_t size)>;

  /// `action` runs in the child, which is replaced by a fresh one when it died or has run `generation` inputs.
  ForkServer(Action action, int generation);
  ~ForkServer() { stop(); }
  ForkServer(const ForkServer &) = delete;
  ForkServer &operator=(const ForkServer &) = delete;

  struct Outcome {
    bool died = false;
    Stage stage = Theirs;
    std::string output; // what the child printed, where it died
  };
  /// Runs the input; the coverage that the child counted becomes this process's.
  Outcome run(const uint8_t *data, size_t size);
  /// The same in a child that has seen no other input.
  Outcome runFresh(const uint8_t *data, size_t size);

  /// For the action.
  void setStage(Stage stage);

private:
  struct Shared;
  void start();
  void stop();
  [[noreturn]] void serve(int requests, int answers);

  Action action;
  int generation, runsLeft = 0;
  Shared *shared = nullptr;
  int child = -1, toChild = -1, fromChild = -1, output = -1;
};

} // namespace n2uq::fuzz

#endif // N2UQ_TEST_FUZZ_FORKSERVER_H
