// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_LIB_MODELFILE_REHEARSAL_H
#define N2UQ_LIB_MODELFILE_REHEARSAL_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstdint>

namespace n2uq {

/// Whether `action` comes to its end: tried in a copy of the process, where it may crash, corrupt the heap, ask for all
/// the memory there is or never return, without harm to this one. `inputBytes` is what it reads; time and memory that
/// it may use grow with that. Whatever it prints is lost. The process must have no other threads.
///
/// The copy has the same memory at the same addresses, so what went well there goes well here.
bool survivesRehearsal(llvm::function_ref<void()> action, uint64_t inputBytes);

} // namespace n2uq

#endif // N2UQ_LIB_MODELFILE_REHEARSAL_H
