// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel family: one way to compute a kernel. Each is one file that answers four questions: may it run here, what
// does it cost, how are its weights laid out, and what IR does it become. Kernels.def lists them.
#ifndef N2UQ_STRATEGY_FAMILY_H
#define N2UQ_STRATEGY_FAMILY_H

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/CpuTarget.h"
#include "n2uq/model.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace n2uq {

class ItemEmitter;

/// What a family would do with one kernel.
struct Plan {
  int64_t lanes = 1;
  llvm::SmallVector<int64_t> tile;
  double cycles = 0;      ///< estimate for one image on one core
  double weightBytes = 0; ///< of its weights in the file
};

struct KernelFamily {
  const char *name;
  /// Numbers of its tile: [rows], [rows, pixels], [rows, pixels, vectors] or [rows, pixels, vectors, blocks].
  size_t tileRank;
  /// Whether it can compute `kernel` on `target`; where it cannot, `why` is filled with the reason.
  bool (*mayRun)(KernelOp kernel, const CpuTarget &target, std::string &why);
  /// The best tile and its cost. Called only where mayRun.
  Plan (*plan)(KernelOp kernel, const CpuTarget &target);
  /// Packs the weights as `kernel`'s strategy says; null where there are none.
  mlir::LogicalResult (*pack)(KernelOp kernel, mlir::RewriterBase &rewriter);
  /// Work items of one image.
  int64_t (*items)(KernelOp kernel);
  /// Emits one work item.
  void (*emit)(KernelOp kernel, ItemEmitter &emitter);
  /// Bytes of memory that one work item needs for intermediate data, at most \c maxScratchBytes; null or 0 for none.
  int64_t (*scratch)(KernelOp kernel) = nullptr;
  /// Whether a kernel whose weights are packed is what its strategy says: shapes, and where the arithmetic depends on
  /// them the weights themselves. Failure after an error. Null where n2uq-verify-strategy's own checks are all.
  mlir::LogicalResult (*verify)(KernelOp kernel) = nullptr;
  /// Hands out every plan that it considers, `plan`'s among them, for those who measure. Null where that is the only
  /// one.
  void (*offer)(KernelOp kernel, const CpuTarget &target, llvm::function_ref<void(const Plan &)> take) = nullptr;
  /// Roots that a kernel of it may have.
  size_t mostRoots = 1;
  /// Whether every element of the results is computed once only, after all that is read in its place; then a result
  /// may lie where an operand of the same shape lay. Null: some are computed twice.
  bool (*computesOnce)(KernelOp kernel) = nullptr;
};

/// `family.mayRun` for a kernel with as many roots as the family takes.
bool mayCompute(const KernelFamily &family, KernelOp kernel, const CpuTarget &target, std::string &why);

/// A kernel's scratch lies on the stack of the thread that computes it (n2uq/model.h promises no more than this).
constexpr int64_t maxScratchBytes = N2UQ_STACK_BYTES / 2;

/// All families in the order of preference at equal cost.
llvm::ArrayRef<const KernelFamily *> kernelFamilies();
/// The family called `name`, or null.
const KernelFamily *findFamily(llvm::StringRef name);

/// The family of a kernel's strategy, after a check that it can compute the kernel with that tile: a strategy may be
/// written by hand. Null after an error on the kernel.
const KernelFamily *checkedFamily(KernelOp kernel);

/// The cheapest of the plans that \p offer hands out, the first one of equal ones.
Plan cheapestPlan(llvm::function_ref<void(llvm::function_ref<void(const Plan &)>)> offer);

/// Attribute of a kernel whose filter is packed: the filter's bytes if each weight took its true width.
constexpr llvm::StringLiteral trueWidthBytesName = "n2uq.true_width_bytes";

/// Multiply-accumulates of one image, of all roots; 0 for kernels without a contraction.
int64_t macsOf(KernelOp kernel);

} // namespace n2uq

#endif // N2UQ_STRATEGY_FAMILY_H
