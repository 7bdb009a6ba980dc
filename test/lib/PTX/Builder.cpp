// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Builder.h"

using namespace n2uq::ptx;

bool Type::operator==(const char *name) const { return kind == name[0] && bytes == bytesOfType(name); }
std::string Type::text() const {
  return kind == 'p' ? ".pred" : "." + std::string(1, kind) + std::to_string(8 * bytes);
}

Builder::Builder(const Statement &statement, Names &names)
    : mnemonic(statement.opcode[0]), statement(statement), names(names) {
  out.line = statement.line;
}

void Builder::fail(const std::string &sentence) const {
  std::string name;
  for (auto &part : statement.opcode)
    name += (name.empty() ? "" : ".") + part;
  throw Fault{"'" + name + "' " + sentence, statement.line};
}

bool Builder::nextModifierIs(const char *modifier) const {
  return next < statement.opcode.size() && statement.opcode[next] == modifier;
}

bool Builder::typeIsInteger() const {
  const std::string &last = statement.opcode.back();
  return bytesOfType(last) && last[0] != 'f' && last != "pred";
}

bool Builder::hasType(const char *type) const { return statement.opcode.back() == type; }

bool Builder::take(const char *modifier) {
  if (!nextModifierIs(modifier))
    return false;
  ++next;
  return true;
}

int Builder::takeOneOf(std::initializer_list<const char *> modifiers) {
  int i = 0;
  for (const char *modifier : modifiers) {
    if (take(modifier))
      return i;
    ++i;
  }
  return -1;
}

void Builder::expect(const char *modifier) {
  if (!take(modifier))
    fail("is known with ." + std::string(modifier) + " only");
}

bool Builder::nextIsType() const { return next < statement.opcode.size() && bytesOfType(statement.opcode[next]); }

Type Builder::type() {
  if (!nextIsType())
    fail(next < statement.opcode.size() ? "has '." + statement.opcode[next] + "', which is not known there"
                                        : "has no type");
  const std::string &name = statement.opcode[next++];
  return {name == "pred" ? 'p' : name[0], static_cast<uint8_t>(bytesOfType(name))};
}

void Builder::done() const {
  if (next < statement.opcode.size())
    fail("has '." + statement.opcode[next] + "', which is not known there");
}

void Builder::expectOperands(size_t low, size_t high) {
  if (count() < low || count() > high)
    fail("expects " + std::to_string(low) + (low == high ? "" : " to " + std::to_string(high)) + " operands, but has " +
         std::to_string(count()));
}

/// Whether an immediate is a value of `bytes`, read as signed or as unsigned.
static bool fits(uint64_t bits, uint32_t bytes) {
  if (bytes == 8)
    return true;
  int64_t value = static_cast<int64_t>(bits), limit = int64_t(1) << 8 * bytes;
  return value >= -limit / 2 && value < limit;
}

Reg Builder::source(const Operand &operand, Type type, bool mayBeWider) {
  if (operand.kind == Operand::Immediate) {
    if (operand.floatBits && operand.floatBits != 8u * type.bytes)
      fail("has a float of " + std::to_string(operand.floatBits) + " bits for an operand of type " + type.text());
    if (!operand.floatBits && type.kind == 'f')
      fail("has an integer for an operand of type " + type.text());
    if (!fits(operand.bits, type.bytes))
      fail("has an immediate that is no value of type " + type.text());
    return names.constant(operand.bits);
  }
  if (operand.kind != Operand::Name || operand.inverted)
    fail("expects a register or an immediate of type " + type.text());
  Names::Place place = names.find(operand.name);
  if (place.kind == Names::Place::Nothing)
    fail("names '" + operand.name + "', which is not declared");
  if (place.kind == Names::Place::Address) {
    if (type.bytes < 4 || type.kind == 'f')
      fail("has an address for an operand of type " + type.text());
    return names.constant(place.address + operand.bits);
  }
  if (operand.bits)
    fail("adds to a register in an operand");
  bool wide = place.type.bytes == type.bytes || (mayBeWider && place.type.bytes > type.bytes);
  if ((place.type.kind == 'p') != (type.kind == 'p') || !wide)
    fail("has '" + operand.name + "' of type " + place.type.text() + " for an operand of type " + type.text());
  return place.reg;
}

Reg Builder::destination(const Operand &operand, Type type, bool mayBeWider) {
  if (operand.kind == Operand::Sink)
    return names.sink();
  if (operand.kind != Operand::Name || operand.inverted || operand.bits || isSpecialRegister(operand.name))
    fail("expects a register for its result");
  if (names.find(operand.name).kind != Names::Place::Register)
    fail("names '" + operand.name + "', which is no register");
  return source(operand, type, mayBeWider);
}

void Builder::uniformOperands(Type type, size_t sources) {
  expectOperands(sources + 1);
  out.op[0] = destination(size_t(0), type);
  for (size_t i = 1; i <= sources; ++i)
    out.op[i] = source(i, type);
}

const std::vector<Operand> &Builder::vector(size_t i, size_t low, size_t high) {
  const Operand &list = operand(i);
  if (list.kind != Operand::Vector || list.parts.size() < low || list.parts.size() > high)
    fail("expects {" + std::to_string(low) + (low == high ? "" : " to " + std::to_string(high)) +
         " registers} as operand " + std::to_string(i));
  return list.parts;
}

uint64_t Builder::integer(size_t i) const {
  if (operand(i).kind != Operand::Immediate || operand(i).floatBits)
    fail("expects an integer as operand " + std::to_string(i));
  return operand(i).bits;
}

void Builder::address(const Operand &operand, size_t at, std::string &space) {
  if (operand.kind != Operand::Address)
    fail("expects an address in brackets");
  out.immediate = static_cast<int64_t>(operand.bits);
  out.op[at] = names.constant(0);
  if (operand.name.empty())
    return;
  Names::Place place = names.find(operand.name);
  if (place.kind == Names::Place::Register) {
    if (place.type.kind == 'p' || place.type.kind == 'f' || place.type.bytes < 4)
      fail("has '" + operand.name + "' of type " + place.type.text() + " for an address");
    out.op[at] = place.reg;
    out.narrowAddress = place.type.bytes == 4;
    return;
  }
  if (place.kind != Names::Place::Address)
    fail("names '" + operand.name + "', which is not declared");
  std::string known = place.space == "call" ? "param" : place.space;
  if (space != known)
    fail("reaches '" + operand.name + "', which is in ." + known + " memory");
  space = place.space;
  out.immediate += static_cast<int64_t>(place.address);
}
