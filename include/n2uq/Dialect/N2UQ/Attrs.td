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
    * `lanes`: 32-bit lanes of the vectors to emit (16, 8 or 4; 1 where a kernel works element by element).
    * `tile`: meaning given by the kernel; for contractions `[rows, pixels, vectors]`: output rows per work item,
      output pixels along a row and vectors of output channels per register tile; some add the blocks of such vectors per
      work item.

    Example: `#n2uq.strategy<kernel = direct_dot, lanes = 16, tile = [1, 7, 2]>`
  }];
  let parameters = (ins StringRefParameter<"kernel name">:$kernel, "int64_t":$lanes, ArrayRefParameter<"int64_t">:$tile);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def N2UQ_BufferAttr : AttrDef<N2UQ_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "where a kernel's result lies in memory";
  let description = [{
    Written by `n2uq-plan-memory`, one for each result of a kernel. Element `[n, y, x, c]` of `size` bytes lies at byte
    `offset * batch + n * image + origin + y * row + x * pixel + c * size` of `space`: the arena, or the output that the
    caller gave. Rows may have room for the padding that readers need before `origin` and behind the last column; the kernel
    that writes a buffer fills it with code 0.

    Example: `#n2uq.buffer<"arena", offset = 0, image = 215296, origin = 3776, row = 3712, pixel = 64>`
  }];
  let parameters = (ins StringRefParameter<"arena or output">:$space, "int64_t":$offset, "int64_t":$image,
      "int64_t":$origin, "int64_t":$row, "int64_t":$pixel);
  let assemblyFormat = [{
    `<` $space `,` `offset` `=` $offset `,` `image` `=` $image `,` `origin` `=` $origin `,` `row` `=` $row `,`
    `pixel` `=` $pixel `>`
  }];
}

#endif // N2UQ_ATTRS_TD
