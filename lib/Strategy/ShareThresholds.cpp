// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AccumulatorRange.h"
#include "n2uq/Analysis/SharedDomain.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Strategy/Passes.h"
#include "n2uq/Support/CpuTarget.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "n2uq-share-thresholds"

using namespace mlir;
using namespace n2uq;

namespace n2uq {
#define GEN_PASS_DEF_SHARETHRESHOLDSPASS
#include "n2uq/Strategy/Passes.h.inc"
} // namespace n2uq

/// Turns integer thresholds of 3 and 4 bits into lines to an axis that all channels of the layer share.
///
/// Before they were folded the thresholds were one row T for all channels, and what stood in front of them was a
/// straight line per channel, or two that meet where its PReLU turns: x > 0 ? x : p*x is max(x, p*x) for p <= 1 and
/// min(x, p*x) for p >= 1, and the other way round in front of a quantizer that negates its input. So
///
///   threshold, rising:                  one line, or two of positive slope
///   two-sided, a valley of the codes:   two lines, the left one falling
///   a hill of the codes (p > 1):        the lower of two lines: minus the higher of the negated ones
///
/// Nothing of this is assumed: lines are searched for each channel from the integers alone, and taken when all
/// reachable accumulators of all channels are proven to get their codes (SharedDomain.h). An axis of 16 bits takes
/// fewer instructions; where it is too coarse for some channel, one of 32 bits serves the layer.
namespace {
struct ShareThresholds final : n2uq::impl::ShareThresholdsPassBase<ShareThresholds> {
  using Base::Base;
  void runOnOperation() override;
};

/// A layer on its axis: paths[c] of channel c.
struct SharedLayer {
  SharedDomain domain;
  std::vector<Path> paths;
};
} // namespace

/// The codes between `bounds`, which change at `edges` only.
template <typename Code>
static StepFunction stepsAt(AccumulatorBounds bounds, std::vector<int32_t> edges, Code code) {
  StepFunction function;
  function.bounds = bounds;
  edges.push_back(static_cast<int32_t>(bounds.lo));
  std::sort(edges.begin(), edges.end());
  for (int32_t edge : edges)
    if (edge >= bounds.lo && edge <= bounds.hi) {
      auto now = static_cast<unsigned>(code(edge));
      if (function.steps.empty() || function.steps.back().code != now)
        function.steps.push_back({edge, now});
    }
  return function;
}

/// Row `c` of a constant of rows; the only row where there is one for all channels.
static std::vector<int32_t> rowOf(const std::vector<int32_t> &numbers, Value rows, size_t c) {
  auto shape = cast<ShapedType>(rows.getType()).getShape();
  auto first = numbers.begin() + (shape[0] == 1 ? 0 : static_cast<int64_t>(c) * shape[1]);
  return {first, first + shape[1]};
}

/// Every channel's codes, from the op's integers.
static std::optional<std::vector<StepFunction>> stepFunctionsOf(Operation *op, ArrayRef<AccumulatorBounds> bounds) {
  std::vector<StepFunction> functions;
  if (auto threshold = dyn_cast<ThresholdOp>(op)) {
    std::optional<std::vector<int32_t>> rows = constantInts(threshold.getThresholds());
    for (size_t c = 0; rows && c < bounds.size(); ++c) {
      std::vector<int32_t> row = rowOf(*rows, threshold.getThresholds(), c);
      functions.push_back(stepsAt(bounds[c], row, [&](int64_t acc) { return risingCode(row, acc); }));
    }
    return rows ? std::optional(functions) : std::nullopt;
  }
  auto threshold = cast<TwoSidedThresholdOp>(op);
  std::optional<std::vector<int32_t>> base = constantInts(threshold.getBase()), up = constantInts(threshold.getUp()),
                                      down = constantInts(threshold.getDown());
  if (!base || !up || !down)
    return std::nullopt;
  int64_t mask = (int64_t(1) << codeBitsOf(threshold.getType())) - 1;
  for (size_t c = 0; c < bounds.size(); ++c) {
    TwoSidedRow row{(*base)[c], rowOf(*up, threshold.getUp(), c), rowOf(*down, threshold.getDown(), c)};
    std::vector<int32_t> edges = row.up;
    edges.insert(edges.end(), row.down.begin(), row.down.end());
    functions.push_back(stepsAt(bounds[c], edges, [&](int64_t acc) { return twoSidedCode(row, acc) & mask; }));
  }
  return functions;
}

/// Gives all channels the same sign where that is possible, for one sign for all costs nothing: a channel of one line
/// has either sign, since minus the negated line is the line.
static void agreeOnSign(std::vector<Path> &paths) {
  if (llvm::any_of(paths, [](const Path &path) { return path.lines.size() > 1 && !path.mirrored; }))
    return;
  if (llvm::none_of(paths, [](const Path &path) { return path.mirrored; }))
    return;
  for (Path &path : paths)
    if (!path.mirrored) {
      path.mirrored = true;
      for (Line &line : path.lines)
        line = {-line.scale, -line.offset};
    }
}

/// The layer on the first axis that serves all of its channels; `reason` says why there is none.
static std::optional<SharedLayer> shareLayer(const std::vector<float> &levels, ArrayRef<StepFunction> functions,
                                             std::string &reason) {
  // More cells separate more uneven thresholds; with 16 bits they cost nothing.
  static constexpr struct {
    unsigned width;
    size_t cells, attempts;
  } axes[] = {{16, 64, 8}, {32, 32, 2}, {32, 64, 2}};
  reason = "its thresholds are too uneven: two of them always share a cell";
  for (const auto &axis : axes)
    for (SharedDomain &domain : sharedDomains(levels, axis.width, axis.cells, axis.attempts)) {
      if (!provesTable(domain))
        continue;
      SharedLayer layer{std::move(domain), {}};
      for (const StepFunction &function : functions) {
        std::optional<Path> path = findPath(layer.domain, function);
        if (!path)
          break;
        layer.paths.push_back(std::move(*path));
      }
      if (layer.paths.size() == functions.size()) {
        agreeOnSign(layer.paths);
        return layer;
      }
      reason = "no lines give the codes of channel " + std::to_string(layer.paths.size());
    }
  return std::nullopt;
}

static SharedThresholdOp createShared(Operation *op, const SharedLayer &layer) {
  size_t lines = 1;
  for (const Path &path : layer.paths)
    lines = std::max(lines, path.lines.size());
  std::vector<float> scales, offsets, signs;
  for (const Path &path : layer.paths) {
    for (size_t j = 0; j < lines; ++j) {
      // A channel of one line has it twice.
      const Line &line = path.lines[std::min(j, path.lines.size() - 1)];
      scales.push_back(line.scale);
      offsets.push_back(line.offset);
    }
    signs.push_back(path.mirrored ? -1.0f : 1.0f);
  }
  // Constants stand in front of kernels.
  Operation *kernel = op->getParentOfType<KernelOp>();
  OpBuilder builder(kernel ? kernel : op);
  Location loc = op->getLoc();
  int64_t channels = layer.paths.size(), count = lines, cells = layer.domain.table.size();
  Value scale = createFloats(builder, loc, {channels, count}, scales, "scale");
  Value offset = createFloats(builder, loc, {channels, count}, offsets, "offset");
  std::vector<int32_t> table(layer.domain.table.begin(), layer.domain.table.end());
  Value cellTable = createInts(builder, loc, {cells}, table, "table");
  Value sign;
  if (llvm::is_contained(signs, -1.0f))
    sign = llvm::all_equal(signs) ? createFloats(builder, loc, {1}, {-1.0f}, "sign")
                                  : createFloats(builder, loc, {channels}, signs, "sign");
  builder.setInsertionPoint(op);
  return SharedThresholdOp::create(builder, loc, op->getResult(0).getType(), op->getOperand(0), scale, offset,
                                   cellTable, sign, layer.domain.width);
}

static void share(Operation *op) {
  std::string reason;
  auto refuse = [&] {
    remark::missed(op->getLoc(), remark::RemarkOpts::name("Compares").category(DEBUG_TYPE)) << reason;
  };
  auto levels = op->getAttrOfType<DenseF32ArrayAttr>(levelsAttrName);
  if (!levels || levels.empty()) {
    reason = "its channels did not share their thresholds";
    return refuse();
  }
  std::optional<std::vector<AccumulatorBounds>> bounds = accumulatorBoundsOf(op->getOperand(0));
  std::optional<std::vector<StepFunction>> functions;
  if (bounds)
    functions = stepFunctionsOf(op, *bounds);
  if (!functions) {
    reason = "its accumulators or thresholds are not known";
    return refuse();
  }
  std::optional<SharedLayer> layer = shareLayer(levels.asArrayRef().vec(), *functions, reason);
  if (!layer)
    return refuse();
  SharedThresholdOp shared = createShared(op, *layer);
  remark::passed(op->getLoc(), remark::RemarkOpts::name("Shared").category(DEBUG_TYPE))
      << remark::metric("width", layer->domain.width)
      << remark::metric("lines", cast<ShapedType>(shared.getScale().getType()).getDimSize(1))
      << remark::metric("mirrored", llvm::count_if(layer->paths, [](const Path &path) { return path.mirrored; }));
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (attribute.getName() != levelsAttrName)
      shared->setDiscardableAttr(attribute.getName(), attribute.getValue());
  op->replaceAllUsesWith(ValueRange{shared});
  op->erase();
}

void ShareThresholds::runOnOperation() {
  CpuTarget target;
  if (std::string error = findCpu(targetCpu, target); !error.empty()) {
    getOperation().emitError() << error;
    return signalPassFailure();
  }
  // Cells are looked up with permutations of 16-bit numbers, lines are fused multiply-adds.
  if (target.lanes() != 16 || !target.hasFma())
    return;
  SmallVector<Operation *> thresholds;
  getOperation().walk([&](Operation *op) {
    int64_t bits = isa<ThresholdOp, TwoSidedThresholdOp>(op) ? codeBitsOf(op->getResult(0).getType()) : 0;
    if (bits == 3 || bits == 4)
      thresholds.push_back(op);
  });
  for (Operation *op : thresholds)
    share(op);
}
