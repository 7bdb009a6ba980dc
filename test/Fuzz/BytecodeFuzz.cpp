// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models in MLIR's bytecode, with their weights in resources. Upstream's reader of it crashes on damaged bytes, loops,
// and asks for all the memory there is; the tools rehearse each reading in a process that may die
// (lib/ModelFile/Rehearsal.h), and so does this target. What it holds to account is all that is ours: nothing of our
// code may die in the reading, and what was read must be sound.
#include "Fuzz.h"

#include "ForkServer.h"
#include "ReadModule.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/ModelFile/ModelFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace n2uq::fuzz;

static ForkServer &server();

/// All numbers of the constants that our ops take.
static void readParameters(Operation *op) {
  if (!isa_and_nonnull<n2uq::N2UQDialect>(op->getDialect()))
    return;
  for (Value operand : op->getOperands()) {
    if (auto floats = n2uq::constantFloats(operand))
      touch(floats->data(), floats->size() * sizeof(float));
    if (auto bytes = n2uq::constantBytes(operand))
      touch(bytes->data(), bytes->size());
    if (auto ints = n2uq::constantInts(operand))
      touch(ints->data(), ints->size() * sizeof(int32_t));
  }
}

static void readModel(const uint8_t *data, size_t size) {
  static DialectRegistry registry;
  static std::unique_ptr<MLIRContext> context;
  static int uses = 0;
  if (uses++ % 200 == 0) {
    n2uq::registerModelDialects(registry);
    context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  }
  std::string problem;
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  OwningOpRef<ModuleOp> module = n2uq::readModule({bytes, "model.mlirbc"}, *context, problem);
  server().setStage(ForkServer::Ours);
  if (!problem.empty()) {
    requireSentence(problem);
    return;
  }
  require(succeeded(verify(*module)), "what was read is sound");
  module->walk(readParameters);
}

static ForkServer &server() {
  static ForkServer theServer(readModel, /*generation=*/5000);
  return theServer;
}

/// Whether a death while upstream's code reads is ours all the same: the sanitizers have seen something in our code.
static bool isOurs(const ForkServer::Outcome &outcome) {
  if (outcome.stage == ForkServer::Ours)
    return true;
  if (outcome.output.find("runtime error:") != std::string::npos)
    return true; // only our code is compiled with that sanitizer
  // The innermost frame that is a library's or ours; the sanitizer's own are neither.
  llvm::StringRef rest = outcome.output;
  for (llvm::StringRef line; !rest.empty();) {
    std::tie(line, rest) = rest.split('\n');
    if (line.ltrim().starts_with("#") && (line.contains(".so") || line.contains("n2uq::")))
      return !line.contains(".so");
  }
  return false;
}

/// How often upstream's reader died, told at the end.
struct Deaths {
  int64_t inputs = 0, deaths = 0;
  ~Deaths() {
    std::fprintf(stderr, "upstream's reader died on %lld of %lld inputs\n", static_cast<long long>(deaths),
                 static_cast<long long>(inputs));
  }
};

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  if (!isBytecode({bytes, "model.mlirbc"}))
    return -1; // text is not meant here
  static Deaths deaths;
  ForkServer::Outcome outcome = server().run(data, size);
  ++deaths.inputs;
  deaths.deaths += outcome.died;
  if (!outcome.died || !isOurs(outcome))
    return 0;
  // Upstream may have corrupted the memory, with this input or one long before: what is ours happens every time.
  for (int i = 0; i < 5 && outcome.died && isOurs(outcome); ++i)
    outcome = server().runFresh(data, size);
  if (outcome.died && isOurs(outcome)) {
    std::fputs(outcome.output.c_str(), stderr);
    require(false, "nothing of ours dies");
  }
  return 0;
}
