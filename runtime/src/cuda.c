/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Runs a model on a GPU. One stream; one arena; the kernels of a batch size are captured once as a CUDA graph and
 * started as a whole from then on. The primary context is used, which PyTorch and others share, and is current during
 * our calls only.
 */
#include "cuda.h"
#include "cuda_driver.h"
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Graphs that a session keeps, one a batch size; the one that was used longest ago makes room. */
enum { max_graphs = 8 };

typedef struct graph {
  int64_t batch; /* 0: free */
  uint64_t last_use;
  n2uq_cu_handle executable;
} graph;

/* What depends on the largest batch. */
typedef struct buffers {
  n2uq_cu_pointer arena, input, output; /* on the device */
  void *host_input, *host_output;       /* pinned */
} buffers;

struct n2uq_cuda_session {
  const n2uq_cuda_driver *driver;
  const n2uq_model *model;
  n2uq_cu_device device;
  n2uq_cu_handle context, module, stream;
  n2uq_cu_handle *functions; /* of each launch */
  n2uq_cu_pointer weights;
  buffers memory;
  int64_t batch; /* that the buffers are enough for */
  graph graphs[max_graphs];
  uint64_t uses;
  char what[]; /* "cannot run 'm.so': " */
};

/* Calls a function of the driver, and leaves the enclosing function where it fails. */
#define TRY(action, field, ...)                                                                                        \
  do {                                                                                                                 \
    n2uq_status try_status =                                                                                           \
        n2uq_cuda_check(session->driver, session->driver->field(__VA_ARGS__), session->what, action);                  \
    if (try_status != N2UQ_OK)                                                                                         \
      return try_status;                                                                                               \
  } while (0)

static n2uq_status enter(n2uq_cuda_session *session) {
  TRY("make its context current", context_push, session->context);
  return N2UQ_OK;
}

/* Keeps the first failure. */
static n2uq_status leave(n2uq_cuda_session *session, n2uq_status status) {
  n2uq_cu_handle old;
  n2uq_cu_result result = session->driver->context_pop(&old);
  return status != N2UQ_OK ? status : n2uq_cuda_check(session->driver, result, session->what, "leave its context");
}

n2uq_status n2uq_cuda_available(const char *path, const n2uq_model *model) {
  char what[1024];
  snprintf(what, sizeof what, "cannot run '%s', which was compiled for an NVIDIA GPU (%s): ", path, model->target_cpu);
  return n2uq_cuda_driver_open(what) ? N2UQ_OK : N2UQ_BAD_DEVICE;
}

/* ---- Making a session ---- */

static n2uq_status choose_device(n2uq_cuda_session *session, int64_t index) {
  const n2uq_cuda_driver *driver = session->driver;
  if (index < 0 || index >= driver->devices)
    return n2uq_fail(N2UQ_BAD_DEVICE, "%sthere is no GPU %" PRId64 ", this machine has %d, counted from 0",
                     session->what, index, driver->devices);
  int major = 0, minor = 0, shared = 0;
  char name[128] = "";
  TRY("reach the GPU", device_get, &session->device, (int)index);
  TRY("say the GPU's name", device_name, name, (int)sizeof name, session->device);
  TRY("say what the GPU can do", device_attribute, &major, n2uq_cu_attribute_major, session->device);
  TRY("say what the GPU can do", device_attribute, &minor, n2uq_cu_attribute_minor, session->device);
  TRY("say what the GPU can do", device_attribute, &shared, n2uq_cu_attribute_shared_optin, session->device);
  name[sizeof name - 1] = 0;
  const n2uq_cuda_module *code = session->model->cuda;
  if (10 * major + minor < code->compute_capability)
    return n2uq_fail(N2UQ_BAD_DEVICE,
                     "%sGPU %" PRId64 " (%s) has compute capability %d.%d, and the model needs %d.%d; compile it with "
                     "--target-cpu=sm_%d%d",
                     session->what, index, name, major, minor, (int)(code->compute_capability / 10),
                     (int)(code->compute_capability % 10), major, minor);
  for (int64_t i = 0; i < code->launch_count; ++i)
    if (code->launches[i].shared_bytes > shared)
      return n2uq_fail(
          N2UQ_BAD_DEVICE,
          "%skernel '%s' needs %" PRId64 " bytes of shared memory a block, and GPU %" PRId64 " (%s) has %d",
          session->what, session->model->kernels[i].name, code->launches[i].shared_bytes, index, name, shared);
  return N2UQ_OK;
}

static n2uq_status load_module(n2uq_cuda_session *session) {
  const n2uq_cuda_module *code = session->model->cuda;
  /* What ptxas has to say about code that it does not take; its first line goes into our sentence. */
  char log[512] = "";
  int options[] = {n2uq_cu_jit_error_log, n2uq_cu_jit_error_log_bytes};
  void *values[] = {log, (void *)(uintptr_t)(sizeof log - 1)};
  n2uq_cu_result result = session->driver->module_load(&session->module, code->ptx, 2, options, values);
  if (result == n2uq_cu_unsupported_ptx)
    return n2uq_fail(N2UQ_BAD_DEVICE,
                     "%sits code is of a newer form (PTX) than the CUDA driver knows; install a newer "
                     "driver",
                     session->what);
  if (result != n2uq_cu_success) {
    log[sizeof log - 1] = 0;
    log[strcspn(log, "\r\n")] = 0;
    char action[640];
    snprintf(action, sizeof action, "load its code%s%s%s", *log ? " [" : "", log, *log ? "]" : "");
    return n2uq_cuda_check(session->driver, result, session->what, action);
  }
  for (int64_t i = 0; i < code->launch_count; ++i) {
    TRY("find a kernel", module_function, &session->functions[i], session->module, code->launches[i].entry);
    /* More than 48 KiB have to be asked for. */
    if (code->launches[i].shared_bytes > 48 * 1024)
      TRY("give a kernel its shared memory", function_set, session->functions[i], n2uq_cu_function_dynamic_shared,
          (int)code->launches[i].shared_bytes);
  }
  return N2UQ_OK;
}

static n2uq_status load_weights(n2uq_cuda_session *session) {
  const n2uq_cuda_module *code = session->model->cuda;
  if (code->weight_bytes == 0)
    return N2UQ_OK;
  TRY("get memory for the weights", allocate, &session->weights, (size_t)code->weight_bytes);
  TRY("copy the weights", copy_to_device, session->weights, code->weights, (size_t)code->weight_bytes, session->stream);
  TRY("copy the weights", stream_wait, session->stream);
  return N2UQ_OK;
}

static n2uq_status fill(n2uq_cuda_session *session) {
  TRY("make a stream", stream_create, &session->stream, n2uq_cu_stream_non_blocking);
  n2uq_status status = load_module(session);
  return status == N2UQ_OK ? load_weights(session) : status;
}

n2uq_status n2uq_cuda_create(const char *path, const n2uq_model *model, int64_t device, n2uq_cuda_session **out) {
  *out = NULL;
  n2uq_status status = n2uq_cuda_available(path, model);
  if (status != N2UQ_OK)
    return status;
  size_t bytes = strlen(path) + 32;
  n2uq_cuda_session *session = calloc(1, sizeof *session + bytes);
  n2uq_cu_handle *functions = calloc((size_t)model->cuda->launch_count + 1, sizeof *functions);
  if (!session || !functions) {
    free(session);
    free(functions);
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot make a session: out of memory");
  }
  snprintf(session->what, bytes, "cannot run '%s': ", path);
  session->driver = n2uq_cuda_driver_open(session->what);
  session->model = model;
  session->functions = functions;
  status = choose_device(session, device);
  if (status == N2UQ_OK)
    status = n2uq_cuda_check(session->driver, session->driver->context_retain(&session->context, session->device),
                             session->what, "make a context on the GPU");
  if (status == N2UQ_OK && (status = enter(session)) == N2UQ_OK)
    status = leave(session, fill(session));
  if (status == N2UQ_OK)
    *out = session;
  else
    n2uq_cuda_destroy(session);
  return status;
}

static void drop_graphs(n2uq_cuda_session *session) {
  for (int i = 0; i < max_graphs; ++i)
    if (session->graphs[i].batch) {
      session->driver->graph_executable_destroy(session->graphs[i].executable);
      session->graphs[i] = (graph){0};
    }
}

static void free_buffers(n2uq_cuda_session *session, buffers *memory) {
  const n2uq_cuda_driver *driver = session->driver;
  const n2uq_cu_pointer on_device[] = {memory->arena, memory->input, memory->output};
  for (int i = 0; i < 3; ++i)
    if (on_device[i])
      driver->release(on_device[i]);
  if (memory->host_input)
    driver->host_release(memory->host_input);
  if (memory->host_output)
    driver->host_release(memory->host_output);
  *memory = (buffers){0};
}

/* What cannot be given back stays with the process: there is nobody to tell. */
void n2uq_cuda_destroy(n2uq_cuda_session *session) {
  if (!session)
    return;
  const n2uq_cuda_driver *driver = session->driver;
  if (session->context) {
    n2uq_cu_handle old;
    if (driver->context_push(session->context) == n2uq_cu_success) {
      if (session->stream)
        driver->stream_wait(session->stream);
      drop_graphs(session);
      free_buffers(session, &session->memory);
      if (session->weights)
        driver->release(session->weights);
      if (session->module)
        driver->module_unload(session->module);
      if (session->stream)
        driver->stream_destroy(session->stream);
      driver->context_pop(&old);
    }
    driver->context_release(session->device);
  }
  free(session->functions);
  free(session);
}

/* ---- Memory ---- */

static n2uq_status get_buffers(n2uq_cuda_session *session, int64_t batch, buffers *memory) {
  const n2uq_model *model = session->model;
  size_t arena = (size_t)n2uq_arena_bytes(model, batch);
  size_t input = (size_t)n2uq_tensor_bytes(&model->input, batch);
  size_t output = (size_t)n2uq_tensor_bytes(&model->output, batch);
  TRY("get memory for a batch of this size", allocate, &memory->arena, arena ? arena : 1);
  TRY("get memory for a batch of this size", allocate, &memory->input, input);
  TRY("get memory for a batch of this size", allocate, &memory->output, output);
  TRY("get pinned memory for a batch of this size", host_allocate, &memory->host_input, input, 0);
  TRY("get pinned memory for a batch of this size", host_allocate, &memory->host_output, output, 0);
  return N2UQ_OK;
}

/* The grid's x: blocks that hold all units of a batch. 0 where there are too many. */
static unsigned blocks_of(const n2uq_cuda_launch *launch, int64_t batch) {
  int64_t units, most = INT64_C(0x7fffffff) - (1 << 16);
  if (__builtin_mul_overflow(launch->units_per_image, batch, &units) || units > most)
    return 0;
  return (unsigned)((units + launch->units_per_block - 1) / launch->units_per_block);
}

n2uq_status n2uq_cuda_reserve(n2uq_cuda_session *session, int64_t batch) {
  const n2uq_cuda_module *code = session->model->cuda;
  for (int64_t i = 0; i < code->launch_count; ++i)
    if (batch > INT32_MAX || blocks_of(&code->launches[i], batch) == 0)
      return n2uq_fail(N2UQ_BAD_ARGUMENT, "a batch of %" PRId64 " images is too large; run fewer images at a time",
                       batch);
  n2uq_status status = enter(session);
  if (status != N2UQ_OK)
    return status;
  /* The old ones stay until the new ones are there: a session whose reserve fails still runs what it did. */
  buffers made = {0};
  status = get_buffers(session, batch, &made);
  if (status == N2UQ_OK) {
    drop_graphs(session);
    free_buffers(session, &session->memory);
    session->memory = made;
    session->batch = batch;
  } else {
    free_buffers(session, &made);
  }
  return leave(session, status);
}

/* ---- Running ---- */

static n2uq_status launch_kernel(n2uq_cuda_session *session, int64_t index, n2uq_cu_pointer input, int64_t batch,
                                 n2uq_cu_pointer output, n2uq_cu_handle stream) {
  const n2uq_cuda_launch *launch = &session->model->cuda->launches[index];
  uint32_t count = (uint32_t)batch;
  void *parameters[] = {&session->memory.arena, &session->weights, &input, &output, &count};
  TRY("start a kernel", launch, session->functions[index], blocks_of(launch, batch), (unsigned)launch->grid_y, 1,
      (unsigned)launch->threads, 1, 1, (unsigned)launch->shared_bytes, stream, parameters, NULL);
  return N2UQ_OK;
}

static n2uq_status launch_all(n2uq_cuda_session *session, n2uq_cu_pointer input, int64_t batch, n2uq_cu_pointer output,
                              n2uq_cu_handle stream) {
  n2uq_status status = N2UQ_OK;
  for (int64_t i = 0; i < session->model->cuda->launch_count && status == N2UQ_OK; ++i)
    status = launch_kernel(session, i, input, batch, output, stream);
  return status;
}

/* Records the kernels of a batch. The capture must end, whatever happens in it. */
static n2uq_status capture(n2uq_cuda_session *session, int64_t batch, n2uq_cu_handle *executable) {
  TRY("begin a graph", capture_begin, session->stream, n2uq_cu_capture_thread_local);
  n2uq_status status = launch_all(session, session->memory.input, batch, session->memory.output, session->stream);
  n2uq_cu_handle recorded = NULL;
  n2uq_cu_result ended = session->driver->capture_end(session->stream, &recorded);
  if (status == N2UQ_OK)
    status = n2uq_cuda_check(session->driver, ended, session->what, "end a graph");
  if (status == N2UQ_OK)
    status = n2uq_cuda_check(session->driver, session->driver->graph_instantiate(executable, recorded, 0),
                             session->what, "make a graph");
  if (recorded)
    session->driver->graph_destroy(recorded);
  return status;
}

static n2uq_status graph_of(n2uq_cuda_session *session, int64_t batch, n2uq_cu_handle *executable) {
  graph *oldest = &session->graphs[0];
  for (int i = 0; i < max_graphs; ++i) {
    graph *known = &session->graphs[i];
    if (known->batch == batch) {
      known->last_use = ++session->uses;
      *executable = known->executable;
      return N2UQ_OK;
    }
    if (known->last_use < oldest->last_use)
      oldest = known;
  }
  n2uq_status status = capture(session, batch, executable);
  if (status != N2UQ_OK)
    return status;
  if (oldest->batch)
    session->driver->graph_executable_destroy(oldest->executable);
  *oldest = (graph){batch, ++session->uses, *executable};
  return N2UQ_OK;
}

static n2uq_status send_input(n2uq_cuda_session *session, const void *input, int64_t batch) {
  size_t bytes = (size_t)n2uq_tensor_bytes(&session->model->input, batch);
  memcpy(session->memory.host_input, input, bytes);
  TRY("copy the input", copy_to_device, session->memory.input, session->memory.host_input, bytes, session->stream);
  return N2UQ_OK;
}

static n2uq_status fetch_output(n2uq_cuda_session *session, int64_t batch) {
  size_t bytes = (size_t)n2uq_tensor_bytes(&session->model->output, batch);
  TRY("copy the output", copy_to_host, session->memory.host_output, session->memory.output, bytes, session->stream);
  return N2UQ_OK;
}

static n2uq_status start(n2uq_cuda_session *session, const void *input, int64_t batch) {
  n2uq_cu_handle executable = NULL;
  n2uq_status status = graph_of(session, batch, &executable);
  if (status == N2UQ_OK)
    status = send_input(session, input, batch);
  if (status != N2UQ_OK)
    return status;
  TRY("start the kernels", graph_launch, executable, session->stream);
  return fetch_output(session, batch);
}

static n2uq_status wait(n2uq_cuda_session *session) {
  TRY("finish the run", stream_wait, session->stream);
  return N2UQ_OK;
}

static void take_output(n2uq_cuda_session *session, int64_t batch, void *output) {
  memcpy(output, session->memory.host_output, (size_t)n2uq_tensor_bytes(&session->model->output, batch));
}

/* Nothing of a run that failed may be under way when the caller hears of it: its memory is used again. */
static n2uq_status settle(n2uq_cuda_session *session, n2uq_status status) {
  if (status != N2UQ_OK)
    session->driver->stream_wait(session->stream);
  return leave(session, status);
}

n2uq_status n2uq_cuda_start(n2uq_cuda_session *session, const void *input, int64_t batch) {
  n2uq_status status = enter(session);
  return status == N2UQ_OK ? settle(session, start(session, input, batch)) : status;
}

n2uq_status n2uq_cuda_finish(n2uq_cuda_session *session, int64_t batch, void *output) {
  n2uq_status status = enter(session);
  if (status != N2UQ_OK)
    return status;
  status = wait(session);
  if (status == N2UQ_OK)
    take_output(session, batch, output);
  return leave(session, status);
}

n2uq_status n2uq_cuda_start_on_device(n2uq_cuda_session *session, uint64_t input, int64_t batch, uint64_t output,
                                      void *stream) {
  n2uq_status status = enter(session);
  return status == N2UQ_OK ? leave(session, launch_all(session, input, batch, output, stream)) : status;
}

/* ---- Kernel by kernel ---- */

static n2uq_status profile(n2uq_cuda_session *session, const void *input, int64_t batch, n2uq_cu_handle *events,
                           double *seconds) {
  int64_t count = session->model->cuda->launch_count;
  for (int64_t i = 0; i <= count; ++i)
    TRY("make an event", event_create, &events[i], 0);
  n2uq_status status = send_input(session, input, batch);
  if (status != N2UQ_OK)
    return status;
  TRY("record an event", event_record, events[0], session->stream);
  for (int64_t i = 0; i < count; ++i) {
    status = launch_kernel(session, i, session->memory.input, batch, session->memory.output, session->stream);
    if (status != N2UQ_OK)
      return status;
    TRY("record an event", event_record, events[i + 1], session->stream);
  }
  status = fetch_output(session, batch);
  if (status == N2UQ_OK)
    status = wait(session);
  for (int64_t i = 0; i < count && status == N2UQ_OK; ++i) {
    float milliseconds = 0;
    TRY("measure a kernel", event_seconds, &milliseconds, events[i], events[i + 1]);
    seconds[i] = 1e-3 * (double)milliseconds;
  }
  return status;
}

n2uq_status n2uq_cuda_profile(n2uq_cuda_session *session, const void *input, int64_t batch, void *output,
                              double *seconds) {
  int64_t count = session->model->cuda->launch_count;
  n2uq_cu_handle *events = calloc((size_t)count + 1, sizeof *events);
  if (!events)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot profile a run: out of memory");
  n2uq_status status = enter(session);
  if (status == N2UQ_OK) {
    status = profile(session, input, batch, events, seconds);
    if (status == N2UQ_OK)
      take_output(session, batch, output);
    else
      session->driver->stream_wait(session->stream);
    for (int64_t i = 0; i <= count; ++i)
      if (events[i])
        session->driver->event_destroy(events[i]);
    status = leave(session, status);
  }
  free(events);
  return status;
}

/* Bytes of a pixel's codes as they are stored. */
static size_t stored_bytes(const n2uq_codes *codes) { return (size_t)(codes->channels * codes->storage_bits + 7) / 8; }

/* Copies a quantizer's codes to `packed`, pixel behind pixel. Between pixels may lie bytes that nobody writes: they are
 * not copied. */
static n2uq_status fetch_codes(n2uq_cuda_session *session, const n2uq_codes *codes, int64_t batch, uint8_t *packed) {
  size_t pixel = stored_bytes(codes);
  bool dense = (int64_t)pixel == codes->pixel_bytes;
  size_t piece = dense ? pixel * (size_t)codes->width : pixel;
  int64_t pieces = dense ? 1 : codes->width;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t y = 0; y < codes->height; ++y)
      for (int64_t x = 0; x < pieces; ++x, packed += piece)
        TRY("copy the codes", copy_to_host, packed,
            session->memory.arena + (n2uq_cu_pointer)(codes->offset_per_batch * batch + n * codes->image_bytes +
                                                      codes->origin + y * codes->row_bytes + x * codes->pixel_bytes),
            piece, session->stream);
  return wait(session);
}

/* One byte a code. */
static void unpack(const n2uq_codes *codes, int64_t batch, const uint8_t *packed, uint8_t *dense) {
  int64_t pixels = batch * codes->height * codes->width;
  int64_t bits = codes->storage_bits, mask = (1 << bits) - 1;
  for (int64_t i = 0; i < pixels; ++i, packed += stored_bytes(codes))
    for (int64_t c = 0; c < codes->channels; ++c)
      *dense++ = (uint8_t)(packed[c * bits / 8] >> (c * bits % 8) & mask);
}

static n2uq_status run_codes(n2uq_cuda_session *session, const void *input, int64_t batch, uint8_t *packed,
                             uint8_t *dense, n2uq_codes_callback callback, void *user) {
  const n2uq_model *model = session->model;
  n2uq_status status = send_input(session, input, batch);
  for (int64_t k = 0; k < model->kernel_count && status == N2UQ_OK; ++k) {
    status = launch_kernel(session, k, session->memory.input, batch, session->memory.output, session->stream);
    for (int64_t i = 0; i < model->codes_count && status == N2UQ_OK; ++i) {
      const n2uq_codes *codes = &model->codes[i];
      if (codes->kernel != k)
        continue;
      status = fetch_codes(session, codes, batch, packed);
      if (status != N2UQ_OK)
        break;
      unpack(codes, batch, packed, dense);
      if (callback(user, i, dense) != 0)
        status = n2uq_fail(N2UQ_STOPPED, "the run was stopped after '%s'", codes->name);
    }
  }
  if (status == N2UQ_OK)
    status = fetch_output(session, batch);
  return status == N2UQ_OK ? wait(session) : status;
}

n2uq_status n2uq_cuda_run_codes(n2uq_cuda_session *session, const void *input, int64_t batch, void *output,
                                n2uq_codes_callback callback, void *user) {
  /* As many as any packed form has. */
  int64_t bytes = n2uq_largest_codes(session->model, batch);
  uint8_t *dense = bytes < 0 ? NULL : malloc((size_t)bytes);
  if (!dense)
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot get the memory for the codes of %" PRId64 " images", batch);
  n2uq_status status = enter(session);
  if (status == N2UQ_OK) {
    void *packed = NULL;
    status = n2uq_cuda_check(session->driver, session->driver->host_allocate(&packed, (size_t)bytes, 0), session->what,
                             "get pinned memory for codes");
    if (status == N2UQ_OK) {
      status = run_codes(session, input, batch, packed, dense, callback, user);
      if (status == N2UQ_OK)
        take_output(session, batch, output);
      else
        session->driver->stream_wait(session->stream);
      session->driver->host_release(packed);
    }
    status = leave(session, status);
  }
  free(dense);
  return status;
}
