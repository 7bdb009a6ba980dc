// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model in, a shared library out.
#include "common/ImageOptions.h"
#include "n2uq/ModelFile/ModelFile.h"
#include "n2uq/Pipelines/Compile.h"
#include "n2uq/Pipelines/Pipelines.h"
#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/GpuTarget.h"
#include "n2uq/Support/Version.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Path.h"
#include <cstdio>

static const char tool[] = "n2uq-compile";

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
                          what to write: a library (default), an object, assembly, LLVM IR, the module, or a GPU's PTX
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

/// Takes -O0 to -O3 out of the arguments. Returns the remaining ones.
static std::vector<char *> takeOptLevel(int argc, char **argv, int64_t &level) {
  std::vector<char *> rest;
  for (int i = 0; i < argc; ++i) {
    llvm::StringRef argument = argv[i];
    if (i > 0 && argument.size() == 3 && argument.starts_with("-O") && argument[2] >= '0' && argument[2] <= '3')
      level = argument[2] - '0';
    else
      rest.push_back(argv[i]);
  }
  return rest;
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

static std::string run(n2uq::CompileOptions &options, const n2uq::ImageOptions &images, const std::string &output,
                       const std::string &target, const std::vector<std::string> &files) {
  if (files.size() != 1)
    return files.empty() ? "name a model; --help tells more"
                         : "one model at a time, but got '" + files[1] + "' as well";
  if (output.empty())
    return "name the result with -o FILE";
  std::string error = checkChoice("--target", target, {"x86", "cuda"});
  bool forGpu = target == "cuda";
  if (error.empty() && forGpu != n2uq::isGpuName(options.targetCpu))
    error = forGpu ? "--target=cuda needs --target-cpu=sm_80, sm_86, sm_89, sm_90 or sm_100, not '" +
                         options.targetCpu + "'"
                   : "--target-cpu=" + options.targetCpu + " is a GPU: add --target=cuda";
  if (error.empty() && forGpu)
    error = checkChoice("with --target=cuda --emit", options.emit, {"lib", "llvm", "mlir", "ptx"});
  else if (error.empty())
    error = checkChoice("--emit", options.emit, {"lib", "obj", "asm", "llvm", "mlir"});
  if (error.empty())
    error = checkChoice("--optimize-for", options.optimizeFor, {"speed", "size"});
  if (error.empty() && !options.until.empty())
    error = checkChoice("--until", options.until, n2uq::phaseNames);
  if (!error.empty())
    return error;

  mlir::DialectRegistry registry;
  n2uq::registerModelDialects(registry);
  n2uq::registerDialects(registry);
  // Lives to the end of the process: see loadModel.
  static auto &context = *new mlir::MLIRContext(registry);
  n2uq::printWarnings(context, tool);
  mlir::OwningOpRef<mlir::ModuleOp> module = n2uq::loadModel(files[0], context, error);
  if (!module)
    return error;
  if (!(error = images.apply(*module)).empty())
    return error;
  if (options.modelName.empty())
    options.modelName = llvm::sys::path::stem(files[0]).str();
  return n2uq::compileModel(*module, options, output);
}

int main(int argc, char **argv) {
  n2uq::CompileOptions options;
  n2uq::ImageOptions images;
  options.modelName = "";
  std::string output, target = "x86";
  std::vector<char *> arguments = takeOptLevel(argc, argv, options.optLevel);
  n2uq::CommandLine line(helpText, "n2uq-compile " N2UQ_VERSION " (LLVM " LLVM_VERSION_STRING ")");
  line.text("o", output);
  line.text("target", target);
  line.text("target-cpu", options.targetCpu);
  images.addTo(line);
  line.text("emit", options.emit);
  line.text("until", options.until);
  line.text("dump-phases-to", options.dumpPhasesTo);
  line.text("report", options.report);
  line.text("kernel", options.forceKernel);
  line.text("optimize-for", options.optimizeFor);
  line.seconds("tune", options.tuneSeconds, 120);
  options.progress = [](const std::string &text) { std::fprintf(stderr, "%s: %s\n", tool, text.c_str()); };
  line.text("name", options.modelName);
  line.flag("error-on-fallback", options.errorOnFallback);
  line.flag("keep-codes", options.keepCodes);
  std::string error = line.parse(arguments.size(), arguments.data());
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty())
    error = run(options, images, output, target, line.files());
  return error.empty() ? 0 : n2uq::failWith(tool, error);
}
