// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The network is compiled several times: in variant v each kernel is computed as its candidate number v says. So every
// candidate is measured where it will run, with its real weights, behind the kernel before it and with the caches as
// that one leaves them. All variants are profiled in turn, so that load of the machine falls on all alike, and the
// median counts. Kernels that differ in constants alone are one layer here: their times are added up, and they are
// computed in one way.
#include "Tune.h"

#include "n2uq/Strategy/Candidates.h"
#include "n2uq/Support/CoreClock.h"
#include "n2uq/Support/MadeUpImages.h"
#include "n2uq/runtime.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>

using namespace mlir;

namespace n2uq {

/// Variants are whole networks to compile; the seventh best by prediction was never the fastest.
static constexpr size_t mostCandidates = 6;
/// Profiles of each variant: at least, and until so much of the time for all is used.
static constexpr size_t leastRounds = 7;
static constexpr double shareForMeasuring = 0.1;
/// Another candidate has to beat the predicted one by more than medians differ from run to run.
static constexpr double margin = 0.98;

namespace {
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double medianOf(std::vector<double> numbers) {
  auto middle = numbers.begin() + numbers.size() / 2;
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

/// A compiled variant, ready to be profiled on one core.
class Variant {
public:
  Variant() = default;
  ~Variant() {
    n2uq_session_destroy(session);
    n2uq_model_close(model);
  }
  Variant(const Variant &) = delete;
  Variant &operator=(const Variant &) = delete;

  std::string open(const std::string &path) {
    n2uq_session_options options = {};
    options.size = sizeof options;
    options.threads = 1;
    if (n2uq_model_open(path.c_str(), &model) != N2UQ_OK || n2uq_session_create(model, &options, &session) != N2UQ_OK)
      return n2uq_last_error();
    const n2uq_model *descriptor = n2uq_model_descriptor_of(model);
    input = madeUpImages(n2uq_tensor_bytes(&descriptor->input, 1), descriptor->input.dtype == N2UQ_FLOAT32);
    output.resize(n2uq_tensor_bytes(&descriptor->output, 1));
    seconds.resize(descriptor->kernel_count);
    return "";
  }

  /// Sets the seconds that each kernel took.
  std::string profile() {
    return n2uq_session_profile(session, input.data(), 1, output.data(), seconds.data()) == N2UQ_OK ? ""
                                                                                                    : n2uq_last_error();
  }

  std::vector<double> seconds;

private:
  n2uq_loaded_model *model = nullptr;
  n2uq_session *session = nullptr;
  std::vector<uint8_t> input, output;
};

/// Kernels that are computed alike, with what was measured: seconds[candidate][kernel] are all runs.
struct Layer {
  SmallVector<size_t> kernels; ///< numbers in the network
  SmallVector<Candidate> candidates;
  std::vector<std::vector<std::vector<double>>> seconds;

  size_t candidateOf(size_t variant) const { return variant % candidates.size(); }
};
} // namespace

/// Kernels with the same ops on the same types and the same candidates. Constants stand outside of kernels, and so do
/// not tell them apart.
static std::vector<Layer> layersOf(MutableArrayRef<KernelOp> kernels, const CpuTarget &cpu) {
  llvm::MapVector<StringAttr, Layer> layers;
  for (auto [number, kernel] : llvm::enumerate(kernels)) {
    SmallVector<Candidate> candidates = candidatesOf(kernel, cpu, mostCandidates);
    std::string key;
    llvm::raw_string_ostream stream(key);
    kernel->print(stream, OpPrintingFlags().useLocalScope());
    for (const Candidate &candidate : candidates)
      stream << candidate.strategy;
    Layer &layer = layers[StringAttr::get(kernel.getContext(), stream.str())];
    layer.kernels.push_back(number);
    layer.candidates = std::move(candidates);
  }
  std::vector<Layer> list;
  for (auto &[key, layer] : layers) {
    layer.seconds.assign(layer.candidates.size(), std::vector<std::vector<double>>(layer.kernels.size()));
    list.push_back(std::move(layer));
  }
  return list;
}

static SmallVector<KernelOp> kernelsOf(ModuleOp module) {
  SmallVector<KernelOp> kernels;
  module.walk([&](KernelOp kernel) { kernels.push_back(kernel); });
  return kernels;
}

static std::string compileVariant(ModuleOp module, ArrayRef<Layer> layers, size_t number, const TuneOptions &options,
                                  Variant &variant) {
  OwningOpRef<ModuleOp> clone = module.clone();
  SmallVector<KernelOp> kernels = kernelsOf(*clone);
  for (const Layer &layer : layers)
    for (size_t kernel : layer.kernels)
      kernels[kernel].setStrategyAttr(layer.candidates[layer.candidateOf(number)].strategy);
  SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("n2uq-tune", "so", path))
    return "cannot make a temporary file: " + code.message();
  // The runtime has it mapped; nobody else needs its name.
  llvm::FileRemover remover(path);
  std::string error = options.compile(*clone, path.str().str());
  return error.empty() ? variant.open(path.str().str()) : error;
}

/// Profiles all variants in turn, for a time and often enough. Sets `hertz` to the core's clock meanwhile.
static std::string measure(std::vector<Layer> &layers, ArrayRef<std::unique_ptr<Variant>> variants, double seconds,
                           double &hertz) {
  Clock::time_point start = Clock::now();
  for (size_t round = 0; round <= leastRounds || secondsSince(start) < seconds; ++round) {
    hertz = std::max(hertz, coreHertz());
    for (auto [number, variant] : llvm::enumerate(variants)) {
      if (std::string error = variant->profile(); !error.empty())
        return error;
      if (round == 0) // caches, page tables
        continue;
      for (Layer &layer : layers)
        for (auto [place, kernel] : llvm::enumerate(layer.kernels))
          layer.seconds[layer.candidateOf(number)][place].push_back(variant->seconds[kernel]);
    }
  }
  return "";
}

std::string tuneStrategies(ModuleOp module, const CpuTarget &cpu, const TuneOptions &options,
                           std::vector<TunedLayer> &tuned) {
  SmallVector<KernelOp> kernels = kernelsOf(module);
  for (KernelOp kernel : kernels)
    if (candidatesOf(kernel, cpu, 1).empty())
      return ""; // n2uq-select-strategy says why
  std::vector<Layer> layers = layersOf(kernels, cpu);
  size_t wanted = 0;
  for (const Layer &layer : layers)
    wanted = std::max(wanted, layer.candidates.size());

  std::vector<std::unique_ptr<Variant>> variants;
  Clock::time_point start = Clock::now();
  double measuring = shareForMeasuring * options.seconds, longest = 0;
  while (variants.size() < wanted) {
    if (!variants.empty() && secondsSince(start) + longest > options.seconds - measuring) {
      options.progress("the time for tuning is up after " + std::to_string(variants.size()) + " of " +
                       std::to_string(wanted) + " variants; --tune=SECONDS gives more");
      break;
    }
    options.progress("compiling variant " + std::to_string(variants.size() + 1) + " of " + std::to_string(wanted));
    Clock::time_point before = Clock::now();
    auto variant = std::make_unique<Variant>();
    if (std::string error = compileVariant(module, layers, variants.size(), options, *variant); !error.empty())
      return error;
    variants.push_back(std::move(variant));
    longest = std::max(longest, secondsSince(before));
  }
  options.progress("measuring " + std::to_string(layers.size()) + " different layers");
  double hertz = 0;
  if (std::string error = measure(layers, variants, measuring, hertz); !error.empty())
    return error;

  size_t changed = 0;
  for (const Layer &layer : layers) {
    TunedLayer row;
    SmallVector<double> seconds;
    size_t best = 0;
    for (auto [number, candidate] : llvm::enumerate(layer.candidates)) {
      if (number >= variants.size())
        break;
      double sum = 0;
      for (const std::vector<double> &runs : layer.seconds[number])
        sum += medianOf(runs);
      seconds.push_back(sum);
      if (sum < seconds[best] * (best == 0 ? margin : 1))
        best = number;
      row.rows.push_back(
          {describe(candidate.strategy), candidate.cycles, sum / layer.kernels.size() * hertz, /*isTaken=*/false});
    }
    row.rows[best].isTaken = true;
    changed += best != 0;
    for (size_t kernel : layer.kernels) {
      row.layers.push_back(nameOf(kernels[kernel]).str());
      kernels[kernel].setStrategyAttr(layer.candidates[best].strategy);
      kernels[kernel]->setAttr(measuredName, IntegerAttr::get(IntegerType::get(module.getContext(), 64),
                                                              int64_t(seconds[best] / layer.kernels.size() * 1e9)));
    }
    tuned.push_back(std::move(row));
  }
  options.progress("measured on this machine; " + std::to_string(changed) + " of " + std::to_string(layers.size()) +
                   " layers are not computed as predicted");
  return "";
}

} // namespace n2uq
