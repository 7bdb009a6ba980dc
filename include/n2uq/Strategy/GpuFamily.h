// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel family for NVIDIA GPUs: the questions of Family.h, but that a launch takes the place of work items, and that
// weights are put into a family's own order when it emits (README.md of lib/Strategy/NVIDIA says why). GpuKernels.def
// lists them.
#ifndef N2UQ_STRATEGY_GPUFAMILY_H
#define N2UQ_STRATEGY_GPUFAMILY_H

#include "n2uq/Strategy/Family.h"
#include "n2uq/Support/GpuTarget.h"

namespace n2uq {

class ThreadEmitter;

/// What n2uq_cuda_launch says about a kernel.
struct Launch {
  int64_t unitsPerImage = 1, unitsPerBlock = 1, gridY = 1, threads = 32, sharedBytes = 0;
};

struct GpuFamily {
  const char *name;
  /// Numbers of its tile.
  size_t tileRank;
  /// Whether it can compute `kernel` on `target`; where it cannot, `why` is filled with the reason.
  bool (*mayRun)(KernelOp kernel, const GpuTarget &target, std::string &why);
  /// The best tile and its cost: cycles of the whole GPU for one image of a large batch. Called only where mayRun.
  Plan (*plan)(KernelOp kernel, const GpuTarget &target);
  /// Whether the tile of a strategy, which may be written by hand, is one of its own; fills `why`.
  bool (*checkTile)(KernelOp kernel, std::string &why);
  Launch (*launch)(KernelOp kernel);
  /// Emits what one thread does.
  void (*emit)(KernelOp kernel, ThreadEmitter &emitter);
};

/// All families in the order of preference at equal cost.
llvm::ArrayRef<const GpuFamily *> gpuFamilies();
/// The family called `name`, or null.
const GpuFamily *findGpuFamily(llvm::StringRef name);
/// Whether a kernel's strategy is one of a GPU's families.
bool isForGpu(KernelOp kernel);
/// The family of a kernel's strategy, after a check that it can compute the kernel with that tile. Null after an error
/// on the kernel.
const GpuFamily *checkedGpuFamily(KernelOp kernel);

} // namespace n2uq

#endif // N2UQ_STRATEGY_GPUFAMILY_H
