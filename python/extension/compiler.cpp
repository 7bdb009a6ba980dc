// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq._compiler: n2uq-compile and n2uq-diff in the process of the caller. The same code reads the same arguments as in
// the tools, so options and sentences are theirs.
#include "common.h"

#include "common/CompileDriver.h"
#include "n2uq-diff/DiffDriver.h"
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Npy.h"

#include <nanobind/stl/vector.h>

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <mutex>

namespace n2uq::python {

using Arguments = std::vector<std::string>;
using Told = std::function<void(const std::string &)>;

/// Code for kernels of many tiles nests deeply; a thread of Python may have a small stack.
static constexpr unsigned stackBytes = 64u << 20;

static void onFatalError(void *, const char *, bool) {
  if (auto *recovery = llvm::CrashRecoveryContext::GetCurrent())
    recovery->HandleExit(1);
}

/// A crash or LLVM's "cannot select" in this compilation must not take the caller's process with it. Signal handlers
/// are Python's again afterwards.
static bool callGuarded(const std::function<void()> &compile) {
  llvm::CrashRecoveryContext::Enable();
  llvm::ScopedFatalErrorHandler handler(onFatalError);
  bool cameToItsEnd, threw = false;
  {
    llvm::CrashRecoveryContext recovery;
    auto guarded = [&] {
      try {
        compile();
      } catch (const std::exception &) { // out of memory, mostly
        threw = true;
      }
    };
    cameToItsEnd = recovery.RunSafelyOnThread(guarded, stackBytes);
  }
  return cameToItsEnd && !threw;
}

namespace {
/// The compiler and the linker inside of it have settings of the whole process: one compilation at a time. What LLVM
/// does to signals is undone at the end.
class OneAtATime {
public:
  OneAtATime() : guard(mutex()) {}
  ~OneAtATime() {
    llvm::CrashRecoveryContext::Disable();
    llvm::sys::unregisterHandlers();
  }

private:
  static std::mutex &mutex() {
    static std::mutex one;
    return one;
  }
  std::lock_guard<std::mutex> guard;
};
} // namespace

/// Calls a Python function from wherever the compiler is. An exception of it is printed, as those of destructors are.
static Told teller(const nb::object &function) {
  if (function.is_none())
    return [](const std::string &) {};
  return [&function](const std::string &text) {
    nb::gil_scoped_acquire locked;
    try {
      function(nb::str(text.data(), text.size()));
    } catch (nb::python_error &error) {
      error.discard_as_unraisable("n2uq.compile");
    }
  };
}

static void compile(Arguments arguments, nb::object progress, nb::object warning) {
  CompileListener listener;
  listener.progress = teller(progress);
  listener.warning = teller(warning);
  listener.guard = callGuarded;
  std::string error;
  {
    nb::gil_scoped_release unlocked;
    OneAtATime turn;
    error = runCompile(std::move(arguments), listener);
  }
  if (!error.empty())
    fail(printable(error));
}

static nb::dict describe(const Comparison &comparison) {
  nb::list rows;
  for (const QuantizerRow &row : comparison.quantizers()) {
    nb::dict entry;
    entry["name"] = row.name;
    entry["in_model"] = row.inReference;
    entry["in_library"] = row.inLibrary;
    entry["codes"] = row.codes;
    entry["differing"] = row.differing;
    entry["largest_difference"] = row.largestDifference;
    entry["first_image"] = row.firstImage < 0 ? nb::object(nb::none()) : nb::object(nb::int_(row.firstImage));
    rows.append(entry);
  }
  nb::dict result;
  result["equal"] = comparison.isEqual();
  result["quantizers"] = rows;
  result["outputs"] = comparison.outputCount();
  result["differing_outputs"] = comparison.differingOutputCount();
  result["largest_output_difference"] = comparison.outputDifference();
  return result;
}

static nb::dict diff(Arguments arguments, const Input &images) {
  NpyArray array;
  array.dtype = images.dtype() == nb::dtype<float>() ? "<f4" : "|u1";
  for (size_t i = 0; i < images.ndim(); ++i)
    array.shape.push_back(static_cast<int64_t>(images.shape(i)));
  const uint8_t *bytes = static_cast<const uint8_t *>(images.data());
  array.data.assign(bytes, bytes + images.nbytes());
  std::unique_ptr<Comparison> comparison;
  std::string error;
  {
    nb::gil_scoped_release unlocked;
    OneAtATime turn;
    error = runDiff(arguments, &array, [](int64_t, int64_t) {}, comparison);
  }
  if (!error.empty())
    fail(printable(error));
  if (!comparison)
    fail("nothing was compared");
  return describe(*comparison);
}

NB_MODULE(_compiler, m) {
  m.doc() = "n2uq-compile and n2uq-diff in this process. Arguments are those of the tools.";
  m.def("compile", &compile, nb::arg("arguments"), nb::arg("progress").none(), nb::arg("warning").none(),
        "Runs n2uq-compile. progress and warning are functions that take lines of text, or None.");
  m.def("diff", &diff, nb::arg("arguments"), nb::arg("images").noconvert(),
        "Runs n2uq-diff on these images, which stand in for --input.");
}

} // namespace n2uq::python
