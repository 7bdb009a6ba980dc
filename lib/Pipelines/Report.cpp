// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Report.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/GpuTarget.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace n2uq {

static llvm::json::Value toJson(Attribute attribute) {
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return number.getInt();
  if (auto text = dyn_cast<StringAttr>(attribute))
    return llvm::json::fixUTF8(text.getValue());
  if (auto list = dyn_cast<ArrayAttr>(attribute)) {
    llvm::json::Array array;
    for (Attribute element : list)
      array.push_back(toJson(element));
    return array;
  }
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
    llvm::json::Object object;
    for (NamedAttribute entry : dictionary)
      object[entry.getName().getValue()] = toJson(entry.getValue());
    return object;
  }
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

/// Weights that are stored in more than this many times their true width are a choice for speed: rounding up to whole
/// vectors and blocks takes less, but for layers of a few channels.
static constexpr double tradedFrom = 1.25;

/// Adds to each layer the bytes that it works on, and to the report the sums of weights and activations and the layers
/// that traded size for speed.
static void addBytes(llvm::json::Object &report) {
  llvm::json::Array traded;
  int64_t stored = 0, trueWidth = 0, activations = 0;
  for (llvm::json::Value &row : *report.getArray("kernels")) {
    llvm::json::Object &kernel = *row.getAsObject();
    auto number = [&](StringRef key) { return kernel.getInteger(key).value_or(0); };
    kernel["memory_bytes"] = number("weight_bytes") + number("activation_bytes") + number("scratch_bytes");
    activations += number("activation_bytes");
    stored += number("stored_bytes");
    trueWidth += number("true_width_bytes");
    if (double(number("stored_bytes")) > tradedFrom * double(number("true_width_bytes")))
      traded.push_back(*kernel.getString("name"));
  }
  report["activation_bytes_per_image"] = activations;
  report["stored_bytes"] = stored;
  report["true_width_bytes"] = trueWidth;
  report["traded_size_for_speed"] = std::move(traded);
}

static llvm::json::Array toJson(ArrayRef<TunedLayer> layers) {
  llvm::json::Array array;
  for (const TunedLayer &layer : layers) {
    llvm::json::Array names, rows;
    for (const std::string &name : layer.layers)
      names.push_back(llvm::json::fixUTF8(name));
    for (const TunedLayer::Row &row : layer.rows)
      rows.push_back(llvm::json::Object{{"strategy", row.strategy},
                                        {"predicted_cycles", int64_t(row.predictedCycles)},
                                        {"measured_cycles", int64_t(row.measuredCycles)},
                                        {"taken", row.isTaken}});
    array.push_back(llvm::json::Object{{"layers", std::move(names)}, {"candidates", std::move(rows)}});
  }
  return array;
}

/// The chip's numbers, for whoever computes what its bounds are.
static llvm::json::Object toJson(const GpuTarget &gpu) {
  return llvm::json::Object{{"card", gpu.card},
                            {"multiprocessors", gpu.multiprocessors},
                            {"gigahertz", gpu.gigahertz},
                            {"tensor_byte_products_per_cycle", gpu.tensorBytes},
                            {"tensor_nibble_products_per_cycle", gpu.tensorNibbles},
                            {"float_products_per_cycle", gpu.floats},
                            {"gigabytes_per_second", gpu.gigabytesPerSecond}};
}

std::string describeModel(ModuleOp module, const std::string &cpu, const std::string &name,
                          ArrayRef<TunedLayer> tuned) {
  llvm::json::Object report;
  if (auto model = module->getAttrOfType<DictionaryAttr>("n2uq.model"))
    report = *toJson(model).getAsObject();
  if (report.getArray("kernels"))
    addBytes(report);
  report["name"] = llvm::json::fixUTF8(name);
  report["target_cpu"] = cpu;
  std::string error;
  if (isGpuName(cpu))
    if (const GpuTarget *gpu = findGpu(cpu, error))
      report["gpu"] = toJson(*gpu);
  if (!tuned.empty())
    report["tuning"] = toJson(tuned);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", llvm::json::Value(std::move(report))) << '\n';
  return text;
}

std::string findFallback(ModuleOp module) {
  std::string layers;
  module.walk([&](KernelOp kernel) {
    if (kernel.getStrategy() && kernel.getStrategy()->getKernel() == "portable")
      layers += (layers.empty() ? "'" : "', '") + nameOf(kernel).str();
  });
  return layers.empty() ? "" : "these layers run on the portable kernel: " + layers + "'";
}

} // namespace n2uq
