// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one list of dialects and passes for the tools that know all of them.
#ifndef N2UQ_TOOLS_COMMON_ALLDIALECTSANDPASSES_H
#define N2UQ_TOOLS_COMMON_ALLDIALECTSANDPASSES_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace n2uq {

/// The n2uq dialect and every dialect and extension of upstream.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass and pipeline, ours and upstream's.
void registerAllPasses();

} // namespace n2uq

#endif // N2UQ_TOOLS_COMMON_ALLDIALECTSANDPASSES_H
