// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images for those who measure and have none.
#ifndef N2UQ_SUPPORT_MADEUPIMAGES_H
#define N2UQ_SUPPORT_MADEUPIMAGES_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace n2uq {

/// So many bytes of ordinary floats between -2 and 2, or of pixels; always the same. Their values change no timing, but
/// denormals, NaN or one number everywhere could.
std::vector<uint8_t> madeUpImages(size_t bytes, bool areFloats);

} // namespace n2uq

#endif // N2UQ_SUPPORT_MADEUPIMAGES_H
