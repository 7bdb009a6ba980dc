// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrueWidth.h"

#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Strategy/Layout.h"

#include "llvm/ADT/bit.h"
#include <algorithm>

using namespace mlir;

namespace n2uq {

TrueWidth trueWidthOf(ArrayRef<int8_t> numbers) {
  TrueWidth width;
  if (numbers.empty())
    return width;
  auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  width.low = *least;
  unsigned differences = 0;
  for (int8_t number : numbers)
    differences |= number - width.low;
  if (differences == 0)
    return width;
  width.shift = llvm::countr_zero(differences);
  width.bits = llvm::bit_width(static_cast<unsigned>(width.indexOf(*most)));
  return width;
}

std::optional<int64_t> trueWidthBytes(Operation *root) {
  auto conv = dyn_cast_or_null<Conv2DOp>(root);
  std::optional<std::vector<int8_t>> filter = conv ? constantBytes(conv.getFilter()) : std::nullopt;
  if (!filter)
    return std::nullopt;
  return ceilDiv(filter->size() * trueWidthOf(*filter).bits, 8);
}

} // namespace n2uq
