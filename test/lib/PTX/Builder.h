// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What turns one written instruction into an executable one. Each family of instructions is a file with one function
// `bool buildX(Builder &)`: false where the mnemonic is none of its own, a Fault where it does not know a form of it.
// Modifiers are taken in the order in which they are written; one that nobody took is a Fault.
#ifndef N2UQ_TEST_PTX_BUILDER_H
#define N2UQ_TEST_PTX_BUILDER_H

#include "Machine.h"
#include "Syntax.h"

#include <initializer_list>
#include <type_traits>

namespace n2uq::ptx {

/// A type of an instruction: b, u, s, f, p (predicate), and its bytes.
struct Type {
  char kind = 0;
  uint8_t bytes = 0;
  bool operator==(const char *name) const;
  std::string text() const;
};

class Builder;
using Runner = void (*)(Warp &, const Instruction &, Mask);

/// Looks names up. Implemented by the decoder.
class Names {
public:
  virtual ~Names() = default;
  struct Place {
    enum Kind { Register, Address, Nothing } kind = Nothing;
    Reg reg = 0;
    Type type;
    /// Of a variable: the state space ("param" of the kernel, "call" for parameters of calls) and where it lies there.
    std::string space;
    uint64_t address = 0, bytes = 0;
  };
  virtual Place find(const std::string &name) = 0;
  virtual Reg constant(uint64_t value) = 0;
  virtual Reg sink() = 0;
};

class Builder {
public:
  Builder(const Statement &statement, Names &names);

  const std::string mnemonic;
  Instruction out;

  [[noreturn]] void fail(const std::string &sentence) const;

  // Modifiers.
  bool take(const char *modifier);
  /// Takes one of the names, and says which; -1 where the next modifier is none of them.
  int takeOneOf(std::initializer_list<const char *> modifiers);
  void expect(const char *modifier);
  bool nextModifierIs(const char *modifier) const;
  bool nextIsType() const;
  /// Whether the last modifier is an integer type: which of two instructions of one mnemonic it is.
  bool typeIsInteger() const;
  bool hasType(const char *type) const;
  Type type();
  /// Fails where a modifier is left.
  void done() const;

  // Operands.
  size_t count() const { return statement.operands.size(); }
  void expectOperands(size_t low, size_t high);
  void expectOperands(size_t n) { expectOperands(n, n); }
  const Operand &operand(size_t i) const { return statement.operands[i]; }
  /// Registers must be as wide as the type. `mayBeWider` for instructions that take the low bytes of a wider one.
  Reg source(const Operand &operand, Type type, bool mayBeWider = false);
  Reg destination(const Operand &operand, Type type, bool mayBeWider = false);
  Reg source(size_t i, Type type, bool mayBeWider = false) { return source(operand(i), type, mayBeWider); }
  Reg destination(size_t i, Type type, bool mayBeWider = false) { return destination(operand(i), type, mayBeWider); }
  /// `out.op[0]` from operand 0, the others as sources, all of one type.
  void uniformOperands(Type type, size_t sources);
  /// Elements of {…}.
  const std::vector<Operand> &vector(size_t i, size_t low, size_t high);
  uint64_t integer(size_t i) const;
  /// Sets `out.op[at]` to the base register and `out.immediate` to the offset of an address. `space` is the
  /// instruction's, "" for a generic one; it becomes that of a variable that is named.
  void address(const Operand &operand, size_t at, std::string &space);
  Reg constant(uint64_t value) { return names.constant(value); }
  Names &namesHere() { return names; }

private:
  const Statement &statement;
  Names &names;
  size_t next = 1;
};

bool buildInteger(Builder &);
bool buildBits(Builder &);
bool buildFloat(Builder &);
bool buildCompare(Builder &);
bool buildMove(Builder &);
bool buildConvert(Builder &);
bool buildLoadStore(Builder &);
bool buildAtomic(Builder &);
bool buildAsyncCopy(Builder &);
bool buildWarp(Builder &);
bool buildMatrix(Builder &);

// ---- for the families ----

/// Registers of up to 8 bytes as values of T. Signed values are extended, so that a wider register has them too.
template <typename T>
inline void put(uint64_t *values, uint32_t lane, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    values[lane] = 0;
    std::memcpy(values + lane, &value, sizeof(T));
  } else {
    values[lane] = static_cast<uint64_t>(static_cast<int64_t>(value));
    if constexpr (std::is_unsigned_v<T>)
      values[lane] = static_cast<uint64_t>(value);
  }
}

/// d = F(a), d = F(a, b), d = F(a, b, c) for each lane. All bytes of each operand must be initialised.
template <typename D, typename A, D (*F)(A)>
void runUnary(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(sizeof(A)));
  const uint64_t *a = warp.values(in.op[1]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) { put<D>(d, lane, F(get<A>(a, lane))); });
  warp.define(in.op[0], mask);
}
template <typename D, typename A, typename B, D (*F)(A, B)>
void runBinary(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(sizeof(A)));
  warp.need(in, in.op[2], mask, lowBytes(sizeof(B)));
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) { put<D>(d, lane, F(get<A>(a, lane), get<B>(b, lane))); });
  warp.define(in.op[0], mask);
}
template <typename D, typename A, typename B, typename C, D (*F)(A, B, C)>
void runTernary(Warp &warp, const Instruction &in, Mask mask) {
  warp.need(in, in.op[1], mask, lowBytes(sizeof(A)));
  warp.need(in, in.op[2], mask, lowBytes(sizeof(B)));
  warp.need(in, in.op[3], mask, lowBytes(sizeof(C)));
  const uint64_t *a = warp.values(in.op[1]), *b = warp.values(in.op[2]), *c = warp.values(in.op[3]);
  uint64_t *d = warp.values(in.op[0]);
  each(mask, [&](uint32_t lane) { put<D>(d, lane, F(get<A>(a, lane), get<B>(b, lane), get<C>(c, lane))); });
  warp.define(in.op[0], mask);
}

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_BUILDER_H
