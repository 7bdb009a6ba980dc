// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Command lines of the tools: `--name`, `--name=value`, and files. (LLVM's own parser is shared with every option
// inside of libLLVM, whose names clash with ours.)
#ifndef N2UQ_SUPPORT_COMMANDLINE_H
#define N2UQ_SUPPORT_COMMANDLINE_H

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq {

/// `text` with every control character replaced, so that what comes from files and arguments stays on its line.
std::string oneLine(std::string text);

/// A sentence as it is shown: on one line, and each item of a list that it may end in (every node that cannot be
/// imported) on a line that begins with two spaces.
std::string printable(const std::string &sentence);

/// Prints `tool: sentence` to stderr and returns the exit code of a failure.
int failWith(const std::string &tool, const std::string &sentence);

class CommandLine {
public:
  /// `help` is what --help prints, `version` (a name and a number) what --version does; both live longer than this.
  CommandLine(const char *help, const char *version);

  /// `--name`
  void flag(const std::string &name, bool &value);
  /// `--name=text`; a name of one letter is written `-o text`
  void text(const std::string &name, std::string &value);
  /// `--name=text`, any number of times
  void texts(const std::string &name, std::vector<std::string> &values);
  /// `--name=N`, low <= N <= high
  void number(const std::string &name, int64_t &value, int64_t low, int64_t high);
  /// `--name` or `--name=SECONDS`; `value` is set to `present` where no seconds are given
  void seconds(const std::string &name, double &value, double present);

  /// Reads the arguments. What is no option becomes a file. Returns an empty string or one sentence.
  std::string parse(int argc, char **argv);
  /// The same, of arguments without the program's name.
  std::string parse(const std::vector<std::string> &arguments);
  const std::vector<std::string> &files() const { return names; }
  /// Prints what --help or --version ask for. True where that was all that the tool is to do.
  bool answersAboutItself() const;

private:
  struct Option {
    std::string name;
    bool *flag = nullptr;
    std::string *text = nullptr;
    std::vector<std::string> *texts = nullptr;
    int64_t *number = nullptr;
    double *seconds = nullptr;
    int64_t low = 0, high = 0;
    double present = 0;
  };
  std::string set(const Option &option, bool hasValue, const std::string &value) const;

  const char *help, *version;
  bool wantsHelp = false, wantsVersion = false;
  std::vector<Option> options;
  std::vector<std::string> names;
};

/// Splits `NAME=FILE`, as in `--input=input=X.npy`. False where one of both is missing.
bool splitBinding(const std::string &binding, std::string &name, std::string &file);

/// A string for JSON, with its quotes.
std::string jsonString(const std::string &text);

} // namespace n2uq

#endif // N2UQ_SUPPORT_COMMANDLINE_H
