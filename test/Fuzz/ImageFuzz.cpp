// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pictures: JPEG, PNG, PPM and PGM, told apart by their first bytes.
#include "Fuzz.h"

#include "n2uq/image.h"

using namespace n2uq::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  n2uq_image image;
  if (n2uq_image_decode("picture", data, size, &image) == N2UQ_OK) {
    require(image.height >= 1 && image.width >= 1, "a picture has pixels");
    touch(image.pixels, static_cast<size_t>(image.height * image.width * 3));
    n2uq_image_free(&image);
  } else {
    require(image.pixels == nullptr, "a failure leaves the image empty");
    requireSentence(n2uq_last_error());
  }
  return 0;
}
