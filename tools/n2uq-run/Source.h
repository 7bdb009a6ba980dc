// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the images of a run come from: an array of a file, or pictures.
#ifndef N2UQ_TOOLS_SOURCE_H
#define N2UQ_TOOLS_SOURCE_H

#include "Model.h"

#include "n2uq/image.h"

#include <memory>
#include <string>
#include <vector>

namespace n2uq {

class Source {
public:
  virtual ~Source() = default;
  virtual int64_t count() const = 0;
  /// Images [at, at + count) as the model takes them, one behind the other; null with one sentence in `error`. Lives
  /// until the next call.
  virtual const uint8_t *images(int64_t at, int64_t count, std::string &error) = 0;
  /// What an image is called in lists.
  virtual std::string nameOf(int64_t index) const = 0;
};

/// The array of `--input=NAME=FILE`.
std::string openArray(const n2uq_tensor &input, const std::string &binding, std::unique_ptr<Source> &source);

/// How pictures become images, as the options say it; what they leave out is the model's.
struct PictureOptions {
  std::vector<std::string> paths; ///< files, or folders of them
  int64_t resize = 0;             ///< of the shorter side; 0: not given
  std::string filter, mean, std;  ///< "R,G,B" the latter two; empty: not given
};

/// JPEG, PNG and PPM files; of folders those whose names say that they are such files, in the order of their names.
std::string openPictures(const n2uq_model &model, const PictureOptions &options, std::unique_ptr<Source> &source);

} // namespace n2uq

#endif // N2UQ_TOOLS_SOURCE_H
