// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include "Syntax.h"

using namespace n2uq::ptx;

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }

std::vector<Token> n2uq::ptx::lex(const std::string &text) {
  std::vector<Token> tokens;
  uint32_t line = 1;
  size_t at = 0;
  auto peek = [&](size_t ahead) { return at + ahead < text.size() ? text[at + ahead] : '\0'; };
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line, ++at;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '/' && peek(1) == '/') {
      while (at < text.size() && text[at] != '\n')
        ++at;
    } else if (c == '/' && peek(1) == '*') {
      uint32_t begin = line;
      size_t end = text.find("*/", at + 2);
      if (end == std::string::npos)
        throw Fault{"a comment has no end", begin};
      for (; at < end; ++at)
        line += text[at] == '\n';
      at = end + 2;
    } else if (c == '"') {
      size_t end = text.find_first_of("\"\n", at + 1);
      if (end == std::string::npos || text[end] == '\n')
        throw Fault{"a string has no end on its line", line};
      tokens.push_back({Token::String, text.substr(at + 1, end - at - 1), line});
      at = end + 1;
    } else if (isDigit(c)) {
      size_t begin = at;
      while (isDigit(peek(0)) || isLetter(peek(0)) || (peek(0) == '.' && isDigit(peek(1))))
        ++at;
      tokens.push_back({Token::Number, text.substr(begin, at - begin), line});
    } else if (isLetter(c) || ((c == '%' || c == '.') && isLetter(peek(1)))) {
      size_t begin = at++;
      // `ld.global.L2::128B`: dots and pairs of colons inside; a single colon ends a label.
      while (isDigit(peek(0)) || isLetter(peek(0)) || (peek(0) == '.' && (isLetter(peek(1)) || isDigit(peek(1)))) ||
             (peek(0) == ':' && peek(1) == ':'))
        at += peek(0) == ':' ? 2 : 1;
      tokens.push_back({Token::Word, text.substr(begin, at - begin), line});
    } else if (std::string("@,;:{}[]()<>=+-|!").find(c) != std::string::npos) {
      tokens.push_back({Token::Punctuation, std::string(1, c), line});
      ++at;
    } else {
      throw Fault{"byte " + std::to_string(static_cast<unsigned char>(c)) + " begins no token of PTX", line};
    }
  }
  tokens.push_back({Token::End, "the end of the file", line});
  return tokens;
}
