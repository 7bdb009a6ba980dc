// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_STRATEGY_PASSES_TD
#define N2UQ_STRATEGY_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormKernelsPass : Pass<"n2uq-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Gather each contraction or pool with what follows it element by element into one n2uq.kernel";
  let description = [{
    Every root (contraction, pool, change of layout) opens a kernel. An element-by-element op joins the last kernel that it
    reads from: there its operands are in registers or already in memory. A max-pool joins the convolution of floats or pixels
    whose floats it alone reads, where the rows between them fit into a kernel's scratch memory. Only values that another kernel needs are yielded, so
    no accumulator and no intermediate of a tail is written to memory.
  }];
  let options = [Option<"keepCodes", "keep-codes", "bool", "false",
                        "Yield every quantizer's codes, those too that no other kernel reads">,
                 Option<"poolsBehindRoots", "pools-behind-roots", "bool", "true",
                        "Whether a max-pool may join the convolution in front of it">];
}

def JoinKernelsPass : Pass<"n2uq-join-kernels", "::mlir::func::FuncOp"> {
  let summary = "Compute two convolutions that meet in an addition in one n2uq.kernel, where that is cheaper";
  let description = [{
    The last convolution of a residual block and the one that brings the block's input to the same shape: apart, the floats of
    the first are written to memory and read again by the second. A kernel with both as its roots keeps them in registers; but
    then one family computes both with one tile. The pass asks the families for their plans, of both kernels and of the joined
    one, and takes what is cheaper, with the floats' way through memory.
  }];
  let options = [Option<"targetCpu", "target-cpu", "std::string", "\"host\"", "CPU that the code is for, as LLVM names it">];
}

def ShareThresholdsPass : Pass<"n2uq-share-thresholds", "::mlir::func::FuncOp"> {
  let summary = "Lead the accumulators of all channels of a layer to one axis, where a small table finds their codes";
  let description = [{
    `n2uq.threshold` and `n2uq.two_sided_threshold` of 3 and 4 bits become `n2uq.shared_threshold` where lines are found for
    every channel and proven for every reachable accumulator, and the target has permutations of 16-bit numbers. What stays a
    comparison of thresholds, and why, is a remark.

    Runs before the weights are packed: the accumulators' bounds come from them.
  }];
  let options = [Option<"targetCpu", "target-cpu", "std::string", "\"host\"", "CPU that the code is for, as LLVM names it">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SelectStrategyPass : Pass<"n2uq-select-strategy", "::mlir::func::FuncOp"> {
  let summary = "Choose for each kernel how it is computed, and write the choice on it";
  let description = [{
    Asks every family of Kernels.def (of GpuKernels.def for a GPU) that may run the kernel on the target for its best tile and
    cost, takes the cheapest, and writes `#n2uq.strategy` on the kernel. With `optimize-for=size` that is the family whose weights take the fewest bytes in the
    file, and the fastest of those. A strategy that is there already is kept. The choice, its cost and the runner-up are
    reported as remarks.

    A forced family takes what it may; a warning names the layers that had a choice and not this one, and where no layer is left
    for it, that is an error.
  }];
  let options = [
    Option<"targetCpu", "target-cpu", "std::string", "\"host\"", "CPU or GPU that the code is for, as LLVM names it">,
    Option<"force", "force-kernel", "std::string", "\"\"", "Family to take wherever it may run">,
    Option<"optimizeFor", "optimize-for", "std::string", "\"speed\"", "speed, or size: the fewest bytes of weights">];
}

def PackWeightsPass : Pass<"n2uq-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Lay out constant weights as each kernel's strategy reads them";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def VerifyStrategyPass : Pass<"n2uq-verify-strategy", "::mlir::func::FuncOp"> {
  let summary = "Check what the lowering relies on: the end of the strategy phase";
  let description = [{
    All network ops are inside of kernels, every kernel has a strategy of a known family that may compute it, weights are packed,
    no kernel yields an accumulator, and a change of layout stands only at the network's input.
  }];
}

#endif // N2UQ_STRATEGY_PASSES_TD
