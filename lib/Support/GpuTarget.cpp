// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/GpuTarget.h"

namespace n2uq {

/// From the vendor's data sheets; none of it was measured here. Where chips of one name are sold as several cards, the
/// card is the one for servers. Tensor cores: TOPS of the data sheet / 2 / multiprocessors / clock. sm_90 reaches its
/// 4096 through wgmma only; mma.sync was measured at 63 % of that elsewhere. sm_100 as sm_90, which is a guess: its own
/// instruction is another.
static const GpuTarget table[] = {
    // name card capability SMs GHz bytes nibbles floats GB/s shared registers
    {"sm_80", "A100", 80, 108, 1.41, 2048, 4096, 64, 1555, 163 << 10, 65536},
    {"sm_86", "A10", 86, 72, 1.695, 1024, 2048, 128, 600, 99 << 10, 65536},
    {"sm_89", "L40S", 89, 142, 2.52, 1024, 2048, 128, 864, 99 << 10, 65536},
    {"sm_90", "H100", 90, 132, 1.83, 2580, 0, 128, 3350, 227 << 10, 65536},
    {"sm_100", "B200", 100, 148, 1.85, 2580, 0, 128, 8000, 227 << 10, 65536},
};

bool isGpuName(const std::string &name) { return name.rfind("sm_", 0) == 0; }

const GpuTarget *findGpu(const std::string &name, std::string &error) {
  std::string known;
  for (const GpuTarget &gpu : table) {
    if (name == gpu.name)
      return &gpu;
    known += (known.empty() ? "" : ", ") + std::string(gpu.name);
  }
  error = "'" + name + "' is not a GPU that code can be made for; use one of " + known;
  return nullptr;
}

} // namespace n2uq
