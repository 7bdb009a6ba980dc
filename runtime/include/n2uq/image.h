/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Pictures for compiled models: reads JPEG, PNG and PPM files, resizes and crops them, and gives them the layout that a
 * model takes. Pixels are equal, byte for byte, to those of Pillow's `Image.open(…).convert("RGB")` and `resize`, and
 * floats to those of torchvision's Resize, CenterCrop, ToTensor and Normalize.
 *
 *   n2uq_image image;
 *   n2uq_preprocessing how = n2uq_preprocessing_default();
 *   if (n2uq_image_read("cat.jpg", &image) || n2uq_image_preprocess(&image, &how, N2UQ_FLOAT32, input))
 *     fprintf(stderr, "%s\n", n2uq_last_error());
 *   n2uq_image_free(&image);
 *
 * Statuses and sentences are those of n2uq/runtime.h. All functions may be called from any number of threads. The
 * library is libn2uq_image; it needs libn2uq_runtime, libjpeg and libpng.
 */
#ifndef N2UQ_IMAGE_H
#define N2UQ_IMAGE_H

#include "n2uq/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pixels: red, green, blue, one byte each, rows from top to bottom without gaps. */
typedef struct n2uq_image {
  int64_t height, width; /* at least 1 */
  uint8_t *pixels;       /* height * width * 3 bytes; owned by the image where a function of this file made it */
} n2uq_image;

/* No file with more pixels is decoded: it would be an attack rather than a picture. */
#define N2UQ_IMAGE_MAX_PIXELS (INT64_C(1) << 27)

/* Reads a JPEG, PNG or binary PPM/PGM file; its content says which. Gray becomes three equal channels, palettes are
 * looked up, transparency is dropped, 16 bits a channel become their upper 8. The caller frees `*image`; it is empty on
 * failure. */
N2UQ_API n2uq_status n2uq_image_read(const char *path, n2uq_image *image);

/* The same for the `size` bytes of such a file; `name` is for sentences. */
N2UQ_API n2uq_status n2uq_image_decode(const char *name, const void *bytes, size_t size, n2uq_image *image);

/* Frees the pixels and empties the image. An empty image is fine. */
N2UQ_API void n2uq_image_free(n2uq_image *image);

/* Resizes to `height` x `width`. The caller frees `*to`; it is empty on failure. */
N2UQ_API n2uq_status n2uq_image_resize(const n2uq_image *from, int64_t height, int64_t width, n2uq_filter filter,
                                       n2uq_image *to);

/* How a picture becomes a network's input: the shorter side is resized to `resize` pixels (the longer one keeps the
 * proportion, rounded down), the middle of `crop_height` x `crop_width` is cut out, and floats are normalised. */
typedef struct n2uq_preprocessing {
  size_t size;                     /* sizeof(n2uq_preprocessing) */
  int64_t resize;                  /* pixels, at least 1; 0: the picture's own size */
  int64_t crop_height, crop_width; /* pixels, at least 1 */
  n2uq_filter filter;
  float mean[3], deviation[3]; /* of red, green and blue, where white is 1; used for floats alone */
} n2uq_preprocessing;

/* Mean and standard deviation of ImageNet's pictures. */
#define N2UQ_IMAGENET_MEAN {0.485f, 0.456f, 0.406f}
#define N2UQ_IMAGENET_DEVIATION {0.229f, 0.224f, 0.225f}

/* The resize that goes with a crop where nothing else is said: 8/7 of its longer side, 256 for 224, as the networks of
 * ImageNet are evaluated. */
static inline int64_t n2uq_usual_resize(int64_t crop_height, int64_t crop_width) {
  int64_t side = crop_height > crop_width ? crop_height : crop_width;
  return (side * 8 + 3) / 7;
}

/* What the networks of ImageNet are evaluated with: 256, 224 x 224, bilinear, and that data set's mean and deviation.
 */
N2UQ_API n2uq_preprocessing n2uq_preprocessing_default(void);

/* What a model wants: the crop is the size of its input, the rest is what its descriptor says, and as above where it
 * says nothing. N2UQ_BAD_ARGUMENT where it takes no pictures of three channels; `*how` is the default then. */
N2UQ_API n2uq_status n2uq_preprocessing_of(const n2uq_model *model, n2uq_preprocessing *how);

/* Writes one image to `input`, which is the caller's: with N2UQ_UINT8 the pixels, crop_height x crop_width x 3 bytes;
 * with N2UQ_FLOAT32 3 x crop_height x crop_width floats, (pixel / 255 - mean) / deviation, each step rounded to
 * float32. Only what is left after the crop is computed. */
N2UQ_API n2uq_status n2uq_image_preprocess(const n2uq_image *image, const n2uq_preprocessing *how, n2uq_dtype dtype,
                                           void *input);

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_IMAGE_H */
