// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a model for an NVIDIA GPU in the machine that executes PTX, kernel by kernel as the descriptor says, and writes
// its output and the codes of its quantizers: what n2uq-run does with a device, and `n2uq-translate --interpret` by the
// reference.
#include "PTX.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/FileName.h"
#include "n2uq/Support/Npy.h"
#include "n2uq/Support/Version.h"
#include "n2uq/runtime.h"

#include <cstdio>

using namespace n2uq;

static const char tool[] = "n2uq-test-cuda";

static const char helpText[] =
    R"(usage: n2uq-test-cuda MODEL.so --input=NAME=X.npy --output-dir=DIR

  --input=NAME=X.npy     the images
  --output-dir=DIR       write output.npy and every quantizer's codes to this folder, which is there
  --statistics           print the instructions of warps that each kernel executed
  --help, --version      print this, or the version
)";

namespace {
struct Run {
  const n2uq_model &model;
  ptx::Device device;
  ptx::Module *module = nullptr;
  int64_t batch = 0;
  uint64_t arena = 0, weights = 0, input = 0, output = 0;
  std::string directory;
  bool statistics = false;

  explicit Run(const n2uq_model &model) : model(model) {}

  std::string prepare(const NpyArray &images) {
    const n2uq_cuda_module &cuda = *model.cuda;
    std::string error = device.load(model.name, std::string(cuda.ptx, size_t(cuda.ptx_bytes)), module);
    if (!error.empty())
      return error;
    batch = images.shape.empty() ? 0 : images.shape[0];
    if (n2uq_tensor_bytes(&model.input, batch) != int64_t(images.data.size()))
      return "the images have another shape or type than the model's input";
    arena = device.allocate(size_t(n2uq_arena_bytes(&model, batch)), "arena");
    weights = device.allocate(size_t(cuda.weight_bytes), "weights");
    input = device.allocate(images.data.size(), "input");
    output = device.allocate(size_t(n2uq_tensor_bytes(&model.output, batch)), "output");
    error = device.write(weights, cuda.weights, size_t(cuda.weight_bytes));
    return error.empty() ? device.write(input, images.data.data(), images.data.size()) : error;
  }

  std::string launch(int64_t index) {
    const n2uq_cuda_launch &row = model.cuda->launches[index];
    ptx::Launch launch;
    launch.grid.x = uint32_t((batch * row.units_per_image + row.units_per_block - 1) / row.units_per_block);
    launch.grid.y = uint32_t(row.grid_y);
    launch.block.x = uint32_t(row.threads);
    launch.dynamicShared = uint32_t(row.shared_bytes);
    ptx::Statistics counts;
    std::string error = device.launch(*module, row.entry, launch,
                                      {ptx::bytesOf(arena), ptx::bytesOf(weights), ptx::bytesOf(input),
                                       ptx::bytesOf(output), ptx::bytesOf(uint32_t(batch))},
                                      &counts);
    if (statistics)
      std::printf("%-32s %-28s %12llu instructions\n", model.kernels[index].name, model.kernels[index].strategy,
                  static_cast<unsigned long long>(counts.instructions));
    return error.empty() ? "" : std::string(model.kernels[index].name) + ": " + error;
  }

  /// The codes of a quantizer, unpacked to a byte each.
  std::string writeCodes(const n2uq_codes &codes) {
    std::vector<uint8_t> dense, pixel(size_t((codes.channels * codes.storage_bits + 7) / 8));
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t y = 0; y < codes.height; ++y)
        for (int64_t x = 0; x < codes.width; ++x) {
          int64_t at = codes.offset_per_batch * batch + n * codes.image_bytes + codes.origin + y * codes.row_bytes +
                       x * codes.pixel_bytes;
          if (std::string error = device.read(arena + uint64_t(at), pixel.data(), pixel.size()); !error.empty())
            return error;
          for (int64_t c = 0; c < codes.channels; ++c) {
            int64_t bit = c * codes.storage_bits;
            dense.push_back((pixel[size_t(bit / 8)] >> bit % 8) & ((1 << codes.storage_bits) - 1));
          }
        }
    return writeNpy(directory + "/" + fileNameOf(codes.name) + ".npy", "|u1",
                    {batch, codes.height, codes.width, codes.channels}, dense.data());
  }

  std::string run() {
    std::string error;
    for (int64_t k = 0; k < model.kernel_count && error.empty(); ++k) {
      error = launch(k);
      for (int64_t i = 0; i < model.codes_count && error.empty(); ++i)
        if (model.codes[i].kernel == k)
          error = writeCodes(model.codes[i]);
    }
    if (!error.empty())
      return error;
    std::vector<uint8_t> bytes(size_t(n2uq_tensor_bytes(&model.output, batch)));
    error = device.read(output, bytes.data(), bytes.size());
    std::vector<int64_t> shape{batch};
    for (int32_t i = 1; i < model.output.rank; ++i)
      shape.push_back(model.output.dims[i]);
    return error.empty() ? writeNpy(directory + "/output.npy", model.output.dtype == N2UQ_FLOAT32 ? "<f4" : "|u1",
                                    shape, bytes.data())
                         : error;
  }
};
} // namespace

static std::string runModel(const std::vector<std::string> &files, const std::string &binding,
                            const std::string &directory, bool statistics) {
  std::string name, path;
  if (files.size() != 1 || directory.empty() || !splitBinding(binding, name, path))
    return "give one model, --input=NAME=X.npy and --output-dir=DIR";
  NpyArray images;
  if (std::string error = readNpy(path, images); !error.empty())
    return error;
  n2uq_loaded_model *model = nullptr;
  if (n2uq_model_inspect(files[0].c_str(), &model) != N2UQ_OK)
    return n2uq_last_error();
  const n2uq_model *descriptor = n2uq_model_descriptor_of(model);
  std::string error = descriptor->cuda ? "" : "'" + files[0] + "' is not a model for a GPU";
  if (error.empty()) {
    Run run(*descriptor);
    run.directory = directory;
    run.statistics = statistics;
    error = run.prepare(images);
    if (error.empty())
      error = run.run();
  }
  n2uq_model_close(model);
  return error;
}

int main(int argc, char **argv) {
  std::string input, directory;
  bool statistics = false;
  CommandLine line(helpText, "n2uq-test-cuda " N2UQ_VERSION);
  line.text("input", input);
  line.text("output-dir", directory);
  line.flag("statistics", statistics);
  std::string error = line.parse(argc, argv);
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty())
    error = runModel(line.files(), input, directory, statistics);
  return error.empty() ? 0 : failWith(tool, error);
}
