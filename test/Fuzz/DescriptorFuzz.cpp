// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors of compiled models, as they lie in memory behind the system's loader. An input is a list of changes to a
// descriptor that is whole, of any version (so it does not age when fields are added): numbers that become others,
// pointers that point elsewhere. All that the runtime and the tools read of an accepted one is read here.
#include "Fuzz.h"

#include "internal.h"

#include <cstring>
#include <memory>

using namespace n2uq::fuzz;

namespace {
/// All of a library's memory. Whatever a pointer of the descriptor may reach lies in here.
struct Memory {
  n2uq_model model;
  n2uq_kernel kernels[2];
  n2uq_codes codes[2];
  n2uq_cuda_module cuda;
  n2uq_cuda_launch launches[2];
  n2uq_pictures pictures;
  const char *labels[2];
  uint8_t weights[16];
  char ptx[16];
  char text[16];
};

/// One change; as bytes of the input.
struct Change {
  enum : uint8_t { Number, Word, Byte, Address, Copy, Kinds };
  uint8_t kind;
  uint16_t at;
  int64_t value;
};

/// Stands for code: nobody calls it.
alignas(16) const uint8_t code[16] = {};
} // namespace

/// A model of a version of the interface; one for a GPU is of the second or a later one.
static std::unique_ptr<Memory> wholeModel(uint32_t version, bool onGpu) {
  auto memory = std::make_unique<Memory>();
  std::memset(static_cast<void *>(memory.get()), 0, sizeof *memory);
  Memory &m = *memory;
  std::memcpy(m.text, "a name", 7);
  std::memcpy(m.ptx, ".version 7.0\n", 14);
  n2uq_kernel_function run;
  const void *address = code;
  std::memcpy(&run, &address, sizeof run);
  for (n2uq_kernel &kernel : m.kernels)
    kernel = {m.text, m.text, onGpu ? nullptr : run, 8, 8, 16, 16};
  for (n2uq_codes &codes : m.codes)
    codes = {m.text, 1, 2, 2, 2, 2, 0, 8, 0, 4, 2, 8};
  for (n2uq_cuda_launch &launch : m.launches)
    launch = {m.text, 1, 256, 1, 256, 0};
  m.cuda = {m.ptx, 13, 80, m.weights, sizeof m.weights, 2, m.launches};

  m.model.magic = N2UQ_MODEL_MAGIC;
  m.model.abi_version = version;
  m.model.size = version == 1   ? offsetof(n2uq_model, cuda)
                 : version == 2 ? offsetof(n2uq_model, label_count)
                                : sizeof m.model;
  m.model.name = m.model.compiler = m.model.target_cpu = m.text;
  m.model.input = {m.text, N2UQ_FLOAT32, 4, {-1, 3, 2, 2}};
  m.model.output = {m.text, N2UQ_FLOAT32, 2, {-1, 2, 0, 0}};
  m.model.arena_bytes_per_image = 8;
  m.model.arena_bytes_fixed = 64;
  m.model.kernel_count = m.model.codes_count = 2;
  m.model.kernels = m.kernels;
  m.model.codes = m.codes;
  m.pictures = {256, N2UQ_BILINEAR, {0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.25f}};
  m.labels[0] = m.labels[1] = m.text;
  if (version == 1) // rows end before `storage_bits`
    std::memmove(reinterpret_cast<char *>(m.codes) + offsetof(n2uq_codes, storage_bits), &m.codes[1],
                 offsetof(n2uq_codes, storage_bits));
  if (version >= 3) {
    m.model.label_count = 2;
    m.model.labels = m.labels;
    m.model.pictures = &m.pictures;
  }
  if (onGpu)
    m.model.cuda = &m.cuda;
  else
    std::memcpy(&m.model.run, &address, sizeof m.model.run);
  return memory;
}

static void apply(const Change &change, Memory &memory) {
  char *base = reinterpret_cast<char *>(&memory);
  int64_t value = change.value;
  size_t bytes = change.kind % Change::Kinds == Change::Byte ? 1 : change.kind % Change::Kinds == Change::Word ? 4 : 8;
  size_t at = change.at % (sizeof memory - bytes + 1);
  switch (change.kind % Change::Kinds) {
  case Change::Address: // mostly aligned, to the end and a little beyond
    at -= at % 8;
    value = reinterpret_cast<intptr_t>(base) + value % static_cast<int64_t>(sizeof memory + 16);
    break;
  case Change::Copy: {
    at -= at % 8;
    size_t from = static_cast<uint64_t>(value) % (sizeof memory / 8) * 8;
    std::memcpy(&value, base + from, 8);
    break;
  }
  }
  std::memcpy(base + at, &value, bytes);
}

static void touchString(const char *text) { touch(text, std::strlen(text)); }

/// What the runtime relies on for a batch.
static void readBatch(const n2uq_model &model, int64_t batch) {
  int64_t arena = n2uq_checked_arena_bytes(&model, batch);
  if (arena < 0)
    return;
  for (int64_t i = 0; i < model.codes_count; ++i) {
    const n2uq_codes &codes = model.codes[i];
    int64_t last = codes.offset_per_batch * batch + (batch - 1) * codes.image_bytes + codes.origin +
                   (codes.height - 1) * codes.row_bytes + (codes.width - 1) * codes.pixel_bytes +
                   (codes.channels * codes.storage_bits + 7) / 8;
    require(last <= arena, "codes lie in the arena");
  }
}

static void readAll(const n2uq_model &model) {
  for (const char *text : {model.name, model.compiler, model.target_cpu, model.input.name, model.output.name})
    touchString(text);
  for (int64_t i = 0; i < model.kernel_count; ++i) {
    touchString(model.kernels[i].name);
    touchString(model.kernels[i].strategy);
  }
  for (int64_t i = 0; i < model.codes_count; ++i)
    touchString(model.codes[i].name);
  if (const n2uq_cuda_module *cuda = model.cuda) {
    require(std::strlen(cuda->ptx) <= static_cast<size_t>(cuda->ptx_bytes), "PTX ends where it says");
    touch(cuda->weights, static_cast<size_t>(cuda->weight_bytes));
    for (int64_t i = 0; i < cuda->launch_count; ++i)
      touchString(cuda->launches[i].entry);
  }
  for (int64_t i = 0; i < model.label_count; ++i)
    touchString(model.labels[i]);
  if (model.pictures)
    touch(model.pictures, sizeof *model.pictures);
  for (int64_t batch : {int64_t(1), int64_t(2), int64_t(7), int64_t(1) << 30, INT64_MAX})
    readBatch(model, batch);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  uint32_t version = 1 + data[0] / 2 % N2UQ_ABI_VERSION;
  auto memory = wholeModel(version, /*onGpu=*/version > 1 && data[0] & 1);
  constexpr size_t changeBytes = sizeof Change::kind + sizeof Change::at + sizeof Change::value;
  for (size_t at = 1; at + changeBytes <= size; at += changeBytes) {
    Change change;
    change.kind = data[at];
    std::memcpy(&change.at, data + at + 1, sizeof change.at);
    std::memcpy(&change.value, data + at + 3, sizeof change.value);
    apply(change, *memory);
  }
  auto begin = reinterpret_cast<uintptr_t>(memory.get()), text = reinterpret_cast<uintptr_t>(code);
  n2uq_segment segments[] = {
      {begin, begin + sizeof *memory, false, false}, {text, text + sizeof code, true, false}, {}};
  // As model.c does it.
  n2uq_model *upgraded = nullptr;
  n2uq_status status = n2uq_upgrade_descriptor("model.so", &memory->model, segments, 2, &upgraded, &segments[2]);
  const n2uq_model *model = upgraded ? upgraded : &memory->model;
  if (status == N2UQ_OK)
    status = n2uq_check_descriptor("model.so", model, segments, upgraded ? 3 : 2);
  if (status == N2UQ_OK)
    readAll(*model);
  else
    requireSentence(n2uq_last_error());
  std::free(upgraded);
  return 0;
}
