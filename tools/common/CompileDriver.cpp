// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "common/CompileDriver.h"

#include "common/ImageOptions.h"
#include "n2uq/Conversion/LoadNetwork.h"
#include "n2uq/Pipelines/Compile.h"
#include "n2uq/Pipelines/Pipelines.h"
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/GpuTarget.h"
#include "n2uq/Support/Pictures.h"
#include "n2uq/Support/Version.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Path.h"
#include <memory>

namespace n2uq {

static const char helpText[] =
    R"(usage: n2uq-compile MODEL -o FILE

Compiles a model (.onnx in QONNX form, .mlir or .mlirbc; told apart by content) to a shared library that n2uq-run,
the runtime (n2uq/runtime.h) or a program of yours (n2uq/model.h) runs. The codes behind every quantizer are those of
the reference, bit for bit, on every CPU.

  -o FILE                 the result
  --target=x86|cuda       what to make code for: this kind of CPU (default), or an NVIDIA GPU
  --target-cpu=NAME       for cuda sm_80, sm_86, sm_89, sm_90 or sm_100; for x86 host (default), x86-64, x86-64-v3, icelake-server, znver4, znver5, … as clang's -march;
                          a library refuses to load on a CPU that lacks what it needs
  -O0 … -O3               effort of LLVM's optimizer (default 3)
)" N2UQ_IMAGE_OPTIONS_HELP R"(  --emit=lib|obj|asm|llvm|mlir|ptx
                          what to write: a library (default), an object (FILE.o, and FILE.h for a program that links it and has
                          no runtime), assembly, LLVM IR, the module, or a GPU's PTX
  --symbol=NAME           of an object: the name of its descriptor in C (default n2uq_model_descriptor)
  --labels=FILE           store names of the classes in the library, one a line
  --preprocess=resize=N,filter=bilinear|bicubic,mean=R/G/B,std=R/G/B
                          store how pictures become its input: pixels of the shorter side before the crop, and what floats are
                          normalised with (default for each: 8/7 of the input, bilinear, ImageNet's)
  --until=PHASE           stop after import, simplify, strategy, lower or convert and write the module
  --dump-phases-to=DIR    write the module after every phase to DIR
  --report=FILE           write what was chosen for each layer, with its bytes, as JSON
  --kernel=FAMILY         take this kernel family wherever it may run (lists: see --report)
  --optimize-for=speed|size
                          the fastest kernels (default), or every weight packed at its true width in the file
  --tune[=SECONDS]        compile candidates for each layer and measure them on this machine, for about so long (default
                          120); the choice is written into the library, what was measured into the report
  --error-on-fallback     fail where a layer would run on the portable kernel
  --keep-codes            keep every quantizer's codes until the end of a run, for n2uq-run --dump-codes
  --name=NAME             the model's name in the library (default: the file's)
  --help, --version       print this, or the version

Exit code 0 on success, 1 on an error, which is one sentence on stderr; then nothing is written.
)";

/// Takes -O0 to -O3 out of the arguments.
static int64_t takeOptLevel(std::vector<std::string> &arguments, int64_t level) {
  llvm::erase_if(arguments, [&](const std::string &argument) {
    bool isLevel =
        argument.size() == 3 && argument.compare(0, 2, "-O") == 0 && argument[2] >= '0' && argument[2] <= '3';
    if (isLevel)
      level = argument[2] - '0';
    return isLevel;
  });
  return level;
}

static std::string checkChoice(const char *option, const std::string &value, llvm::ArrayRef<const char *> choices) {
  std::string list;
  for (const char *choice : choices) {
    if (value == choice)
      return "";
    list += (list.empty() ? "" : ", ") + std::string(choice);
  }
  return std::string(option) + " takes one of " + list + ", not '" + value + "'";
}

/// Whether the name is one of a C program.
static std::string checkSymbol(llvm::StringRef name) {
  bool good = llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }) && !llvm::isDigit(name.front());
  return good ? "" : "--symbol takes letters, digits and _, and no digit first, not '" + name.str() + "'";
}

/// What is wrong with options that are right each by itself, or an empty string.
static std::string checkOptions(const CompileOptions &options, const std::string &output, const std::string &target,
                                const std::vector<std::string> &files) {
  if (files.size() != 1)
    return files.empty() ? "name a model; --help tells more"
                         : "one model at a time, but got '" + files[1] + "' as well";
  if (output.empty())
    return "name the result with -o FILE";
  std::string error = checkChoice("--target", target, {"x86", "cuda"});
  bool forGpu = target == "cuda";
  if (error.empty() && forGpu != isGpuName(options.targetCpu))
    error = forGpu ? "--target=cuda needs --target-cpu=sm_80, sm_86, sm_89, sm_90 or sm_100, not '" +
                         options.targetCpu + "'"
                   : "--target-cpu=" + options.targetCpu + " is a GPU: add --target=cuda";
  if (error.empty() && forGpu)
    error = checkChoice("with --target=cuda --emit", options.emit, {"lib", "llvm", "mlir", "ptx"});
  else if (error.empty())
    error = checkChoice("--emit", options.emit, {"lib", "obj", "asm", "llvm", "mlir"});
  if (error.empty() && options.symbol != N2UQ_DESCRIPTOR_SYMBOL)
    error = options.emit != "obj" ? "--symbol goes with --emit=obj" : checkSymbol(options.symbol);
  if (error.empty())
    error = checkChoice("--optimize-for", options.optimizeFor, {"speed", "size"});
  if (error.empty() && !options.until.empty())
    error = checkChoice("--until", options.until, phaseNames);
  return error;
}

std::string runCompile(std::vector<std::string> arguments, const CompileListener &listener) {
  CompileOptions options;
  ImageOptions images;
  options.modelName = "";
  options.progress = listener.progress;
  options.optLevel = takeOptLevel(arguments, options.optLevel);
  std::string output, target = "x86", labels, preprocess;
  CommandLine line(helpText, "n2uq-compile " N2UQ_VERSION " (LLVM " LLVM_VERSION_STRING ")");
  line.text("o", output);
  line.text("target", target);
  line.text("target-cpu", options.targetCpu);
  images.addTo(line);
  line.text("emit", options.emit);
  line.text("symbol", options.symbol);
  line.text("labels", labels);
  line.text("preprocess", preprocess);
  line.text("until", options.until);
  line.text("dump-phases-to", options.dumpPhasesTo);
  line.text("report", options.report);
  line.text("kernel", options.forceKernel);
  line.text("optimize-for", options.optimizeFor);
  line.seconds("tune", options.tuneSeconds, 120);
  line.text("name", options.modelName);
  line.flag("error-on-fallback", options.errorOnFallback);
  line.flag("keep-codes", options.keepCodes);

  std::string error = line.parse(arguments);
  if (!error.empty() || line.answersAboutItself())
    return error;
  if (!(error = checkOptions(options, output, target, line.files())).empty())
    return error;
  if (!labels.empty() && !(error = readLabels(labels, options.labels)).empty())
    return error;
  if (!preprocess.empty() && !(error = readPictures("--preprocess", preprocess, options.pictures.emplace())).empty())
    return error;

  mlir::DialectRegistry registry;
  registerModelDialects(registry);
  registerDialects(registry);
  auto context = std::make_unique<mlir::MLIRContext>(registry);
  reportWarnings(*context, listener.warning);
  const std::string &file = line.files()[0];
  mlir::OwningOpRef<mlir::ModuleOp> module = loadNetwork(file, *context, error);
  if (!module) {
    abandon(context.release());
    return error;
  }
  if (!(error = images.apply(*module)).empty())
    return error;
  if (options.modelName.empty())
    options.modelName = llvm::sys::path::stem(file).str();
  if (!listener.guard([&] { error = compileModel(*module, options, output); })) {
    (void)module.release();
    abandon(context.release());
    return "the compiler crashed at '" + file + "'; report this as a bug, with the model";
  }
  return error;
}

} // namespace n2uq
