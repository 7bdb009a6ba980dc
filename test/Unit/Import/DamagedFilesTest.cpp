// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every truncation and every flipped bit of a model: each import ends in a module or in one error, never in a crash.
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Export/Onnx.h"
#include "n2uq/Import/Onnx.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;

static const char source[] = R"mlir(
func.func @main(%input: tensor<?x2x4x4xf32>) -> tensor<?x2xf32> {
  %0 = n2uq.to_nhwc %input : tensor<?x2x4x4xf32> -> tensor<?x4x4x2xf32>
  %w = arith.constant dense<1.5> : tensor<2x1x1x2xf32>
  %1 = n2uq.float_conv2d %0, %w padding = [1, 0, 0, 1] : tensor<?x4x4x2xf32>, tensor<2x1x1x2xf32> -> tensor<?x5x5x2xf32>
  %s = arith.constant dense<[1.5, -2.0]> : tensor<2xf32>
  %2 = n2uq.affine %1 scale(%s : tensor<2xf32>) offset(%s : tensor<2xf32>) : tensor<?x5x5x2xf32> -> tensor<?x5x5x2xf32>
  %3 = n2uq.clamp %2 min = 0.0 max = 6.0 : tensor<?x5x5x2xf32>
  %4 = n2uq.max_pool %3 kernel = [2, 2] strides = [2, 2] padding = [0, 1, 1, 0] : tensor<?x5x5x2xf32> -> tensor<?x3x3x2xf32>
  %5 = n2uq.prelu %4, %s : tensor<?x3x3x2xf32>, tensor<2xf32>
  %t = arith.constant dense<[[0.5, 1.5, 2.5]]> : tensor<1x3xf32>
  %q = n2uq.quantize %5, %t nan_is_top : tensor<?x3x3x2xf32>, tensor<1x3xf32> -> tensor<?x3x3x2xui2>
  %k = arith.constant dense<[[[[1, -3]]], [[[3, -1]]]]> : tensor<2x1x1x2xi8>
  %acc = n2uq.conv2d %q, %k : tensor<?x3x3x2xui2>, tensor<2x1x1x2xi8> -> tensor<?x3x3x2xi32>
  %6 = n2uq.affine %acc scale(%s : tensor<2xf32>) : tensor<?x3x3x2xi32> -> tensor<?x3x3x2xf32>
  %7 = n2uq.add %6, %5 : tensor<?x3x3x2xf32>
  %8 = n2uq.avg_pool %7 kernel = [3, 3] : tensor<?x3x3x2xf32> -> tensor<?x1x1x2xf32>
  %9 = n2uq.flatten %8 : tensor<?x1x1x2xf32> -> tensor<?x2xf32>
  %fc = arith.constant dense<0.5> : tensor<2x2xf32>
  %10 = n2uq.fully_connected %9, %fc : tensor<?x2xf32>, tensor<2x2xf32> -> tensor<?x2xf32>
  return %10 : tensor<?x2xf32>
}
)mlir";

namespace {
class DamagedFiles : public ::testing::Test {
protected:
  void SetUp() override {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    context.loadDialect<n2uq::N2UQDialect, arith::ArithDialect, func::FuncDialect>();
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
    ASSERT_TRUE(module);
    ASSERT_EQ(n2uq::exportOnnx(*module, bytes), "");
    ASSERT_TRUE(imports(bytes));
  }

  /// Whether the import succeeds. A failure has an error of one line, or a list whose items are indented.
  bool imports(const std::string &file) {
    // A context of its own now and then: it keeps every name that it has seen.
    if (++count % 1000 == 1) {
      context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
      context->getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
        EXPECT_NE(diagnostic.getSeverity(), DiagnosticSeverity::Error) << diagnostic.str();
      });
    }
    std::string error;
    bool succeeded = static_cast<bool>(n2uq::importOnnx(file, "model", *context, error));
    EXPECT_EQ(succeeded, error.empty()) << error;
    for (size_t at = error.find('\n'); at != std::string::npos; at = error.find('\n', at + 1))
      EXPECT_EQ(error.substr(at, 3), "\n  ") << error;
    return succeeded;
  }

  std::string bytes;
  std::unique_ptr<MLIRContext> context;
  int count = 0;
};
} // namespace

TEST_F(DamagedFiles, EveryTruncation) {
  // The last field names the version of QONNX's domain, which import does not ask for.
  size_t needed = bytes.rfind("qonnx.custom_op.general");
  for (size_t size = 0; size + 4 < needed; ++size)
    EXPECT_FALSE(imports(bytes.substr(0, size))) << size << " bytes of " << bytes.size();
}

TEST_F(DamagedFiles, EveryFlippedBit) {
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= 1 << bit % 8;
    imports(damaged);
  }
}

TEST_F(DamagedFiles, ExtremesAndBlocks) {
  constexpr unsigned seed = 3;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto below = [&](size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random); };
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = bytes;
    for (int times = 1 + below(3); times > 0; --times) {
      size_t at = below(damaged.size()), size = std::min(damaged.size() - at, 1 + below(40));
      switch (below(4)) {
      case 0:
        damaged.replace(at, size, std::string(size, '\xff'));
        break;
      case 1:
        damaged.replace(at, size, std::string(size, '\x00'));
        break;
      case 2:
        damaged.insert(below(damaged.size()), damaged.substr(at, size));
        break;
      default:
        damaged.erase(at, std::min(size, damaged.size() - 1));
      }
    }
    imports(damaged);
  }
}
