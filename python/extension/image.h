// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_PYTHON_EXTENSION_IMAGE_H
#define N2UQ_PYTHON_EXTENSION_IMAGE_H

#include "common.h"

namespace n2uq::python {

/// Adds the functions of n2uq/image.h to the module.
void defineImages(nb::module_ &module);

} // namespace n2uq::python

#endif // N2UQ_PYTHON_EXTENSION_IMAGE_H
