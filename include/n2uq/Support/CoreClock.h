// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cycles a second of the core that runs the caller, at this moment.
#ifndef N2UQ_SUPPORT_CORECLOCK_H
#define N2UQ_SUPPORT_CORECLOCK_H

namespace n2uq {

/// Measures for about a millisecond. Whatever interrupts it makes the result smaller: of several, the largest counts.
double coreHertz();

} // namespace n2uq

#endif // N2UQ_SUPPORT_CORECLOCK_H
