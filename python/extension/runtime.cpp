// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// n2uq._runtime: n2uq/runtime.h for Python. What a caller may get wrong with arrays is checked in runtime.py, whose
// sentences name types and shapes; here sizes are checked once more, since a wrong one would write into foreign memory.
#include "n2uq/runtime.h"
#include "image.h"

#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <unistd.h>

#include <cstring>

namespace n2uq::python {

namespace {
using LoadedModel = std::shared_ptr<n2uq_loaded_model>;
using Session = std::unique_ptr<n2uq_session, decltype(&n2uq_session_destroy)>;

/// How a session shares its work: by threads or by streams, 0 of one of both.
using Kind = std::pair<int64_t, int64_t>;

/// An open model and the sessions that nobody uses at the moment, so that any number of threads may call it: each call
/// takes an idle session of its kind or makes one, and puts it back.
class Model {
public:
  Model(nb::bytes path, int64_t device) : device(device) {
    const char *name = pathOf(path);
    n2uq_loaded_model *opened = nullptr;
    n2uq_status status;
    {
      nb::gil_scoped_release unlocked;
      status = n2uq_model_open(name, &opened);
    }
    if (status != N2UQ_OK)
      fail(n2uq_last_error());
    loaded = LoadedModel(opened, n2uq_model_close);
  }
  ~Model() { close(); }

  /// Frees idle sessions and the library; what runs at the moment ends first, and with it its session.
  void close() {
    std::map<Kind, std::vector<Session>> sessions;
    LoadedModel model;
    bool isForked;
    {
      std::lock_guard<std::mutex> guard(mutex);
      sessions.swap(idle);
      model.swap(loaded);
      isForked = process != getpid();
    }
    if (isForked)
      abandon(sessions);
  }

  bool isOpen() const { return loaded != nullptr; }

  /// The model, which stays loaded as long as the result lives, whoever closes it meanwhile.
  LoadedModel hold() {
    std::lock_guard<std::mutex> guard(mutex);
    if (!loaded)
      fail("the model is closed");
    return loaded;
  }

  /// Runs `call(session)` without Python's lock.
  template <typename Call>
  void with(Kind kind, Call call) {
    std::string error;
    {
      nb::gil_scoped_release unlocked;
      error = runUnlocked(kind, call);
    }
    if (!error.empty())
      fail(error);
  }

private:
  /// After a fork the threads of sessions do not exist in the child: they can be neither used nor ended.
  static void abandon(std::map<Kind, std::vector<Session>> &sessions) {
    for (auto &[kind, list] : sessions)
      for (Session &session : list)
        (void)session.release();
    sessions.clear();
  }

  template <typename Call>
  std::string runUnlocked(Kind kind, Call call) {
    LoadedModel model;
    Session session(nullptr, n2uq_session_destroy);
    {
      std::lock_guard<std::mutex> guard(mutex);
      if (!loaded)
        return "the model is closed";
      if (process != getpid()) {
        abandon(idle);
        process = getpid();
      }
      model = loaded;
      if (std::vector<Session> &sessions = idle[kind]; !sessions.empty()) {
        session = std::move(sessions.back());
        sessions.pop_back();
      }
    }
    if (!session) {
      n2uq_session_options options = {};
      options.size = sizeof(options);
      options.threads = kind.first;
      options.streams = kind.second;
      options.device = device;
      n2uq_session *made = nullptr;
      if (n2uq_session_create(model.get(), &options, &made) != N2UQ_OK)
        return n2uq_last_error();
      session.reset(made);
    }
    std::string error = call(session.get()) == N2UQ_OK ? "" : n2uq_last_error();
    std::lock_guard<std::mutex> guard(mutex);
    if (loaded)
      idle[kind].push_back(std::move(session));
    return error;
  }

  std::mutex mutex;
  LoadedModel loaded;
  std::map<Kind, std::vector<Session>> idle;
  pid_t process = getpid();
  int64_t device;
};
} // namespace

/// Images of a call, after a check of the bytes on both sides.
static int64_t imagesOf(const LoadedModel &loaded, const Input &x, const Output &y) {
  const n2uq_model &model = *n2uq_model_descriptor_of(loaded.get());
  int64_t images = x.ndim() ? static_cast<int64_t>(x.shape(0)) : 0;
  if (images < 1 || static_cast<int64_t>(x.nbytes()) != n2uq_tensor_bytes(&model.input, images) ||
      static_cast<int64_t>(y.nbytes()) != n2uq_tensor_bytes(&model.output, images))
    fail("the arrays of a call have other sizes than the model's input and output");
  return images;
}

static void run(Model &model, const Input &x, const Output &y, int64_t threads, int64_t streams) {
  LoadedModel loaded = model.hold();
  int64_t images = imagesOf(loaded, x, y);
  const void *input = x.data();
  void *output = y.data();
  model.with({threads, streams},
             [&](n2uq_session *session) { return n2uq_session_run(session, input, images, output); });
}

static std::vector<double> profile(Model &model, const Input &x, const Output &y, int64_t threads) {
  LoadedModel loaded = model.hold();
  int64_t images = imagesOf(loaded, x, y);
  std::vector<double> seconds(n2uq_model_descriptor_of(loaded.get())->kernel_count);
  const void *input = x.data();
  void *output = y.data();
  model.with({threads, 0}, [&](n2uq_session *session) {
    return n2uq_session_profile(session, input, images, output, seconds.data());
  });
  return seconds;
}

/// {quantizer: codes [N, height, width, channels]}
static nb::dict codes(Model &model, const Input &x, const Output &y, int64_t threads) {
  LoadedModel loaded = model.hold();
  const n2uq_model &descriptor = *n2uq_model_descriptor_of(loaded.get());
  int64_t images = imagesOf(loaded, x, y);
  struct Taken {
    const n2uq_model *model;
    size_t images;
    std::vector<std::unique_ptr<uint8_t[]>> arrays;
  } taken{&descriptor, static_cast<size_t>(images), {}};
  taken.arrays.resize(descriptor.codes_count);
  auto take = [](void *user, int64_t index, const uint8_t *bytes) -> int32_t {
    Taken &taken = *static_cast<Taken *>(user);
    const n2uq_codes &codes = taken.model->codes[index];
    size_t count = taken.images * codes.height * codes.width * codes.channels;
    taken.arrays[index].reset(new (std::nothrow) uint8_t[count]);
    if (!taken.arrays[index])
      return 1;
    std::copy(bytes, bytes + count, taken.arrays[index].get());
    return 0;
  };
  const void *input = x.data();
  void *output = y.data();
  model.with({threads, 0}, [&](n2uq_session *session) {
    return n2uq_session_run_codes(session, input, images, output, take, &taken);
  });
  nb::dict result;
  for (int64_t i = 0; i < descriptor.codes_count; ++i) {
    const n2uq_codes &layout = descriptor.codes[i];
    result[layout.name] = nb::cast(
        toNumpy(std::move(taken.arrays[i]), {taken.images, static_cast<size_t>(layout.height),
                                             static_cast<size_t>(layout.width), static_cast<size_t>(layout.channels)}));
  }
  return result;
}

/// `x`, `y` and `stream` are addresses in the GPU's driver; runtime.py has checked the arrays behind them.
static void startOnDevice(Model &model, uintptr_t x, int64_t images, uintptr_t y, uintptr_t stream) {
  model.with({0, 0}, [&](n2uq_session *session) {
    return n2uq_session_start_on_device(session, reinterpret_cast<const void *>(x), images, reinterpret_cast<void *>(y),
                                        reinterpret_cast<void *>(stream));
  });
}

static nb::dict describe(const n2uq_tensor &tensor) {
  nb::list shape;
  for (int32_t i = 0; i < tensor.rank; ++i)
    shape.append(tensor.dims[i]);
  nb::dict result;
  result["name"] = tensor.name;
  result["dtype"] = tensor.dtype == N2UQ_FLOAT32 ? "float32" : "uint8";
  result["shape"] = shape;
  return result;
}

static nb::dict describe(Model &model) {
  LoadedModel loaded = model.hold();
  const n2uq_model &d = *n2uq_model_descriptor_of(loaded.get());
  nb::dict result;
  result["name"] = d.name;
  result["compiler"] = d.compiler;
  result["target_cpu"] = d.target_cpu;
  nb::list features, kernels, quantizers;
  for (int32_t bit = 0; bit < 64; ++bit)
    if (d.cpu_features >> bit & 1) {
      const char *name = n2uq_cpu_feature_name(bit);
      features.append(name ? name : "?");
    }
  result["cpu_features"] = features;
  result["input"] = describe(d.input);
  result["output"] = describe(d.output);
  result["weight_bytes"] = d.weight_bytes;
  result["arena_bytes"] = n2uq_model_arena_bytes(loaded.get(), 1);
  result["arena_bytes_per_image"] = d.arena_bytes_per_image;
  for (int64_t i = 0; i < d.kernel_count; ++i) {
    const n2uq_kernel &kernel = d.kernels[i];
    nb::dict row;
    row["name"] = kernel.name;
    row["strategy"] = kernel.strategy;
    row["macs"] = kernel.macs_per_image;
    row["weight_bytes"] = kernel.weight_bytes;
    row["activation_bytes"] = kernel.activation_bytes;
    kernels.append(row);
  }
  result["kernels"] = kernels;
  for (int64_t i = 0; i < d.codes_count; ++i) {
    const n2uq_codes &codes = d.codes[i];
    nb::dict row;
    row["name"] = codes.name;
    row["bits"] = codes.bits;
    row["height"] = codes.height;
    row["width"] = codes.width;
    row["channels"] = codes.channels;
    quantizers.append(row);
  }
  result["quantizers"] = quantizers;
  result["on_gpu"] = d.cuda != nullptr;
  nb::list labels;
  for (int64_t i = 0; i < d.label_count; ++i)
    labels.append(nb::steal<nb::str>(
        PyUnicode_DecodeUTF8(d.labels[i], static_cast<Py_ssize_t>(std::strlen(d.labels[i])), "replace")));
  result["labels"] = labels;
  result["preprocessing"] = nb::none();
  if (d.pictures) {
    bool pixels = d.input.dtype == N2UQ_UINT8;
    nb::list mean, deviation;
    for (int c = 0; c < 3; ++c) {
      mean.append(d.pictures->mean[c]);
      deviation.append(d.pictures->deviation[c]);
    }
    nb::dict rules;
    rules["resize"] = d.pictures->resize;
    rules["crop"] = nb::make_tuple(d.input.dims[pixels ? 1 : 2], d.input.dims[pixels ? 2 : 3]);
    rules["filter"] = d.pictures->filter == N2UQ_BICUBIC ? "bicubic" : "bilinear";
    rules["mean"] = mean;
    rules["std"] = deviation;
    result["preprocessing"] = rules;
  }
  return result;
}

NB_MODULE(_runtime, m) {
  m.doc() = "Opens and runs compiled models and prepares pictures: n2uq/runtime.h and n2uq/image.h for the package.";
  m.def("version", n2uq_version, "The version of the runtime, \"0.1.0\".");
  m.def("cpu_count", n2uq_cpu_count, "Cores that this process may run on.");
  nb::class_<Model>(m, "Model", "An open compiled model. Its methods may be called from several threads at once.")
      .def(nb::init<nb::bytes, int64_t>(), nb::arg("path"), nb::arg("device"))
      .def("close", &Model::close)
      .def_prop_ro("is_open", &Model::isOpen)
      .def("describe", nb::overload_cast<Model &>(&describe), "What the model's file says of itself.")
      .def("run", &run, nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("threads"), nb::arg("streams"),
           "Computes y of x. threads and streams: 0 is not given.")
      .def("profile", &profile, nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("threads"),
           "The same; returns the seconds of each kernel.")
      .def("codes", &codes, nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("threads"),
           "The same; returns the codes of each quantizer.")
      .def("start_on_device", &startOnDevice, nb::arg("x"), nb::arg("images"), nb::arg("y"), nb::arg("stream"),
           "Starts a run on addresses in the GPU's memory.");
  defineImages(m);
}

} // namespace n2uq::python
