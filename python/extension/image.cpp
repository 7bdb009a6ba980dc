// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "image.h"

#include "n2uq/image.h"

#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace n2uq::python {

namespace {
using Pixels = nb::ndarray<nb::ro, uint8_t, nb::c_contig, nb::device::cpu, nb::shape<-1, -1, 3>>;

/// An image that the library made.
struct Made : n2uq_image {
  Made() : n2uq_image{0, 0, nullptr} {}
  ~Made() { n2uq_image_free(this); }
  Made(const Made &) = delete;
  Made &operator=(const Made &) = delete;
};
} // namespace

/// `call` fills an image without Python's lock; returns a copy of its pixels as an array.
template <typename Call>
static Bytes made(Call call) {
  Made image;
  std::unique_ptr<uint8_t[]> copy;
  n2uq_status status;
  {
    nb::gil_scoped_release unlocked;
    status = call(&image);
    if (status == N2UQ_OK) {
      size_t bytes = static_cast<size_t>(image.height) * image.width * 3;
      copy.reset(new uint8_t[bytes]);
      std::copy(image.pixels, image.pixels + bytes, copy.get());
    }
  }
  if (status != N2UQ_OK)
    fail(n2uq_last_error());
  return toNumpy(std::move(copy), {static_cast<size_t>(image.height), static_cast<size_t>(image.width), 3});
}

/// The library only reads the pixels of an image that it is given.
static n2uq_image view(const Pixels &pixels) {
  return {static_cast<int64_t>(pixels.shape(0)), static_cast<int64_t>(pixels.shape(1)),
          const_cast<uint8_t *>(pixels.data())};
}

static Bytes read(nb::bytes path) {
  const char *name = pathOf(path);
  return made([&](n2uq_image *image) { return n2uq_image_read(name, image); });
}

static Bytes decode(nb::bytes data, const std::string &name) {
  const void *bytes = data.data();
  size_t size = data.size();
  return made([&](n2uq_image *image) { return n2uq_image_decode(name.c_str(), bytes, size, image); });
}

static Bytes resize(const Pixels &pixels, int64_t height, int64_t width, int filter) {
  n2uq_image from = view(pixels);
  return made([&](n2uq_image *image) {
    return n2uq_image_resize(&from, height, width, static_cast<n2uq_filter>(filter), image);
  });
}

/// (resize, crop height, crop width, filter, mean, deviation)
using How = std::tuple<int64_t, int64_t, int64_t, int, std::vector<float>, std::vector<float>>;

static How defaults() {
  n2uq_preprocessing how = n2uq_preprocessing_default();
  return {how.resize,
          how.crop_height,
          how.crop_width,
          how.filter,
          std::vector<float>(how.mean, how.mean + 3),
          std::vector<float>(how.deviation, how.deviation + 3)};
}

static void preprocess(const Pixels &pixels, const How &wanted, const Output &result) {
  n2uq_image from = view(pixels);
  n2uq_preprocessing how = n2uq_preprocessing_default();
  const auto &[resize, height, width, filter, mean, deviation] = wanted;
  how.resize = resize;
  how.crop_height = height;
  how.crop_width = width;
  how.filter = static_cast<n2uq_filter>(filter);
  bool isFloat = result.dtype() == nb::dtype<float>();
  if (mean.size() != 3 || deviation.size() != 3 || height < 1 || width < 1 ||
      result.size() != size_t(3) * height * width || (!isFloat && result.dtype() != nb::dtype<uint8_t>()))
    fail("the arrays of a picture have other sizes than its description says");
  std::copy(mean.begin(), mean.end(), how.mean);
  std::copy(deviation.begin(), deviation.end(), how.deviation);
  void *to = result.data();
  n2uq_status status;
  {
    nb::gil_scoped_release unlocked;
    status = n2uq_image_preprocess(&from, &how, isFloat ? N2UQ_FLOAT32 : N2UQ_UINT8, to);
  }
  if (status != N2UQ_OK)
    fail(n2uq_last_error());
}

void defineImages(nb::module_ &module) {
  module.def("image_read", &read, nb::arg("path"));
  module.def("image_decode", &decode, nb::arg("data"), nb::arg("name"));
  module.def("image_resize", &resize, nb::arg("pixels").noconvert(), nb::arg("height"), nb::arg("width"),
             nb::arg("filter"));
  module.def("image_defaults", &defaults, "(resize, crop height, crop width, filter, mean, deviation)");
  module.def("image_preprocess", &preprocess, nb::arg("pixels").noconvert(), nb::arg("how"),
             nb::arg("result").noconvert());
}

} // namespace n2uq::python
