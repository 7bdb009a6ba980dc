// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text into Syntax. What is not known is refused: a directive that is skipped could change what the code means.
#include "Lexer.h"
#include "Syntax.h"

#include <cerrno>
#include <cstdlib>

using namespace n2uq::ptx;

uint32_t n2uq::ptx::bytesOfType(const std::string &type) {
  if (type == "pred")
    return 1;
  if (type.size() < 2 || std::string("busf").find(type[0]) == std::string::npos)
    return 0;
  std::string bits = type.substr(1);
  bool isFloat = type[0] == 'f';
  return bits == "8" && !isFloat ? 1 : bits == "16" ? 2 : bits == "32" ? 4 : bits == "64" ? 8 : 0;
}

namespace {
/// The largest variable; a larger one is a mistake of the text.
constexpr uint64_t maxVariableBytes = uint64_t(1) << 32;
/// Registers `%r<count>` of one declaration.
constexpr uint64_t maxRegisters = 1 << 20;

class Parser {
public:
  explicit Parser(const std::string &text) : tokens(lex(text)) {
    for (size_t begin = 0; begin <= text.size();) {
      size_t end = std::min(text.find('\n', begin), text.size());
      syntax.lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  Syntax run() {
    while (!at(Token::End))
      topLevel();
    if (syntax.target.empty())
      fail("there is no .target");
    return std::move(syntax);
  }

private:
  const Token &token(size_t ahead = 0) const { return tokens[std::min(next + ahead, tokens.size() - 1)]; }
  bool at(Token::Kind kind) const { return token().kind == kind; }
  bool at(const char *text, size_t ahead = 0) const {
    return token(ahead).kind != Token::String && token(ahead).text == text;
  }
  [[noreturn]] void fail(const std::string &sentence) const { throw Fault{sentence, token().line}; }
  bool take(const char *text) {
    if (!at(text))
      return false;
    ++next;
    return true;
  }
  void expect(const char *text) {
    if (!take(text))
      fail("expects '" + std::string(text) + "', but got '" + token().text + "'");
  }
  std::string word(const char *what) {
    if (!at(Token::Word))
      fail("expects " + std::string(what) + ", but got '" + token().text + "'");
    return tokens[next++].text;
  }
  void skipLine() {
    for (uint32_t line = token().line; !at(Token::End) && token().line == line;)
      ++next;
  }

  /// A number without a sign. `floatBits` is 32 or 64 for 0f… and 0d…, else 0.
  uint64_t number(uint32_t &floatBits) {
    if (!at(Token::Number))
      fail("expects a number, but got '" + token().text + "'");
    std::string text = token().text;
    floatBits = 0;
    char *end = nullptr;
    errno = 0;
    uint64_t value = 0;
    bool isFloat = text.size() > 2 && text[0] == '0' && std::string("fFdD").find(text[1]) != std::string::npos;
    if (isFloat) {
      floatBits = text[1] == 'f' || text[1] == 'F' ? 32 : 64;
      value = std::strtoull(text.c_str() + 2, &end, 16);
      if (text.size() != 2 + floatBits / 4)
        fail("'" + text + "' has not the hexadecimal digits of a float of " + std::to_string(floatBits) + " bits");
    } else {
      if (text.back() == 'U')
        text.pop_back();
      bool binary = text.size() > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B');
      value = std::strtoull(text.c_str() + (binary ? 2 : 0), &end, binary ? 2 : 0);
    }
    if (errno || *end)
      fail("'" + token().text + "' is no integer of 64 bits and no float in hexadecimal form");
    ++next;
    return value;
  }
  uint64_t integer() {
    uint32_t floatBits;
    uint64_t value = number(floatBits);
    if (floatBits)
      fail("expects an integer, but got a float");
    return value;
  }
  int64_t signedInteger() {
    bool negative = take("-");
    uint64_t value = integer();
    return static_cast<int64_t>(negative ? -value : value);
  }

  void topLevel() {
    if (take(".version")) {
      if (!at(Token::Number))
        fail("expects a version");
      ++next;
    } else if (take(".target")) {
      syntax.target = word("a chip");
      if (syntax.target.rfind("sm_", 0) != 0)
        fail("'" + syntax.target + "' is no chip like sm_80");
      syntax.chip = static_cast<uint32_t>(std::strtoul(syntax.target.c_str() + 3, nullptr, 10));
      while (take(","))
        word("a feature");
    } else if (take(".address_size")) {
      if (integer() != 64)
        fail("only addresses of 64 bits are known");
    } else if (at(".file") || at(".loc")) {
      skipLine();
    } else {
      declaration();
    }
  }

  void declaration() {
    bool isExtern = false;
    for (;; ++next) {
      if (at(".extern"))
        isExtern = true;
      else if (!at(".visible") && !at(".weak"))
        break;
    }
    if (at(".entry") || at(".func"))
      function();
    else if (at(".global") || at(".const") || at(".shared"))
      syntax.variables.push_back(variable(isExtern));
    else
      fail("'" + token().text + "' is not known here");
  }

  /// From the space to the semicolon.
  Variable variable(bool isExtern) {
    Variable result = declarator(isExtern);
    if (take("="))
      result.initial = initializer(result);
    expect(";");
    return result;
  }

  Variable declarator(bool isExtern) {
    Variable result;
    result.line = token().line;
    result.isExtern = isExtern;
    result.space = word("a state space").substr(1);
    while (at(Token::Word) && token().text[0] == '.') {
      if (take(".align")) {
        uint64_t align = integer();
        if (align == 0 || (align & (align - 1)) || align > 4096)
          fail("the alignment " + std::to_string(align) + " is no power of two up to 4096");
        result.align = static_cast<uint32_t>(align);
      } else if (at(".ptr")) {
        // `.param .u64 .ptr .global .align 16 name`: what the address points to, a promise for optimisers.
        for (++next; at(Token::Word) && token().text[0] == '.';) {
          bool align = at(".align");
          ++next;
          if (align)
            integer();
        }
      } else {
        result.type = token().text.substr(1);
        result.elementBytes = bytesOfType(result.type);
        if (!result.elementBytes || result.type == "pred")
          fail("a variable cannot have the type '" + token().text + "'");
        ++next;
      }
    }
    if (!result.elementBytes)
      fail("a variable of no type");
    if (!result.align)
      result.align = result.elementBytes;
    result.name = word("a name");
    while (take("[")) {
      if (take("]")) {
        result.unsized = true;
        result.elements = 0;
        continue;
      }
      uint64_t count = integer();
      if (count > maxVariableBytes || count * result.elements > maxVariableBytes)
        fail("'" + result.name + "' is larger than 4 GiB");
      result.elements *= count;
      expect("]");
    }
    return result;
  }

  std::vector<uint8_t> initializer(const Variable &variable) {
    std::vector<uint8_t> bytes;
    auto append = [&] {
      bool negative = take("-");
      uint32_t floatBits;
      if (at(Token::Word))
        fail("initial values that are addresses are not known");
      uint64_t value = number(floatBits);
      if (negative)
        value = -value;
      if (bytes.size() + variable.elementBytes > variable.bytes())
        fail("'" + variable.name + "' has more initial values than elements");
      for (uint32_t i = 0; i < variable.elementBytes; ++i)
        bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    };
    if (take("{")) {
      do
        append();
      while (take(","));
      expect("}");
    } else {
      append();
    }
    bytes.resize(variable.bytes());
    return bytes;
  }

  std::vector<Variable> parameters() {
    std::vector<Variable> result;
    expect("(");
    if (take(")"))
      return result;
    do {
      if (!at(".param"))
        fail("parameters that are no .param are not known");
      result.push_back(declarator(false));
    } while (take(","));
    expect(")");
    return result;
  }

  void function() {
    Function result;
    result.line = token().line;
    result.isEntry = take(".entry");
    if (!result.isEntry)
      expect(".func");
    if (at("("))
      result.results = parameters();
    result.name = word("a name");
    if (at("("))
      result.parameters = parameters();
    for (;;) {
      if (take(".maxntid"))
        result.maxThreads = product(nullptr);
      else if (take(".reqntid"))
        result.maxThreads = product(result.requiredBlock);
      else if (take(".minnctapersm") || take(".maxnreg"))
        integer();
      else if (!take(".noreturn"))
        break;
    }
    if (!take(";")) {
      result.hasBody = true;
      body(result.body);
    }
    for (Function &known : syntax.functions)
      if (known.name == result.name) {
        if (known.hasBody && result.hasBody)
          throw Fault{"'" + result.name + "' is defined twice", result.line};
        if (result.hasBody)
          known = std::move(result);
        return;
      }
    syntax.functions.push_back(std::move(result));
  }

  uint64_t product(uint32_t *sizes) {
    uint64_t result = 1;
    int i = 0;
    uint32_t values[3] = {1, 1, 1};
    do {
      uint64_t value = integer();
      if (value == 0 || value > 1024 || i == 3)
        fail("a block has one to three sizes from 1 to 1024");
      values[i++] = static_cast<uint32_t>(value);
      result *= value;
    } while (take(","));
    for (i = 0; sizes && i < 3; ++i)
      sizes[i] = values[i];
    return result;
  }

  void body(std::vector<Statement> &statements) {
    expect("{");
    for (int depth = 1; depth > 0;) {
      Statement result;
      result.line = token().line;
      if (at(Token::End))
        fail("a body has no end");
      if (take("{")) {
        ++depth;
        result.kind = Statement::ScopeBegin;
      } else if (take("}")) {
        --depth;
        result.kind = Statement::ScopeEnd;
      } else if (at(".loc")) {
        skipLine();
        continue;
      } else if (take(".pragma")) {
        // An unrolled loop computes what the loop computes.
        if (!at("nounroll") && !(at(Token::String) && token().text == "nounroll"))
          fail("the pragma '" + token().text + "' is not known");
        ++next;
        expect(";");
        continue;
      } else if (at(".reg")) {
        registers(statements);
        continue;
      } else if (at(".local") || at(".shared") || at(".param")) {
        result.kind = Statement::Declaration;
        result.variable = variable(false);
      } else if (at(Token::Word) && at(":", 1)) {
        result.kind = Statement::Label;
        result.name = word("a label");
        ++next;
      } else {
        instruction(result);
      }
      if (depth > 0)
        statements.push_back(std::move(result));
    }
  }

  void registers(std::vector<Statement> &statements) {
    expect(".reg");
    std::string type = word("a type").substr(1);
    if (!bytesOfType(type))
      fail("registers of type '." + type + "' are not known");
    do {
      Statement result;
      result.line = token().line;
      result.kind = Statement::Registers;
      result.type = type;
      result.name = word("a register");
      if (take("<")) {
        uint64_t count = integer();
        if (count > maxRegisters)
          fail("more than " + std::to_string(maxRegisters) + " registers");
        result.count = static_cast<int64_t>(count);
        expect(">");
      }
      statements.push_back(std::move(result));
    } while (take(","));
    expect(";");
  }

  void instruction(Statement &result) {
    if (take("@")) {
      result.guardInverted = take("!");
      result.guard = word("a predicate");
    }
    std::string opcode = word("an instruction");
    for (size_t begin = 0; begin <= opcode.size();) {
      size_t end = std::min(opcode.find('.', begin), opcode.size());
      result.opcode.push_back(opcode.substr(begin, end - begin));
      begin = end + 1;
    }
    if (!at(";"))
      do
        result.operands.push_back(operand());
      while (take(","));
    expect(";");
  }

  Operand operand() {
    Operand first = simpleOperand();
    if (!take("|"))
      return first;
    Operand pair;
    pair.kind = Operand::Pair;
    pair.parts = {first, simpleOperand()};
    return pair;
  }

  Operand simpleOperand() {
    Operand result;
    if (at("{") || at("(")) {
      const char *close = at("{") ? "}" : ")";
      ++next;
      result.kind = Operand::Vector;
      if (take(close))
        return result;
      do
        result.parts.push_back(simpleOperand());
      while (take(","));
      expect(close);
      return result;
    }
    if (take("[")) {
      result.kind = Operand::Address;
      if (at(Token::Word)) {
        result.name = word("a name");
        if (take("+"))
          result.bits = static_cast<uint64_t>(signedInteger());
        else if (at("-"))
          result.bits = static_cast<uint64_t>(signedInteger());
      } else {
        result.bits = static_cast<uint64_t>(signedInteger());
      }
      expect("]");
      return result;
    }
    result.inverted = take("!");
    result.negative = take("-");
    if (at(Token::Number)) {
      result.kind = Operand::Immediate;
      result.bits = number(result.floatBits);
      if (result.negative && result.floatBits)
        fail("a float in hexadecimal form has no sign of its own");
      if (result.negative)
        result.bits = -result.bits;
      return result;
    }
    if (take("_")) {
      result.kind = Operand::Sink;
      return result;
    }
    if (result.negative)
      fail("'-' stands before a number only");
    result.name = word("an operand");
    if (result.name == "WARP_SZ") {
      result.kind = Operand::Immediate;
      result.bits = 32;
    } else if (take("+")) {
      // tab+4: the address of a variable and an offset, written as an address that is not read.
      result.kind = Operand::Name;
      result.bits = static_cast<uint64_t>(signedInteger());
    }
    return result;
  }

  std::vector<Token> tokens;
  size_t next = 0;
  Syntax syntax;
};
} // namespace

Syntax n2uq::ptx::parse(const std::string &text) { return Parser(text).run(); }
