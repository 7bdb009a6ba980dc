// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef N2UQ_TEST_PTX_DECODER_H
#define N2UQ_TEST_PTX_DECODER_H

#include "Program.h"
#include "Syntax.h"

#include <map>

namespace n2uq::ptx {

/// Makes a kernel ready to be executed. `globals` are the addresses of the module's variables in device memory. Throws
/// a Fault that names the instruction which is not known.
Program decode(const Syntax &syntax, const Function &kernel, const std::map<std::string, uint64_t> &globals);

} // namespace n2uq::ptx

#endif // N2UQ_TEST_PTX_DECODER_H
