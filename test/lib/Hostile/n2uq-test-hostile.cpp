// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damages a valid file thousands of times and hands each copy to a tool. The tool must end by itself, with exit code 0
// or 1, and with 1 say why in one sentence.
//
// Tools that are linked with MLIR take longer to start than to refuse a file; those named in inProcess() are linked
// into this program under another name for main(), and each run is a fork of it.
#include "Mutator.h"

#include "n2uq/Support/CommandLine.h"
#include "n2uq/Support/Version.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace n2uq;

static const char tool[] = "n2uq-test-hostile";

static const char helpText[] =
    R"(usage: n2uq-test-hostile --file=FILE --scratch=DIR [options] -- TOOL ARGUMENT…

Runs TOOL on damaged copies of FILE; an argument that holds @ gets the copy's path there.

  --scratch=DIR     an existing folder for the copies and for what the tool writes; failures are kept there
  --count=N         copies (default 3000)
  --seed=N          of the first copy (default 1); copy number K of a seed is always the same
  --only=K          that copy alone, its standard error shown
  --timeout=N       seconds that a run may take (default 60)
  --lines           allow further lines behind the sentence: an importer lists what it cannot import
)";

namespace {
struct Options {
  std::string file, scratch;
  int64_t count = 3000, seed = 1, only = -1, timeout = 60;
  bool lines = false;
};

using Main = int (*)(int, char **);

/// What became of one run.
struct Outcome {
  int status = 0; // as waitpid gives it
  std::string errors;
};
} // namespace

int n2uq_translate_main(int argc, char **argv);

/// The tools that are linked in.
static Main inProcess(const std::string &name) { return name == "n2uq-translate" ? n2uq_translate_main : nullptr; }

static Outcome runTool(const std::vector<std::string> &command, int64_t timeout, int errorsFile, int nullFile) {
  std::vector<char *> arguments;
  for (const std::string &argument : command)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  Main main = inProcess(command[0]);
  if (ftruncate(errorsFile, 0) != 0 || lseek(errorsFile, 0, SEEK_SET) != 0)
    std::perror(tool);
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    dup2(nullFile, STDIN_FILENO);
    dup2(nullFile, STDOUT_FILENO);
    dup2(errorsFile, STDERR_FILENO);
    // A hang ends by one of these: waiting, or computing.
    alarm(static_cast<unsigned>(timeout));
    rlimit cpu = {static_cast<rlim_t>(timeout), static_cast<rlim_t>(timeout) + 1}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    if (main)
      std::exit(main(static_cast<int>(command.size()), arguments.data()));
    execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }
  Outcome outcome;
  while (child < 0 || (waitpid(child, &outcome.status, 0) < 0 && errno == EINTR))
    if (child < 0) {
      std::perror(tool);
      std::exit(2);
    }
  char buffer[65536];
  ssize_t got = pread(errorsFile, buffer, sizeof buffer, 0);
  outcome.errors.assign(buffer, got > 0 ? got : 0);
  return outcome;
}

/// What is wrong with an outcome; empty where nothing is.
static std::string complaintAbout(const Outcome &outcome, const std::string &name, bool lines) {
  if (WIFSIGNALED(outcome.status)) {
    int number = WTERMSIG(outcome.status);
    return number == SIGALRM || number == SIGXCPU ? "it did not end" : std::string("it died: ") + strsignal(number);
  }
  int code = WEXITSTATUS(outcome.status);
  if (code != 0 && code != 1)
    return "its exit code is " + std::to_string(code);
  // Warnings go with any outcome.
  std::string text, warning = name + ": warning: ";
  for (size_t at = 0, end; at < outcome.errors.size(); at = end) {
    end = outcome.errors.find('\n', at);
    end = end == std::string::npos ? outcome.errors.size() : end + 1;
    if (outcome.errors.compare(at, warning.size(), warning) != 0)
      text += outcome.errors.substr(at, end - at);
  }
  if (code == 0)
    return text.empty() ? "" : "it succeeded and yet complained";
  if (text.compare(0, name.size() + 2, name + ": ") != 0 || text.size() < name.size() + 10)
    return "it failed without a sentence of its own";
  if (text.back() != '\n' || (!lines && text.find('\n') != text.size() - 1))
    return "it failed with more or less than one line";
  return "";
}

static std::string run(const Options &options, const std::vector<std::string> &command) {
  if (options.file.empty() || options.scratch.empty() || command.empty())
    return "a file, a scratch folder and a tool are needed; --help says more";
  std::ifstream stream(options.file, std::ios::binary);
  if (!stream)
    return "cannot open '" + options.file + "'";
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};

  std::string name = command[0].substr(command[0].rfind('/') + 1);
  size_t dot = options.file.rfind('.');
  std::string extension = dot == std::string::npos ? "" : options.file.substr(dot);
  int errorsFile = memfd_create("errors", MFD_CLOEXEC), nullFile = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (errorsFile < 0 || nullFile < 0)
    return std::string("cannot make temporary files: ") + std::strerror(errno);

  int64_t accepted = 0, refused = 0, failures = 0;
  int64_t first = options.only >= 0 ? options.only : 0, end = options.only >= 0 ? options.only + 1 : options.count;
  for (int64_t i = first; i < end && failures < 10; ++i) {
    std::string damaged = mutate(bytes, static_cast<uint64_t>(options.seed) << 32 | static_cast<uint64_t>(i));
    std::string path = options.scratch + "/copy" + extension;
    std::ofstream(path, std::ios::binary).write(damaged.data(), static_cast<std::streamsize>(damaged.size()));
    std::vector<std::string> words = command;
    for (std::string &word : words)
      if (size_t at = word.find('@'); at != std::string::npos)
        word.replace(at, 1, path);
    Outcome outcome = runTool(words, options.timeout, errorsFile, nullFile);
    if (options.only >= 0)
      std::fputs(outcome.errors.c_str(), stderr);
    std::string complaint = complaintAbout(outcome, name, options.lines);
    if (complaint.empty()) {
      ++(WEXITSTATUS(outcome.status) == 0 ? accepted : refused);
      continue;
    }
    ++failures;
    std::string kept =
        options.scratch + "/failure-" + std::to_string(options.seed) + "-" + std::to_string(i) + extension;
    std::rename(path.c_str(), kept.c_str());
    std::printf("copy %lld of seed %lld (%s): %s\n", static_cast<long long>(i), static_cast<long long>(options.seed),
                kept.c_str(), complaint.c_str());
    std::printf("%s\n", outcome.errors.substr(0, 2000).c_str());
  }
  std::printf("seed %lld: %lld damaged copies, %lld accepted, %lld refused, %lld failures\n",
              static_cast<long long>(options.seed), static_cast<long long>(accepted + refused + failures),
              static_cast<long long>(accepted), static_cast<long long>(refused), static_cast<long long>(failures));
  return failures ? name + " does not withstand damaged files" : "";
}

int main(int argc, char **argv) {
  // What stands behind -- is the tool's.
  std::vector<std::string> command;
  int own = argc;
  for (int i = 1; i < argc && own == argc; ++i)
    if (std::strcmp(argv[i], "--") == 0)
      own = i;
  for (int i = own + 1; i < argc; ++i)
    command.push_back(argv[i]);

  Options options;
  CommandLine line(helpText, "n2uq-test-hostile " N2UQ_VERSION);
  line.text("file", options.file);
  line.text("scratch", options.scratch);
  line.number("count", options.count, 1, 1000000);
  line.number("seed", options.seed, 0, INT32_MAX);
  line.number("only", options.only, 0, 1000000);
  line.number("timeout", options.timeout, 1, 600);
  line.flag("lines", options.lines);
  std::string error = line.parse(own, argv);
  if (error.empty() && line.answersAboutItself())
    return 0;
  if (error.empty())
    error = run(options, command);
  return error.empty() ? 0 : failWith(tool, error);
}
