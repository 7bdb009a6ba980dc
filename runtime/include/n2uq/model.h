/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The binary interface of a compiled model: one shared library that exports one symbol, `n2uq_model_descriptor`.
 *
 * A model needs nothing but libc. It can be used through the runtime (n2uq/runtime.h), which checks the file and the
 * CPU, owns threads and buffers, or alone:
 *
 *   const n2uq_model *model = dlsym(dlopen("model.so", RTLD_NOW), "n2uq_model_descriptor");
 *   n2uq_frame frame = {aligned_alloc(64, n2uq_arena_bytes(model, batch)), input, output, batch};
 *   model->run(&frame, NULL, NULL);                                  // one thread
 *
 * Whoever uses it alone checks `magic`, `abi_version` and `cpu_features` first. A model for an NVIDIA GPU has no `run`,
 * and PTX in `cuda` instead.
 *
 * Strings are UTF-8, end with 0 and live as long as the library is loaded; in a file they are at most
 * N2UQ_STRING_BYTES long. All sizes are in bytes. All of a descriptor is constant and may be read by any thread.
 *
 * Both sides of the interface pin its layout with static assertions; a change of it is a new N2UQ_ABI_VERSION. A
 * version appends fields to n2uq_model and leaves every other struct as it is. The runtime runs models of all versions
 * so far and hands out their descriptors as those of its own version, with 0 for what they do not have:
 *   1   up to `run`; rows of `codes` without `storage_bits`, which is 8
 *   2   `cuda`, and `storage_bits`
 *   3   `label_count`, `labels`, `pictures`
 */
#ifndef N2UQ_MODEL_H
#define N2UQ_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define N2UQ_MODEL_MAGIC UINT32_C(0x5155324e) /* "N2UQ" */
#define N2UQ_ABI_VERSION UINT32_C(3)
#define N2UQ_DESCRIPTOR_SYMBOL "n2uq_model_descriptor"
#define N2UQ_ARENA_ALIGNMENT 64
#define N2UQ_STRING_BYTES 4096     /* with the 0 at the end */
#define N2UQ_STACK_BYTES (2 << 20) /* what a run may need of the stack of each thread that takes part */

/* What one run works on. `arena` is aligned to N2UQ_ARENA_ALIGNMENT and holds n2uq_arena_bytes(model, batch). */
typedef struct n2uq_frame {
  uint8_t *arena;
  const void *input; /* dense, of the type and shape of model->input */
  void *output;      /* dense, of the type and shape of model->output */
  int64_t batch;     /* images, at least 1 */
} n2uq_frame;

/* Computes work items [begin, end) of a kernel. Items are independent: any order, any thread, the same bytes. */
typedef void (*n2uq_kernel_function)(const n2uq_frame *frame, int64_t begin, int64_t end);

/* Runs body(frame, b, e) over disjoint ranges that cover [0, count) and returns when all are done. */
typedef void (*n2uq_parallel_for)(void *context, int64_t count, n2uq_kernel_function body, const n2uq_frame *frame);

/* One kernel: a loop nest over batch * items_per_image work items. Kernels run in order, each after the one before it.
 */
typedef struct n2uq_kernel {
  const char *name;     /* of the layer it computes, a module path: "layer1.0.conv1" */
  const char *strategy; /* as in the IR: "direct_dot lanes=16 tile=1x7x2", and " measured" where --tune chose it */
  n2uq_kernel_function run;
  int64_t items_per_image;
  int64_t macs_per_image;   /* multiply-accumulates of the layer; 0 for pools and the like */
  int64_t weight_bytes;     /* read-only data that it streams */
  int64_t activation_bytes; /* per image, read and written */
} n2uq_kernel;

/* Where a quantizer's codes lie in the arena, right after kernel `kernel` has run. The codes of pixel (n, y, x) start
 * at arena[offset_per_batch * batch + n * image_bytes + origin + y * row_bytes + x * pixel_bytes]; code c has
 * `storage_bits` bits, from bit c * storage_bits on, the lowest bit of a byte first. */
typedef struct n2uq_codes {
  const char *name; /* of the quantizer, a module path: "layer1.0.quan1" */
  int64_t kernel;   /* index of the kernel that writes it */
  int64_t bits;
  int64_t height, width, channels;
  int64_t offset_per_batch, image_bytes, origin, row_bytes, pixel_bytes;
  int64_t storage_bits; /* 8 on a CPU; 1, 2, 4 or 8 on a GPU */
} n2uq_codes;

/* How the kernel of the same index runs on a GPU: blocks of `threads` threads in a grid of x = ceil(batch *
 * units_per_image / units_per_block) by `grid_y`. batch * units_per_image stays below 2^31 - 2^16. */
typedef struct n2uq_cuda_launch {
  const char *entry;       /* its name in the PTX */
  int64_t units_per_image; /* pieces of work of one image */
  int64_t units_per_block; /* of them, for one block */
  int64_t grid_y;
  int64_t threads;
  int64_t shared_bytes; /* dynamic shared memory of a block */
} n2uq_cuda_launch;

/* Code for an NVIDIA GPU. Every entry takes the same parameters: the addresses of the arena, of the weights (both
 * aligned to 256), of the dense input and output (aligned to 16), all of 64 bits, and the batch, of 32 bits. Kernels
 * run in order, each after the one before it. */
typedef struct n2uq_cuda_module {
  const char *ptx;            /* text that ends with 0 */
  int64_t ptx_bytes;          /* without the 0 */
  int64_t compute_capability; /* the least that it runs on: 80 is 8.0 */
  const uint8_t *weights;     /* read-only data of all kernels, in the library; belongs on the device */
  int64_t weight_bytes;
  int64_t launch_count; /* kernel_count */
  const n2uq_cuda_launch *launches;
} n2uq_cuda_module;

typedef enum n2uq_dtype { N2UQ_FLOAT32 = 1, N2UQ_UINT8 = 2 } n2uq_dtype;

/* A network input or output. dims[0] is the batch, written -1. Rank is 2 ([batch, features]) or 4. */
typedef struct n2uq_tensor {
  const char *name;
  int32_t dtype; /* n2uq_dtype */
  int32_t rank;
  int64_t dims[4];
} n2uq_tensor;

/* What is summed over when an image is resized, widened by the scale where it shrinks (antialiasing). */
typedef enum n2uq_filter {
  N2UQ_BILINEAR = 1, /* a triangle of width 2 */
  N2UQ_BICUBIC = 2   /* a cubic of width 4 with a = -0.5 */
} n2uq_filter;

/* How pictures become the input: the shorter side is resized, and the middle is cut out, of the height and width that
 * `input` has. Pixels go in as they are where `input` is N2UQ_UINT8 ([N, H, W, 3]); where it is N2UQ_FLOAT32
 * ([N, 3, H, W]), (pixel / 255 - mean) / deviation. n2uq/image.h does it. */
typedef struct n2uq_pictures {
  int64_t resize;              /* pixels of the shorter side; 0: the picture's own size */
  int32_t filter;              /* n2uq_filter */
  float mean[3], deviation[3]; /* of red, green and blue, where white is 1; of no meaning for N2UQ_UINT8 */
} n2uq_pictures;

typedef struct n2uq_model {
  uint32_t magic;       /* N2UQ_MODEL_MAGIC */
  uint32_t abi_version; /* N2UQ_ABI_VERSION */
  uint64_t size;        /* sizeof(n2uq_model) as the compiler saw it */
  const char *name;
  const char *compiler;   /* "n2uq 0.1.0 (LLVM 22.1.8)" */
  const char *target_cpu; /* as LLVM names it */
  /* Bit k is set where the code may use feature k of n2uq/cpu_features.def. */
  uint64_t cpu_features;
  n2uq_tensor input, output;
  /* Arena of a batch: arena_bytes_per_image * batch + arena_bytes_fixed. */
  int64_t arena_bytes_per_image, arena_bytes_fixed;
  int64_t weight_bytes; /* all read-only data */
  int64_t kernel_count;
  const n2uq_kernel *kernels;
  int64_t codes_count;
  const n2uq_codes *codes;
  /* All kernels in order. parallel_for may be NULL: then everything runs in the calling thread. NULL in a GPU's model.
   */
  void (*run)(const n2uq_frame *frame, n2uq_parallel_for parallel_for, void *context);
  const n2uq_cuda_module *cuda;  /* NULL in a CPU's model */
  int64_t label_count;           /* 0, or as many as an image's output has values */
  const char *const *labels;     /* names of the classes, in the order of the output */
  const n2uq_pictures *pictures; /* NULL: the model does not say */
} n2uq_model;

static inline int64_t n2uq_arena_bytes(const n2uq_model *model, int64_t batch) {
  return model->arena_bytes_per_image * batch + model->arena_bytes_fixed;
}

/* The last bytes of a model's file, behind the ELF image. The runtime compares before it loads: a file that was cut or
 * changed on its way is told from a whole one without running any of its code. It is no signature: a model is a
 * program, load only those that you trust. */
typedef struct n2uq_trailer {
  uint64_t magic;    /* N2UQ_TRAILER_MAGIC */
  uint64_t size;     /* bytes before the trailer */
  uint64_t checksum; /* n2uq_checksum of those bytes */
} n2uq_trailer;
#define N2UQ_TRAILER_MAGIC UINT64_C(0x31304c444d51324e) /* "N2QMDL01" */

/* FNV-1a over little-endian 64-bit words, the last one filled up with zeros. Each step is a bijection of the state and
 * injective in the word, so any change within one word changes the result. */
static inline uint64_t n2uq_checksum(const unsigned char *bytes, uint64_t size) {
  uint64_t state = UINT64_C(0xcbf29ce484222325);
  for (uint64_t at = 0; at < size; at += 8) {
    uint64_t word = 0;
    if (size - at >= 8) /* written out, this is one load */
      word = (uint64_t)bytes[at] | (uint64_t)bytes[at + 1] << 8 | (uint64_t)bytes[at + 2] << 16 |
             (uint64_t)bytes[at + 3] << 24 | (uint64_t)bytes[at + 4] << 32 | (uint64_t)bytes[at + 5] << 40 |
             (uint64_t)bytes[at + 6] << 48 | (uint64_t)bytes[at + 7] << 56;
    else
      for (uint64_t i = 0; i < size - at; ++i)
        word |= (uint64_t)bytes[at + i] << (8 * i);
    state = (state ^ word) * UINT64_C(0x100000001b3);
    state ^= state >> 32;
  }
  return state;
}

#ifdef __cplusplus
}
#endif

#endif /* N2UQ_MODEL_H */
