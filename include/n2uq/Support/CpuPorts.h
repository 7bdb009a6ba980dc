// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How fast CPUs execute the few instructions that kernels are made of: the facts behind the plans of kernel families.
#ifndef N2UQ_SUPPORT_CPUPORTS_H
#define N2UQ_SUPPORT_CPUPORTS_H

#include "n2uq/Support/CpuTarget.h"

namespace n2uq {

/// Instructions a cycle on one core, vectors of the CPU's full width.
struct CpuPorts {
  double dots;        ///< dot products of bytes (vpdpbusd)
  double vectors;     ///< vector instructions in all, whatever their kinds
  double lookups;     ///< permutations of bytes (vpermb), each with an addition, as measured in a kernel
  double loads;       ///< loads of vectors
  double nearLoads;   ///< loads of vectors from the L2 cache
  double stores;      ///< stores of vectors
  double chosenLoads; ///< loads of vectors whose addresses were loaded just before
  double farBytes;    ///< bytes that come in from the L3 cache or beyond while the core computes
  int64_t nearBytes;  ///< weights that stay in the L2 cache while a kernel runs
};

/// The facts of the table in CpuPorts.cpp, by the CPU's name; those of a cautious guess for names that it does not
/// list.
const CpuPorts &portsOf(const CpuTarget &target);

} // namespace n2uq

#endif // N2UQ_SUPPORT_CPUPORTS_H
