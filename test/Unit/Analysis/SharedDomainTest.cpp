// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The proof of lines to a shared axis, against a plain evaluation of every accumulator: layers of random channels, of
// every sign and of slopes on both sides of zero and one.
#include "n2uq/Analysis/SharedDomain.h"

#include "RandomTails.h"
#include "gtest/gtest.h"

using namespace n2uq;
using namespace n2uq::test;

namespace {

/// What n2uq.shared_threshold computes, in the words of its definition.
unsigned plainCode(const SharedDomain &domain, const Path &path, int64_t acc) {
  float highest = -std::numeric_limits<float>::infinity();
  for (const Line &line : path.lines)
    highest = std::max(highest, std::fmaf(static_cast<float>(acc), line.scale, line.offset));
  if (path.mirrored)
    highest = -highest;
  double limit = std::ldexp(1.0, static_cast<int>(domain.width) - 1);
  auto z = static_cast<int64_t>(std::clamp(std::nearbyint(static_cast<double>(highest)), -limit, limit - 1));
  uint64_t modulus = uint64_t(1) << domain.width, u = static_cast<uint64_t>(z) % modulus;
  uint64_t cell = u * domain.table.size() / modulus;
  return static_cast<unsigned>((u + domain.table[cell]) % modulus >> (domain.width - 4));
}

struct Layer {
  std::vector<float> thresholds;
  std::vector<StepFunction> channels;
};

/// Channels that share their thresholds: steps as in RandomTails, with accumulators of about `size`.
Layer randomLayer(RandomTails &random, unsigned bits, int64_t size, int channels) {
  Layer layer;
  float t = random.normal(0.5f);
  for (unsigned k = 0; k + 1 < 1u << bits; ++k) {
    layer.thresholds.push_back(t);
    t += 0.05f + std::abs(random.normal(2.0f / static_cast<float>(1u << bits)));
  }
  for (int c = 0; c < channels; ++c) {
    ChannelTail tail;
    tail.thresholds = layer.thresholds;
    tail.steps = {TailStep::scale(random.normal(2.0f / static_cast<float>(size))),
                  TailStep::scale(random.normal(2.0f)),
                  TailStep::offset(random.normal(0.5f)),
                  TailStep::offset(random.normal(0.3f)),
                  TailStep::prelu(random.slope(false)),
                  TailStep::offset(random.normal(0.3f)),
                  TailStep::scale(1.25f)};
    layer.channels.push_back(enumerateCodes(tail, {-random.integer(0, size), random.integer(0, size)}));
  }
  return layer;
}

struct Tally {
  int64_t channels = 0, accumulators = 0, none = 0, one = 0, two = 0, mirrored = 0;
};

void proveLayer(const Layer &layer, unsigned width, size_t cells, Tally &tally) {
  for (const SharedDomain &domain : sharedDomains(layer.thresholds, width, cells, 2)) {
    ASSERT_TRUE(provesTable(domain));
    for (const StepFunction &function : layer.channels) {
      ++tally.channels;
      std::optional<Path> path = findPath(domain, function);
      if (!path) {
        ++tally.none;
        continue;
      }
      ++(path->lines.size() == 1 ? tally.one : tally.two);
      tally.mirrored += path->mirrored;
      size_t step = 0;
      for (int64_t acc = function.bounds.lo; acc <= function.bounds.hi; ++acc) {
        if (step + 1 < function.steps.size() && function.steps[step + 1].from <= acc)
          ++step;
        ASSERT_EQ(plainCode(domain, *path, acc), function.steps[step].code)
            << "accumulator " << acc << ", channel " << tally.channels << ", width " << width;
      }
      tally.accumulators += function.bounds.count();
    }
  }
}

void report(const char *what, const Tally &tally) {
  printf("%s: %lld channels (%lld of one line, %lld of two, %lld mirrored, %lld of none), %lld accumulators\n", what,
         static_cast<long long>(tally.channels), static_cast<long long>(tally.one), static_cast<long long>(tally.two),
         static_cast<long long>(tally.mirrored), static_cast<long long>(tally.none),
         static_cast<long long>(tally.accumulators));
}

} // namespace

TEST(SharedDomain, RandomChannels) {
  SCOPED_TRACE("N2UQ_TEST_SEED=" + std::to_string(seed()));
  RandomTails random(seed() + 10);
  for (unsigned width : {16u, 32u})
    for (size_t cells : {32u, 64u}) {
      Tally tally;
      for (int i = 0; i < 60 && !HasFatalFailure(); ++i)
        proveLayer(randomLayer(random, random.integer(2, 4), random.integer(1, 20000), 16), width, cells, tally);
      report((std::to_string(width) + " bits, " + std::to_string(cells) + " cells").c_str(), tally);
      EXPECT_GT(tally.one, 200);
      EXPECT_GT(tally.two, 100);
      EXPECT_LT(tally.none, tally.channels / 2);
    }
}

TEST(SharedDomain, TableGivesTheEdges) {
  std::vector<SharedDomain> domains = sharedDomains({-1.0f, 0.0f, 0.5f, 2.0f}, 16, 64, 3);
  ASSERT_EQ(domains.size(), 3u);
  for (const SharedDomain &domain : domains)
    for (int64_t z = domain.least(); z <= domain.most(); ++z) {
      unsigned reached = 0;
      for (int64_t edge : domain.edges)
        reached += z >= edge;
      ASSERT_EQ(domain.codeAt(z), reached) << z;
    }
}

TEST(SharedDomain, ThresholdsWithoutAnAxis) {
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(sharedDomains({0.0f, 0.0f, 1.0f}, 16, 64, 8).empty());
  EXPECT_TRUE(sharedDomains({0.0f, 1e-5f, 1.0f}, 32, 64, 8).empty());
  EXPECT_TRUE(sharedDomains({1.0f, 0.0f}, 16, 64, 8).empty());
  EXPECT_TRUE(sharedDomains({0.0f, infinity}, 16, 64, 8).empty());
  EXPECT_TRUE(sharedDomains({0.0f}, 16, 64, 8).empty());
}

TEST(SharedDomain, ProofFindsWrongTablesAndLines) {
  SharedDomain domain = sharedDomains({-1.0f, 0.0f, 0.5f, 2.0f}, 16, 64, 1).front();
  for (size_t cell = 0; cell < domain.table.size(); ++cell) {
    SharedDomain wrong = domain;
    wrong.table[cell] += 1u << 12;
    EXPECT_FALSE(provesTable(wrong)) << cell;
  }
  // |acc| / 100 against the thresholds: two lines that meet at 0.
  ChannelTail tail{{TailStep::scale(0.01f), TailStep::prelu(-1.0f)}, {-1.0f, 0.0f, 0.5f, 2.0f}, false};
  StepFunction function = enumerateCodes(tail, {-1000, 1000});
  std::optional<Path> path = findPath(domain, function);
  ASSERT_TRUE(path);
  ASSERT_EQ(path->lines.size(), 2u);
  EXPECT_FALSE(path->mirrored);
  const std::vector<Line> &lines = path->lines;
  EXPECT_TRUE(provesLines(domain, function, lines));
  for (size_t j : {0u, 1u}) {
    std::vector<Line> one{lines[j]}, steep = lines, high = lines;
    EXPECT_FALSE(provesLines(domain, function, one));
    steep[j].scale *= 1.1f;
    EXPECT_FALSE(provesLines(domain, function, steep));
    high[j].offset += 2000.0f;
    EXPECT_FALSE(provesLines(domain, function, high));
  }
  // A dip between the ends of a run: lines that reach the edge at 1000 and -1000 only.
  StepFunction flat{{-1000, 1000}, {{-1000, 2}}};
  auto edge = static_cast<float>(domain.edges[1]);
  EXPECT_TRUE(provesLines(domain, flat, {{0.0f, edge}}));
  EXPECT_FALSE(provesLines(domain, flat, {{1.0f, edge - 1000.0f}, {-1.0f, edge - 1000.0f}}));
  EXPECT_TRUE(provesLines(domain, flat, {{1.0f, edge}, {-1.0f, edge}}));
  // What 32 bits do not hold.
  StepFunction top{{0, 1000}, {{0, 4}}};
  EXPECT_TRUE(provesLines(domain, top, {{1.0f, 40000.0f}}));
  EXPECT_FALSE(provesLines(domain, top, {{1.0f, 3e9f}}));
}
