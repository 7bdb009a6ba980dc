// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"
#include "Builder.h"

#include <algorithm>

using namespace n2uq::ptx;

/// Between two variables of shared or local memory, so that an index past the end of one meets no other.
static constexpr uint32_t gapBytes = 32;
/// The first address of both: no pointer to a variable is 0.
static constexpr uint32_t firstAddress = 32;
/// What a block may have of shared memory on the largest chip, and a thread of local memory.
static constexpr uint32_t maxSharedBytes = 227 * 1024, maxLocalBytes = 512 * 1024;
/// Registers of all functions that are expanded in a kernel, and its instructions.
static constexpr uint32_t maxRegisters = 1 << 20;
static constexpr size_t maxInstructions = 1 << 22;

static uint32_t alignUp(uint32_t value, uint32_t align) { return (value + align - 1) / align * align; }

namespace {
class Decoder final : public Names {
public:
  /// `dynamicBase` is where dynamic shared memory begins. It is known when everything else has its place, that is,
  /// after a first decoding.
  Decoder(const Syntax &syntax, const Function &kernel, const std::map<std::string, uint64_t> &globals,
          uint32_t dynamicBase)
      : syntax(syntax), kernel(kernel), globals(globals), dynamicBase(dynamicBase) {}

  Program run() {
    program.info.name = kernel.name;
    program.info.maxThreads = kernel.maxThreads;
    program.info.requiredBlock = {kernel.requiredBlock[0], kernel.requiredBlock[1], kernel.requiredBlock[2]};
    nextReg = definedBytes; // Reg 0 means none
    sinkReg = newRegister();
    scopes.emplace_back();
    uint32_t offset = 0;
    for (const Variable &parameter : kernel.parameters) {
      offset = alignUp(offset, parameter.align);
      uint32_t bytes = static_cast<uint32_t>(parameter.bytes());
      program.info.parameters.push_back({parameter.name, bytes, offset});
      declare(parameter.name, addressPlace("param", offset, bytes), parameter.line);
      offset += bytes;
      if (offset > 32764)
        throw Fault{"the parameters of '" + kernel.name + "' have more than 32764 bytes", kernel.line};
    }
    program.info.parameterBytes = offset;
    functionBody(kernel, 0);
    Instruction exit;
    exit.kind = Instruction::Exit;
    program.code.push_back(exit);
    program.fileBytes = nextReg;
    program.info.localBytes = localBytes;
    program.localBytes = localBytes ? localEnd : 0;
    program.callBytes = callEnd;
    program.dynamicSharedBase = alignUp(sharedEnd, 1024);
    return std::move(program);
  }

  // Names.

  Place find(const std::string &name) override {
    for (size_t i = scopes.size(); i-- > scopeBase;)
      if (auto found = scopes[i].find(name); found != scopes[i].end())
        return found->second;
    if (isSpecialRegister(name)) {
      Place place;
      place.kind = Place::Register;
      place.type = {'u', 4};
      Reg &reg = specials[name];
      if (!reg) {
        reg = newRegister();
        program.specials.push_back({reg, name});
      }
      place.reg = reg;
      return place;
    }
    if (auto global = globals.find(name); global != globals.end())
      for (const Variable &variable : syntax.variables)
        if (variable.name == name)
          return addressPlace(variable.space, global->second, variable.bytes());
    for (const Variable &variable : syntax.variables)
      if (variable.name == name && variable.space == "shared")
        return moduleShared[name] = sharedPlace(variable);
    return {};
  }

  Reg constant(uint64_t value) override {
    Reg &reg = constants[value];
    if (!reg) {
      reg = newRegister();
      program.constants.push_back({reg, value});
    }
    return reg;
  }

  Reg sink() override { return sinkReg; }

private:
  using Scope = std::map<std::string, Place>;

  static Place addressPlace(const char *space, uint64_t address, uint64_t bytes) {
    Place place;
    place.kind = Place::Address;
    place.space = space;
    place.address = address;
    place.bytes = bytes;
    return place;
  }
  static Place addressPlace(const std::string &space, uint64_t address, uint64_t bytes) {
    return addressPlace(space.c_str(), address, bytes);
  }

  Reg newRegister() {
    Reg reg = nextReg;
    if (nextReg / registerBytes >= maxRegisters)
      throw Fault{"'" + kernel.name + "' has more than " + std::to_string(maxRegisters) + " registers", kernel.line};
    nextReg += registerBytes;
    return reg;
  }

  void declare(const std::string &name, const Place &place, uint32_t line) {
    if (!scopes.back().emplace(name, place).second)
      throw Fault{"'" + name + "' is declared twice", line};
  }

  /// Variables of the module have their place once, wherever they are named.
  Place sharedPlace(const Variable &variable) {
    if (auto known = moduleShared.find(variable.name); known != moduleShared.end())
      return known->second;
    return newShared(variable);
  }
  Place newShared(const Variable &variable) {
    if (variable.unsized)
      return addressPlace("shared", dynamicBase, 0);
    if (variable.bytes() > maxSharedBytes)
      throw Fault{"'" + variable.name + "' is larger than shared memory", variable.line};
    uint32_t bytes = static_cast<uint32_t>(variable.bytes());
    uint32_t begin = alignUp(sharedEnd, variable.align);
    program.sharedVariables.push_back({begin, begin + bytes});
    program.info.sharedBytes = alignUp(program.info.sharedBytes, variable.align) + bytes;
    if (program.info.sharedBytes > maxSharedBytes)
      throw Fault{"the shared memory of '" + kernel.name + "' is larger than that of any chip", variable.line};
    sharedEnd = begin + bytes + gapBytes;
    return addressPlace("shared", begin, bytes);
  }

  void variable(const Variable &variable) {
    if (variable.space == "shared") {
      // One variable, however often its function is expanded.
      auto known = functionShared.find(&variable);
      if (known == functionShared.end())
        known = functionShared.emplace(&variable, newShared(variable)).first;
      declare(variable.name, known->second, variable.line);
      return;
    }
    bool local = variable.space == "local";
    uint32_t &end = local ? localEnd : callEnd;
    if (variable.bytes() > maxLocalBytes || end + variable.bytes() > maxLocalBytes)
      throw Fault{"'" + variable.name + "' is larger than the " + (local ? "local memory" : "parameters") +
                      " of a thread",
                  variable.line};
    uint32_t bytes = static_cast<uint32_t>(variable.bytes()), begin = alignUp(end, variable.align);
    end = begin + bytes + (local ? gapBytes : 0);
    if (local) {
      program.localVariables.push_back({begin, begin + bytes});
      localBytes = alignUp(localBytes, variable.align) + bytes;
    }
    declare(variable.name, addressPlace(local ? "local" : "call", begin, bytes), variable.line);
  }

  /// Labels of one expansion of a function, and who branches to them.
  struct Labels {
    std::map<std::string, uint32_t> places;
    std::vector<std::pair<uint32_t, std::string>> uses;
  };

  /// Adds the body. `ret` leaves the kernel, or the expansion of a function for what stands behind it.
  void functionBody(const Function &function, int depth) {
    Labels labels;
    std::vector<uint32_t> returns;
    size_t base = scopes.size();
    for (const Statement &statement : function.body) {
      switch (statement.kind) {
      case Statement::ScopeBegin:
        scopes.emplace_back();
        break;
      case Statement::ScopeEnd:
        scopes.pop_back();
        break;
      case Statement::Registers:
        registers(statement);
        break;
      case Statement::Declaration:
        variable(statement.variable);
        break;
      case Statement::Label:
        if (!labels.places.emplace(statement.name, program.code.size()).second)
          throw Fault{"the label '" + statement.name + "' stands twice", statement.line};
        break;
      case Statement::Instruction:
        instruction(statement, labels, returns, depth);
        break;
      }
      if (program.code.size() > maxInstructions)
        throw Fault{"'" + kernel.name + "' has more than " + std::to_string(maxInstructions) +
                        " instructions with all its calls expanded",
                    statement.line};
    }
    scopes.resize(base);
    for (auto &use : labels.uses) {
      auto place = labels.places.find(use.second);
      if (place == labels.places.end())
        throw Fault{"there is no label '" + use.second + "'", program.code[use.first].line};
      program.code[use.first].target = place->second;
    }
    for (uint32_t place : returns)
      program.code[place].target = static_cast<uint32_t>(program.code.size());
  }

  void registers(const Statement &statement) {
    Place place;
    place.kind = Place::Register;
    place.type = {statement.type == "pred" ? 'p' : statement.type[0],
                  static_cast<uint8_t>(bytesOfType(statement.type))};
    for (int64_t i = 0; i < std::max<int64_t>(statement.count, 1); ++i) {
      if (statement.count == 0)
        break;
      place.reg = newRegister();
      declare(statement.count < 0 ? statement.name : statement.name + std::to_string(i), place, statement.line);
    }
  }

  void instruction(const Statement &statement, Labels &labels, std::vector<uint32_t> &returns, int depth) {
    Builder builder(statement, *this);
    if (!statement.guard.empty()) {
      Place guard = find(statement.guard);
      if (guard.kind != Place::Register || guard.type.kind != 'p')
        builder.fail("has the guard '" + statement.guard + "', which is no predicate");
      builder.out.guard = guard.reg;
      builder.out.guardInverted = statement.guardInverted;
    }
    const std::string &name = builder.mnemonic;
    uint32_t place = static_cast<uint32_t>(program.code.size());
    if (name == "bra") {
      builder.out.kind = builder.take("uni") ? Instruction::Uniform : Instruction::Branch;
      builder.expectOperands(1);
      labels.uses.push_back({place, builder.operand(0).name});
    } else if (name == "ret" || name == "exit") {
      bool leaves = name == "exit" || depth == 0;
      builder.out.kind = leaves ? Instruction::Exit : Instruction::Branch;
      if (builder.take("uni") && !leaves)
        builder.out.kind = Instruction::Uniform;
      builder.expectOperands(0);
      if (!leaves)
        returns.push_back(place);
    } else if (name == "call") {
      call(builder, depth);
      return;
    } else {
      using Family = bool (*)(Builder &);
      static const Family families[] = {buildInteger,   buildBits,    buildFloat,     buildCompare,
                                        buildMove,      buildConvert, buildLoadStore, buildAtomic,
                                        buildAsyncCopy, buildWarp,    buildMatrix};
      if (std::none_of(std::begin(families), std::end(families), [&](Family family) { return family(builder); }))
        builder.fail("is not known to this machine");
    }
    builder.done();
    program.code.push_back(builder.out);
  }

  /// A call becomes the body of the function, with the parameters' memory of the caller as its own.
  void call(Builder &builder, int depth) {
    bool uniform = builder.take("uni");
    builder.done();
    builder.expectOperands(1, 3);
    size_t results = builder.operand(0).kind == Operand::Vector ? 1 : 0;
    const std::string &name = builder.operand(results).name;
    if (builder.operand(results).kind != Operand::Name)
      builder.fail("expects the name of a function");
    auto callee = std::find_if(syntax.functions.begin(), syntax.functions.end(),
                               [&](const Function &function) { return function.name == name; });
    if (callee == syntax.functions.end() || callee->isEntry)
      builder.fail("calls '" + name + "', which is no function of this module");
    if (!callee->hasBody)
      builder.fail("calls '" + name + "', which has no body here");
    if (depth >= 32)
      builder.fail("calls '" + name + "' in 32 calls that are not finished: recursion is not known");
    Scope inner;
    auto bind = [&](const std::vector<Variable> &formal, const std::vector<Operand> &actual) {
      if (formal.size() != actual.size())
        builder.fail("gives '" + name + "' " + std::to_string(actual.size()) + " values for " +
                     std::to_string(formal.size()));
      for (size_t i = 0; i < formal.size(); ++i) {
        Place place = find(actual[i].name);
        if (actual[i].kind != Operand::Name || place.kind != Place::Address || place.space != "call" ||
            place.bytes != formal[i].bytes())
          builder.fail("gives '" + name + "' as '" + formal[i].name + "' what is no .param of its size");
        inner[formal[i].name] = place;
      }
    };
    static const std::vector<Operand> none;
    bind(callee->results, results ? builder.operand(0).parts : none);
    bind(callee->parameters, builder.count() > results + 1 ? builder.operand(results + 1).parts : none);
    // A guarded call is jumped over by the lanes whose guard does not hold.
    uint32_t jump = static_cast<uint32_t>(program.code.size());
    if (builder.out.guard) {
      builder.out.kind = uniform ? Instruction::Uniform : Instruction::Branch;
      builder.out.guardInverted = !builder.out.guardInverted;
      program.code.push_back(builder.out);
    }
    size_t savedBase = scopeBase;
    scopeBase = scopes.size();
    scopes.push_back(inner);
    functionBody(*callee, depth + 1);
    scopes.pop_back();
    scopeBase = savedBase;
    if (builder.out.guard)
      program.code[jump].target = static_cast<uint32_t>(program.code.size());
  }

  const Syntax &syntax;
  const Function &kernel;
  const std::map<std::string, uint64_t> &globals;
  const uint32_t dynamicBase;
  Program program;
  std::vector<Scope> scopes;
  /// A function sees its own scopes only.
  size_t scopeBase = 0;
  std::map<uint64_t, Reg> constants;
  std::map<std::string, Reg> specials;
  std::map<std::string, Place> moduleShared;
  std::map<const Variable *, Place> functionShared;
  Reg nextReg = 0, sinkReg = 0;
  uint32_t sharedEnd = firstAddress, localEnd = firstAddress, callEnd = 0, localBytes = 0;
};
} // namespace

Program n2uq::ptx::decode(const Syntax &syntax, const Function &kernel,
                          const std::map<std::string, uint64_t> &globals) {
  uint32_t dynamicBase = Decoder(syntax, kernel, globals, 0).run().dynamicSharedBase;
  return Decoder(syntax, kernel, globals, dynamicBase).run();
}
