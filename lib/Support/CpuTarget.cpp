// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CpuTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"
#include <algorithm>

namespace n2uq {

bool CpuTarget::has(const char *feature) const { return llvm::is_contained(features, feature); }

std::string CpuTarget::featureString() const {
  std::string result;
  for (const std::string &feature : features)
    result += (result.empty() ? "+" : ",+") + feature;
  return result;
}

uint64_t CpuTarget::featureBits() const {
  uint64_t bits = 0;
#define N2UQ_CPU_FEATURE(bit, name, leaf, subleaf, reg, position)                                                      \
  if (has(name))                                                                                                       \
    bits |= uint64_t(1) << bit;
#include "n2uq/cpu_features.def"
#undef N2UQ_CPU_FEATURE
  return bits;
}

/// Whether the runtime can tell that a CPU has this feature. Code uses no other, so that a library never meets an
/// instruction that nobody checked.
static bool isChecked(llvm::StringRef feature) {
#define N2UQ_CPU_FEATURE(bit, name, leaf, subleaf, reg, position)                                                      \
  if (feature == name)                                                                                                 \
    return true;
#include "n2uq/cpu_features.def"
#undef N2UQ_CPU_FEATURE
  return false;
}

std::string findCpu(const std::string &name, CpuTarget &target) {
  bool host = name == "host";
  llvm::StringRef cpu = host ? llvm::sys::getHostCPUName() : llvm::StringRef(name);
  llvm::SmallVector<llvm::StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (!llvm::is_contained(known, cpu)) {
    if (!host)
      return "'" + name +
             "' is not a CPU that LLVM knows; use host, x86-64, x86-64-v2, x86-64-v3, icelake-server, znver4, "
             "znver5 or another name that clang's -march takes";
    cpu = "x86-64"; // A CPU newer than LLVM: its name says nothing, its features below say all.
  }
  target.name = cpu.str();
  target.features.clear();
  if (host) {
    for (const auto &entry : llvm::sys::getHostCPUFeatures())
      if (entry.second && isChecked(entry.first()))
        target.features.push_back(entry.first().str());
    // LLVM lists what varies; these are part of the 64-bit base.
    for (const char *base : {"sse", "sse2"})
      if (!target.has(base))
        target.features.push_back(base);
  } else {
    // A CPU's list leaves out what its features imply.
    llvm::SmallVector<llvm::StringRef> features;
    llvm::X86::getFeaturesForCPU(cpu, features);
    llvm::StringMap<bool> all;
    for (llvm::StringRef feature : features) {
      all[feature] = true;
      llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, all);
    }
    for (const auto &entry : all)
      if (entry.second && isChecked(entry.first()))
        target.features.push_back(entry.first().str());
  }
  std::sort(target.features.begin(), target.features.end());
  return "";
}

} // namespace n2uq
