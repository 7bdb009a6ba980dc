// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Reference/Interpreter.h"
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/FileName.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace n2uq;

static bool isDynamicBatch(Type type) { return !cast<ShapedType>(type).hasStaticShape(); }

namespace {
/// The files of a run. A long input goes through in chunks, so each file grows piece by piece.
class OutputFiles {
public:
  explicit OutputFiles(std::string folder) : folder(std::move(folder)) {}

  /// Opens the file of a value of `type` that the model calls `name`; `index` is its number for append().
  std::string add(const std::string &name, Type type, int64_t batch, size_t &index) {
    std::string file = fileNameOf(name) + ".npy";
    auto [entry, isNew] = names.try_emplace(file, name);
    if (!isNew)
      return "'" + entry->second + "' and '" + name + "' would both be written to '" + file +
             "': give them different names";
    std::vector<int64_t> shape = cast<ShapedType>(type).getShape().vec();
    if (isDynamicBatch(type))
      shape[0] = batch;
    index = writers.size();
    writers.push_back(std::make_unique<NpyWriter>());
    return writers.back()->open(folder + "/" + file, Array({0}, cast<ShapedType>(type).getElementType()).dtype(),
                                shape);
  }

  std::string append(size_t index, const Array &part) {
    int64_t bytes = part.elements() * NpyArray::elementBytes(part.dtype());
    return writers[index]->append(part.bytes(), bytes);
  }

  std::string finish() {
    for (std::unique_ptr<NpyWriter> &writer : writers)
      if (std::string error = writer->finish(); !error.empty())
        return error;
    return "";
  }

private:
  std::string folder;
  llvm::StringMap<std::string> names;
  std::vector<std::unique_ptr<NpyWriter>> writers;
};
} // namespace

/// Reads the files of `--input` in the order of the function's arguments.
static std::string readInputs(const Interpreter &interpreter, const std::vector<std::string> &inputs,
                              std::vector<Array> &arguments) {
  func::FuncOp function = interpreter.getFunction();
  unsigned count = function.getNumArguments();
  arguments.resize(count);
  std::vector<bool> given(count);
  for (const std::string &input : inputs) {
    std::string name, path, known;
    if (!splitBinding(input, name, path))
      return "--input takes NAME=FILE.npy, but got '" + input + "'";
    unsigned index = 0;
    for (; index < count && interpreter.argumentName(index) != name; ++index)
      known += (index ? ", '" : "'") + interpreter.argumentName(index) + "'";
    if (index == count)
      return "the model has no input '" + name + "'; it has " + (known.empty() ? "none" : known);
    if (given[index])
      return "--input gives '" + name + "' twice";
    NpyArray file;
    if (std::string error = readNpy(path, file); !error.empty())
      return error;
    if (std::string error =
            arrayFromNpy(std::move(file), function.getArgument(index).getType(), "'" + path + "'", arguments[index]);
        !error.empty())
      return error;
    given[index] = true;
  }
  for (unsigned index = 0; index < count; ++index)
    if (!given[index])
      return "the model needs --input=" + interpreter.argumentName(index) + "=FILE.npy";
  return "";
}

/// The batch that the arguments agree on; 1 where no argument has one.
static std::string findBatch(const Interpreter &interpreter, const std::vector<Array> &arguments, int64_t &batch) {
  func::FuncOp function = interpreter.getFunction();
  int first = -1;
  batch = 1;
  for (unsigned index = 0; index < arguments.size(); ++index) {
    if (!isDynamicBatch(function.getArgument(index).getType()))
      continue;
    if (first >= 0 && arguments[index].shape[0] != batch)
      return "'" + interpreter.argumentName(first) + "' holds " + std::to_string(batch) + " images, but '" +
             interpreter.argumentName(index) + "' holds " + std::to_string(arguments[index].shape[0]);
    first = index;
    batch = arguments[index].shape[0];
  }
  return "";
}

std::string interpretModel(ModuleOp module, const InterpretOptions &options) {
  std::string error;
  func::FuncOp function = findFunction(module, options.function, error);
  if (!function)
    return error;
  std::unique_ptr<Interpreter> interpreter = Interpreter::create(function, error);
  if (!interpreter)
    return error;
  interpreter->setThreads(options.threads);

  std::vector<Array> arguments;
  if (error = readInputs(*interpreter, options.inputs, arguments); !error.empty())
    return error;
  int64_t batch;
  if (error = findBatch(*interpreter, arguments, batch); !error.empty())
    return error;

  if (std::error_code code = llvm::sys::fs::create_directories(options.outputDir))
    return "cannot make the folder '" + options.outputDir + "': " + code.message();
  OutputFiles files(options.outputDir);
  std::vector<size_t> resultFiles(function.getNumResults());
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    if (error = files.add(interpreter->resultName(index), type, batch, resultFiles[index]); !error.empty())
      return error;
  llvm::DenseMap<Value, size_t> codeFiles;
  function.getBody().walk([&](Operation *op) {
    if (options.dumpCodes && error.empty() && isa<QuantizeOp, ThresholdOp, TwoSidedThresholdOp>(op) &&
        !nameOf(op).empty())
      error = files.add(nameOf(op).str(), op->getResult(0).getType(), batch, codeFiles[op->getResult(0)]);
  });
  if (!error.empty())
    return error;

  bool isChunked = llvm::any_of(function.getArgumentTypes(), isDynamicBatch);
  int64_t chunk = isChunked ? std::min(interpreter->chunkImages(), batch) : 1;
  bool showProgress = chunk < batch && llvm::sys::Process::StandardErrIsDisplayed();
  for (int64_t first = 0; first < batch; first += chunk) {
    int64_t count = std::min(chunk, batch - first);
    std::vector<Array> part, results;
    for (auto [index, argument] : llvm::enumerate(arguments))
      part.push_back(isDynamicBatch(function.getArgument(index).getType()) ? argument.images(first, count) : argument);
    std::string failure;
    auto observer = [&](OpResult value, const Array &array) {
      auto file = codeFiles.find(value);
      // What does not depend on the batch is the same for every chunk.
      if (file != codeFiles.end() && failure.empty() && (first == 0 || isDynamicBatch(value.getType())))
        failure = files.append(file->second, array);
    };
    if (error = interpreter->run(part, results, observer); !error.empty())
      return error;
    for (auto [index, result] : llvm::enumerate(results))
      if (failure.empty() && (first == 0 || isDynamicBatch(function.getResultTypes()[index])))
        failure = files.append(resultFiles[index], result);
    if (!failure.empty())
      return failure;
    if (showProgress)
      llvm::errs() << "\rinterpreted " << first + count << " of " << batch << " images"
                   << (first + count == batch ? "\n" : "");
  }
  return files.finish();
}
