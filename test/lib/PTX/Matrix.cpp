// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor cores: mma.sync on integers and ldmatrix.
//
// Fragments, as the manual draws them for every integer shape: with g = lane / 4 and t = lane % 4, and e elements in a
// register of 32 bits,
//   A (row)  register r: row g + 8 * (r % 2), columns 4e * (r / 2) + e * t + [0, e); m8 has r = 0 only
//   B (col)  register r: column g, rows 4e * r + e * t + [0, e)
//   C and D  register r: row g + 8 * (r / 2), column 2 * t + r % 2
#include "Spaces.h"

#include <algorithm>
#include <limits>

using namespace n2uq::ptx;

namespace {
/// What `immediate` holds beside the operands.
struct Shape {
  uint8_t m, k; // of m?n8k? (k / 8: up to 256)
  uint8_t bits; // of an element of A and B
  uint8_t aSigned, bSigned, saturates, exclusiveOr;
};
static_assert(sizeof(Shape) <= sizeof(Instruction::immediate));

constexpr uint32_t maxM = 16, maxK = 256;

/// Element i of a register.
int32_t element(uint32_t word, uint32_t i, uint32_t bits, bool isSigned) {
  uint32_t value = word >> (i * bits) & ((1u << bits) - 1);
  return isSigned && value >> (bits - 1) ? static_cast<int32_t>(value) - (1 << bits) : static_cast<int32_t>(value);
}

/// op: D (c registers), A, B, C; count: registers of C.
void runMultiply(Warp &warp, const Instruction &in, Mask) {
  Shape shape;
  std::memcpy(&shape, &in.immediate, sizeof shape);
  uint32_t k = shape.k * 8u, perWord = 32u / shape.bits, tall = shape.m / 8u;
  uint32_t cCount = 2 * tall, bCount = k / (4 * perWord), aCount = bCount * tall;
  const Reg *d = in.op.data(), *a = d + cCount, *b = a + aCount, *c = b + bCount;
  for (uint32_t r = 0; r < aCount + bCount + cCount; ++r)
    warp.need(in, a[r], allLanes, lowBytes(4));
  int32_t left[maxM][maxK], right[8][maxK];
  for (uint32_t lane = 0; lane < lanesPerWarp; ++lane) {
    uint32_t g = lane / 4, t = lane % 4;
    for (uint32_t r = 0; r < aCount; ++r) {
      uint32_t word = get<uint32_t>(warp.values(a[r]), lane);
      int32_t *to = &left[g + 8 * (r % tall)][4 * perWord * (r / tall) + perWord * t];
      for (uint32_t i = 0; i < perWord; ++i)
        to[i] = element(word, i, shape.bits, shape.aSigned);
    }
    for (uint32_t r = 0; r < bCount; ++r) {
      uint32_t word = get<uint32_t>(warp.values(b[r]), lane);
      int32_t *to = &right[g][4 * perWord * r + perWord * t];
      for (uint32_t i = 0; i < perWord; ++i)
        to[i] = element(word, i, shape.bits, shape.bSigned);
    }
  }
  uint32_t results[4][lanesPerWarp];
  for (uint32_t lane = 0; lane < lanesPerWarp; ++lane)
    for (uint32_t r = 0; r < cCount; ++r) {
      const int32_t *x = left[lane / 4 + 8 * (r / 2)], *y = right[2 * (lane % 4) + r % 2];
      int64_t sum = get<int32_t>(warp.values(c[r]), lane);
      int32_t products = 0; // at most 256 * 2^14
      if (shape.exclusiveOr)
        for (uint32_t i = 0; i < k; ++i)
          products += x[i] ^ y[i];
      else
        for (uint32_t i = 0; i < k; ++i)
          products += x[i] * y[i];
      sum += products;
      if (shape.saturates)
        sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
      results[r][lane] = static_cast<uint32_t>(sum);
    }
  for (uint32_t r = 0; r < cCount; ++r) {
    for (uint32_t lane = 0; lane < lanesPerWarp; ++lane)
      put<uint32_t>(warp.values(d[r]), lane, results[r][lane]);
    warp.define(d[r], allLanes);
  }
}

/// op: `count` registers, the address. Lane 8 * j + i has the address of row i of matrix j. Without `flag` a lane gets
/// elements (lane / 4, 2 * (lane % 4) + {0, 1}) of 16 bits; with it (.trans) those of the transposed matrix.
void runLoadMatrix(Warp &warp, const Instruction &in, Mask) {
  constexpr uint32_t rowBytes = 16;
  Mask givers = lowBits(8 * in.count);
  Reg base = in.op[in.count];
  warp.need(in, base, givers, lowBytes(in.narrowAddress ? 4 : 8));
  uint8_t bytes[4][8][rowBytes];
  uint32_t known[4][8];
  each(givers, [&](uint32_t lane) {
    uint64_t address = addressOf(warp, in, base, lane);
    if (in.flag2 == Generic && resolve(address) != Shared)
      warp.fault(in, lane, "has an address that is not in shared memory");
    checkAlignment(warp, in, lane, address, rowBytes);
    SharedMemory::Thread thread = warp.thread(lane);
    thread.wholeWarp = true;
    std::string wrong =
        warp.block.shared.read(address, rowBytes, thread, bytes[lane / 8][lane % 8], known[lane / 8][lane % 8]);
    if (!wrong.empty())
      warp.fault(in, lane, sharedText("reads", rowBytes, address) + wrong);
  });
  for (uint32_t j = 0; j < in.count; ++j)
    for (uint32_t lane = 0; lane < lanesPerWarp; ++lane) {
      uint64_t value = 0;
      uint8_t marks = 0xf0;
      for (uint32_t i = 0; i < 2; ++i) {
        uint32_t row = lane / 4, column = 2 * (lane % 4) + i;
        if (in.flag)
          std::swap(row, column);
        uint64_t half = bytes[j][row][2 * column] | static_cast<uint64_t>(bytes[j][row][2 * column + 1]) << 8;
        value |= half << (16 * i);
        marks |= static_cast<uint8_t>((known[j][row] >> (2 * column) & 3) << (2 * i));
      }
      warp.values(in.op[j])[lane] = value;
      warp.defined(in.op[j])[lane] = marks;
    }
}

struct KnownShape {
  const char *name;
  uint8_t m;
  uint32_t k, bits;
};
constexpr KnownShape knownShapes[] = {{"m8n8k16", 8, 16, 8},   {"m16n8k16", 16, 16, 8},   {"m16n8k32", 16, 32, 8},
                                      {"m8n8k32", 8, 32, 4},   {"m16n8k32", 16, 32, 4},   {"m16n8k64", 16, 64, 4},
                                      {"m8n8k128", 8, 128, 1}, {"m16n8k128", 16, 128, 1}, {"m16n8k256", 16, 256, 1}};
} // namespace

static void multiply(Builder &builder) {
  builder.expect("sync");
  builder.expect("aligned");
  const char *name = nullptr;
  for (const KnownShape &known : knownShapes)
    if (builder.take(known.name)) {
      name = known.name;
      break;
    }
  if (!name)
    builder.fail("has no shape that is known: integer ones are");
  builder.expect("row");
  builder.expect("col");
  Shape shape{};
  shape.saturates = builder.take("satfinite");
  builder.expect("s32");
  static const char *const elements[] = {"u8", "s8", "u4", "s4", "b1"};
  int a = builder.takeOneOf({"u8", "s8", "u4", "s4", "b1"}), b = builder.takeOneOf({"u8", "s8", "u4", "s4", "b1"});
  if (a < 0 || b < 0 || elements[a][1] != elements[b][1])
    builder.fail("has types of elements that are not known together");
  builder.expect("s32");
  shape.aSigned = a == 1 || a == 3;
  shape.bSigned = b == 1 || b == 3;
  shape.bits = static_cast<uint8_t>(elements[a][1] - '0');
  if (shape.bits == 1) {
    shape.exclusiveOr = builder.take("xor");
    if (!shape.exclusiveOr)
      builder.expect("and");
    builder.expect("popc");
    if (shape.saturates)
      builder.fail("is not known with .satfinite for .b1");
  }
  auto found = std::find_if(std::begin(knownShapes), std::end(knownShapes), [&](const KnownShape &known) {
    return !std::strcmp(known.name, name) && known.bits == shape.bits;
  });
  if (found == std::end(knownShapes))
    builder.fail("has a shape that is not known for its elements");
  shape.m = found->m;
  shape.k = static_cast<uint8_t>(found->k / 8);
  uint32_t tall = shape.m / 8u, bCount = found->k * shape.bits / 128;
  const uint32_t counts[] = {2 * tall, bCount * tall, bCount, 2 * tall};
  builder.expectOperands(4);
  size_t at = 0;
  for (size_t i = 0; i < 4; ++i) {
    // One register may stand without braces.
    bool single = counts[i] == 1 && builder.operand(i).kind != Operand::Vector;
    for (uint32_t r = 0; r < counts[i]; ++r, ++at) {
      const Operand &part = single ? builder.operand(i) : builder.vector(i, counts[i], counts[i])[r];
      builder.out.op[at] = i ? builder.source(part, {'b', 4}) : builder.destination(part, {'b', 4});
    }
  }
  std::memcpy(&builder.out.immediate, &shape, sizeof shape);
  builder.out.kind = Instruction::Collective;
  builder.out.run = runMultiply;
}

static void loadMatrix(Builder &builder) {
  builder.expect("sync");
  builder.expect("aligned");
  builder.expect("m8n8");
  int count = builder.takeOneOf({"x1", "x2", "x4"});
  if (count < 0)
    builder.fail("has no count that is known");
  builder.out.count = static_cast<uint8_t>(1 << count);
  builder.out.flag = builder.take("trans");
  std::string space = takeSpace(builder);
  builder.expect("b16");
  builder.expectOperands(2);
  bool single = builder.out.count == 1 && builder.operand(0).kind != Operand::Vector;
  for (size_t i = 0; i < builder.out.count; ++i) {
    const Operand &part = single ? builder.operand(0) : builder.vector(0, builder.out.count, builder.out.count)[i];
    builder.out.op[i] = builder.destination(part, {'b', 4});
  }
  builder.address(builder.operand(1), builder.out.count, space);
  builder.out.flag2 = spaceOf(builder, space);
  if (builder.out.flag2 != Generic && builder.out.flag2 != Shared)
    builder.fail("reads shared memory only");
  builder.out.kind = Instruction::Collective;
  builder.out.run = runLoadMatrix;
}

bool n2uq::ptx::buildMatrix(Builder &builder) {
  if (builder.mnemonic == "mma")
    multiply(builder);
  else if (builder.mnemonic == "ldmatrix")
    loadMatrix(builder);
  else
    return false;
  return true;
}
