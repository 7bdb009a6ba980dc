// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Model.h"

#include "n2uq/Support/CommandLine.h"

namespace n2uq {

Model::~Model() {
  n2uq_session_destroy(running);
  n2uq_model_close(loaded);
}

std::string Model::open(const std::string &path, bool toRun) {
  auto open = toRun ? n2uq_model_open : n2uq_model_inspect;
  return open(path.c_str(), &loaded) == N2UQ_OK ? "" : n2uq_last_error();
}

std::string Model::start(int64_t threads, int64_t streams, int64_t device) {
  n2uq_session_options options = {};
  options.size = sizeof options;
  options.threads = threads;
  options.streams = streams;
  options.device = device;
  return n2uq_session_create(loaded, &options, &running) == N2UQ_OK ? "" : n2uq_last_error();
}

int64_t imageBytes(const n2uq_tensor &tensor) { return n2uq_tensor_bytes(&tensor, 1); }

const char *npyType(const n2uq_tensor &tensor) { return tensor.dtype == N2UQ_FLOAT32 ? "<f4" : "|u1"; }

static std::string typeName(const std::string &npyType) {
  return npyType == "<f4" ? "float32" : npyType == "|u1" ? "uint8" : "'" + npyType + "'";
}

std::string describe(const n2uq_tensor &tensor) {
  std::string text = typeName(npyType(tensor)) + " [N";
  for (int i = 1; i < tensor.rank; ++i)
    text += ", " + std::to_string(tensor.dims[i]);
  return text + "]";
}

std::string readInput(const n2uq_tensor &input, const std::string &binding, NpyArray &array) {
  std::string name, file;
  if (!splitBinding(binding, name, file))
    return "option '--input' needs a name and a file: --input=" + std::string(input.name) + "=X.npy";
  if (name != input.name)
    return "the model has no input '" + name + "', its input is '" + input.name + "'";
  std::string error = readNpy(file, array);
  if (!error.empty())
    return error;

  bool fits = array.dtype == npyType(input) && array.shape.size() == static_cast<size_t>(input.rank);
  for (int i = 1; fits && i < input.rank; ++i)
    fits = array.shape[i] == input.dims[i];
  if (!fits) {
    std::string got = typeName(array.dtype) + " [";
    for (size_t i = 0; i < array.shape.size(); ++i)
      got += (i ? ", " : "") + std::to_string(array.shape[i]);
    return "input '" + name + "' of the model is " + describe(input) + ", but '" + file + "' holds " + got + "]";
  }
  if (array.shape[0] < 1)
    return "'" + file + "' holds no image";
  return "";
}

int64_t sensibleBatch(const Model &model, int64_t images) {
  constexpr int64_t mostImages = 64, mostBytes = int64_t(256) << 20;
  int64_t batch = images < mostImages ? images : mostImages;
  while (batch > 1 && n2uq_model_arena_bytes(model.handle(), batch) > mostBytes)
    batch /= 2;
  return batch;
}

} // namespace n2uq
