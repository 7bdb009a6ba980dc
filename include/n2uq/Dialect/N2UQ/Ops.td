// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_OPS_TD
#define N2UQ_OPS_TD

include "n2uq/Dialect/N2UQ/Dialect.td"
include "n2uq/Dialect/N2UQ/Attrs.td"
include "n2uq/Dialect/N2UQ/Types.td"
include "n2uq/Dialect/N2UQ/NetworkOps.td"
include "n2uq/Dialect/N2UQ/MoveOps.td"
include "n2uq/Dialect/N2UQ/KernelOps.td"
include "n2uq/Dialect/N2UQ/EpilogueOps.td"

#endif // N2UQ_OPS_TD
