// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Pipelines/Compile.h"

#include "Report.h"
#include "Tune.h"
#include "n2uq/ModelFile/ModelFile.h"
#include "n2uq/Pipelines/Pipelines.h"
#include "n2uq/Support/Pictures.h"
#include "n2uq/Target/Target.h"
#include "n2uq/image.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace n2uq {

namespace {
/// Keeps the first error that passes report, as one sentence with the name of its layer.
class FirstError {
public:
  explicit FirstError(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          if (sentence.empty()) {
            std::string layer;
            if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
              layer = "layer '" + name.getName().str() + "': ";
            sentence = layer + diagnostic.str();
          }
          return success();
        }) {}
  std::string sentence;

private:
  ScopedDiagnosticHandler handler;
};

/// One phase: its name and the passes that it adds.
struct Phase {
  const char *name;
  std::function<void(OpPassManager &)> build;
};
} // namespace

static std::string dumpPhase(ModuleOp module, const std::string &folder, size_t index, const char *name) {
  if (folder.empty())
    return "";
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return "cannot make the folder '" + folder + "': " + code.message();
  return saveModel(module, folder + "/" + std::to_string(index) + "-" + name + ".mlir", ModelFormat::Text);
}

static std::string headerOf(const std::string &object) {
  SmallString<128> header(object);
  llvm::sys::path::replace_extension(header, ".h");
  return header.str().str();
}

/// Writes an object and its header, both or none of them.
static std::string writeObject(StringRef object, StringRef header, const std::string &output) {
  std::string headerFile = headerOf(output);
  std::string error = writeFile(headerFile, header);
  if (error.empty() && !(error = writeFile(output, object)).empty())
    llvm::sys::fs::remove(headerFile);
  return error;
}

static std::string emitNative(ModuleOp module, const CompileOptions &options, TargetOptions target,
                              const std::string &output) {
  target.optLevel = options.optLevel;
  target.modelName = options.modelName;
  std::string error;
  if (target.gpu) {
    error = takeDeviceCode(module, target, /*asLlvm=*/options.emit == "llvm", target.ptx);
    if (!error.empty() || options.emit != "lib")
      return error.empty() ? writeFile(output, target.ptx) : error;
  }
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(target, error);
  if (!machine)
    return error;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModel(module, context, *machine, target, error);
  if (!llvmModule)
    return error;
  if (options.emit == "llvm") {
    std::string text;
    llvm::raw_string_ostream stream(text);
    llvmModule->print(stream, nullptr);
    return writeFile(output, stream.str());
  }
  llvm::SmallVector<char, 0> bytes;
  error = emitObject(*llvmModule, *machine, options.emit == "asm", bytes);
  if (!error.empty())
    return error;
  StringRef file(bytes.data(), bytes.size());
  if (options.emit == "obj" && output != "-")
    return writeObject(file, describeObject(module, target, llvm::sys::path::filename(output)), output);
  return options.emit == "lib" ? linkModel(bytes, output) : writeFile(output, file);
}

/// Compiles a module whose kernels are formed, and have strategies or get those that are predicted to be the best, to a
/// library.
static std::string compileFormed(ModuleOp module, const StrategyOptions &strategy, const LowerOptions &lower,
                                 const ConvertOptions &convert, const CompileOptions &options,
                                 const TargetOptions &target, const std::string &output) {
  PassManager pm(module.getContext());
  buildChoicePipeline(pm, strategy);
  buildLowerPipeline(pm, lower);
  buildConvertPipeline(pm, convert);
  if (failed(pm.run(module)))
    return "a variant of the model cannot be compiled";
  return emitNative(module, options, target, output);
}

/// Takes over what a model stores for its users, if it fits the network; one sentence where it does not.
static std::string takeDescription(ModuleOp module, const CompileOptions &options, TargetOptions &target) {
  target.symbol = options.symbol;
  target.labels = options.labels;
  target.pictures = options.pictures;
  if (options.labels.empty() && !options.pictures)
    return "";
  if (!options.until.empty() || options.emit == "mlir" || options.emit == "ptx")
    return "labels and rules for pictures are stored in a library or an object, and this is neither";
  std::string error;
  func::FuncOp function = findFunction(module, "", error);
  if (!function)
    return error;
  auto input = dyn_cast_or_null<RankedTensorType>(function.getNumArguments() ? function.getArgumentTypes()[0] : Type());
  auto output = dyn_cast_or_null<RankedTensorType>(function.getNumResults() ? function.getResultTypes()[0] : Type());
  if (!input || !output || output.getRank() < 1)
    return "the model has no input and output that labels or rules for pictures could belong to";
  int64_t classes = ShapedType::getNumElements(output.getShape().drop_front());
  if (!options.labels.empty() && static_cast<int64_t>(options.labels.size()) != classes)
    return "there are " + std::to_string(options.labels.size()) + " labels, but the network has " +
           std::to_string(classes) + " classes";
  if (!options.pictures)
    return "";
  bool pixels = !input.getElementType().isF32();
  if (input.getRank() != 4 || input.getDimSize(pixels ? 3 : 1) != 3)
    return "the network takes no pictures of three channels, so there are no rules for pictures to store";
  int64_t height = input.getDimSize(pixels ? 1 : 2), width = input.getDimSize(pixels ? 2 : 3);
  if (target.pictures->resize == usualResize)
    target.pictures->resize = n2uq_usual_resize(height, width);
  if (target.pictures->resize != 0 && target.pictures->resize < std::min(height, width))
    return "pictures that are resized to " + std::to_string(target.pictures->resize) +
           " pixels are smaller than the network's input of " + std::to_string(width) + " x " + std::to_string(height);
  return "";
}

/// Whether these options go with measuring; one sentence where they do not.
static std::string checkTuning(const CompileOptions &options) {
  if (options.targetCpu != "host")
    return "--tune measures on this machine, so it takes no --target-cpu but host";
  if (!options.forceKernel.empty() || options.optimizeFor != "speed")
    return "--tune takes what is fastest, so it goes with neither --kernel nor --optimize-for=size";
  if (options.until == "import" || options.until == "simplify")
    return "--tune chooses in the phase strategy, and --until=" + options.until + " stops before it";
  return "";
}

std::string compileModel(ModuleOp module, const CompileOptions &options, const std::string &output) {
  TargetOptions target;
  std::string targetError;
  if (isGpuName(options.targetCpu)) {
    // The library of a GPU's model has no code for a CPU, so any CPU loads it.
    target.gpu = findGpu(options.targetCpu, targetError);
    if (targetError.empty())
      targetError = findCpu("x86-64", target.cpu);
  } else {
    targetError = findCpu(options.targetCpu, target.cpu);
  }
  if (!targetError.empty())
    return targetError;
  if (options.emit == "lib" && options.until.empty() && output == "-")
    return "a library needs a file: name one with -o";
  if (options.emit == "obj" && headerOf(output) == output)
    return "the object's header is '" + output + "'; name the object otherwise";
  if (std::string error = takeDescription(module, options, target); !error.empty())
    return error;
  bool tunes = options.tuneSeconds > 0;
  if (std::string error = tunes ? checkTuning(options) : ""; !error.empty())
    return error;

  StrategyOptions strategy;
  strategy.targetCpu = options.targetCpu;
  strategy.forceKernel = options.forceKernel;
  strategy.optimizeFor = options.optimizeFor;
  strategy.keepCodes = options.keepCodes;
  LowerOptions lower;
  lower.keepCodes = options.keepCodes;
  lower.targetCpu = options.targetCpu;
  ConvertOptions convert;
  convert.targetCpu = options.targetCpu;
  std::vector<TunedLayer> tuned;
  auto tune = [&]() -> std::string {
    TuneOptions tuning;
    tuning.seconds = options.tuneSeconds;
    tuning.progress = options.progress;
    CompileOptions library = options;
    library.emit = "lib";
    tuning.compile = [&, library](ModuleOp variant, const std::string &path) {
      return compileFormed(variant, strategy, lower, convert, library, target, path);
    };
    return tuneStrategies(module, target.cpu, tuning, tuned);
  };
  const Phase phases[] = {
      {"import", [](OpPassManager &) {}},
      {"simplify", [](OpPassManager &pm) { buildSimplifyPipeline(pm); }},
      {"strategy",
       [&](OpPassManager &pm) { tunes ? buildChoicePipeline(pm, strategy) : buildStrategyPipeline(pm, strategy); }},
      {"lower", [&](OpPassManager &pm) { buildLowerPipeline(pm, lower); }},
      {"convert", [&](OpPassManager &pm) { buildConvertPipeline(pm, convert); }},
  };

  FirstError firstError(module.getContext());
  auto run = [&](llvm::function_ref<void(OpPassManager &)> build, const char *name) -> std::string {
    PassManager pm(module.getContext());
    build(pm);
    if (succeeded(pm.run(module)))
      return "";
    return firstError.sentence.empty() ? std::string("the phase '") + name + "' failed" : firstError.sentence;
  };
  for (auto [index, phase] : llvm::enumerate(phases)) {
    if (tunes && phase.name == StringRef("strategy")) {
      std::string error = run([&](OpPassManager &pm) { buildFormPipeline(pm, strategy); }, phase.name);
      if (error.empty())
        error = tune();
      if (!error.empty())
        return firstError.sentence.empty() ? error : firstError.sentence;
    }
    if (std::string error = run(phase.build, phase.name); !error.empty())
      return error;
    if (std::string error = dumpPhase(module, options.dumpPhasesTo, index, phase.name); !error.empty())
      return error;
    if (options.errorOnFallback && phase.name == StringRef("strategy"))
      if (std::string error = findFallback(module); !error.empty())
        return error;
    if (options.until == phase.name)
      return saveModel(module, output, modelFormatOf(output));
  }
  const std::string targetName = target.gpu ? target.gpu->name : target.cpu.name;
  std::string report = options.report.empty() ? "" : describeModel(module, targetName, options.modelName, tuned);
  std::string error = options.emit == "mlir" ? saveModel(module, output, modelFormatOf(output))
                                             : emitNative(module, options, target, output);
  if (error.empty() && !options.report.empty())
    error = writeFile(options.report, report);
  return error;
}

} // namespace n2uq
