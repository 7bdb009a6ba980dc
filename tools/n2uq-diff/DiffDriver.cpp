// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq-diff/DiffDriver.h"

#include "common/ImageOptions.h"
#include "n2uq/Conversion/LoadNetwork.h"
#include "n2uq/Support/CommandLine.h"

#include <algorithm>
#include <new>

namespace n2uq {

static const char helpText[] =
    R"(usage: n2uq-diff MODEL MODEL.so --input=NAME=X.npy [options]

Computes the images with the reference (MODEL: .onnx, .mlir or .mlirbc) and with the library that n2uq-compile made of it, and
compares the codes behind every quantizer and the outputs: one row each, and a sum. Equal means equal in every bit.

  --input=NAME=X.npy  the images: an array of the type and shape of the model's input NAME (mostly `input`), any number
  --threads=N         threads of both (default: one for each core that the process may run on)
  --batch=N           images that the library runs at once (default: as many as fit a moderate arena)
  --function=NAME     the function of MODEL to compare with (default: main, or the only one)
  --help, --version   print this, or the version

A library that was compiled with --image-input is compared with the network that it was compiled from, rewritten alike:
)" N2UQ_IMAGE_OPTIONS_HELP R"(
Exit code 0 if all is equal; 1 if anything differs or a quantizer is missing on one side, or on an error, which is one
sentence on stderr.
)";

namespace {
struct Options {
  std::string input, function;
  ImageOptions images;
  int64_t threads = 0, batch = 0;
};
} // namespace

/// Compares. The library is checked already. Returns an empty string or one sentence.
static std::string compare(const std::string &modelPath, Model &library, const NpyArray &input, const Options &options,
                           const DiffProgress &progress, Comparison &comparison) {
  std::string error;
  if (library.descriptor().output.dtype != N2UQ_FLOAT32)
    return "the library's output is not float32";
  if (!(error = library.start(options.threads)).empty())
    return error;

  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  auto context = std::make_unique<mlir::MLIRContext>(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module = loadNetwork(modelPath, *context, error);
  if (!module) {
    abandon(context.release());
    return error;
  }
  if (!(error = options.images.apply(*module)).empty())
    return error;
  mlir::ModuleOp model = *module;
  mlir::func::FuncOp function = findFunction(model, options.function, error);
  if (!function)
    return error;
  std::unique_ptr<Interpreter> reference = Interpreter::create(function, error);
  if (!reference)
    return error;
  if (function.getNumArguments() != 1)
    return "the model has " + std::to_string(function.getNumArguments()) + " inputs, and the library has one";
  reference->setThreads(static_cast<unsigned>(options.threads));

  if (!(error = comparison.prepare(*reference, library)).empty())
    return error;
  int64_t images = input.shape[0];
  int64_t batch = options.batch > 0 ? std::min(options.batch, images) : sensibleBatch(library, images);
  // Whole batches, so that the library is run with the batch that was asked for.
  int64_t chunk = std::max(batch, reference->chunkImages() / batch * batch);
  for (int64_t first = 0; first < images; first += chunk) {
    int64_t count = std::min(chunk, images - first);
    if (!(error = comparison.run(input, first, count, batch)).empty())
      return error;
    if (chunk < images)
      progress(first + count, images);
  }
  return "";
}

std::string runDiff(const std::vector<std::string> &arguments, const NpyArray *images, const DiffProgress &progress,
                    std::unique_ptr<Comparison> &comparison) {
  Options options;
  std::string version = std::string("n2uq-diff ") + n2uq_version();
  CommandLine line(helpText, version.c_str());
  line.text("input", options.input);
  line.text("function", options.function);
  options.images.addTo(line);
  line.number("threads", options.threads, 0, 1024);
  line.number("batch", options.batch, 1, int64_t(1) << 32);
  std::string error = line.parse(arguments);
  if (!error.empty() || line.answersAboutItself())
    return error;
  if (line.files().size() != 2)
    return "a model and its library are needed: n2uq-diff MODEL MODEL.so …; --help says more";
  if (options.input.empty() && !images)
    return "the images are missing: --input=input=X.npy";
  try {
    // The library first: it is checked in no time.
    Model library;
    NpyArray read;
    if (!(error = library.open(line.files()[1])).empty())
      return error;
    if (!images && !(error = readInput(library.descriptor().input, options.input, read)).empty())
      return error;
    auto compared = std::make_unique<Comparison>();
    error = compare(line.files()[0], library, images ? *images : read, options, progress, *compared);
    if (error.empty())
      comparison = std::move(compared);
    return error;
  } catch (const std::bad_alloc &) {
    return "out of memory; compare fewer images at a time with --batch";
  }
}

} // namespace n2uq
