// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/AccumulatorRange.h"

#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace n2uq;

namespace {

struct AccumulatorRange : ::testing::Test {
  AccumulatorRange() { context.loadDialect<N2UQDialect, arith::ArithDialect, func::FuncDialect>(); }

  /// The operand of the function's return.
  std::optional<std::vector<AccumulatorBounds>> boundsOf(StringRef source) {
    module = parseSourceString<ModuleOp>(source, &context);
    EXPECT_TRUE(module);
    auto function = cast<func::FuncOp>(module->getBody()->front());
    return accumulatorBoundsOf(function.getBody().front().getTerminator()->getOperand(0));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_F(AccumulatorRange, SumsBySign) {
  auto bounds = boundsOf(R"(
    func.func @f(%codes: tensor<?x4x4x2xui2>) -> tensor<?x4x4x3xi32> {
      %filter = arith.constant dense<[[[[1, -3]]], [[[-128, -1]]], [[[0, 127]]]]> : tensor<3x1x1x2xi8>
      %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<3x1x1x2xi8> -> tensor<?x4x4x3xi32>
      return %acc : tensor<?x4x4x3xi32>
    })");
  ASSERT_TRUE(bounds);
  ASSERT_EQ(bounds->size(), 3u);
  EXPECT_EQ((*bounds)[0].lo, -9);
  EXPECT_EQ((*bounds)[0].hi, 3);
  EXPECT_EQ((*bounds)[1].lo, -387);
  EXPECT_EQ((*bounds)[1].hi, 0);
  EXPECT_EQ((*bounds)[2].lo, 0);
  EXPECT_EQ((*bounds)[2].hi, 381);
  EXPECT_EQ(evaluationsOf(*bounds), 13 + 388 + 382);
}

TEST_F(AccumulatorRange, DepthwisePaddedPooled) {
  auto bounds = boundsOf(R"(
    func.func @f(%codes: tensor<?x4x4x2xui4>) -> tensor<?x2x2x2xi32> {
      %filter = arith.constant dense<-1> : tensor<2x3x3x1xi8>
      %acc = n2uq.conv2d %codes, %filter padding = [1, 1, 1, 1] groups = 2
          : tensor<?x4x4x2xui4>, tensor<2x3x3x1xi8> -> tensor<?x4x4x2xi32>
      %pool = n2uq.max_pool %acc kernel = [2, 2] strides = [2, 2] : tensor<?x4x4x2xi32> -> tensor<?x2x2x2xi32>
      return %pool : tensor<?x2x2x2xi32>
    })");
  ASSERT_TRUE(bounds);
  ASSERT_EQ(bounds->size(), 2u);
  for (const AccumulatorBounds &channel : *bounds) {
    EXPECT_EQ(channel.lo, -135);
    EXPECT_EQ(channel.hi, 0);
  }
}

TEST_F(AccumulatorRange, UnknownWeights) {
  EXPECT_FALSE(boundsOf(R"(
    func.func @f(%codes: tensor<?x4x4x2xui2>, %filter: tensor<3x1x1x2xi8>) -> tensor<?x4x4x3xi32> {
      %acc = n2uq.conv2d %codes, %filter : tensor<?x4x4x2xui2>, tensor<3x1x1x2xi8> -> tensor<?x4x4x3xi32>
      return %acc : tensor<?x4x4x3xi32>
    })"));
}

TEST_F(AccumulatorRange, NoConvolution) {
  EXPECT_FALSE(boundsOf(R"(
    func.func @f(%acc: tensor<?x4x4x3xi32>) -> tensor<?x4x4x3xi32> {
      return %acc : tensor<?x4x4x3xi32>
    })"));
}
