// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LinearForms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace n2uq {

namespace {
/// Sums of multiples of vectors; additions of the same multiple are left to CSE.
class Sums {
public:
  Sums(ImplicitLocOpBuilder &b, Type type) : b(b), type(type) {}

  Value constant(int64_t number) {
    auto element = cast<IntegerType>(getElementTypeOrSelf(type));
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<ShapedType>(type), APInt(element.getWidth(), number, /*isSigned=*/true,
                                                                /*implicitTrunc=*/true)));
  }

  /// factor * value for a positive factor.
  Value multiple(Value value, int64_t factor) {
    Value sum;
    for (int64_t bit = 0; factor >> bit; ++bit) {
      if (!(factor >> bit & 1))
        continue;
      Value term = bit ? arith::ShLIOp::create(b, value, constant(bit)).getResult() : value;
      sum = sum ? arith::AddIOp::create(b, sum, term).getResult() : term;
    }
    return sum;
  }

  /// The sum of coefficients times values; null where all coefficients are 0. Positive terms first, so that nothing has
  /// to be negated.
  Value sum(ArrayRef<int64_t> coefficients, ValueRange values) {
    Value result;
    for (auto [coefficient, value] : llvm::zip_equal(coefficients, values))
      if (coefficient > 0)
        result = plus(result, multiple(value, coefficient));
    for (auto [coefficient, value] : llvm::zip_equal(coefficients, values))
      if (coefficient < 0)
        result = minus(result, multiple(value, -coefficient));
    return result;
  }

  Value plus(Value x, Value y) {
    if (!x || !y)
      return x ? x : y;
    return arith::AddIOp::create(b, x, y);
  }
  Value minus(Value x, Value y) {
    if (!y)
      return x;
    return arith::SubIOp::create(b, x ? x : constant(0), y);
  }

private:
  ImplicitLocOpBuilder &b;
  Type type;
};
} // namespace

/// Splits rows that agree in absolute values into what has the same sign in both and what has not; false where they do
/// not agree, or where one part is empty.
static bool splitBySign(ArrayRef<int64_t> x, ArrayRef<int64_t> y, SmallVectorImpl<int64_t> &same,
                        SmallVectorImpl<int64_t> &opposite) {
  same.assign(x.size(), 0);
  opposite.assign(x.size(), 0);
  bool anySame = false, anyOpposite = false;
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(x, y))) {
    auto [a, b] = pair;
    if (std::abs(a) != std::abs(b))
      return false;
    if (a == 0)
      continue;
    (a == b ? same : opposite)[i] = a;
    (a == b ? anySame : anyOpposite) = true;
  }
  return anySame && anyOpposite;
}

SmallVector<Value> emitProduct(ImplicitLocOpBuilder &b, const IntMatrix &matrix, ValueRange inputs) {
  Sums sums(b, inputs.front().getType());
  SmallVector<Value> results(matrix.size());
  SmallVector<int64_t> same, opposite;
  for (size_t i = 0; i < matrix.size(); ++i) {
    for (size_t j = i + 1; j < matrix.size() && !results[i]; ++j)
      if (!results[j] && splitBySign(matrix[i], matrix[j], same, opposite)) {
        Value x = sums.sum(same, inputs), y = sums.sum(opposite, inputs);
        results[i] = sums.plus(x, y);
        results[j] = sums.minus(x, y);
      }
    if (!results[i])
      results[i] = sums.sum(matrix[i], inputs);
    if (!results[i])
      results[i] = sums.constant(0);
  }
  return results;
}

/// The inverse of an odd number modulo 2^64: each step of Newton's iteration doubles the bits that are right.
static uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int step = 0; step < 6; ++step)
    x *= 2 - odd * x;
  return x;
}

SmallVector<Value> emitExactQuotient(ImplicitLocOpBuilder &b, const IntMatrix &matrix, int64_t divisor,
                                     ValueRange inputs) {
  Sums sums(b, inputs.front().getType());
  SmallVector<SmallVector<int64_t>> columns;
  SmallVector<Value> values;
  SmallVector<int64_t> same, opposite;
  std::vector<bool> done(inputs.size(), false);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (done[i])
      continue;
    auto column = [&](size_t k) {
      SmallVector<int64_t> entries;
      for (const std::vector<int64_t> &row : matrix)
        entries.push_back(row[k]);
      return entries;
    };
    SmallVector<int64_t> entries = column(i);
    bool paired = false;
    for (size_t j = i + 1; j < inputs.size() && !paired; ++j)
      if (!done[j] && splitBySign(entries, column(j), same, opposite)) {
        columns.push_back(same);
        values.push_back(sums.plus(inputs[i], inputs[j]));
        columns.push_back(opposite);
        values.push_back(sums.minus(inputs[i], inputs[j]));
        done[j] = paired = true;
      }
    if (!paired) {
      columns.push_back(entries);
      values.push_back(inputs[i]);
    }
  }
  for (auto [column, value] : llvm::zip_equal(columns, values)) {
    if (llvm::all_of(column, [&](int64_t entry) { return entry % divisor == 0; })) {
      for (int64_t &entry : column)
        entry /= divisor;
      continue;
    }
    value = arith::MulIOp::create(b, value, sums.constant(static_cast<int64_t>(inverse(divisor))));
  }
  IntMatrix rows(matrix.size());
  for (auto [i, row] : llvm::enumerate(rows))
    for (const SmallVector<int64_t> &column : columns)
      row.push_back(column[i]);
  SmallVector<Value> results;
  for (const std::vector<int64_t> &row : rows) {
    Value sum = sums.sum(row, values);
    results.push_back(sum ? sum : sums.constant(0));
  }
  return results;
}

} // namespace n2uq
