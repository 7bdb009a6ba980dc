// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compare.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/CommandLine.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace n2uq {

static int64_t codesPerImage(const n2uq_codes &codes) { return codes.height * codes.width * codes.channels; }

std::string Comparison::prepare(Interpreter &interpreter, const Model &model) {
  reference = &interpreter;
  library = &model;
  std::map<std::string, size_t> rowOfName;
  std::string error;
  interpreter.getFunction().getBody().walk([&](mlir::Operation *op) {
    if (!llvm::isa<QuantizeOp, ThresholdOp, TwoSidedThresholdOp>(op))
      return;
    std::string name = nameOf(op).str();
    if (name.empty())
      error = "a quantizer of the model has no name (a location), so the library's cannot be found";
    else if (!rowOfName.emplace(name, rows.size()).second)
      error = "two quantizers of the model are named '" + name + "'";
    rowOfValue[op->getResult(0)] = rows.size();
    rows.push_back({name, true});
  });
  if (!error.empty())
    return error;

  const n2uq_model &descriptor = model.descriptor();
  for (int64_t i = 0; i < descriptor.codes_count; ++i) {
    std::string name = descriptor.codes[i].name;
    auto [entry, isNew] = rowOfName.emplace(name, rows.size());
    if (isNew)
      rows.push_back({name});
    size_t row = entry->second;
    if (rows[row].inLibrary)
      return "two quantizers of the library are named '" + name + "'";
    rows[row].inLibrary = true;
    rowOfLibrary.push_back(row);
    libraryOfRow[row] = i;
  }
  libraryCodes.resize(descriptor.codes_count);
  return "";
}

int32_t Comparison::takeCodes(void *user, int64_t index, const uint8_t *codes) {
  Comparison &self = *static_cast<Comparison *>(user);
  if (!self.rows[self.rowOfLibrary[index]].inReference)
    return 0;
  int64_t bytes = codesPerImage(self.library->descriptor().codes[index]) * self.runImages;
  self.libraryCodes[index].insert(self.libraryCodes[index].end(), codes, codes + bytes);
  return 0;
}

std::string Comparison::runLibrary(const uint8_t *input, int64_t count, int64_t batch) {
  const n2uq_model &descriptor = library->descriptor();
  for (std::vector<uint8_t> &codes : libraryCodes)
    codes.clear();
  int64_t floats = imageBytes(descriptor.output) / static_cast<int64_t>(sizeof(float));
  libraryOutput.assign(floats * count, 0);
  for (int64_t at = 0; at < count; at += batch) {
    runImages = std::min(batch, count - at);
    if (n2uq_session_run_codes(library->session(), input + at * imageBytes(descriptor.input), runImages,
                               libraryOutput.data() + at * floats, &Comparison::takeCodes, this) != N2UQ_OK)
      return n2uq_last_error();
  }
  return "";
}

std::string Comparison::compareCodes(size_t index, const Array &codes, int64_t first, int64_t count) {
  QuantizerRow &row = rows[index];
  auto entry = libraryOfRow.find(index);
  if (entry == libraryOfRow.end())
    return "";
  const n2uq_codes &table = library->descriptor().codes[entry->second];
  // Rows of features are images of one pixel in the library.
  std::vector<int64_t> shape = codes.shape;
  if (shape.size() == 2)
    shape.insert(shape.begin() + 1, {1, 1});
  if (shape != std::vector<int64_t>{count, table.height, table.width, table.channels})
    return "quantizer '" + row.name + "' is of another shape in the library than in the model";
  const uint8_t *expected = codes.as<uint8_t>(), *got = libraryCodes[entry->second].data();
  int64_t perImage = codesPerImage(table);
  row.codes += perImage * count;
  if (std::memcmp(expected, got, perImage * count) == 0)
    return "";
  for (int64_t i = 0; i < perImage * count; ++i) {
    if (expected[i] == got[i])
      continue;
    ++row.differing;
    row.largestDifference = std::max(row.largestDifference, std::abs(int(expected[i]) - int(got[i])));
    if (row.firstImage < 0)
      row.firstImage = first + i / perImage;
  }
  return "";
}

void Comparison::compareOutputs(const Array &expected) {
  const float *values = expected.as<float>();
  outputs += static_cast<int64_t>(libraryOutput.size());
  for (size_t i = 0; i < libraryOutput.size(); ++i) {
    // Of several NaNs an operation may pass on any, so two NaNs are the same whatever their bits.
    if (std::memcmp(&values[i], &libraryOutput[i], sizeof(float)) == 0 ||
        (std::isnan(values[i]) && std::isnan(libraryOutput[i])))
      continue;
    ++differingOutputs;
    double difference = std::fabs(static_cast<double>(values[i]) - static_cast<double>(libraryOutput[i]));
    // A NaN on one side is further away than any number.
    largestOutputDifference = std::max(largestOutputDifference, std::isnan(difference) ? INFINITY : difference);
  }
}

std::string Comparison::run(const NpyArray &input, int64_t first, int64_t count, int64_t batch) {
  const uint8_t *images = input.data.data() + first * imageBytes(library->descriptor().input);
  if (std::string error = runLibrary(images, count, batch); !error.empty())
    return error;

  NpyArray part;
  part.dtype = input.dtype;
  part.shape = input.shape;
  part.shape[0] = count;
  part.data.assign(images, images + count * imageBytes(library->descriptor().input));
  std::vector<Array> arguments(1), results;
  mlir::func::FuncOp function = reference->getFunction();
  if (std::string error = arrayFromNpy(std::move(part), function.getArgument(0).getType(), "the input", arguments[0]);
      !error.empty())
    return error;
  std::string failure;
  auto observer = [&](mlir::OpResult value, const Array &array) {
    auto row = rowOfValue.find(value);
    if (row != rowOfValue.end() && failure.empty())
      failure = compareCodes(row->second, array, first, count);
  };
  if (std::string error = reference->run(arguments, results, observer); !error.empty())
    return error;
  if (!failure.empty())
    return failure;
  if (results.size() != 1 || results[0].elements() != static_cast<int64_t>(libraryOutput.size()) ||
      !std::holds_alternative<std::vector<float>>(results[0].data))
    return "the output is of another shape in the library than in the model";
  compareOutputs(results[0]);
  return "";
}

bool Comparison::isEqual() const {
  return differingOutputs == 0 && std::all_of(rows.begin(), rows.end(), [](const QuantizerRow &row) {
           return row.inReference && row.inLibrary && row.differing == 0;
         });
}

void Comparison::print() const {
  size_t width = 9;
  for (const QuantizerRow &row : rows)
    width = std::max(width, row.name.size());
  int column = static_cast<int>(std::min<size_t>(width, 72));
  std::printf("%-*s  %12s  %12s  %18s\n", column, "quantizer", "codes", "differ", "largest difference");
  int64_t codes = 0, differing = 0, missing = 0;
  for (const QuantizerRow &row : rows) {
    std::string name = oneLine(row.name);
    if (!row.inReference || !row.inLibrary) {
      std::printf("%-*s  missing in the %s\n", column, name.c_str(), row.inReference ? "library" : "model");
      ++missing;
      continue;
    }
    std::printf("%-*s  %12lld  %12lld", column, name.c_str(), static_cast<long long>(row.codes),
                static_cast<long long>(row.differing));
    if (row.differing > 0)
      std::printf("  %d level%s, first in image %lld", row.largestDifference, row.largestDifference == 1 ? "" : "s",
                  static_cast<long long>(row.firstImage));
    std::printf("\n");
    codes += row.codes;
    differing += row.differing;
  }
  std::printf("%-*s  %12lld  %12lld", column, "output", static_cast<long long>(outputs),
              static_cast<long long>(differingOutputs));
  if (differingOutputs > 0)
    std::printf("  %g", largestOutputDifference);
  std::printf("\n%zu quantizers, %lld codes, %lld differ", rows.size(), static_cast<long long>(codes),
              static_cast<long long>(differing));
  if (missing > 0)
    std::printf(", %lld quantizers missing", static_cast<long long>(missing));
  if (differingOutputs > 0)
    std::printf(", %lld of %lld outputs differ", static_cast<long long>(differingOutputs),
                static_cast<long long>(outputs));
  std::printf("\n");
}

} // namespace n2uq
