// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_TEST_PTX_LEXER_H
#define N2UQ_TEST_PTX_LEXER_H

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq::ptx {

struct Token {
  /// A word is a name, an opcode with its modifiers, a directive with its dot, or a number (it begins with a digit).
  enum Kind { Word, Number, String, Punctuation, End };
  Kind kind;
  std::string text;
  uint32_t line;
};

/// Cuts a text into tokens, the last one being End. Throws a Fault at a byte that begins none.
std::vector<Token> lex(const std::string &text);

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_LEXER_H
