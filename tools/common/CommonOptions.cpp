// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "common/CommonOptions.h"

#include "n2uq/Support/Version.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"
#include "llvm/Support/ManagedStatic.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

// The distribution's LLVM is built without assertions and so has no --debug-only of its own, but it holds the list of
// types; the header hides this function in builds without assertions.
#undef setCurrentDebugTypes
namespace llvm {
void setCurrentDebugTypes(const char **types, unsigned count);
} // namespace llvm

static void selectDebugTypes(const std::string &names) {
#ifdef NDEBUG
  llvm::errs() << "--n2uq-debug-only=" << names
               << " needs code that is compiled with its messages; use the debug preset (cmake --preset debug)\n";
  std::exit(1);
#else
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(names).split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  std::vector<std::string> kept(parts.begin(), parts.end());
  std::vector<const char *> types;
  for (const std::string &name : kept)
    types.push_back(name.c_str());
  llvm::DebugFlag = true;
  llvm::setCurrentDebugTypes(types.data(), types.size()); // copies the names
#endif
}

void n2uq::registerCommonOptions() {
  static llvm::cl::opt<std::string> debugOnly(
      "n2uq-debug-only", llvm::cl::desc("Show what these passes say while they work (debug preset only)"),
      llvm::cl::value_desc("pass flag,..."),
      llvm::cl::callback([](const std::string &names) { selectDebugTypes(names); }));
  llvm::cl::AddExtraVersionPrinter([](llvm::raw_ostream &os) { os << "N2UQ compiler " N2UQ_VERSION "\n"; });
}
