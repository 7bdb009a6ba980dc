/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Resize, crop, normalise: which part of which size is wanted, by torchvision's rules.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A resized image is at most this long and wide: coordinates stay exact in all arithmetic of the passes. */
static const int64_t max_side = 1 << 20;

static n2uq_status check_image(const n2uq_image *image) {
  if (!image || !image->pixels || image->height < 1 || image->width < 1 ||
      image->height > N2UQ_IMAGE_MAX_PIXELS / image->width)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "an image needs pixels, and a height and width of at least 1");
  return N2UQ_OK;
}

static n2uq_status check_size(const n2uq_image *image, int64_t height, int64_t width, n2uq_filter filter) {
  if (filter != N2UQ_BILINEAR && filter != N2UQ_BICUBIC)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "an image is resized with N2UQ_BILINEAR or N2UQ_BICUBIC, not with filter %d",
                     (int)filter);
  if (height < 1 || width < 1 || height > max_side || width > max_side || height > N2UQ_IMAGE_MAX_PIXELS / width)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "an image cannot be resized from %lld x %lld to %lld x %lld pixels",
                     (long long)image->width, (long long)image->height, (long long)width, (long long)height);
  return N2UQ_OK;
}

n2uq_status n2uq_image_resize(const n2uq_image *from, int64_t height, int64_t width, n2uq_filter filter,
                              n2uq_image *to) {
  if (!to)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_image_resize needs a place for the image");
  memset(to, 0, sizeof *to);
  n2uq_status status = check_image(from);
  if (status == N2UQ_OK)
    status = check_size(from, height, width, filter);
  if (status != N2UQ_OK)
    return status;
  n2uq_image made = {height, width, malloc((size_t)(height * width * 3))};
  if (!made.pixels)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "out of memory for %lld x %lld pixels", (long long)width, (long long)height);
  n2uq_region all = {height, width, 0, 0, height, width};
  status = n2uq_resample(from, &all, filter, NULL, made.pixels);
  if (status == N2UQ_OK)
    *to = made;
  else
    n2uq_image_free(&made);
  return status;
}

n2uq_preprocessing n2uq_preprocessing_default(void) {
  n2uq_preprocessing how = {sizeof how,         n2uq_usual_resize(224, 224), 224, 224, N2UQ_BILINEAR,
                            N2UQ_IMAGENET_MEAN, N2UQ_IMAGENET_DEVIATION};
  return how;
}

n2uq_status n2uq_preprocessing_of(const n2uq_model *model, n2uq_preprocessing *how) {
  if (!model || !how)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_preprocessing_of needs a model and a place for its result");
  *how = n2uq_preprocessing_default();
  const n2uq_tensor *input = &model->input;
  bool pixels = input->dtype == N2UQ_UINT8;
  if (input->rank != 4 || input->dims[pixels ? 3 : 1] != 3)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "the model takes no pictures of three channels");
  how->crop_height = input->dims[pixels ? 1 : 2];
  how->crop_width = input->dims[pixels ? 2 : 3];
  how->resize = n2uq_usual_resize(how->crop_height, how->crop_width);
  if (model->pictures) {
    how->resize = model->pictures->resize;
    how->filter = (n2uq_filter)model->pictures->filter;
    memcpy(how->mean, model->pictures->mean, sizeof how->mean);
    memcpy(how->deviation, model->pictures->deviation, sizeof how->deviation);
  }
  return N2UQ_OK;
}

/* The longer side of an image whose shorter one becomes `size`: size * longer / shorter in a double, cut off. */
static int64_t longer_side(int64_t size, int64_t longer, int64_t shorter) {
  return (int64_t)((double)(size * longer) / (double)shorter);
}

/* Where the middle of `crop` pixels begins: half of what is left, a half rounded to even. */
static int64_t middle(int64_t size, int64_t crop) { return (int64_t)nearbyint((double)(size - crop) / 2); }

n2uq_status n2uq_image_preprocess(const n2uq_image *image, const n2uq_preprocessing *how, n2uq_dtype dtype,
                                  void *input) {
  n2uq_status status = check_image(image);
  if (status != N2UQ_OK)
    return status;
  if (!how || how->size != sizeof *how || !input || how->resize < 0 || how->resize > max_side)
    return n2uq_fail(N2UQ_BAD_ARGUMENT,
                     "preprocessing needs its options with their size, sides of at most %lld pixels, and"
                     " a place for its result",
                     (long long)max_side);
  if (dtype != N2UQ_UINT8 && dtype != N2UQ_FLOAT32)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "images become N2UQ_UINT8 or N2UQ_FLOAT32, not type %d", (int)dtype);
  for (int c = 0; c < 3 && dtype == N2UQ_FLOAT32; ++c)
    if (!isfinite(how->mean[c]) || !isfinite(how->deviation[c]) || how->deviation[c] == 0)
      return n2uq_fail(N2UQ_BAD_ARGUMENT, "mean and deviation of channel %d must be finite, and the deviation not 0",
                       c);

  n2uq_region region = {
      .height = image->height, .width = image->width, .rows = how->crop_height, .columns = how->crop_width};
  if (how->resize > 0) {
    bool tall = image->width <= image->height;
    region.width = tall ? how->resize : longer_side(how->resize, image->width, image->height);
    region.height = tall ? longer_side(how->resize, image->height, image->width) : how->resize;
  }
  status = check_size(image, region.height, region.width, how->filter);
  if (status != N2UQ_OK)
    return status;
  if (region.rows < 1 || region.columns < 1 || region.rows > region.height || region.columns > region.width)
    return n2uq_fail(N2UQ_BAD_ARGUMENT,
                     "%lld x %lld pixels cannot be cut out of an image that was resized to %lld x %lld; resize to more",
                     (long long)region.columns, (long long)region.rows, (long long)region.width,
                     (long long)region.height);
  region.y = middle(region.height, region.rows);
  region.x = middle(region.width, region.columns);
  return n2uq_resample(image, &region, how->filter, dtype == N2UQ_FLOAT32 ? how : NULL, input);
}
