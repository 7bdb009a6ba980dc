// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models from one form into another, and into numbers.
#include "Commands.h"
#include "common/ImageOptions.h"
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Version.h"

#include "llvm/Config/llvm-config.h"
#include <cstdio>
#include <new>

static const char tool[] = "n2uq-translate";

static const char helpText[] =
    R"(usage: n2uq-translate MODEL [-o FILE]
       n2uq-translate --import-onnx MODEL.onnx -o MODEL.mlir
       n2uq-translate --export-onnx MODEL.mlir -o MODEL.onnx
       n2uq-translate --interpret MODEL --input=NAME=X.npy --output-dir=DIR [--dump-codes]

Reads a model (.onnx, .mlir text or .mlirbc bytecode, told apart by their content; `-` is standard input) and

  writes it again:
    -o FILE               where to (default: standard output)
    --emit=mlir|mlirbc    as text or bytecode (default: by the name of FILE)
    --import-onnx         take MODEL for ONNX whatever it looks like; every node that cannot be imported is listed
    --export-onnx         as ONNX in QONNX form, which imports to the same ops; every op without such a form is listed

  or, with --interpret, evaluates it with the reference, the slow and plain meaning of every op:
    --input=NAME=X.npy    an input of the model (mostly `input`), any number of images; once for each input
    --output-dir=DIR      write DIR/output.npy (named by the model's output); DIR is made where it is missing
    --dump-codes          write the codes of every quantizer to DIR as well: uint8, N x H x W x C, named by the quantizer
    --function=NAME       the function to evaluate (default: main, or the only one)
    --threads=N           threads that compute (default: one for each core); results do not depend on it

  both of the network as it is, or of one that takes images of bytes:
)" N2UQ_IMAGE_OPTIONS_HELP R"(
  --help, --version       print this, or the version

Exit code 0 on success, 1 on an error, which is one sentence on stderr. Files are written whole or not at all.
)";

namespace {
struct Options {
  InterpretOptions interpretation;
  n2uq::ImageOptions images;
  std::string output = "-", emit;
  bool interpret = false, importOnnx = false, exportOnnx = false;
};
} // namespace

/// Evaluates the command line. Returns an empty string or one sentence.
static std::string run(const Options &options, const std::vector<std::string> &files) {
  if (files.size() != 1)
    return files.empty() ? "name a model; --help tells more"
                         : "one model at a time, but got '" + files[1] + "' as well";
  const InterpretOptions &interpretation = options.interpretation;
  if (options.interpret && (options.importOnnx || options.exportOnnx))
    return "--interpret goes with neither --import-onnx (it reads ONNX by itself) nor --export-onnx";
  if (options.exportOnnx && !options.emit.empty())
    return "--emit does not go with --export-onnx";
  if (options.interpret && interpretation.outputDir.empty())
    return "--interpret needs --output-dir=DIR";
  if (!options.interpret && (!interpretation.inputs.empty() || !interpretation.outputDir.empty() ||
                             !interpretation.function.empty() || interpretation.dumpCodes))
    return "--input, --output-dir, --function and --dump-codes go with --interpret";
  if (!options.emit.empty() && options.emit != "mlir" && options.emit != "mlirbc")
    return "--emit takes mlir or mlirbc, not '" + options.emit + "'";

  mlir::DialectRegistry registry;
  n2uq::registerModelDialects(registry);
  // Lives to the end of the process: see loadModel.
  static auto &context = *new mlir::MLIRContext(registry);
  n2uq::printWarnings(context, tool);
  std::string error;
  auto kind = options.importOnnx ? n2uq::ModelKind::Onnx : n2uq::ModelKind::ByContent;
  auto module = n2uq::loadNetwork(files[0], context, error, kind);
  if (!module)
    return error;
  if (!(error = options.images.apply(*module)).empty())
    return error;
  if (options.interpret) {
    error = interpretModel(*module, interpretation);
  } else if (options.exportOnnx) {
    error = exportModel(*module, options.output);
  } else {
    bool bytecode = options.emit.empty() ? n2uq::modelFormatOf(options.output) == n2uq::ModelFormat::Bytecode
                                         : options.emit == "mlirbc";
    error = convertModel(*module, options.output, bytecode ? n2uq::ModelFormat::Bytecode : n2uq::ModelFormat::Text);
  }
  return error;
}

int main(int argc, char **argv) {
  Options options;
  int64_t threads = 0;
  n2uq::CommandLine line(helpText, "n2uq-translate " N2UQ_VERSION " (LLVM " LLVM_VERSION_STRING ")");
  line.text("o", options.output);
  line.text("emit", options.emit);
  line.flag("interpret", options.interpret);
  line.flag("import-onnx", options.importOnnx);
  line.flag("export-onnx", options.exportOnnx);
  line.texts("input", options.interpretation.inputs);
  line.text("output-dir", options.interpretation.outputDir);
  line.flag("dump-codes", options.interpretation.dumpCodes);
  line.text("function", options.interpretation.function);
  options.images.addTo(line);
  line.number("threads", threads, 1, 1024);
  std::string error = line.parse(argc, argv);
  options.interpretation.threads = static_cast<unsigned>(threads);
  if (error.empty() && line.answersAboutItself())
    return 0;
  try {
    if (error.empty())
      error = run(options, line.files());
  } catch (const std::bad_alloc &) {
    error = "out of memory; give it fewer images at a time";
  }
  return error.empty() ? 0 : n2uq::failWith(tool, error);
}
