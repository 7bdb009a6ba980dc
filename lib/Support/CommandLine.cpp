// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CommandLine.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace n2uq {

std::string oneLine(std::string text) {
  for (char &c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127)
      c = '?';
  return text;
}

std::string printable(const std::string &sentence) {
  static const char listItem[] = "\n  "; // begins an item of a list behind a sentence
  std::string text;
  size_t begin = 0;
  for (size_t end; (end = sentence.find(listItem, begin)) != std::string::npos; begin = end + 1)
    text += oneLine(sentence.substr(begin, end - begin)) + "\n";
  return text + oneLine(sentence.substr(begin));
}

int failWith(const std::string &tool, const std::string &sentence) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", tool.c_str(), printable(sentence).c_str());
  return 1;
}

CommandLine::CommandLine(const char *help, const char *version) : help(help), version(version) {
  flag("help", wantsHelp);
  flag("version", wantsVersion);
}

bool CommandLine::answersAboutItself() const {
  if (wantsHelp)
    std::fputs(help, stdout);
  else if (wantsVersion)
    std::printf("%s\n", version);
  return wantsHelp || wantsVersion;
}

void CommandLine::flag(const std::string &name, bool &value) {
  Option option{name};
  option.flag = &value;
  options.push_back(option);
}

void CommandLine::text(const std::string &name, std::string &value) {
  Option option{name};
  option.text = &value;
  options.push_back(option);
}

void CommandLine::texts(const std::string &name, std::vector<std::string> &values) {
  Option option{name};
  option.texts = &values;
  options.push_back(option);
}

void CommandLine::number(const std::string &name, int64_t &value, int64_t low, int64_t high) {
  Option option{name};
  option.number = &value;
  option.low = low;
  option.high = high;
  options.push_back(option);
}

void CommandLine::seconds(const std::string &name, double &value, double present) {
  Option option{name};
  option.seconds = &value;
  option.present = present;
  options.push_back(option);
}

std::string CommandLine::set(const Option &option, bool hasValue, const std::string &value) const {
  bool isLetter = option.name.size() == 1;
  std::string spelled = (isLetter ? "option '-" : "option '--") + option.name + "'";
  if (option.flag) {
    if (hasValue)
      return spelled + " takes no value";
    *option.flag = true;
    return "";
  }
  if (option.seconds && !hasValue) {
    *option.seconds = option.present;
    return "";
  }
  if (!hasValue || value.empty())
    return spelled + " needs a value: " + (isLetter ? "-" : "--") + option.name + (isLetter ? " " : "=") +
           (option.text || option.texts ? "TEXT" : "NUMBER");
  if (option.text) {
    *option.text = value;
    return "";
  }
  if (option.texts) {
    option.texts->push_back(value);
    return "";
  }
  char *end = nullptr;
  errno = 0;
  if (option.number) {
    long long number = std::strtoll(value.c_str(), &end, 10);
    if (errno != 0 || *end != '\0' || number < option.low || number > option.high)
      return spelled + " needs a number between " + std::to_string(option.low) + " and " + std::to_string(option.high) +
             ", not '" + value + "'";
    *option.number = number;
    return "";
  }
  double number = std::strtod(value.c_str(), &end);
  if (errno != 0 || *end != '\0' || !(number > 0) || number > 86400)
    return spelled + " needs a number of seconds above 0, not '" + value + "'";
  *option.seconds = number;
  return "";
}

std::string CommandLine::parse(int argc, char **argv) {
  return parse(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

std::string CommandLine::parse(const std::vector<std::string> &arguments) {
  bool onlyFiles = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &argument = arguments[i];
    if (onlyFiles || argument.size() < 2 || argument[0] != '-') {
      names.push_back(argument);
      continue;
    }
    if (argument == "--") {
      onlyFiles = true;
      continue;
    }
    std::string name = argument.substr(argument[1] == '-' ? 2 : 1), value;
    size_t equals = name.find('=');
    if (equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    const Option *found = nullptr;
    for (const Option &option : options)
      if (option.name == name)
        found = &option;
    if (!found)
      return "unknown option '" + argument + "'; --help lists all";
    bool hasValue = equals != std::string::npos;
    if (!hasValue && found->text && name.size() == 1 && i + 1 < arguments.size()) {
      value = arguments[++i];
      hasValue = true;
    }
    std::string error = set(*found, hasValue, value);
    if (!error.empty())
      return error;
  }
  return "";
}

bool splitBinding(const std::string &binding, std::string &name, std::string &file) {
  size_t equals = binding.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == binding.size())
    return false;
  name = binding.substr(0, equals);
  file = binding.substr(equals + 1);
  return true;
}

std::string jsonString(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    char escaped[8];
    if (static_cast<unsigned char>(c) < ' ') {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      result += escaped;
    } else {
      if (c == '"' || c == '\\')
        result += '\\';
      result += c;
    }
  }
  return result + "\"";
}

} // namespace n2uq
