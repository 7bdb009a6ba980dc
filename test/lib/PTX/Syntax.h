// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A PTX module as it is written: functions, variables, statements. Names are not looked up yet, opcodes are text.
#ifndef N2UQ_TEST_PTX_SYNTAX_H
#define N2UQ_TEST_PTX_SYNTAX_H

#include <cstdint>
#include <string>
#include <vector>

namespace n2uq::ptx {

/// What is thrown inside of the machine: a sentence, and the line it is about (0: none). The functions of PTX.h catch
/// it.
struct Fault {
  std::string sentence;
  uint32_t line = 0;
};

struct Operand {
  enum Kind {
    Name,      ///< a register, a variable, a label, a function
    Immediate, ///< `bits`
    Address,   ///< [name + bits], or [bits] where there is no name
    Vector,    ///< {parts}, also the parenthesised lists of a call
    Pair,      ///< parts[0]|parts[1]
    Sink       ///< _
  };
  Kind kind = Name;
  std::string name;
  uint64_t bits = 0;
  /// An immediate is a float of so many bits (0: an integer); `!name`; `-bits`.
  uint32_t floatBits = 0;
  bool inverted = false, negative = false;
  std::vector<Operand> parts;
};

/// A variable or a parameter: `.align 16 .b8 name[64] = {1, 2}`.
struct Variable {
  std::string name, space; ///< "global", "const", "shared", "local", "param"
  std::string type;        ///< "b8"
  uint64_t elements = 1;
  uint32_t elementBytes = 0, align = 0, line = 0;
  bool isExtern = false, unsized = false;
  std::vector<uint8_t> initial; ///< empty, or all its bytes

  uint64_t bytes() const { return elements * elementBytes; }
};

struct Statement {
  enum Kind { Instruction, Label, ScopeBegin, ScopeEnd, Registers, Declaration };
  Kind kind = Instruction;
  uint32_t line = 0;
  /// Instruction: @guard or @!guard, opcode parts between dots, operands.
  std::string guard;
  bool guardInverted = false;
  std::vector<std::string> opcode;
  std::vector<Operand> operands;
  /// Label: its name. Registers: `name<count>` of a type (count -1: the one register of that name).
  std::string name, type;
  int64_t count = -1;
  Variable variable;
};

struct Function {
  std::string name;
  bool isEntry = false, hasBody = false;
  uint32_t line = 0;
  std::vector<Variable> results, parameters;
  std::vector<Statement> body;
  uint32_t requiredBlock[3] = {0, 0, 0};
  uint64_t maxThreads = 0;
};

struct Syntax {
  std::string target;
  uint32_t chip = 0; ///< 80 for sm_80
  std::vector<Function> functions;
  std::vector<Variable> variables;
  std::vector<std::string> lines;
};

/// Throws a Fault.
Syntax parse(const std::string &text);

/// Bytes of a type without its dot ("b32": 4, "pred": 1); 0 for what is no type.
uint32_t bytesOfType(const std::string &type);

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_SYNTAX_H
