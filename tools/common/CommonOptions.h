// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Options that every tool over MLIR has. Calling this before the command line is parsed adds them:
//   --version                      names N2UQ's version above LLVM's
//   --n2uq-debug-only=TYPE,…       what passes say while they work (LDBG, LLVM_DEBUG); TYPE is a pass's flag
#ifndef N2UQ_TOOLS_COMMON_COMMONOPTIONS_H
#define N2UQ_TOOLS_COMMON_COMMONOPTIONS_H

namespace n2uq {

void registerCommonOptions();

} // namespace n2uq

#endif // N2UQ_TOOLS_COMMON_COMMONOPTIONS_H
