// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Classes.h"
#include "Model.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Pictures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

using namespace n2uq;

static int64_t countOf(const n2uq_tensor &tensor) {
  return imageBytes(tensor) / (tensor.dtype == N2UQ_FLOAT32 ? 4 : 1);
}

static float valueOf(const n2uq_tensor &tensor, const uint8_t *output, int64_t index) {
  if (tensor.dtype != N2UQ_FLOAT32)
    return output[index];
  float value;
  std::memcpy(&value, output + index * 4, 4);
  return value;
}

int64_t n2uq::largest(const n2uq_tensor &tensor, const uint8_t *output) {
  int64_t best = 0;
  for (int64_t c = 1; c < countOf(tensor); ++c) {
    float value = valueOf(tensor, output, c), bestValue = valueOf(tensor, output, best);
    if (value > bestValue || bestValue != bestValue)
      best = c;
  }
  return best;
}

ClassPrinter::ClassPrinter(const n2uq_model &model, int64_t top, Form form)
    : tensor(model.output), top(top), form(form) {
  for (int64_t i = 0; i < model.label_count; ++i)
    labels.push_back(oneLine(model.labels[i]));
}

std::string ClassPrinter::readLabels(const std::string &path) {
  labels.clear();
  std::string error = n2uq::readLabels(path, labels);
  if (error.empty() && static_cast<int64_t>(labels.size()) != countOf(tensor))
    error = "'" + path + "' does not hold one label a line for each of the model's " + std::to_string(countOf(tensor)) +
            " classes";
  return error;
}

/// A field of CSV, in quotes where it has to be.
static std::string csvField(const std::string &text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos)
    return text;
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void ClassPrinter::begin() const {
  if (form == Form::csv)
    std::puts("image,rank,class,label,probability");
  else if (form == Form::json)
    std::printf("[");
}

void ClassPrinter::end() const {
  if (form == Form::json)
    std::printf("%s]\n", isFirst ? "" : "\n");
}

void ClassPrinter::print(const std::string &image, const uint8_t *output) {
  int64_t count = countOf(tensor);
  std::vector<float> values(count);
  for (int64_t c = 0; c < count; ++c)
    values[c] = valueOf(tensor, output, c);
  // A NaN stands behind every number; equal values in the order of the classes.
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(values[a]) != std::isnan(values[b]))
      return std::isnan(values[b]);
    return values[a] > values[b] || (!(values[a] < values[b]) && a < b);
  });
  double sum = 0, highest = values[order[0]];
  for (float value : values)
    sum += std::exp(value - highest);

  if (form == Form::lines)
    std::printf("%s\n", oneLine(image).c_str());
  else if (form == Form::json)
    std::printf("%s\n  {\"image\": %s, \"top\": [", isFirst ? "" : ",", jsonString(image).c_str());
  isFirst = false;
  for (int64_t rank = 0; rank < std::min(top, count); ++rank) {
    int64_t index = order[rank];
    double probability = std::exp(values[index] - highest) / sum;
    std::string label = labels.empty() ? "" : labels[index];
    if (form == Form::lines)
      std::printf("  %6.2f %%  %lld%s%s\n", 100 * probability, static_cast<long long>(index), label.empty() ? "" : " ",
                  label.c_str());
    else if (form == Form::csv)
      std::printf("%s,%lld,%lld,%s,%.6g\n", csvField(image).c_str(), static_cast<long long>(rank + 1),
                  static_cast<long long>(index), csvField(label).c_str(), probability);
    else // a NaN is no number of JSON
      std::printf("%s{\"class\": %lld, \"label\": %s, \"probability\": %s}", rank ? ", " : "",
                  static_cast<long long>(index), label.empty() ? "null" : jsonString(label).c_str(),
                  std::isnan(probability) ? "null" : std::to_string(probability).c_str());
  }
  if (form == Form::json)
    std::printf("]}");
}
