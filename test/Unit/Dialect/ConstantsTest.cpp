// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace n2uq;

namespace {

class Constants : public ::testing::Test {
protected:
  Constants() : builder(&context) {
    context.loadDialect<N2UQDialect, arith::ArithDialect>();
    module = ModuleOp::create(builder.getUnknownLoc());
    builder.setInsertionPointToEnd(module->getBody());
  }

  Value constant(TypedAttr attribute) { return arith::ConstantOp::create(builder, builder.getUnknownLoc(), attribute); }
  Value blob(Type element, ArrayRef<int64_t> shape, ArrayRef<char> bytes) {
    return constant(DenseResourceElementsAttr::get(RankedTensorType::get(shape, element), "blob",
                                                   HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 1)));
  }

  MLIRContext context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
};

TEST_F(Constants, SmallOnesAreInlineAndComeBack) {
  std::vector<int8_t> bytes = {-128, -1, 0, 127};
  Value value = createBytes(builder, builder.getUnknownLoc(), {2, 2}, bytes);
  EXPECT_TRUE(isa<DenseElementsAttr>(value.getDefiningOp<arith::ConstantOp>().getValue()));
  EXPECT_EQ(constantBytes(value), bytes);
}

TEST_F(Constants, LargeOnesAreBlobsAndComeBack) {
  std::vector<float> floats(1000);
  for (size_t i = 0; i < floats.size(); ++i)
    floats[i] = static_cast<float>(i) / 3;
  Value value = createFloats(builder, builder.getUnknownLoc(), {10, 100}, floats);
  EXPECT_TRUE(isa<DenseResourceElementsAttr>(value.getDefiningOp<arith::ConstantOp>().getValue()));
  EXPECT_EQ(constantFloats(value), floats);
}

TEST_F(Constants, SplatIsExpanded) {
  auto type = RankedTensorType::get({3}, builder.getI32Type());
  EXPECT_EQ(constantInts(constant(DenseElementsAttr::get(type, 7))), std::vector<int32_t>({7, 7, 7}));
}

TEST_F(Constants, AnotherElementTypeIsNone) {
  Value value = createInts(builder, builder.getUnknownLoc(), {2}, {1, 2});
  EXPECT_FALSE(constantFloats(value));
  EXPECT_FALSE(constantBytes(value));
  EXPECT_FALSE(constantFloats(Value()));
}

TEST_F(Constants, BlobOfAnotherSizeIsNone) {
  EXPECT_EQ(constantBytes(blob(builder.getI8Type(), {3}, {1, 2, 3})), std::vector<int8_t>({1, 2, 3}));
  EXPECT_FALSE(constantBytes(blob(builder.getI8Type(), {4}, {1, 2, 3})));
  EXPECT_FALSE(constantInts(blob(builder.getI32Type(), {1}, {1, 2, 3})));
}

TEST_F(Constants, MissingBlobIsNone) {
  auto &manager = DenseResourceElementsHandle::getManagerInterface(&context);
  auto type = RankedTensorType::get({1}, builder.getI8Type());
  auto attribute = DenseResourceElementsAttr::get(type, manager.insert("never_filled"));
  EXPECT_FALSE(hasSoundBlob(attribute));
  EXPECT_FALSE(constantBytes(constant(attribute)));
}

} // namespace
