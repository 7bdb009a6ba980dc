// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel of a few lines, run: what the tests of the PTX machine have in common.
#ifndef N2UQ_TEST_UNIT_PTX_KERNEL_H
#define N2UQ_TEST_UNIT_PTX_KERNEL_H

#include "PTX.h"

#include <gtest/gtest.h>

namespace n2uq::ptx {

/// Kernel `k(in, out)` around a body. The body finds the address of its thread's place in the buffers, as many bytes a
/// thread as are asked for, in %in and %out, the buffers' begins in %in0 and %out0, and %tid.x in %t.
struct Kernel {
  Kernel(std::string body = "", uint32_t threads = 32, uint32_t blocks = 1, uint32_t inBytes = 4, uint32_t outBytes = 4)
      : body(std::move(body)), threads(threads), blocks(blocks), inBytes(inBytes), outBytes(outBytes) {}

  std::string body;
  uint32_t threads, blocks, inBytes, outBytes, dynamicShared = 0;
  std::string chip = "sm_80", moduleText;

  std::string text() const {
    return ".version 7.5\n.target " + chip + "\n.address_size 64\n" + moduleText +
           ".visible .entry k(.param .u64 a, .param .u64 b)\n{\n"
           ".reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<33>; .reg .b64 %rd<9>;\n"
           ".reg .b32 %t, %n; .reg .b64 %in, %out, %in0, %out0;\n"
           "mov.u32 %t, %tid.x; mov.u32 %n, %ctaid.x; mad.lo.s32 %n, %n, " +
           std::to_string(threads) +
           ", %t;\nld.param.b64 %in0, [a]; ld.param.b64 %out0, [b];\n"
           "mad.wide.u32 %in, %n, " +
           std::to_string(inBytes) + ", %in0; mad.wide.u32 %out, %n, " + std::to_string(outBytes) + ", %out0;\n" +
           body + "\nret;\n}\n";
  }

  /// Returns the sentence of a failure, from loading to reading `out`, or an empty string.
  template <typename In, typename Out>
  std::string run(const std::vector<In> &in, std::vector<Out> &out) const {
    Device device;
    Module *module;
    std::string error = device.load("k.ptx", text(), module);
    if (!error.empty())
      return error;
    uint64_t from = device.allocate(in.size() * sizeof(In), "in"),
             to = device.allocate(out.size() * sizeof(Out), "out");
    device.write(from, in.data(), in.size() * sizeof(In));
    Launch launch;
    launch.grid.x = blocks;
    launch.block.x = threads;
    launch.dynamicShared = dynamicShared;
    launch.maxInstructions = 1 << 20;
    error = device.launch(*module, "k", launch, {bytesOf(from), bytesOf(to)});
    return error.empty() ? device.read(to, out.data(), out.size() * sizeof(Out)) : error;
  }
  std::string run() const {
    std::vector<uint32_t> in(size_t(threads) * blocks * inBytes / 4), out(size_t(threads) * blocks * outBytes / 4);
    for (size_t i = 0; i < in.size(); ++i)
      in[i] = static_cast<uint32_t>(i);
    return run(in, out);
  }
};

#define EXPECT_FAULT(kernel, part)                                                                                     \
  do {                                                                                                                 \
    std::string sentence = (kernel).run();                                                                             \
    EXPECT_NE(sentence.find(part), std::string::npos) << "got: " << sentence;                                          \
  } while (false)

} // namespace n2uq::ptx

#endif // N2UQ_TEST_UNIT_PTX_KERNEL_H
