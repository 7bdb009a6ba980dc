// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StemRows.h"
#include "n2uq/Strategy/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "n2uq-form-kernels"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

/// A float convolution reads the network's input as it comes, channels first, so the change of layout is no pass over
/// memory.
static bool isReadInPlace(ToNHWCOp op) {
  return isa<BlockArgument>(op.getInput()) && op->hasOneUse() && isa<FloatConv2DOp>(*op->user_begin());
}

/// Whether \p pool can join the kernel of \p members: a convolution of floats or pixels whose result nobody else reads
/// on its way to the pool. Then only the rows that the pool reads next have to exist, if they fit.
static bool canPool(MaxPoolOp pool, ArrayRef<Operation *> members, bool keepCodes) {
  auto conv = dyn_cast<FloatConv2DOp>(members.front());
  if (!getElementTypeOrSelf(pool.getInput()).isF32() ||
      !(conv ? conv.getGroups() == 1 : isa<ImageConv2DOp>(members.front())) ||
      pooledRowsBytes(pool) > maxPooledRowsBytes)
    return false;
  return llvm::all_of(members, [&](Operation *op) {
    // An op without readers would end beside the pool.
    return !isa<MaxPoolOp>(op) && !op->use_empty() && !(keepCodes && codeBitsOf(op->getResult(0).getType())) &&
           llvm::all_of(op->getUsers(),
                        [&](Operation *user) { return user == pool || llvm::is_contained(members, user); });
  });
}

namespace {
/// Kernels in order, each the ops of one loop nest.
///
/// An op joins the kernel with the largest number among those that its operands come from. All of its other operands
/// come from kernels with smaller numbers, whose results are in memory by then; so running kernels in the order of
/// their numbers is right, whatever the order of the ops was.
struct Kernels {
  std::vector<SmallVector<Operation *>> members;
  DenseMap<Operation *, size_t> of;

  void open(Operation *op) {
    of[op] = members.size();
    members.push_back({op});
  }
  void join(size_t kernel, Operation *op) {
    of[op] = kernel;
    members[kernel].push_back(op);
  }
};

struct FormKernels final : n2uq::impl::FormKernelsPassBase<FormKernels> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || !function.getBody().hasOneBlock())
      return;
    Kernels kernels;
    for (Operation &op : function.getBody().front()) {
      if (auto move = dyn_cast<ToNHWCOp>(op); move && isReadInPlace(move))
        continue; // taken along by its convolution
      auto pool = dyn_cast<MaxPoolOp>(op);
      auto producer = pool ? kernels.of.find(pool.getInput().getDefiningOp()) : kernels.of.end();
      if (poolsBehindRoots && producer != kernels.of.end() &&
          canPool(pool, kernels.members[producer->second], keepCodes))
        kernels.join(producer->second, &op);
      else if (isa<KernelRootOpInterface>(op))
        kernels.open(&op);
      else if (isElementwise(&op))
        joinLatest(kernels, &op);
    }
    copyReturnedValues(function, kernels);
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(function.getBody().front().getTerminator());
    for (const SmallVector<Operation *> &members : kernels.members)
      build(rewriter, members);
  }

  static void joinLatest(Kernels &kernels, Operation *op) {
    std::optional<size_t> latest;
    for (Value operand : op->getOperands())
      if (auto producer = kernels.of.find(operand.getDefiningOp()); producer != kernels.of.end())
        latest = std::max(latest.value_or(0), producer->second);
    if (latest)
      kernels.join(*latest, op);
    else
      kernels.open(op);
  }

  /// The caller's output is written and never read. A value that is returned and read by a kernel, or returned twice,
  /// or returned as an input came in, gets a copy of its own for the caller.
  static void copyReturnedValues(func::FuncOp function, Kernels &kernels) {
    Operation *terminator = function.getBody().front().getTerminator();
    OpBuilder builder(terminator);
    for (OpOperand &returned : terminator->getOpOperands()) {
      Value value = returned.get();
      auto producer = kernels.of.find(value.getDefiningOp());
      bool readElsewhere = producer == kernels.of.end() || llvm::any_of(value.getUses(), [&](OpOperand &use) {
                             if (&use == &returned)
                               return false;
                             auto reader = kernels.of.find(use.getOwner());
                             return reader == kernels.of.end() || reader->second != producer->second;
                           });
      if (!readElsewhere || !getElementTypeOrSelf(value).isF32())
        continue;
      auto copy = AffineOp::create(builder, value.getLoc(), value.getType(), value, Value(), Value());
      kernels.open(copy);
      returned.set(copy);
    }
  }

  void build(RewriterBase &rewriter, ArrayRef<Operation *> members) {
    SmallVector<Operation *> body(members);
    for (Operation *op : members)
      for (Value operand : op->getOperands())
        if (auto move = operand.getDefiningOp<ToNHWCOp>(); move && isReadInPlace(move) && isa<FloatConv2DOp>(op))
          body.insert(body.begin(), move);
    llvm::SmallPtrSet<Operation *, 8> inside(body.begin(), body.end());
    SmallVector<Value> yielded;
    for (Operation *op : body)
      for (Value result : op->getResults())
        if ((keepCodes && codeBitsOf(result.getType()) && givesQuantizerCodes(op)) ||
            llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); }))
          yielded.push_back(result);
    if (yielded.empty())
      return; // nobody reads it
    auto kernel = KernelOp::create(rewriter, members.front()->getLoc(), ValueRange(yielded).getTypes(), StrategyAttr(),
                                   ArrayAttr());
    Block *block = rewriter.createBlock(&kernel.getBody());
    for (Operation *op : body)
      op->moveBefore(block, block->end());
    rewriter.setInsertionPointToEnd(block);
    YieldOp::create(rewriter, kernel.getLoc(), yielded);
    for (auto [inner, outer] : llvm::zip_equal(yielded, kernel.getResults()))
      rewriter.replaceUsesWithIf(inner, outer, [&](OpOperand &use) { return !kernel->isAncestor(use.getOwner()); });
    rewriter.setInsertionPointAfter(kernel);
  }
};
} // namespace
