// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Source.h"

#include "n2uq/Support/Pictures.h"

#include <algorithm>
#include <filesystem>

using namespace n2uq;

namespace {
class ArraySource final : public Source {
public:
  ArraySource(const n2uq_tensor &input, NpyArray array) : array(std::move(array)), bytes(imageBytes(input)) {}
  int64_t count() const override { return array.shape[0]; }
  const uint8_t *images(int64_t at, int64_t, std::string &) override { return array.data.data() + at * bytes; }
  std::string nameOf(int64_t index) const override { return std::to_string(index); }

private:
  NpyArray array;
  int64_t bytes;
};

class PictureSource final : public Source {
public:
  PictureSource(const n2uq_tensor &input, const n2uq_preprocessing &how, std::vector<std::string> files)
      : how(how), dtype(static_cast<n2uq_dtype>(input.dtype)), bytes(imageBytes(input)), files(std::move(files)) {}

  int64_t count() const override { return static_cast<int64_t>(files.size()); }
  std::string nameOf(int64_t index) const override { return files[index]; }

  const uint8_t *images(int64_t at, int64_t count, std::string &error) override {
    data.resize(bytes * count);
    for (int64_t i = 0; i < count; ++i) {
      n2uq_image image;
      bool read = n2uq_image_read(files[at + i].c_str(), &image) == N2UQ_OK;
      if (!read || n2uq_image_preprocess(&image, &how, dtype, data.data() + i * bytes) != N2UQ_OK)
        error = (read ? "'" + files[at + i] + "': " : "") + n2uq_last_error();
      n2uq_image_free(&image);
      if (!error.empty())
        return nullptr;
    }
    return data.data();
  }

private:
  n2uq_preprocessing how;
  n2uq_dtype dtype;
  int64_t bytes;
  std::vector<std::string> files;
  std::vector<uint8_t> data;
};
} // namespace

std::string n2uq::openArray(const n2uq_tensor &input, const std::string &binding, std::unique_ptr<Source> &source) {
  NpyArray array;
  std::string error = readInput(input, binding, array);
  if (error.empty())
    source = std::make_unique<ArraySource>(input, std::move(array));
  return error;
}

static bool isPictureName(const std::filesystem::path &path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const char *known[] = {".jpg", ".jpeg", ".png", ".ppm", ".pgm"};
  return std::find(std::begin(known), std::end(known), extension) != std::end(known);
}

/// Appends `path`, or the pictures of the folder that it names.
static std::string addFiles(const std::string &path, std::vector<std::string> &files) {
  std::error_code failure;
  if (!std::filesystem::is_directory(path, failure)) {
    files.push_back(path);
    return "";
  }
  std::vector<std::string> found;
  std::filesystem::directory_iterator entry(path, failure), end;
  for (; !failure && entry != end; entry.increment(failure))
    if (isPictureName(entry->path()))
      found.push_back(entry->path().string());
  if (failure)
    return "cannot read the folder '" + path + "': " + failure.message();
  if (found.empty())
    return "the folder '" + path + "' holds no file whose name ends in .jpg, .jpeg, .png, .ppm or .pgm";
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return "";
}

std::string n2uq::openPictures(const n2uq_model &model, const PictureOptions &options,
                               std::unique_ptr<Source> &source) {
  const n2uq_tensor &input = model.input;
  n2uq_preprocessing how;
  if (n2uq_preprocessing_of(&model, &how) != N2UQ_OK)
    return "the model takes " + describe(input) + ", not pictures of three channels; give --input";
  if (options.resize > 0)
    how.resize = options.resize;
  int32_t filter = how.filter;
  std::string error = options.filter.empty() ? "" : readFilter("--filter", options.filter, filter);
  how.filter = static_cast<n2uq_filter>(filter);
  if (error.empty() && input.dtype == N2UQ_UINT8 && !(options.mean.empty() && options.std.empty()))
    error = "the model takes pixels and normalises them itself; leave --mean and --std out";
  if (error.empty() && !options.mean.empty())
    error = readChannels("--mean", options.mean, ',', how.mean);
  if (error.empty() && !options.std.empty())
    error = readChannels("--std", options.std, ',', how.deviation);
  if (!error.empty())
    return error;
  std::vector<std::string> files;
  for (const std::string &path : options.paths)
    if (std::string error = addFiles(path, files); !error.empty())
      return error;
  source = std::make_unique<PictureSource>(input, how, std::move(files));
  return "";
}
