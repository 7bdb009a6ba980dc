// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference against a compiled model, quantizer by quantizer.
#ifndef N2UQ_TOOLS_N2UQ_DIFF_COMPARE_H
#define N2UQ_TOOLS_N2UQ_DIFF_COMPARE_H

#include "../n2uq-run/Model.h"

#include "n2uq/Reference/Interpreter.h"

#include <map>
#include <string>
#include <vector>

namespace n2uq {

/// What was found out about one quantizer.
struct QuantizerRow {
  std::string name;
  bool inReference = false, inLibrary = false;
  int64_t codes = 0, differing = 0;
  int largestDifference = 0; // levels
  int64_t firstImage = -1;   // that differs
};

class Comparison {
public:
  /// Lists the quantizers of both sides: in the order of the reference's function, then what the library alone has.
  /// Returns an empty string or one sentence.
  std::string prepare(Interpreter &reference, const Model &library);

  /// Runs both on images [first, first + count) of `input` and compares. `batch`: images that the library runs at once.
  std::string run(const NpyArray &input, int64_t first, int64_t count, int64_t batch);

  /// True if all is equal and nothing is missing.
  bool isEqual() const;

  /// Prints a row for each quantizer, one for the output, and the sum.
  void print() const;

  const std::vector<QuantizerRow> &quantizers() const { return rows; }
  int64_t outputCount() const { return outputs; }
  int64_t differingOutputCount() const { return differingOutputs; }
  /// Infinite where a NaN stands against a number.
  double outputDifference() const { return largestOutputDifference; }

private:
  static int32_t takeCodes(void *user, int64_t index, const uint8_t *codes);
  std::string runLibrary(const uint8_t *input, int64_t count, int64_t batch);
  std::string compareCodes(size_t row, const Array &codes, int64_t first, int64_t count);
  void compareOutputs(const Array &outputs);

  Interpreter *reference = nullptr;
  const Model *library = nullptr;
  std::vector<QuantizerRow> rows;
  std::vector<size_t> rowOfLibrary; // by the index in the descriptor's table
  std::map<size_t, int64_t> libraryOfRow;
  llvm::DenseMap<mlir::Value, size_t> rowOfValue;

  /// The library's side of the images at hand.
  std::vector<std::vector<uint8_t>> libraryCodes;
  std::vector<float> libraryOutput;
  int64_t runImages = 0; // of the library's run at hand

  int64_t outputs = 0, differingOutputs = 0;
  double largestOutputDifference = 0;
};

} // namespace n2uq

#endif // N2UQ_TOOLS_N2UQ_DIFF_COMPARE_H
