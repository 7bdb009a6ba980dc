// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random networks before and after the simplify phase, both interpreted by the reference: every quantizer's codes and
// the results are equal, bit for bit. N2UQ_TEST_SEED sets the seed, which is printed where a test fails.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Reference/Interpreter.h"
#include "n2uq/Transforms/Passes.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>

using namespace mlir;
using namespace n2uq;

namespace {

uint64_t seed() {
  const char *given = std::getenv("N2UQ_TEST_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 20260101;
}

/// Writes one network: image -> quantizer -> convolution -> tail -> [pool -> tail] -> one or two quantizers ->
/// convolution
/// -> residual add -> RPReLU -> quantizer.
class NetworkWriter {
public:
  NetworkWriter(MLIRContext &context, uint64_t seed) : engine(seed), builder(&context) { wild = chance(0.3); }

  OwningOpRef<ModuleOp> write() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
    int64_t in = integer(1, 4), extent = integer(1, 7);
    channels = integer(1, 6);
    auto imageType = RankedTensorType::get({ShapedType::kDynamic, in, extent, extent}, builder.getF32Type());
    builder.setInsertionPointToStart(module->getBody());
    auto function =
        func::FuncOp::create(builder, named("main"), "main", builder.getFunctionType({imageType}, {imageType}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    auto nhwc = RankedTensorType::get({ShapedType::kDynamic, extent, extent, in}, builder.getF32Type());
    Value image = ToNHWCOp::create(builder, named("image"), nhwc, function.getArgument(0));

    Value acc = convolution(quantizer(image, "quan0"), "conv1");
    Value x = tail(acc, integer(1, 4));
    Value leaving = x;
    if (chance(0.5)) {
      x = leaving = pool(x);
      x = tail(x, integer(0, 3));
    }
    Value codes = quantizer(x, "quan1");
    std::vector<Value> results;
    if (chance(0.3)) // a second quantizer, of the same floats or of others made of them
      results.push_back(AffineOp::create(builder, named("value2"), typeLike(x, builder.getF32Type()),
                                         quantizer(chance(0.5) ? x : tail(leaving, integer(1, 2)), "quan2"), Value(),
                                         Value()));
    if (chance(0.2)) // floats that leave
      results.push_back(leaving);

    Value second = convolution(codes, "conv2");
    Value y = tail(second, 1);
    Value sum = AddOp::create(builder, named("add"), y.getType(), y, tail(second, 2));
    Value last = quantizer(tail(sum, integer(1, 4)), "quan3");
    results.push_back(
        AffineOp::create(builder, named("value3"), typeLike(last, builder.getF32Type()), last, Value(), Value()));
    results.push_back(sum);
    func::ReturnOp::create(builder, named("return"), results);
    function.setFunctionType(builder.getFunctionType({imageType}, ValueRange(results).getTypes()));
    return module;
  }

  /// Two images: ordinary numbers with a few that are none.
  Array image(RankedTensorType type) {
    std::vector<int64_t> shape(type.getShape());
    shape[0] = 2;
    std::vector<float> data(shape[0] * shape[1] * shape[2] * shape[3]);
    for (float &x : data)
      x = chance(0.05) ? edge() : normal(1.0f);
    return Array(shape, data);
  }

private:
  int64_t integer(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(engine); }
  bool chance(double p) { return std::bernoulli_distribution(p)(engine); }
  float normal(float deviation) { return std::normal_distribution<float>(0.0f, deviation)(engine); }
  float edge() {
    constexpr float inf = std::numeric_limits<float>::infinity();
    static const float edges[] = {0.0f, -0.0f, 1.0f, -1.0f, 3e38f, -3e38f, inf, -inf, std::nanf(""), 1e-45f, 0.5f};
    return edges[integer(0, std::size(edges) - 1)];
  }
  float number(float deviation) { return wild && chance(0.3) ? edge() : normal(deviation); }

  Location named(StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }
  Location anonymous() { return named("op" + std::to_string(count++)); }

  RankedTensorType typeLike(Value value, Type element) {
    return RankedTensorType::get(cast<RankedTensorType>(value.getType()).getShape(), element);
  }

  /// One number per channel, or one for all. Scales near one magnitude in most networks have one sign per channel or
  /// for all.
  Value perChannel(Value x, llvm::function_ref<float()> draw) {
    int64_t size = chance(0.3) ? 1 : channelsOf(x);
    std::vector<float> numbers(size);
    for (float &number : numbers)
      number = draw();
    return createFloats(builder, anonymous(), {size}, numbers);
  }

  Value scale(Value x, float magnitude) {
    bool positive = chance(0.4);
    return perChannel(x, [&] {
      float s = chance(0.05) ? 0.0f : magnitude * number(1.0f);
      return positive ? std::abs(s) : s;
    });
  }

  /// Behind an accumulator the first op is an affine that brings it to ordinary size.
  Value tail(Value x, int64_t steps) {
    bool isInteger = getElementTypeOrSelf(x).isSignlessInteger(32);
    auto type = typeLike(x, builder.getF32Type());
    for (int64_t i = 0; i < steps; ++i) {
      int64_t kind = isInteger ? 0 : integer(0, 3);
      if (kind <= 1) {
        bool hasScale = isInteger ? chance(0.9) : chance(0.6);
        Value s = hasScale ? scale(x, isInteger ? 0.1f : 1.0f) : Value();
        Value o = !hasScale || chance(0.5) ? perChannel(x, [&] { return number(0.5f); }) : Value();
        x = AffineOp::create(builder, anonymous(), type, x, s, o);
      } else if (kind == 2) {
        bool positive = chance(0.5);
        x = PReLUOp::create(builder, anonymous(), type, x, perChannel(x, [&] {
                              float p = chance(0.2) ? 0.0f : number(0.5f);
                              return positive ? std::abs(p) : p;
                            }));
      } else {
        float min = chance(0.5) ? 0.0f : -1.0f;
        float max = chance(0.3) ? std::numeric_limits<float>::infinity() : 2.0f;
        x = ClampOp::create(builder, anonymous(), type, x, llvm::APFloat(min), llvm::APFloat(max));
      }
      isInteger = false;
    }
    return x;
  }

  Value pool(Value x) {
    auto shape = cast<RankedTensorType>(x.getType()).getShape();
    int64_t kernel = std::min<int64_t>(shape[1], integer(1, 3)), pad = kernel == 3 ? 1 : 0, stride = integer(1, 2);
    int64_t extent = (shape[1] + 2 * pad - kernel) / stride + 1;
    auto type = RankedTensorType::get({shape[0], extent, extent, shape[3]}, builder.getF32Type());
    return MaxPoolOp::create(builder, named("pool"), type, x, ArrayRef<int64_t>{kernel, kernel},
                             ArrayRef<int64_t>{stride, stride}, ArrayRef<int64_t>{pad, pad, pad, pad});
  }

  Value quantizer(Value x, StringRef name) {
    int64_t bits = integer(1, 4), columns = (1 << bits) - 1, rows = chance(0.7) ? 1 : channelsOf(x);
    std::vector<float> thresholds;
    for (int64_t row = 0; row < rows; ++row) {
      float t = normal(0.5f);
      for (int64_t k = 0; k < columns; ++k) {
        thresholds.push_back(wild && chance(0.05) ? edge() : t);
        t += std::abs(normal(1.0f / columns));
      }
    }
    Value constant = createFloats(builder, anonymous(), {rows, columns}, thresholds);
    return QuantizeOp::create(builder, named(name), typeLike(x, builder.getIntegerType(bits, false)), x, constant,
                              chance(0.3));
  }

  Value convolution(Value codes, StringRef name) {
    auto shape = cast<RankedTensorType>(codes.getType()).getShape();
    int64_t kernel = chance(0.5) ? 3 : 1, pad = kernel / 2, in = shape[3];
    std::vector<int8_t> weights(channels * kernel * kernel * in);
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(chance(0.02) ? -128 : 2 * integer(-2, 1) + 1);
    Value filter = createBytes(builder, anonymous(), {channels, kernel, kernel, in}, weights);
    auto type = RankedTensorType::get({shape[0], shape[1], shape[2], channels}, builder.getI32Type());
    return Conv2DOp::create(builder, named(name), type, codes, filter, ArrayRef<int64_t>{1, 1},
                            ArrayRef<int64_t>{pad, pad, pad, pad}, ArrayRef<int64_t>{1, 1}, 1);
  }

  std::mt19937_64 engine;
  OpBuilder builder;
  int64_t channels = 1, count = 0;
  bool wild;
};

struct Outcome {
  std::map<std::string, std::vector<uint8_t>> codes; // by the quantizer's name
  std::vector<Array> results;
};

Outcome interpret(func::FuncOp function, const Array &image) {
  Outcome outcome;
  std::string error;
  std::unique_ptr<Interpreter> interpreter = Interpreter::create(function, error);
  EXPECT_TRUE(interpreter) << error;
  if (!interpreter)
    return outcome;
  interpreter->setThreads(1);
  std::string failure = interpreter->run({image}, outcome.results, [&](OpResult result, const Array &value) {
    if (codeBitsOf(result.getType()))
      outcome.codes[nameOf(result.getOwner()).str()] = std::get<std::vector<uint8_t>>(value.data);
  });
  EXPECT_EQ(failure, "");
  return outcome;
}

/// The bits of a result; every NaN counts as the same, for its sign and payload have no meaning here.
std::vector<uint32_t> bitsOf(const Array &array) {
  std::vector<uint32_t> bits;
  for (float x : std::get<std::vector<float>>(array.data)) {
    uint32_t b = 0x7FC00000;
    if (x == x)
      std::memcpy(&b, &x, sizeof b);
    bits.push_back(b);
  }
  return bits;
}

struct Simplify : ::testing::Test {
  Simplify() : context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<N2UQDialect, arith::ArithDialect, func::FuncDialect>();
  }

  /// Runs `build`'s passes on random networks and compares before with after. Returns how many networks changed.
  int prove(int networks, uint64_t first, llvm::function_ref<void(OpPassManager &)> build,
            llvm::function_ref<void(func::FuncOp)> inspect = {}) {
    int changed = 0;
    for (int i = 0; i < networks; ++i) {
      SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()) + ", network " + std::to_string(i));
      NetworkWriter writer(context, seed() * 1000003 + first + i);
      OwningOpRef<ModuleOp> module = writer.write();
      EXPECT_TRUE(succeeded(verify(*module)));
      auto function = cast<func::FuncOp>(module->getBody()->front());
      Array image = writer.image(cast<RankedTensorType>(function.getArgumentTypes().front()));
      Outcome before = interpret(function, image);
      std::string source;
      llvm::raw_string_ostream(source) << *module;

      PassManager manager(&context);
      build(manager.nest<func::FuncOp>());
      EXPECT_TRUE(succeeded(manager.run(*module)));
      Outcome after = interpret(function, image);
      std::string simplified;
      llvm::raw_string_ostream(simplified) << *module;
      changed += source != simplified;
      if (inspect)
        inspect(function);

      for (const auto &[name, codes] : before.codes)
        EXPECT_TRUE(after.codes.count(name) && after.codes[name] == codes) << "codes of " << name << " in " << source;
      EXPECT_EQ(before.results.size(), after.results.size());
      for (size_t r = 0; r < before.results.size(); ++r)
        EXPECT_EQ(bitsOf(before.results[r]), bitsOf(after.results[r])) << "result " << r << " of " << source;
      if (HasFailure())
        break;
    }
    return changed;
  }

  MLIRContext context;
};

} // namespace

TEST_F(Simplify, SinkMaxPool) {
  EXPECT_GT(prove(600, 0, [](OpPassManager &manager) { manager.addPass(createSinkMaxPoolPass()); }), 30);
}

TEST_F(Simplify, NormalizeSigns) {
  EXPECT_GT(prove(600, 10000, [](OpPassManager &manager) { manager.addPass(createNormalizeSignsPass()); }), 30);
}

TEST_F(Simplify, HoistMaxPool) {
  EXPECT_GT(prove(600, 20000, [](OpPassManager &manager) { manager.addPass(createHoistMaxPoolPass()); }), 30);
}

TEST_F(Simplify, IntegerizeThresholds) {
  EXPECT_GT(prove(600, 30000, [](OpPassManager &manager) { manager.addPass(createIntegerizeThresholdsPass()); }), 250);
}

TEST_F(Simplify, AbsorbFloatTail) {
  EXPECT_GT(prove(600, 40000, [](OpPassManager &manager) { manager.addPass(createAbsorbFloatTailPass()); }), 120);
}

TEST_F(Simplify, WholePhase) {
  int oneSided = 0, twoSided = 0, floatTails = 0, codePools = 0, accumulatorPools = 0, floatPools = 0;
  prove(
      1500, 50000,
      [](OpPassManager &manager) {
        manager.addPass(createCanonicalizerPass());
        manager.addPass(createSinkMaxPoolPass());
        manager.addPass(createNormalizeSignsPass());
        manager.addPass(createHoistMaxPoolPass());
        manager.addPass(createIntegerizeThresholdsPass());
        manager.addPass(createAbsorbFloatTailPass());
        manager.addPass(createCanonicalizerPass());
      },
      [&](func::FuncOp function) {
        function.walk([&](Operation *op) {
          oneSided += isa<ThresholdOp>(op);
          twoSided += isa<TwoSidedThresholdOp>(op);
          floatTails += op->hasAttr(floatTailAttrName);
          if (isa<MaxPoolOp>(op)) {
            Type element = getElementTypeOrSelf(op->getResult(0));
            ++(codeBitsOf(element) ? codePools : element.isF32() ? floatPools : accumulatorPools);
          }
        });
      });
  printf("%d thresholds, %d two-sided, %d float tails; pools of %d codes, %d accumulators, %d floats\n", oneSided,
         twoSided, floatTails, codePools, accumulatorPools, floatPools);
  EXPECT_GT(oneSided, 500);
  EXPECT_GT(twoSided, 100);
  EXPECT_GT(codePools, 50);
  EXPECT_GT(accumulatorPools, 20);
}
