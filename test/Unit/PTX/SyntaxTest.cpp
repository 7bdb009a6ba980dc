// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is not known is refused when the module is loaded, with its line; and launches that do not fit their kernel.
#include "Kernel.h"

using namespace n2uq::ptx;

static std::string load(const std::string &text) {
  Device device;
  Module *module;
  return device.load("k.ptx", text, module);
}

TEST(Syntax, UnknownInstructionsAndModifiersAreNamed) {
  struct Case {
    const char *body, *sentence;
  };
  for (const Case &test : {
           Case{"wgmma.fence.sync.aligned;", "k.ptx:11: 'wgmma.fence.sync.aligned' is not known to this machine"},
           Case{"add.f32 %r1, %r1, %r1;", "is known with .rn only: without it the assembler may contract it"},
           Case{"mul.rn.ftz.f32 %r1, %r1, %r1;", "has '.ftz', which is not known there"},
           Case{"ex2.approx.f32 %r1, %r1;", "is not known to this machine"},
           Case{"add.s32.foo %r1, %r1, %r1;", "is not known"},
           Case{"add.s32 %r1, %r1;", "expects 3 operands, but has 2"},
           Case{"add.s32 %rd1, %r1, %r1;", "has '%rd1' of type .b64 for an operand of type .s32"},
           Case{"add.s32 %r1, %r99, %r1;", "names '%r99', which is not declared"},
           Case{"add.s32 %r1, %p1, %r1;", "has '%p1' of type .pred for an operand of type .s32"},
           Case{"add.s32 5, %r1, %r1;", "expects a register for its result"},
           Case{"mov.u32 %tid.x, %r1;", "expects a register for its result"},
           Case{"add.s16 %rs1, %rs1, 70000;", "has an immediate that is no value of type .s16"},
           Case{"mov.u32 %r1, %clock;", "names '%clock', which is not declared"},
           Case{"bra NOWHERE;", "there is no label 'NOWHERE'"},
           Case{"call.uni f, ();", "calls 'f', which is no function of this module"},
           Case{"@%r1 bra L; L:", "has the guard '%r1', which is no predicate"},
           Case{"mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%r1,%r2,%r3}, {%r1,%r2,%r3,%r4}, {%r1,%r2}, "
                "{%r1,%r2,%r3,%r4};",
                "expects {4 registers} as operand 0"},
           Case{"mma.sync.aligned.m16n8k16.row.col.s32.u4.s4.s32 {%r1,%r2,%r3,%r4}, {%r1,%r2}, {%r1}, "
                "{%r1,%r2,%r3,%r4};",
                "has a shape that is not known for its elements"},
           Case{"cp.async.cg.shared.global [%rd1], [%rd2], 8;", "with .cg copies 16 bytes only"},
           Case{"st.param.b32 [a], %r1;", "writes to memory that is constant"},
           Case{"ld.global.b32 %r1, [a];", "reaches 'a', which is in .param memory"},
           Case{"cvt.f32.s32 %r1, %r2;", "is known with .rn only"},
           Case{"cvt.rn.f16.f32 %rs1, %r2;", "is not known"},
           Case{".local .align 4 .b8 l[600000];", "is larger than the local memory of a thread"},
           Case{".shared .align 4 .b8 s[300000]; mov.b64 %rd1, s;", "is larger than shared memory"},
       }) {
    std::string sentence = load(Kernel{test.body}.text());
    EXPECT_NE(sentence.find(test.sentence), std::string::npos) << test.body << "\ngot: " << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos);
  }
}

TEST(Syntax, DamagedText) {
  EXPECT_NE(load(""), "");
  EXPECT_NE(load("\x01"), "");
  EXPECT_NE(load("\"abc"), "");
  EXPECT_NE(load("/* abc"), "");
  EXPECT_NE(load(".global .b8 g[99999999999];"), "");
  EXPECT_NE(load(".target sm_80 .global .b8 g[4] = {1,2,3,4,5};"), "");
  // Cut anywhere, or with a byte changed: a sentence or a module, never more.
  std::string text =
      Kernel{"call.uni (r), f, (x); { .reg .b32 q; } L: @!%p1 bra L; st.global.v2.b32 [%rd1+4], {%r1, _};"}.text();
  for (size_t i = 0; i < text.size(); ++i) {
    load(text.substr(0, i));
    for (char c : {'\0', ';', '{', '[', '9', '%', '.'}) {
      std::string changed = text;
      changed[i] = c;
      load(changed);
    }
  }
}

TEST(Syntax, RecursionIsRefused) {
  Kernel kernel{"call.uni f, ();"};
  kernel.moduleText = ".func f() { call.uni f, (); ret; }\n";
  EXPECT_NE(load(kernel.text()).find("recursion is not known"), std::string::npos);
}

TEST(Launch, MustFitItsKernel) {
  Device device;
  Module *module;
  ASSERT_EQ(
      device.load("k.ptx",
                  ".version 7.5 .target sm_80 .address_size 64\n.visible .entry k(.param .u32 n) .reqntid 64, 1, 1 "
                  "{ .shared .align 4 .b8 s[40000]; st.shared.b8 [s], 1; ret; }",
                  module),
      "");
  auto launch = [&](Launch shape, std::vector<std::vector<uint8_t>> parameters) {
    return device.launch(*module, "k", shape, parameters);
  };
  Launch good;
  good.block.x = 64;
  EXPECT_NE(launch(good, {}).find("launched with 0 parameters, but has 1"), std::string::npos);
  EXPECT_NE(launch(good, {bytesOf(uint64_t(1))}).find("8 bytes for 'n' of 4"), std::string::npos);
  Launch wrong = good;
  wrong.block.x = 32;
  EXPECT_NE(launch(wrong, {bytesOf(1)}).find(".reqntid"), std::string::npos);
  wrong = good;
  wrong.dynamicShared = 200000;
  EXPECT_NE(launch(wrong, {bytesOf(1)}).find("more shared memory"), std::string::npos);
  wrong = good;
  wrong.grid.y = 65536;
  EXPECT_NE(launch(wrong, {bytesOf(1)}).find("no grid of CUDA"), std::string::npos);
  EXPECT_NE(device.launch(*module, "z", good, {}).find("there is no kernel 'z'"), std::string::npos);
  EXPECT_EQ(Device::kernels(*module)[0].sharedBytes, 40000u);
}
