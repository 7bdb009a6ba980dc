// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a compiled model on a NumPy array, measures it, describes it.
#include "Classes.h"
#include "Measure.h"
#include "Model.h"
#include "Source.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/FileName.h"
#include "n2uq/Support/MadeUpImages.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <new>
#include <system_error>
#include <unistd.h>

using namespace n2uq;

static const char tool[] = "n2uq-run";

static const char helpText[] =
    R"(usage: n2uq-run MODEL.so [--input=NAME=X.npy | --image=PATH…] [options]

Runs a model that n2uq-compile made. At least one of --output-dir, --classes, --top, --benchmark, --profile, --trace and
--info says what for.

  --input=NAME=X.npy     the images: an array of the type and shape of the model's input NAME (mostly `input`), any number
                         of images. --benchmark, --profile and --trace make up values where it is missing.
  --image=PATH           instead of --input: a JPEG, PNG or PPM file, or a folder of them; any number of times. Pictures are
                         resized, cropped in the middle and normalised as torchvision does it
  --resize=N             pixels of a picture's shorter side before the crop (default: what the model stores, else 8/7 of its
                         input, 256 for 224)
  --filter=NAME          bilinear or bicubic (default: what the model stores, else bilinear)
  --mean=R,G,B, --std=R,G,B
                         of pictures for a model that takes floats, white being 1 (default: what the model stores, else
                         ImageNet's)
  --top=K                print the K likeliest classes of each image with their probabilities (softmax of the output)
  --labels=FILE          names of the classes for --top, one a line (default: those that the model stores)
  --csv                  print --top as a table: image,rank,class,label,probability
  --output-dir=DIR       write DIR/output.npy (named by the model's output); DIR is made where it is missing
  --dump-codes           write the codes of every quantizer to DIR as well: uint8, N x H x W x C, named by the quantizer
  --classes              print the class with the largest output of each image, one a line
  --threads=N            threads that compute (default: one for each core that the process may run on)
  --streams=N            for throughput: N images at once, each computed by one thread (0: one for each core)
  --device=N             for a GPU's model: which GPU, as CUDA counts them (default 0)
  --batch=N              images that are run at once (default: all of a small input, else as many as fit a moderate arena;
                         for --benchmark, --profile and --trace without --input: 1, or one for each stream)
  --benchmark[=SECONDS]  run again and again for SECONDS (default 2) and print median, minimum and 90th percentile
  --profile              print the time of every layer: milliseconds, share, multiply-accumulates a second, strategy
  --trace=FILE           write when each thread computed what in one run, for chrome://tracing and ui.perfetto.dev (JSON)
  --info                 print what the model is: inputs, outputs, target CPU, memory, layers, quantizers; works for a
                         model of any CPU
  --json                 print --benchmark, --profile or --info as one JSON object, or --top as an array
  --help, --version      print this, or the version

Exit code 0 on success, 1 on an error, which is one sentence on stderr.
)";

namespace {
struct Options {
  std::string input, outputDir, labels, trace;
  PictureOptions pictures;
  bool dumpCodes = false, classes = false, profile = false, info = false, json = false, csv = false;
  int64_t threads = 0, batch = 0, top = 0;
  int64_t streams = -1; // none
  int64_t device = 0;
  double benchmark = 0; // seconds; 0: no

  /// Whether anything is asked for that needs no images of the user.
  bool measures() const { return benchmark > 0 || profile || !trace.empty(); }
};

/// Writes each quantizer's codes as they come, chunk by chunk, to a file of its own.
class CodesDump {
public:
  std::string open(const n2uq_model &model, const std::string &directory, int64_t images) {
    if (model.codes_count == 0)
      return "the model does not tell where its codes are; compile it with --keep-codes";
    std::map<std::string, std::string> seen = {{fileNameOf(model.output.name), model.output.name}};
    for (int64_t i = 0; i < model.codes_count; ++i) {
      const n2uq_codes &codes = model.codes[i];
      std::string file = fileNameOf(codes.name);
      auto [other, isNew] = seen.emplace(file, codes.name);
      if (!isNew)
        return "'" + other->second + "' and '" + codes.name + "' would both be written to '" + file +
               ".npy': give them different names";
      writers.push_back(std::make_unique<NpyWriter>());
      bytesPerImage.push_back(codes.height * codes.width * codes.channels);
      std::string error = writers.back()->open(directory + "/" + file + ".npy", "|u1",
                                               {images, codes.height, codes.width, codes.channels});
      if (!error.empty())
        return error;
    }
    return "";
  }

  std::string run(n2uq_session *session, const void *input, int64_t batch, void *output) {
    chunk = batch;
    n2uq_status status = n2uq_session_run_codes(session, input, batch, output, &CodesDump::take, this);
    return status == N2UQ_OK ? "" : !error.empty() ? error : n2uq_last_error();
  }

  std::string finish() {
    for (std::unique_ptr<NpyWriter> &writer : writers) {
      std::string failure = writer->finish();
      if (!failure.empty())
        return failure;
    }
    return "";
  }

private:
  static int32_t take(void *user, int64_t index, const uint8_t *codes) {
    CodesDump &self = *static_cast<CodesDump *>(user);
    self.error = self.writers[index]->append(codes, self.bytesPerImage[index] * self.chunk);
    return self.error.empty() ? 0 : 1;
  }

  std::vector<std::unique_ptr<NpyWriter>> writers;
  std::vector<int64_t> bytesPerImage;
  int64_t chunk = 0;
  std::string error;
};
} // namespace

/// How far a long run is, for somebody who watches it: a bar that goes away at the end.
static void showProgress(int64_t done, int64_t images) {
  static const bool isWatched = isatty(STDERR_FILENO);
  if (!isWatched)
    return;
  constexpr int64_t cells = 32;
  std::string bar(static_cast<size_t>(static_cast<double>(done) / static_cast<double>(images) * cells), '#');
  bar.resize(cells, '.');
  if (done < images)
    std::fprintf(stderr, "\r[%s] %lld of %lld images", bar.c_str(), static_cast<long long>(done),
                 static_cast<long long>(images));
  else
    std::fprintf(stderr, "\r\033[K");
}

/// Runs all images, a batch at a time, and writes what was asked for.
static std::string runImages(const Model &model, const Options &options, Source &source, int64_t batch) {
  const n2uq_model &m = model.descriptor();
  int64_t images = source.count(), outputBytes = imageBytes(m.output);
  std::string error;
  CodesDump dump;
  ClassPrinter classes(m, options.top,
                       options.json  ? ClassPrinter::Form::json
                       : options.csv ? ClassPrinter::Form::csv
                                     : ClassPrinter::Form::lines);
  if (!options.labels.empty() && !(error = classes.readLabels(options.labels)).empty())
    return error;
  if (!options.outputDir.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(options.outputDir, failure);
    if (failure)
      return "cannot make the directory '" + options.outputDir + "': " + failure.message();
  }
  if (options.dumpCodes && !(error = dump.open(m, options.outputDir, images)).empty())
    return error;

  std::vector<uint8_t> output(outputBytes * (options.outputDir.empty() ? batch : images));
  if (options.top > 0)
    classes.begin();
  for (int64_t at = 0; at < images; at += batch) {
    int64_t count = std::min(batch, images - at);
    showProgress(at, images);
    const uint8_t *from = source.images(at, count, error);
    if (!from)
      return error;
    uint8_t *to = output.data() + (options.outputDir.empty() ? 0 : at * outputBytes);
    if (options.dumpCodes)
      error = dump.run(model.session(), from, count, to);
    else if (n2uq_session_run(model.session(), from, count, to) != N2UQ_OK)
      error = n2uq_last_error();
    if (!error.empty())
      return error;
    for (int64_t i = 0; i < count; ++i) {
      if (options.classes)
        std::printf("%lld\n", static_cast<long long>(largest(m.output, to + i * outputBytes)));
      if (options.top > 0)
        classes.print(source.nameOf(at + i), to + i * outputBytes);
    }
  }
  showProgress(images, images);
  if (options.top > 0)
    classes.end();
  if (!options.outputDir.empty()) {
    std::vector<int64_t> shape(m.output.dims, m.output.dims + m.output.rank);
    shape[0] = images;
    error =
        writeNpy(options.outputDir + "/" + fileNameOf(m.output.name) + ".npy", npyType(m.output), shape, output.data());
  }
  if (error.empty() && options.dumpCodes)
    error = dump.finish();
  return error;
}

/// What is missing or contradicts itself among the options, or an empty string.
static std::string checkOptions(const Options &options) {
  bool runs = !options.outputDir.empty() || options.classes || options.top > 0;
  bool measures = options.measures(), pictures = !options.pictures.paths.empty();
  if (!runs && !measures && !options.info)
    return "nothing to do: give --output-dir=DIR, --classes, --top=K, --benchmark, --profile, --trace=FILE or --info";
  if (options.dumpCodes && options.outputDir.empty())
    return "option '--dump-codes' needs --output-dir=DIR";
  if (options.streams >= 0 && options.threads > 0)
    return "option '--streams' takes the place of --threads: each stream is one thread";
  if (options.streams >= 0 && (options.profile || options.dumpCodes))
    return "option '--streams' computes whole images; --profile and --dump-codes look between layers and need "
           "--threads";
  if (runs && options.input.empty() && !pictures)
    return "the images are missing: --input=input=X.npy or --image=PATH";
  if (pictures && !options.input.empty())
    return "options '--input' and '--image' exclude each other";
  if (options.json &&
      (options.benchmark > 0) + options.profile + options.info + options.classes + (options.top > 0) != 1)
    return "option '--json' needs exactly one of --benchmark, --profile, --info and --top";
  if (options.csv && (options.json || options.top == 0))
    return "option '--csv' needs --top=K, and not --json";
  if (!options.labels.empty() && options.top == 0)
    return "option '--labels' needs --top=K";
  return "";
}

static std::string run(const std::string &path, const Options &options) {
  std::string error = checkOptions(options);
  if (!error.empty())
    return error;
  bool runs = !options.outputDir.empty() || options.classes || options.top > 0;
  bool measures = options.measures(), pictures = !options.pictures.paths.empty();

  Model model;
  if (!(error = model.open(path, /*toRun=*/runs || measures)).empty())
    return error;
  const n2uq_model &m = model.descriptor();
  if (options.info)
    printInfo(model, path, options.json);
  if (!runs && !measures)
    return "";

  std::unique_ptr<Source> source;
  int64_t batch = options.batch > 0 ? options.batch : 1;
  if (pictures || !options.input.empty()) {
    error = pictures ? openPictures(m, options.pictures, source) : openArray(m.input, options.input, source);
    if (!error.empty())
      return error;
    int64_t images = source->count();
    batch = options.batch > 0 ? std::min(options.batch, images) : sensibleBatch(model, images);
  }
  bool hasStreams = options.streams >= 0;
  // For the runtime 0 are no streams, and -1 is one for each core.
  int64_t streams = !hasStreams ? 0 : options.streams == 0 ? -1 : options.streams;
  if (!(error = model.start(options.threads, streams, options.device)).empty())
    return error;
  if (hasStreams && !source && options.batch == 0)
    batch = n2uq_session_threads(model.session());
  if (n2uq_session_reserve(model.session(), batch) != N2UQ_OK)
    return n2uq_last_error();
  if (runs && !(error = runImages(model, options, *source, batch)).empty())
    return error;
  if (!measures)
    return "";

  std::vector<uint8_t> madeUp;
  if (!source)
    madeUp = madeUpImages(imageBytes(m.input) * batch, m.input.dtype == N2UQ_FLOAT32);
  const uint8_t *images = source ? source->images(0, batch, error) : madeUp.data();
  if (!images)
    return error;
  constexpr double profileSeconds = 1;
  if (options.profile)
    error =
        printProfile(model, images, batch, options.benchmark > 0 ? options.benchmark : profileSeconds, options.json);
  if (error.empty() && !options.trace.empty())
    error = writeTrace(model, images, batch, options.trace);
  if (error.empty() && options.benchmark > 0)
    error = printBenchmark(model, images, batch, options.benchmark, options.json);
  return error;
}

int main(int argc, char **argv) {
  Options options;
  std::string version = std::string(tool) + " " + n2uq_version();
  CommandLine line(helpText, version.c_str());
  line.text("input", options.input);
  line.texts("image", options.pictures.paths);
  line.number("resize", options.pictures.resize, 1, 1 << 20);
  line.text("filter", options.pictures.filter);
  line.text("mean", options.pictures.mean);
  line.text("std", options.pictures.std);
  line.number("top", options.top, 1, int64_t(1) << 32);
  line.text("labels", options.labels);
  line.flag("csv", options.csv);
  line.text("output-dir", options.outputDir);
  line.flag("dump-codes", options.dumpCodes);
  line.flag("classes", options.classes);
  line.number("threads", options.threads, 0, 1024);
  line.number("streams", options.streams, 0, 1024);
  line.number("device", options.device, 0, 1024);
  line.number("batch", options.batch, 1, int64_t(1) << 32);
  line.seconds("benchmark", options.benchmark, 2);
  line.flag("profile", options.profile);
  line.text("trace", options.trace);
  line.flag("info", options.info);
  line.flag("json", options.json);
  std::string error = line.parse(argc, argv);
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty() && line.files().size() != 1)
    error = line.files().empty() ? "the model is missing: n2uq-run MODEL.so …; --help says more"
                                 : "more than one model: '" + line.files()[0] + "' and '" + line.files()[1] + "'";
  try {
    if (error.empty())
      error = run(line.files()[0], options);
  } catch (const std::bad_alloc &) {
    error = "out of memory; run fewer images at a time with --batch";
  }
  if (error.empty() && (std::fflush(stdout) != 0 || std::ferror(stdout)))
    error = "cannot write to the standard output";
  return error.empty() ? 0 : failWith(tool, error);
}
