// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Window.h"

#include "gtest/gtest.h"

using n2uq::Window;

/// All windows with small numbers on an image of a small extent, against taps counted one by one.
TEST(Window, TapsAndExtentsAgreeWithCountingOneByOne) {
  for (int64_t input = 1; input <= 9; ++input)
    for (int64_t kernel = 1; kernel <= 4; ++kernel)
      for (int64_t stride = 1; stride <= 3; ++stride)
        for (int64_t dilation = 1; dilation <= 3; ++dilation)
          for (int64_t before = 0; before <= 3; ++before)
            for (int64_t after = 0; after <= 3; ++after) {
              Window window;
              window.kernel[1] = kernel;
              window.strides[1] = stride;
              window.dilations[1] = dilation;
              window.before[1] = before;
              window.after[1] = after;
              int64_t expected = 0;
              for (int64_t start = -before; start + (kernel - 1) * dilation < input + after; start += stride)
                ++expected;
              auto extent = window.outputExtent(1, input);
              ASSERT_EQ(extent.value_or(0), expected);
              for (int64_t out = 0; out < expected; ++out) {
                auto [first, last] = window.taps(1, out, input);
                for (int64_t tap = 0; tap < kernel; ++tap) {
                  int64_t place = out * stride - before + tap * dilation;
                  bool inside = place >= 0 && place < input;
                  ASSERT_EQ(inside, first <= tap && tap < last)
                      << "input " << input << ", kernel " << kernel << ", stride " << stride << ", dilation "
                      << dilation << ", before " << before << ", output " << out << ", tap " << tap;
                }
              }
            }
}

TEST(Window, BorderClassesAreRunsOfEqualTaps) {
  Window window; // ResNet's stem
  window.kernel[0] = 7;
  window.strides[0] = 2;
  window.before[0] = window.after[0] = 3;
  EXPECT_EQ(window.borderClasses(0, 224, 112), (std::vector<int64_t>{0, 1, 2, 111}));
  EXPECT_EQ(window.borderClasses(0, 1, 1), (std::vector<int64_t>{0}));
  // No padding: one class. A window larger than the image: every row sees other taps.
  window.before[0] = window.after[0] = 0;
  EXPECT_EQ(window.borderClasses(0, 224, 109), (std::vector<int64_t>{0}));
  window.strides[0] = 1;
  window.before[0] = window.after[0] = 6;
  EXPECT_EQ(window.borderClasses(0, 2, 8), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Window, DoesNotFit) {
  Window window;
  window.kernel[0] = 3;
  EXPECT_FALSE(window.outputExtent(0, 2).has_value());
  EXPECT_EQ(window.outputExtent(0, 3), 1);
}
