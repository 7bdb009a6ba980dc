// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a network of classes says of each image, as lines, CSV or JSON.
#ifndef N2UQ_TOOLS_CLASSES_H
#define N2UQ_TOOLS_CLASSES_H

#include "n2uq/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq {

/// The class with the largest output; the first of equal ones, and a NaN is no value.
int64_t largest(const n2uq_tensor &tensor, const uint8_t *output);

class ClassPrinter {
public:
  enum class Form { lines, csv, json };
  /// Prints the `top` classes of an image with the largest outputs, and their probabilities (softmax).
  /// With the names that the model stores.
  ClassPrinter(const n2uq_model &model, int64_t top, Form form);
  /// Names of classes, one a line, in the place of the model's. Returns an empty string or one sentence.
  std::string readLabels(const std::string &path);
  void begin() const;
  void print(const std::string &image, const uint8_t *output);
  void end() const;

private:
  const n2uq_tensor &tensor;
  int64_t top;
  Form form;
  std::vector<std::string> labels;
  bool isFirst = true;
};

} // namespace n2uq

#endif // N2UQ_TOOLS_CLASSES_H
