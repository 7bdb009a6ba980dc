// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mistakes that kernels make: each is planted once and must be found, and the kernel without it must pass.
#include "Kernel.h"

using namespace n2uq::ptx;

/// Each thread takes what its neighbour put into shared memory.
static std::string exchange(const std::string &between) {
  return ".shared .align 4 .b8 s[128]; mov.b64 %rd1, s; mad.wide.u32 %rd2, %t, 4, %rd1;\n"
         "ld.global.b32 %r1, [%in]; st.shared.b32 [%rd2], %r1;\n" +
         between +
         "xor.b32 %r2, %t, 1; mad.wide.u32 %rd3, %r2, 4, %rd1;\n"
         "ld.shared.b32 %r3, [%rd3]; st.global.b32 [%out], %r3;";
}

TEST(Faults, MissingBarrier) {
  EXPECT_EQ(Kernel{exchange("bar.sync 0;\n")}.run(), "");
  EXPECT_EQ(Kernel{exchange("bar.warp.sync -1;\n")}.run(), "");
  EXPECT_FAULT(Kernel{exchange("")}, "k.ptx:14: 'ld.shared.b32 %r3, [%rd3]' in thread (0, 0, 0) of block (0, 0, 0) "
                                     "reads 4 bytes of shared memory at 0x24, a race: thread 1 wrote byte 0 since the "
                                     "last barrier");
}

/// bar.warp.sync orders the threads of one warp alone. (Warp 0 has read when warp 1 writes.)
TEST(Faults, MissingBarrierBetweenWarps) {
  Kernel kernel{".shared .align 4 .b8 s[256]; mov.b64 %rd1, s; mad.wide.u32 %rd2, %t, 4, %rd1;\n"
                "st.shared.b32 [%rd2], %t; bar.warp.sync -1;\n"
                "xor.b32 %r2, %t, 32; mad.wide.u32 %rd3, %r2, 4, %rd1;\n"
                "ld.shared.b32 %r3, [%rd3]; st.global.b32 [%out], %r3;",
                64};
  EXPECT_FAULT(kernel, "a race: thread 0 read byte 0");
}

/// What was read must not be overwritten before the readers are done.
TEST(Faults, MissingBarrierBehindRead) {
  auto body = [](const std::string &between) {
    return exchange("bar.sync 0;\n") + between + "st.shared.b32 [%rd2], %t;";
  };
  EXPECT_EQ(Kernel{body("bar.sync 0;\n")}.run(), "");
  EXPECT_FAULT(Kernel{body("")}, "a race: thread 1 read byte 0");
}

TEST(Faults, TwoWriters) {
  EXPECT_FAULT(Kernel{".shared .align 4 .b8 s[4]; st.shared.b32 [s], %t;"}, "a race: thread 0 wrote byte 0");
}

TEST(Faults, IndexBehindTheEnd) {
  EXPECT_EQ(Kernel{"ld.global.b32 %r1, [%in]; st.global.b32 [%out], %r1;"}.run(), "");
  EXPECT_FAULT(Kernel{"ld.global.b32 %r1, [%in+4]; st.global.b32 [%out], %r1;"},
               "in thread (31, 0, 0) of block (0, 0, 0) reads 4 bytes that end 4 bytes behind the end of 'in' of 128");
  EXPECT_FAULT(Kernel{"st.global.b32 [%out+4], %t;"}, "writes 4 bytes that end 4 bytes behind the end of 'out'");
  EXPECT_FAULT(Kernel{"st.global.b32 [%out+-4], %t;"}, "begin 4 bytes before the begin of 'out'");
}

TEST(Faults, IndexBehindTheEndOfShared) {
  auto body = [](const std::string &offset) {
    return ".shared .align 4 .b8 s[128]; .shared .align 4 .b8 z[128];\n"
           "mov.b64 %rd1, s; mov.b64 %rd4, z; mad.wide.u32 %rd2, %t, 4, %rd1;\n"
           "st.shared.b32 [%rd2+" +
           offset + "], %t; st.global.b32 [%out], %t;";
  };
  EXPECT_EQ(Kernel{body("0")}.run(), "");
  EXPECT_FAULT(Kernel{body("4")}, "is in no variable of shared memory");
  EXPECT_FAULT(Kernel{body("70000")}, "outside of the block's shared memory");
}

TEST(Faults, DynamicSharedMemoryHasTheSizeOfTheLaunch) {
  Kernel kernel{"mov.b64 %rd1, d; mad.wide.u32 %rd2, %t, 4, %rd1; st.shared.b32 [%rd2], %t; st.global.b32 [%out], %t;"};
  kernel.moduleText = ".extern .shared .align 16 .b8 d[];\n";
  kernel.dynamicShared = 128;
  EXPECT_EQ(kernel.run(), "");
  kernel.dynamicShared = 127;
  EXPECT_FAULT(kernel, "outside of the block's shared memory");
}

TEST(Faults, LocalVariable) {
  auto body = [](const std::string &offset) {
    return ".local .align 4 .b8 l[8]; .local .align 4 .b8 m[8]; mov.b64 %rd1, l; st.local.b32 [%rd1+" + offset +
           "], %t; ld.local.b32 %r1, [%rd1+" + offset + "]; st.global.b32 [%out], %r1;";
  };
  EXPECT_EQ(Kernel{body("4")}.run(), "");
  EXPECT_FAULT(Kernel{body("8")}, "in no variable of the thread");
}

TEST(Faults, UninitialisedRegister) {
  EXPECT_FAULT(Kernel{"add.s32 %r2, %r1, 1; st.global.b32 [%out], %r2;"}, "reads a register that is not initialised");
  // Written on one path only.
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 3; @%p1 bra L; mov.b32 %r1, 1; L: add.s32 %r2, %r1, 1;"},
               "in thread (0, 0, 0) of block (0, 0, 0) reads a register that is not initialised");
}

TEST(Faults, UninitialisedMemory) {
  // Carried along, then used.
  EXPECT_FAULT(Kernel{"ld.global.b32 %r1, [%out]; mov.b32 %r2, %r1; add.s32 %r3, %r2, 1;"},
               "reads a register that is not initialised (its operand 1)");
  EXPECT_FAULT(Kernel{".shared .align 4 .b8 s[4]; ld.shared.b32 %r1, [s]; setp.eq.s32 %p1, %r1, 0;"},
               "reads a register that is not initialised");
  // One byte of four.
  EXPECT_FAULT(Kernel{"cvt.u16.u32 %rs1, %t; st.global.b16 [%out], %rs1; st.global.b8 [%out+2], %rs1;\n"
                      "ld.global.b32 %r1, [%out]; add.s32 %r1, %r1, 1;"},
               "of which some bytes are not initialised");
  // Never used in the kernel, but taken out of it.
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 31; @%p1 st.global.b32 [%out], %t;"},
               "the host reads byte 124 of 'out' of 128 bytes, which is not initialised");
}

/// Parts that are masked away or not selected need not be initialised.
TEST(Faults, UnusedPartsMayBeUninitialised) {
  EXPECT_EQ(Kernel{"cvt.u16.u32 %rs1, %t; st.global.b8 [%out], %rs1; ld.global.b32 %r1, [%out];\n"
                   "and.b32 %r2, %r1, 255; prmt.b32 %r3, %r1, %r9, 0x0000U; prmt.b32 %r4, %r1, 0, 0x7770U;\n"
                   "add.s32 %r2, %r2, %r3; add.s32 %r2, %r2, %r4; cvt.u16.u32 %rs2, %r4; st.global.b32 [%out], %r2;"}
                .run(),
            "");
}

TEST(Faults, DivergentWarp) {
  // Lanes that meet again before it are no divergence.
  EXPECT_EQ(Kernel{"mov.b32 %r1, 7; setp.lt.u32 %p1, %t, 5; @%p1 bra L; add.s32 %r1, %r1, 1;\n"
                   "L: shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; st.global.b32 [%out], %r2;"}
                .run(),
            "");
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 5; @%p1 bra L; shfl.sync.bfly.b32 %r2, %t, 1, 31, -1; L:"},
               "the warp is divergent");
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 5; @%p1 bar.sync 0; bar.sync 1;"}, "the warp is divergent");
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 5; @%p1 ret; bar.warp.sync -1;"}, "which has exited");
  EXPECT_FAULT(Kernel{"setp.lt.u32 %p1, %t, 5; @%p1 bra.uni L; L:"}, "against the promise .uni");
  EXPECT_FAULT(Kernel("bar.warp.sync -1;", 16), "the block is no multiple of 32");
}

TEST(Faults, BarriersOfWarpsDiffer) {
  EXPECT_FAULT(Kernel("setp.lt.u32 %p1, %t, 32; @%p1 bra L; bar.sync 1; bra E; L: bar.sync 2; E:", 64),
               "warps of a block wait at the barriers 2 and 1");
}

/// Copies 16 bytes a thread, and the neighbour's are read.
static std::string copy(const std::string &copies, const std::string &behind) {
  return ".shared .align 16 .b8 s[512]; mov.b64 %rd1, s; mad.wide.u32 %rd2, %t, 16, %rd1;\n" + copies + "\n" + behind +
         "xor.b32 %r2, %t, 1; mad.wide.u32 %rd3, %r2, 16, %rd1; ld.shared.v4.b32 {%r3, %r4, %r5, %r6}, [%rd3];\n"
         "st.global.v4.b32 [%out], {%r3, %r4, %r5, %r6};";
}
static const char startCopy[] = "cp.async.cg.shared.global [%rd2], [%in], 16; cp.async.commit_group;";

TEST(Faults, MissingWait) {
  EXPECT_EQ(Kernel(copy(startCopy, "cp.async.wait_group 0; bar.sync 0;\n"), 32, 1, 16, 16).run(), "");
  EXPECT_EQ(Kernel(copy(startCopy, "cp.async.wait_all; bar.sync 0;\n"), 32, 1, 16, 16).run(), "");
  // Not waited for; waited for too few groups; waited for behind the barrier.
  for (const char *behind : {"bar.sync 0;\n", "cp.async.wait_group 1; bar.sync 0;\n"})
    EXPECT_FAULT(Kernel(copy(startCopy, behind), 32, 1, 16, 16), "while cp.async is writing byte 0");
  EXPECT_FAULT(Kernel(copy(startCopy, "bar.sync 0; cp.async.wait_group 0;\n"), 32, 1, 16, 16),
               "a race: thread 1 wrote byte 0 since the last barrier");
  // Not committed: wait_group does not wait for it.
  EXPECT_FAULT(Kernel(copy("cp.async.cg.shared.global [%rd2], [%in], 16;", "cp.async.wait_group 0; bar.sync 0;\n"), 32,
                      1, 16, 16),
               "while cp.async is writing byte 0");
}

/// A stage is filled again while others may still read it.
TEST(Faults, CopyOverWhatIsRead) {
  std::string body = copy(startCopy, "cp.async.wait_group 0; bar.sync 0;\n");
  EXPECT_EQ(Kernel(body + "bar.sync 0;" + startCopy + "cp.async.wait_all;", 32, 1, 16, 16).run(), "");
  EXPECT_FAULT(Kernel(body + startCopy, 32, 1, 16, 16), "a race: thread 1 read byte 0");
}

/// What lies outside of the image must be filled with zeros, not read: the last thread has no bytes of its own.
TEST(Faults, MissingZeroFill) {
  auto body = [](const std::string &bytes) {
    return copy("setp.lt.u32 %p1, %t, 31; selp.b32 %r1, 16, 0, %p1;\n"
                "cp.async.cg.shared.global [%rd2], [%in+16], 16" +
                    bytes + "; cp.async.commit_group;",
                "cp.async.wait_group 0; bar.sync 0;\n");
  };
  EXPECT_EQ(Kernel(body(", %r1"), 32, 1, 16, 16).run(), "");
  EXPECT_FAULT(Kernel(body(""), 32, 1, 16, 16), "16 bytes behind the end of 'in'");
  // Jumped over: nobody wrote the bytes.
  EXPECT_FAULT(Kernel(copy("setp.lt.u32 %p1, %t, 31; @%p1 cp.async.cg.shared.global [%rd2], [%in+16], 16;\n",
                           "cp.async.wait_all; bar.sync 0;\n"),
                      32, 1, 16, 16),
               "which is not initialised");
}

/// Codes of two threads in one byte: each would write back the other's bits as they were before.
TEST(Faults, TwoThreadsWriteOneByte) {
  EXPECT_FAULT(Kernel("shr.u32 %r1, %t, 1; cvt.u64.u32 %rd1, %r1; add.s64 %rd1, %rd1, %out0; st.global.b8 [%rd1], 5;"),
               "writes byte 0 of 'out' of 128 bytes, a race: thread 0 of block 0 wrote it in the same launch");
}

/// Blocks run in any order.
TEST(Faults, BlocksThatNeedAnOrder) {
  // What the next block writes is read; what the last one wrote is read; all write the same.
  EXPECT_FAULT(Kernel("ld.global.b32 %r1, [%out+128]; st.global.b32 [%out], %t;", 32, 2), "the end of 'out'");
  EXPECT_FAULT(Kernel("setp.eq.s32 %p1, %n, %t; @!%p1 ld.global.b32 %r1, [%out0]; st.global.b32 [%out], %t;", 32, 2),
               "reads byte 0 of 'out' of 256 bytes, a race: thread 0 of block 0 wrote it in the same launch");
  EXPECT_FAULT(Kernel("ld.global.b32 %r1, [%in0+128]; st.global.b32 [%in], %r1;", 32, 2),
               "writes byte 128 of 'in' of 256 bytes, a race: another block read it in the same launch");
  EXPECT_FAULT(Kernel("mov.u32 %r1, %ctaid.x; setp.eq.s32 %p1, %t, 0; @%p1 st.global.b32 [%out0], %r1;", 32, 2),
               "a race: thread 0 of block 0 wrote it");
}

TEST(Faults, Misaligned) {
  EXPECT_FAULT(Kernel{"ld.global.b32 %r1, [%in+2];"}, "which is no multiple of 4");
  EXPECT_FAULT(Kernel{"ld.global.v2.b32 {%r1, %r2}, [%in];"}, "in thread (1, 0, 0) of block (0, 0, 0) has the address");
}

TEST(Faults, ConstantsAreNotWritten) {
  Kernel kernel{"mov.b64 %rd1, c; st.global.b32 [%rd1], %t;"};
  kernel.moduleText = ".const .align 4 .b8 c[4] = {1, 2, 3, 4};\n";
  EXPECT_FAULT(kernel, "writes to 'c' of 4 bytes, which is constant");
}

TEST(Faults, NullAndForeignAddresses) {
  EXPECT_FAULT(Kernel{"mov.b64 %rd1, 0; ld.global.b32 %r1, [%rd1];"}, "reads 4 bytes at 0x0, which are not in device");
  EXPECT_FAULT(Kernel{".shared .align 4 .b8 s[4]; mov.b64 %rd1, s; ld.global.b32 %r1, [%rd1];"},
               "which are not in device memory");
}

TEST(Faults, DivisionByZero) {
  EXPECT_FAULT(Kernel{"div.s32 %r1, 7, %t;"}, "in thread (0, 0, 0) of block (0, 0, 0) divides by zero");
}

TEST(Faults, EndlessLoop) { EXPECT_FAULT(Kernel{"L: bra L;"}, "the loop may have no end"); }
