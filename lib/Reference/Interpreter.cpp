// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Reference/Interpreter.h"

#include "Evaluate.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/Upstream.h"

#include "llvm/ADT/TypeSwitch.h"
#include <thread>
#include <unistd.h>

using namespace mlir;

namespace n2uq {

/// Bytes that the values of one chunk may take: a few images of a large network, hundreds of a small one.
static constexpr double chunkBytes = 256.0 * 1024 * 1024;

static double machineBytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

static std::string gibibytes(double bytes) {
  return std::to_string(static_cast<int64_t>(bytes / (1 << 30)) + 1) + " GiB";
}

static std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// How messages call an op: by its name where it has one.
static std::string describe(Operation *op) {
  std::string text = "'" + op->getName().getStringRef().str() + "'";
  if (StringRef name = nameOf(op); !name.empty())
    text += " (" + name.str() + ")";
  return text;
}

static bool isDynamicBatch(Type type) { return !cast<ShapedType>(type).hasStaticShape(); }

/// Bytes of a value in a batch of `batch` images.
static double bytesOf(Type type, int64_t batch) {
  auto shaped = cast<ShapedType>(type);
  double bytes = arrayElementBytes(shaped.getElementType());
  for (int64_t extent : shaped.getShape())
    bytes *= ShapedType::isDynamic(extent) ? batch : extent;
  return bytes;
}

//===----------------------------------------------------------------------===//
// Checks before a run
//===----------------------------------------------------------------------===//

/// Whether values of `type` can be held, with a batch that is known only when the function runs.
static bool isValueType(Type type) {
  if (!isArrayType(type))
    return false;
  ArrayRef<int64_t> shape = cast<ShapedType>(type).getShape();
  return shape.empty() || llvm::none_of(shape.drop_front(), ShapedType::isDynamic);
}

static bool isInterpreted(Operation *op) {
  return isa<func::ReturnOp, arith::ConstantOp>(op) || isa_and_nonnull<N2UQDialect>(op->getDialect()) ||
         isUpstreamElementwise(op);
}

std::unique_ptr<Interpreter> Interpreter::create(func::FuncOp function, std::string &error) {
  std::string name = "function '" + function.getSymName().str() + "'";
  if (!function.getBody().hasOneBlock()) {
    error = name + " cannot be interpreted: its body is not one block";
    return nullptr;
  }
  for (Type type : function.getArgumentTypes())
    if (!isValueType(type)) {
      error =
          name + " cannot be interpreted: it has an argument of type " + typeText(type) +
          ", which is neither a tensor of float32, int32, int8 or codes with a known shape behind the batch nor such "
          "a vector";
      return nullptr;
    }
  WalkResult walked = function.getBody().walk([&](Operation *op) {
    if (!isInterpreted(op)) {
      error = "cannot interpret " + describe(op) +
              ": the reference gives a meaning to the ops of the n2uq dialect, to constants, and to " +
              upstreamElementwiseOps.str();
      return WalkResult::interrupt();
    }
    for (Type type : op->getResultTypes())
      if (!isValueType(type)) {
        error = "cannot interpret " + describe(op) + ": its result has the type " + typeText(type);
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return nullptr;

  std::unique_ptr<Interpreter> interpreter(new Interpreter(function));
  error = interpreter->readConstants();
  if (!error.empty())
    return nullptr;
  function.getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      ++interpreter->useCounts[operand];
  });
  return interpreter;
}

/// The number behind an `arith.constant`; none where it cannot be read.
static std::optional<Array::Data> constantData(arith::ConstantOp constant) {
  auto type = cast<ShapedType>(constant.getType());
  Type element = type.getElementType();
  auto wrap = [](auto &&numbers) -> std::optional<Array::Data> {
    if (!numbers)
      return std::nullopt;
    return Array::Data(std::move(*numbers));
  };
  if (element.isF32())
    return wrap(constantFloats(constant));
  if (element.isSignlessInteger(32))
    return wrap(constantInts(constant));
  if (element.isSignlessInteger(8))
    return wrap(constantBytes(constant));
  auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue());
  if (!dense)
    return std::nullopt;
  if (element.isSignlessInteger(16)) {
    std::vector<int16_t> words;
    for (const APInt &word : dense.getValues<APInt>())
      words.push_back(word.getSExtValue());
    return Array::Data(std::move(words));
  }
  std::vector<uint8_t> codes;
  for (const APInt &code : dense.getValues<APInt>())
    codes.push_back(code.getZExtValue());
  return Array::Data(std::move(codes));
}

std::string Interpreter::readConstants() {
  // A splat of a few characters can claim any size, and a filter is copied into another layout of four bytes a weight.
  double bytes = 0;
  function.getBody().walk([&](arith::ConstantOp constant) { bytes += 5 * bytesOf(constant.getType(), 1); });
  if (bytes > machineBytes())
    return "the constants of function '" + function.getSymName().str() + "' need " + gibibytes(bytes) +
           " of memory, more than this machine has";
  std::string error;
  function.getBody().walk([&](arith::ConstantOp constant) {
    auto type = cast<ShapedType>(constant.getType());
    std::optional<Array::Data> data = constantData(constant);
    if (!data) {
      error = "cannot read a constant of type " + typeText(type) +
              ": its data is missing or has another size than its type says";
      return WalkResult::interrupt();
    }
    constants[constant.getResult()] = std::make_shared<Array>(type.getShape().vec(), std::move(*data));
    return WalkResult::advance();
  });
  return error;
}

//===----------------------------------------------------------------------===//
// Names and sizes
//===----------------------------------------------------------------------===//

static std::string nameAmong(StringAttr given, const char *kind, unsigned index, unsigned count) {
  if (given && !given.empty())
    return given.str();
  return count == 1 ? kind : kind + std::to_string(index);
}

std::string Interpreter::argumentName(unsigned index) const {
  auto function = this->function;
  return nameAmong(function.getArgAttrOfType<StringAttr>(index, "n2uq.name"), "input", index,
                   function.getNumArguments());
}

std::string Interpreter::resultName(unsigned index) const {
  auto function = this->function;
  return nameAmong(function.getResultAttrOfType<StringAttr>(index, "n2uq.name"), "output", index,
                   function.getNumResults());
}

double Interpreter::peakBytes(int64_t batch) const {
  auto function = this->function;
  double live = 0, peak = 0;
  for (Type type : function.getArgumentTypes())
    live += bytesOf(type, batch);
  llvm::DenseMap<Value, unsigned> left = useCounts;
  function.getBody().walk([&](Operation *op) {
    if (isa<arith::ConstantOp, KernelOp, YieldOp>(op))
      return; // a kernel's results are the values that it yields
    for (Value result : op->getResults())
      live += bytesOf(result.getType(), batch);
    peak = std::max(peak, live);
    for (Value operand : op->getOperands())
      if (--left[operand] == 0 && !isa<BlockArgument>(operand) && !constants.count(operand))
        live -= bytesOf(operand.getType(), batch);
  });
  return peak;
}

static unsigned threadsOrAll(unsigned threads) {
  return threads ? threads : std::max(1u, std::thread::hardware_concurrency());
}

int64_t Interpreter::chunkImages() const {
  auto function = this->function;
  for (Type type : function.getArgumentTypes())
    if (!isDynamicBatch(type) && !cast<ShapedType>(type).getShape().empty())
      return cast<ShapedType>(type).getDimSize(0);
  return std::clamp<int64_t>(chunkBytes / std::max(1.0, peakBytes(1)), 1, 1024);
}

//===----------------------------------------------------------------------===//
// A run
//===----------------------------------------------------------------------===//

namespace {
class Run {
public:
  Run(int64_t batch, unsigned threads, Interpreter::Observer observer,
      const llvm::DenseMap<Value, std::shared_ptr<const Array>> &constants, llvm::DenseMap<Value, unsigned> usesLeft)
      : batch(batch), threads(threads), observer(observer), constants(constants), usesLeft(std::move(usesLeft)) {}

  void define(Value value, std::shared_ptr<const Array> array) { values[value] = std::move(array); }
  std::shared_ptr<const Array> get(Value value) const {
    auto constant = constants.find(value);
    return constant != constants.end() ? constant->second : values.at(value);
  }

  /// Evaluates the ops of a block up to its terminator and returns what that names.
  std::vector<std::shared_ptr<const Array>> runBlock(Block &block) {
    for (Operation &op : block.without_terminator()) {
      if (isa<arith::ConstantOp>(op))
        continue;
      if (auto kernel = dyn_cast<KernelOp>(op)) {
        auto yielded = runBlock(kernel.getBody().front());
        for (auto [result, value] : llvm::zip(kernel.getResults(), yielded))
          define(result, value);
      } else {
        auto result = std::make_shared<Array>(shapeOf(op.getResult(0)), elementOf(op.getResult(0)));
        compute(op, *result);
        define(op.getResult(0), result);
      }
      for (OpResult result : op.getResults())
        observer(result, *values.at(result));
      release(op);
    }
    std::vector<std::shared_ptr<const Array>> results;
    for (Value value : block.getTerminator()->getOperands())
      results.push_back(get(value));
    release(*block.getTerminator());
    return results;
  }

private:
  std::vector<int64_t> shapeOf(Value value) const {
    std::vector<int64_t> shape = cast<ShapedType>(value.getType()).getShape().vec();
    if (!shape.empty() && ShapedType::isDynamic(shape[0]))
      shape[0] = batch;
    return shape;
  }
  static Type elementOf(Value value) { return cast<ShapedType>(value.getType()).getElementType(); }

  /// Drops what `op` was the last to name.
  void release(Operation &op) {
    for (Value operand : op.getOperands())
      if (--usesLeft[operand] == 0)
        values.erase(operand);
    for (Value result : op.getResults())
      if (result.use_empty())
        values.erase(result);
  }

  void compute(Operation &op, Array &result) {
    auto in = [&](Value value) -> const Array & { return *get(value); };
    auto optional = [&](Value value) -> const Array * { return value ? get(value).get() : nullptr; };
    llvm::TypeSwitch<Operation *>(&op)
        .Case<ToNHWCOp, FlattenOp, UnflattenOp, GatherOp, MaxPoolOp, AvgPoolOp, ClampOp, SigmoidOp>(
            [&](auto op) { evaluate(op, in(op.getInput()), result, threads); })
        .Case<Conv2DOp, FloatConv2DOp>(
            [&](auto op) { evaluate(op, in(op.getInput()), in(op.getFilter()), result, threads); })
        .Case<PackedConv2DOp, PackedLookupConv2DOp, PackedWinogradConv2DOp, PackedInnerProductConv2DOp,
              PackedDepthwiseConv2DOp, PackedFloatConv2DOp, PackedFullyConnectedOp>(
            [&](auto op) { evaluate(op, in(op.getInput()), in(op.getPacked()), result, threads); })
        .Case([&](ImageConv2DOp op) {
          evaluate(op, in(op.getInput()), in(op.getLimbs()), in(op.getScale()), in(op.getOffset()), result, threads);
        })
        .Case([&](PackedImageConv2DOp op) {
          evaluate(op, in(op.getInput()), in(op.getPacked()), in(op.getScale()), in(op.getOffset()), result, threads);
        })
        .Case([&](ConcatOp op) {
          SmallVector<const Array *> inputs;
          for (Value input : op.getInputs())
            inputs.push_back(&in(input));
          evaluate(op, inputs, result, threads);
        })
        .Case<QuantizeOp, ThresholdOp>(
            [&](auto op) { evaluate(op, in(op.getInput()), in(op.getThresholds()), result, threads); })
        .Case([&](FullyConnectedOp op) { evaluate(op, in(op.getInput()), in(op.getWeights()), result, threads); })
        .Case([&](PReLUOp op) { evaluate(op, in(op.getInput()), in(op.getSlope()), result, threads); })
        .Case([&](AddOp op) { evaluate(op, in(op.getLhs()), in(op.getRhs()), result, threads); })
        .Case([&](AffineOp op) {
          evaluate(op, in(op.getInput()), optional(op.getScale()), optional(op.getOffset()), result, threads);
        })
        .Case([&](TwoSidedThresholdOp op) {
          evaluate(op, in(op.getInput()), in(op.getBase()), in(op.getUp()), in(op.getDown()), result, threads);
        })
        .Case([&](Dot2Op op) { evaluate(op, in(op.getCodes()), in(op.getWeights()), result); })
        .Case([&](SharedThresholdOp op) {
          evaluate(op, in(op.getInput()), in(op.getScale()), in(op.getOffset()), in(op.getTable()),
                   optional(op.getSign()), result, threads);
        })
        .Case([&](CellCodesOp op) {
          SmallVector<const Array *> values;
          for (Value value : op.getValues())
            values.push_back(&in(value));
          evaluate(op, values, result);
        })
        .Case([&](PermuteOp op) { evaluate(op, in(op.getTable()), in(op.getIndex()), result); })
        .Case([&](Dot2WordsOp op) { evaluate(op, in(op.getAcc()), in(op.getLhs()), in(op.getRhs()), result); })
        .Case([&](Dot4Op op) { evaluate(op, in(op.getAcc()), in(op.getCodes()), in(op.getWeights()), result); })
        .Case([&](TableLookupOp op) { evaluate(op, in(op.getTable()), in(op.getIndices()), result); })
        .Default([&](Operation *op) { // Interpreter::create lets no other op through
          SmallVector<const Array *> inputs;
          for (Value input : op->getOperands())
            inputs.push_back(&in(input));
          evaluateUpstream(op, inputs, result, threads);
        });
  }

  int64_t batch;
  unsigned threads;
  Interpreter::Observer observer;
  const llvm::DenseMap<Value, std::shared_ptr<const Array>> &constants;
  llvm::DenseMap<Value, unsigned> usesLeft;
  llvm::DenseMap<Value, std::shared_ptr<const Array>> values;
};
} // namespace

std::string Interpreter::run(llvm::ArrayRef<Array> arguments, std::vector<Array> &results, Observer observer) {
  if (arguments.size() != function.getNumArguments())
    return "the model takes " + std::to_string(function.getNumArguments()) + " inputs, but got " +
           std::to_string(arguments.size());
  int64_t batch = 1;
  const Array *batchOf = nullptr;
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    Type type = function.getArgument(index).getType();
    if (std::string error = checkArray(argument, type, "'" + argumentName(index) + "'"); !error.empty())
      return error;
    if (!isDynamicBatch(type))
      continue;
    if (batchOf && argument.shape[0] != batch)
      return "'" + argumentName(index) + "' holds " + std::to_string(argument.shape[0]) + " images, but '" +
             argumentName(batchOf - arguments.data()) + "' holds " + std::to_string(batch);
    batch = argument.shape[0];
    batchOf = &argument;
  }
  if (double bytes = peakBytes(batch); bytes > machineBytes())
    return "a batch of " + std::to_string(batch) + " images needs " + gibibytes(bytes) +
           " of memory, more than this machine has; use a smaller batch";

  Run run(batch, threadsOrAll(threads), observer, constants, useCounts);
  for (auto [index, argument] : llvm::enumerate(arguments))
    // The caller keeps its array through the run: no copy.
    run.define(function.getArgument(index), std::shared_ptr<const Array>(std::shared_ptr<void>(), &argument));
  auto values = run.runBlock(function.getBody().front());
  results.clear();
  for (const auto &value : values)
    results.push_back(*value);
  return "";
}

} // namespace n2uq
