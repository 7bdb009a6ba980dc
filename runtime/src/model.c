/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Opening and closing a model.
 */
#define _GNU_SOURCE
#include "cuda.h"
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct n2uq_loaded_model {
  const n2uq_model *descriptor;
  n2uq_model *upgraded; /* the descriptor, where the library's is of an older version; else NULL */
  void *library;        /* NULL for an adopted descriptor */
  int file;             /* open as long as the library is: see load() */
  bool runs;            /* on this CPU; where it is false nobody has asked yet */
  atomic_int holders;
  char path[];
};

void n2uq_model_retain(n2uq_loaded_model *model) {
  atomic_fetch_add_explicit(&model->holders, 1, memory_order_relaxed);
}

void n2uq_model_close(n2uq_loaded_model *model) {
  if (!model || atomic_fetch_sub_explicit(&model->holders, 1, memory_order_acq_rel) != 1)
    return;
  if (model->library)
    dlclose(model->library);
  if (model->file >= 0)
    close(model->file);
  free(model->upgraded);
  free(model);
}

const n2uq_model *n2uq_model_descriptor_of(const n2uq_loaded_model *model) { return model ? model->descriptor : NULL; }
const char *n2uq_model_path(const n2uq_loaded_model *model) { return model->path; }

static n2uq_status check_descriptor_cpu(const char *path, const n2uq_model *descriptor) {
  if (descriptor->cuda)
    return n2uq_cuda_available(path, descriptor);
  n2uq_status status = n2uq_check_cpu(path, descriptor->target_cpu, descriptor->cpu_features, n2uq_cpu_features());
  return status == N2UQ_OK ? n2uq_request_cpu(path, descriptor->cpu_features) : status;
}

n2uq_status n2uq_model_check_cpu(const n2uq_loaded_model *model) {
  return model->runs ? N2UQ_OK : check_descriptor_cpu(model->path, model->descriptor);
}

int64_t n2uq_model_arena_bytes(const n2uq_loaded_model *model, int64_t batch) {
  return model ? n2uq_checked_arena_bytes(model->descriptor, batch) : -1;
}

static n2uq_status allocate(const char *path, n2uq_loaded_model **model) {
  n2uq_loaded_model *made = calloc(1, sizeof *made + strlen(path) + 1);
  if (!made)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot load '%s': out of memory", path);
  strcpy(made->path, path);
  made->file = -1;
  atomic_init(&made->holders, 1);
  *model = made;
  return N2UQ_OK;
}

static n2uq_status cannot_open(const char *path) {
  return n2uq_fail(N2UQ_BAD_FILE, "cannot open '%s': %s", path, strerror(errno));
}

/* Opens the file and compares its bytes with its trailer. */
static n2uq_status open_and_check(n2uq_loaded_model *model) {
  /* O_NONBLOCK: a pipe with that name must not block us; it has no effect on a file. */
  model->file = open(model->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (model->file < 0 || fstat(model->file, &info) != 0)
    return cannot_open(model->path);
  if (S_ISDIR(info.st_mode))
    return n2uq_fail(N2UQ_BAD_FILE, "cannot open '%s': it is a directory", model->path);
  if (!S_ISREG(info.st_mode))
    return n2uq_fail(N2UQ_BAD_FILE, "cannot open '%s': it is not a file", model->path);
  if (info.st_size == 0)
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a compiled model: it is empty", model->path);
  size_t size = (size_t)info.st_size;
  void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, model->file, 0);
  if (bytes == MAP_FAILED)
    return cannot_open(model->path);
  n2uq_status status = n2uq_check_image(model->path, bytes, size);
  munmap(bytes, size);
  return status;
}

/* Spells the name of the open file as no other call did. The loader remembers a library by every name that it was ever
 * opened with: of one model that is open twice, the second name stays known when its descriptor is closed, and the next
 * file that gets this descriptor would be taken for the first model. To the kernel "//" and "/." are nothing. */
static void name_of_open_file(int file, char *name) {
  static atomic_uint_least32_t calls;
  uint_least32_t serial = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  char *end = stpcpy(name, "/proc/self/fd");
  for (int bit = 0; bit < 32; ++bit)
    end = stpcpy(end, serial >> bit & 1 ? "/." : "//");
  snprintf(end, 16, "/%d", file);
}

/* The loader knows a library by the name it was opened with, and would give the old one back for a file that was
 * replaced while it is in use. A name through the open descriptor belongs to this very file, the one that was checked,
 * for as long as the descriptor is open. */
static n2uq_status load(n2uq_loaded_model *model) {
  char name[128];
  name_of_open_file(model->file, name);
  model->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!model->library && access(name, F_OK) != 0) {
    /* No /proc here. A name without a slash would be searched for in the system's folders. */
    char *real = realpath(model->path, NULL);
    model->library = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;
    free(real);
  }
  if (!model->library) {
    const char *why = dlerror();
    /* The sentence begins with the name, and ours is the better one. */
    if (why && strncmp(why, name, strlen(name)) == 0 && strncmp(why + strlen(name), ": ", 2) == 0)
      why += strlen(name) + 2;
    return n2uq_fail(N2UQ_BAD_FILE, "cannot load '%s': %s", model->path, why ? why : "the system's loader refuses it");
  }
  model->descriptor = dlsym(model->library, N2UQ_DESCRIPTOR_SYMBOL);
  if (!model->descriptor)
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a compiled model: it does not export %s", model->path,
                     N2UQ_DESCRIPTOR_SYMBOL);
  return N2UQ_OK;
}

enum { max_segments = 32 };
typedef struct segment_search {
  const struct link_map *library;
  n2uq_segment segments[max_segments + 1]; /* one more for an upgraded descriptor */
  int64_t count;
} segment_search;

static int collect_segments(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  segment_search *search = context;
  if (info->dlpi_addr != search->library->l_addr || strcmp(info->dlpi_name, search->library->l_name) != 0)
    return 0;
  for (int i = 0; i < info->dlpi_phnum && search->count < max_segments; ++i) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_R))
      continue;
    uintptr_t begin = info->dlpi_addr + header->p_vaddr;
    search->segments[search->count++] =
        (n2uq_segment){begin, begin + header->p_memsz, header->p_flags & PF_X, header->p_flags & PF_W};
  }
  return 1;
}

/* Takes the descriptor as one of this version and checks it. */
static n2uq_status take_descriptor(n2uq_loaded_model *model, n2uq_segment *segments, int64_t count) {
  n2uq_segment block;
  n2uq_status status =
      n2uq_upgrade_descriptor(model->path, model->descriptor, segments, count, &model->upgraded, &block);
  if (status == N2UQ_OK && model->upgraded) {
    model->descriptor = model->upgraded;
    if (count > 0)
      segments[count++] = block;
  }
  return status == N2UQ_OK ? n2uq_check_descriptor(model->path, model->descriptor, segments, count) : status;
}

static n2uq_status check_loaded(n2uq_loaded_model *model, bool to_run) {
  segment_search search = {0};
  if (dlinfo(model->library, RTLD_DI_LINKMAP, &search.library) != 0 || !dl_iterate_phdr(collect_segments, &search) ||
      search.count == 0)
    return n2uq_fail(N2UQ_BAD_FILE, "cannot load '%s': the system's loader does not say where it lies", model->path);
  n2uq_status status = take_descriptor(model, search.segments, search.count);
  if (status == N2UQ_OK && to_run) {
    status = n2uq_model_check_cpu(model);
    model->runs = status == N2UQ_OK;
  }
  if (status == N2UQ_OK && to_run && !model->descriptor->cuda)
    n2uq_use_large_pages(search.segments, search.count);
  return status;
}

/* Loading runs no code of the library: it has no constructors, and its descriptor is data. So a library for another CPU
 * can be loaded to be described; `to_run` says whether that is not enough. */
static n2uq_status open_model(const char *function, const char *path, bool to_run, n2uq_loaded_model **model) {
  if (!model)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "%s needs a place for the model", function);
  *model = NULL;
  if (!path || !*path)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "%s needs a path", function);
  n2uq_loaded_model *made = NULL;
  n2uq_status status = allocate(path, &made);
  if (status == N2UQ_OK)
    status = open_and_check(made);
  if (status == N2UQ_OK)
    status = load(made);
  if (status == N2UQ_OK)
    status = check_loaded(made, to_run);
  if (status == N2UQ_OK)
    *model = made;
  else
    n2uq_model_close(made);
  return status;
}

n2uq_status n2uq_model_open(const char *path, n2uq_loaded_model **model) {
  return open_model("n2uq_model_open", path, true, model);
}

n2uq_status n2uq_model_inspect(const char *path, n2uq_loaded_model **model) {
  return open_model("n2uq_model_inspect", path, false, model);
}

n2uq_status n2uq_model_adopt(const n2uq_model *descriptor, n2uq_loaded_model **model) {
  if (!model)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "n2uq_model_adopt needs a place for the model");
  *model = NULL;
  n2uq_loaded_model *made = NULL;
  n2uq_status status = allocate("the linked model", &made);
  if (status != N2UQ_OK)
    return status;
  made->descriptor = descriptor;
  n2uq_segment none;
  status = take_descriptor(made, &none, 0);
  if (status == N2UQ_OK)
    status = check_descriptor_cpu(made->path, made->descriptor);
  made->runs = status == N2UQ_OK;
  if (status == N2UQ_OK)
    *model = made;
  else
    n2uq_model_close(made);
  return status;
}
