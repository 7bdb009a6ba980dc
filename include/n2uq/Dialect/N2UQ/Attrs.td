// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_ATTRS_TD
#define N2UQ_ATTRS_TD

include "n2uq/Dialect/N2UQ/Dialect.td"
include "mlir/IR/AttrTypeBase.td"

def N2UQ_StrategyAttr : AttrDef<N2UQ_Dialect, "Strategy"> {
  let mnemonic = "strategy";
  let summary = "how a kernel is computed";
  let description = [{
    Written by `n2uq-select-strategy` on an `n2uq.kernel`, read by the lowerings, which decide nothing themselves; so a
    choice can be printed, tested, overridden by hand and blamed.

    * `kernel`: the name of an entry of `lib/Strategy/Kernels.def`.
    * `lanes`: 32-bit lanes of one vector register (4, 8 or 16).
    * `tile`: meaning given by the kernel; for contractions `[rows, pixels, vectors]`: output rows per work item,
      output pixels along a row and vectors of output channels per register tile.

    Example: `#n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 7, 2]>`
  }];
  let parameters = (ins StringRefParameter<"kernel name">:$kernel, "int64_t":$lanes, ArrayRefParameter<"int64_t">:$tile);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // N2UQ_ATTRS_TD
