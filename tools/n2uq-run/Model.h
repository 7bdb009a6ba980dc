// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled model for the tools: opened through the runtime, its input read and checked. n2uq-run and n2uq-diff share
// it.
#ifndef N2UQ_TOOLS_MODEL_H
#define N2UQ_TOOLS_MODEL_H

#include "n2uq/Support/Npy.h"
#include "n2uq/runtime.h"

#include <memory>
#include <string>

namespace n2uq {

/// The library and a session of it. The functions return an empty string or one sentence.
class Model {
public:
  Model() = default;
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  /// With `toRun` false also a model for another CPU, which can be described but not started.
  std::string open(const std::string &path, bool toRun = true);
  /// `streams` and `device` as in n2uq_session_options; `threads` is 0 with streams.
  std::string start(int64_t threads, int64_t streams = 0, int64_t device = 0);

  const n2uq_model &descriptor() const { return *n2uq_model_descriptor_of(loaded); }
  const n2uq_loaded_model *handle() const { return loaded; }
  n2uq_session *session() const { return running; }

private:
  n2uq_loaded_model *loaded = nullptr;
  n2uq_session *running = nullptr;
};

/// Bytes of one image of a network input or output.
int64_t imageBytes(const n2uq_tensor &tensor);

/// The name of its element type as NumPy writes it.
const char *npyType(const n2uq_tensor &tensor);

/// "float32 [N, 3, 224, 224]"
std::string describe(const n2uq_tensor &tensor);

/// Reads the file of `--input=NAME=FILE` and compares it with what the model takes.
std::string readInput(const n2uq_tensor &input, const std::string &binding, NpyArray &array);

/// Images that are run at once where nobody asks for a number: all, as long as the arena stays at a size that a machine
/// has at hand.
int64_t sensibleBatch(const Model &model, int64_t images);

} // namespace n2uq

#endif // N2UQ_TOOLS_MODEL_H
