// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/Pictures.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/image.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace n2uq {

/// As many entries as a table of a descriptor may have.
constexpr size_t maxLabels = 1 << 16;
constexpr long long maxResize = 1 << 20;

std::string readLabels(const std::string &path, std::vector<std::string> &labels) {
  std::ifstream file(path);
  if (!file)
    return "cannot open '" + path + "': " + std::strerror(errno);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (line.size() >= N2UQ_STRING_BYTES || labels.size() == maxLabels)
      return "'" + path + "' holds no labels: it has " +
             (labels.size() == maxLabels ? "more than " + std::to_string(maxLabels) + " lines"
                                         : "a line of " + std::to_string(line.size()) + " bytes");
    labels.push_back(oneLine(line));
  }
  return file.bad() || labels.empty() ? "'" + path + "' does not hold one label a line" : "";
}

std::string readFilter(const std::string &option, const std::string &name, int32_t &filter) {
  if (name != "bilinear" && name != "bicubic")
    return "option '" + option + "' is bilinear or bicubic, not '" + name + "'";
  filter = name == "bicubic" ? N2UQ_BICUBIC : N2UQ_BILINEAR;
  return "";
}

std::string readChannels(const std::string &option, const std::string &text, char separator, float (&channels)[3]) {
  const char *at = text.c_str();
  for (int c = 0; c < 3; ++c) {
    char *end = nullptr;
    channels[c] = std::strtof(at, &end);
    if (end == at || *end != (c < 2 ? separator : '\0')) {
      std::string form = std::string("R") + separator + "G" + separator + "B";
      return "option '" + option + "' takes three numbers, " + form + ", not '" + text + "'";
    }
    at = end + 1;
  }
  return "";
}

std::string readPictures(const std::string &option, const std::string &text, n2uq_pictures &pictures) {
  pictures = {usualResize, N2UQ_BILINEAR, N2UQ_IMAGENET_MEAN, N2UQ_IMAGENET_DEVIATION};
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string item = text.substr(begin, end - begin), key, value, error;
    begin = end + 1;
    if (!splitBinding(item, key, value))
      return "option '" + option + "' takes resize=N,filter=NAME,mean=R/G/B,std=R/G/B, not '" + item + "'";
    std::string part = option + "=" + key;
    if (key == "resize") {
      char *rest = nullptr;
      errno = 0;
      pictures.resize = std::strtoll(value.c_str(), &rest, 10);
      if (errno != 0 || *rest != '\0' || pictures.resize < 1 || pictures.resize > maxResize)
        return "option '" + part + "' needs a number between 1 and " + std::to_string(maxResize) + ", not '" + value +
               "'";
    } else if (key == "filter") {
      error = readFilter(part, value, pictures.filter);
    } else if (key == "mean") {
      error = readChannels(part, value, '/', pictures.mean);
    } else if (key == "std") {
      error = readChannels(part, value, '/', pictures.deviation);
    } else {
      return "option '" + option + "' knows resize, filter, mean and std, not '" + key + "'";
    }
    if (!error.empty())
      return error;
  }
  for (int c = 0; c < 3; ++c)
    if (!std::isfinite(pictures.mean[c]) || !std::isfinite(pictures.deviation[c]) || pictures.deviation[c] == 0)
      return "option '" + option + "' needs means and deviations that are finite, and no deviation that is 0";
  return "";
}

} // namespace n2uq
