// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Analysis/SharedDomain.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace n2uq {

//===----------------------------------------------------------------------===//
// The axis and its table
//===----------------------------------------------------------------------===//

/// Codes have at most four bits.
static constexpr unsigned codeBits = 4;

float Line::at(int64_t accumulator) const {
  return std::fmaf(static_cast<float>(static_cast<int32_t>(accumulator)), scale, offset);
}

int64_t SharedDomain::position(float value) const {
  float rounded = std::nearbyintf(value);
  if (!(rounded > static_cast<float>(least())))
    return least();
  return rounded >= -static_cast<float>(least()) ? most() : static_cast<int64_t>(rounded);
}

unsigned SharedDomain::codeAt(int64_t z) const {
  uint32_t mask = width == 32 ? ~uint32_t(0) : (uint32_t(1) << width) - 1;
  uint32_t u = static_cast<uint32_t>(z) & mask;
  uint32_t cell = static_cast<uint32_t>(uint64_t(u) * table.size() >> width);
  return ((u + table[cell]) & mask) >> (width - codeBits);
}

bool provesTable(const SharedDomain &domain) {
  // Between two borders, of cells or at edges, z + table grows by less than a code's block or leaves it: comparing at
  // both ends is enough.
  int64_t size = (domain.most() - domain.least() + 1) / static_cast<int64_t>(domain.table.size());
  std::vector<int64_t> borders(domain.edges);
  for (int64_t z = domain.least(); z <= domain.most(); z += size)
    borders.push_back(z);
  borders.push_back(domain.most() + 1);
  std::sort(borders.begin(), borders.end());
  if (size > int64_t(1) << (domain.width - codeBits) || borders.front() < domain.least() ||
      borders.back() > domain.most() + 1)
    return false;
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    if (borders[i] == borders[i + 1])
      continue;
    auto code = std::upper_bound(domain.edges.begin(), domain.edges.end(), borders[i]) - domain.edges.begin();
    if (domain.codeAt(borders[i]) != code || domain.codeAt(borders[i + 1] - 1) != code)
      return false;
  }
  return true;
}

/// The table of `domain`'s edges; false where two of them share a cell.
static bool fillTable(SharedDomain &domain, size_t cells) {
  int64_t size = (domain.most() - domain.least() + 1) / static_cast<int64_t>(cells);
  int64_t block = int64_t(1) << (domain.width - codeBits);
  domain.table.assign(cells, 0);
  size_t below = 0;
  for (int64_t start = domain.least(); start <= domain.most(); start += size) {
    int64_t entry = static_cast<int64_t>(below) * block - start;
    if (below < domain.edges.size() && domain.edges[below] < start + size) {
      entry = static_cast<int64_t>(below + 1) * block - domain.edges[below];
      ++below;
      if (below < domain.edges.size() && domain.edges[below] < start + size)
        return false;
    }
    uint64_t cell = static_cast<uint64_t>(start) & ((uint64_t(1) << domain.width) - 1);
    uint32_t mask = domain.width == 32 ? ~uint32_t(0) : (uint32_t(1) << domain.width) - 1;
    domain.table[cell / static_cast<uint64_t>(size)] = static_cast<uint32_t>(entry) & mask;
  }
  return below == domain.edges.size();
}

std::vector<SharedDomain> sharedDomains(const std::vector<float> &thresholds, unsigned width, size_t cells,
                                        size_t count) {
  std::vector<SharedDomain> domains;
  for (size_t k = 0; k < thresholds.size(); ++k)
    if (!std::isfinite(thresholds[k]) || (k && !(thresholds[k] > thresholds[k - 1])))
      return domains;
  // The whole axis but a hundredth, then less and less of it, each at places from the lower end to the upper.
  constexpr int shares = 20, places = 20;
  double axis = std::ldexp(1.0, static_cast<int>(width)) * 0.99, first = thresholds.front();
  double span = static_cast<double>(thresholds.back()) - first;
  for (int share = 0; share < shares && thresholds.size() > 1; ++share)
    for (int place = 0; place < (share == 0 ? 1 : places) && domains.size() < count; ++place) {
      double taken = axis * (1.0 - share / 80.0), free = axis - taken;
      SharedDomain domain;
      domain.width = width;
      for (float threshold : thresholds)
        domain.edges.push_back(static_cast<int64_t>(std::ceil((static_cast<double>(threshold) - first) / span * taken +
                                                              free * place / (places - 1) - axis / 2)));
      if (fillTable(domain, cells))
        domains.push_back(std::move(domain));
    }
  return domains;
}

//===----------------------------------------------------------------------===//
// The proof of lines
//===----------------------------------------------------------------------===//

/// Calls body(first, last, code) for every run of accumulators with one code, until it returns false.
template <typename Body>
static bool forEachRun(const StepFunction &function, Body body) {
  for (size_t i = 0; i < function.steps.size(); ++i) {
    int64_t last = i + 1 < function.steps.size() ? int64_t(function.steps[i + 1].from) - 1 : function.bounds.hi;
    if (!body(int64_t(function.steps[i].from), last, function.steps[i].code))
      return false;
  }
  return true;
}

bool provesLines(const SharedDomain &domain, const StepFunction &function, const std::vector<Line> &lines) {
  // The largest float32 number below 2^31.
  constexpr float limit = 2147483520.0f;
  for (const Line &line : lines)
    for (int64_t end : {function.bounds.lo, function.bounds.hi}) {
      float value = line.at(end);
      if (!std::isfinite(line.scale) || !std::isfinite(value) || (domain.width == 16 && std::fabs(value) > limit))
        return false;
    }
  return forEachRun(function, [&](int64_t first, int64_t last, unsigned code) {
    if (code > domain.top())
      return false;
    // Accumulators before `prefix` and from `suffix` on are known to reach the code.
    int64_t prefix = code == 0 ? last + 1 : first, suffix = last + 1;
    for (const Line &line : lines) {
      int64_t atFirst = domain.position(line.at(first)), atLast = domain.position(line.at(last));
      if (code < domain.top() && std::max(atFirst, atLast) >= domain.edges[code])
        return false;
      if (code == 0)
        continue;
      int64_t edge = domain.edges[code - 1];
      bool firstReaches = atFirst >= edge, lastReaches = atLast >= edge;
      if (!firstReaches && !lastReaches)
        continue;
      // `reaching` and `failing` close in on the place where the line crosses the edge.
      int64_t reaching = firstReaches ? first : last;
      int64_t failing = firstReaches ? last + 1 : first - 1;
      if (firstReaches != lastReaches)
        failing = firstReaches ? last : first;
      while (std::abs(failing - reaching) > 1) {
        int64_t middle = reaching + (failing - reaching) / 2;
        bool known = firstReaches && lastReaches; // all between two ends that reach it
        (known || domain.position(line.at(middle)) >= edge ? reaching : failing) = middle;
      }
      if (firstReaches)
        prefix = std::max(prefix, reaching + 1);
      else
        suffix = std::min(suffix, reaching);
    }
    return prefix >= suffix;
  });
}

//===----------------------------------------------------------------------===//
// The search for lines
//===----------------------------------------------------------------------===//

namespace {
/// What one accumulator asks for: some line at `lower` or above, every line below `upper`. Infinite where nothing.
struct Demand {
  double x, lower, upper;
};

/// value = slope * (x - origin) + offset, and how far the nearest demand is.
struct Fit {
  double slope = 0, offset = 0, slack = -1;
};

/// Demands at both ends of every run, and what they have in common.
struct Demands {
  std::vector<Demand> points;
  double origin = 0, maxSlope = 0;
};
} // namespace

static constexpr double infinity = std::numeric_limits<double>::infinity();

static Demands demandsOf(const SharedDomain &domain, const StepFunction &function) {
  Demands demands;
  forEachRun(function, [&](int64_t first, int64_t last, unsigned code) {
    // z = rne(v) reaches an edge where v >= edge - 1/2.
    double lower = code == 0 ? -infinity : static_cast<double>(domain.edges[code - 1]) - 0.5;
    double upper = code == domain.top() ? infinity : static_cast<double>(domain.edges[code]) - 0.5;
    demands.points.push_back({static_cast<double>(first), lower, upper});
    demands.points.push_back({static_cast<double>(last), lower, upper});
    return true;
  });
  // The inner edges are where precision is needed: count from their middle.
  double sum = 0;
  size_t inner = demands.points.size() - 2;
  for (size_t i = 1; i <= inner; ++i)
    sum += demands.points[i].x;
  demands.origin = inner ? std::round(sum / static_cast<double>(inner)) : demands.points.front().x;
  double reach = std::max({demands.origin - demands.points.front().x, demands.points.back().x - demands.origin, 1.0});
  demands.maxSlope = std::ldexp(1.0, domain.width == 16 ? 30 : 46) / reach;
  return demands;
}

/// The offsets of a line of this slope that reaches the demands of `points` [begin, end) and exceeds none of any point:
/// their middle, and how many there are.
static Fit fitSlope(const Demands &demands, size_t begin, size_t end, double slope) {
  double low = -infinity, high = infinity;
  for (size_t i = 0; i < demands.points.size(); ++i) {
    const Demand &point = demands.points[i];
    double rise = slope * (point.x - demands.origin);
    if (i >= begin && i < end)
      low = std::max(low, point.lower - rise);
    high = std::min(high, point.upper - rise);
  }
  if (high == infinity)
    high = low + 2.0;
  return {slope, (low + high) / 2, high - low};
}

/// The line with the largest distance to all demands, where the demands of `points` [begin, end) are to be reached and
/// none of any point exceeded. The offsets that do are an interval for each slope; its length is a concave function of
/// the slope, so halving finds its maximum. Where a wide range of slopes is as good, as for a line that only has to
/// hold one run at its code, the flattest of them is taken: float32 numbers lie closer together there.
static Fit fitLine(const Demands &demands, size_t begin, size_t end) {
  Fit best;
  auto trySlope = [&](double slope) {
    Fit fit = fitSlope(demands, begin, end, slope);
    if (fit.slack > best.slack)
      best = fit;
    return fit.slack;
  };
  double left = -demands.maxSlope, right = demands.maxSlope;
  for (int i = 0; i < 120 && right - left > 1e-13 * (std::fabs(left) + std::fabs(right)); ++i) {
    double a = left + (right - left) * 0.45, b = left + (right - left) * 0.55;
    if (trySlope(a) < trySlope(b))
      left = a;
    else
      right = b;
  }
  if (best.slack <= 0)
    return best;
  double asGood = best.slack * 0.99, tooFlat = 0.0;
  Fit level = fitSlope(demands, begin, end, 0.0);
  if (level.slack >= asGood)
    return level;
  for (int i = 0; i < 40; ++i) {
    Fit flatter = fitSlope(demands, begin, end, (tooFlat + best.slope) / 2);
    if (flatter.slack >= asGood)
      best = flatter;
    else
      tooFlat = flatter.slope;
  }
  return best;
}

static bool asksForMore(const Demands &demands, size_t begin, size_t end) {
  return std::any_of(demands.points.begin() + begin, demands.points.begin() + end,
                     [](const Demand &point) { return point.lower != -infinity; });
}

/// The lines in float32, as written or shaken a little: rounding of scale, offset and position may miss an edge that a
/// neighbour hits.
static std::optional<std::vector<Line>> roundLines(const SharedDomain &domain, const StepFunction &function,
                                                   const Demands &demands, const std::vector<Fit> &fits) {
  auto fitsPoints = [&](const std::vector<Line> &lines) {
    return std::all_of(demands.points.begin(), demands.points.end(), [&](const Demand &point) {
      int64_t z = domain.least();
      for (const Line &line : lines)
        z = std::max(z, domain.position(line.at(static_cast<int64_t>(point.x))));
      return static_cast<double>(z) > point.lower && static_cast<double>(z) < point.upper;
    });
  };
  uint32_t state = 1; // a generator of its own: the same lines on every machine
  auto shake = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<double>(state >> 8) / (1 << 24) - 0.5;
  };
  constexpr int attempts = 200;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::vector<Line> lines;
    for (const Fit &fit : fits) {
      double wide = attempt < attempts / 2 ? 0.3 : 1.0;
      double slope = fit.slope, offset = fit.offset;
      if (attempt > 0) {
        slope *= 1.0 + shake() * 2e-4 * wide * wide;
        offset += shake() * wide * std::min(fit.slack, domain.width == 16 ? 2.0 : infinity);
      }
      Line line;
      line.scale = static_cast<float>(slope);
      line.offset = static_cast<float>(offset - static_cast<double>(line.scale) * demands.origin);
      lines.push_back(line);
    }
    if (fitsPoints(lines) && provesLines(domain, function, lines))
      return lines;
  }
  return std::nullopt;
}

namespace {
/// Two lines, and the smaller of their slacks.
struct TwoFits {
  Fit right, left;
  double slack = -1;
};
} // namespace

/// The right line for the demands from `border` on, the left one for those before it. Where the border is inside of a
/// run, both must reach its code at the place where they cross.
static TwoFits fitAround(const Demands &demands, size_t border) {
  size_t count = demands.points.size();
  TwoFits fits{fitLine(demands, border, count), fitLine(demands, 0, border), -1};
  fits.slack = std::min(fits.right.slack, fits.left.slack);
  if (border % 2 == 0 || fits.slack <= 0)
    return fits;
  Demand before = demands.points[border - 1], after = demands.points[border];
  double turn = fits.right.slope - fits.left.slope;
  double crossing = turn == 0 ? before.x : demands.origin + (fits.left.offset - fits.right.offset) / turn;
  crossing = std::clamp(std::floor(crossing), before.x, std::max(before.x, after.x - 1));
  Demands more = demands;
  before.x = crossing;
  after.x = std::min(crossing + 1, after.x);
  more.points.insert(more.points.begin() + border, {before, after});
  fits = {fitLine(more, border + 1, count + 2), fitLine(more, 0, border + 1), -1};
  fits.slack = std::min(fits.right.slack, fits.left.slack);
  return fits;
}

/// Pairs of lines that may do, best first. Where the border between their runs lies is not known. The further right it
/// is, the more slack the right line has and the less the left one: the best border is near the place where both have
/// the same, and its neighbours differ in which line a whole run is left to.
static std::vector<TwoFits> fitTwoLines(const Demands &demands) {
  size_t count = demands.points.size(), low = 1, high = count - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    bool rightHasMore = !asksForMore(demands, middle, count) ||
                        fitLine(demands, middle, count).slack >= fitLine(demands, 0, middle).slack;
    (rightHasMore ? high : low) = rightHasMore ? middle : middle + 1;
  }
  constexpr size_t reach = 3;
  std::vector<TwoFits> pairs;
  for (size_t border = low > reach ? low - reach : 1; border <= low + reach && border < count; ++border)
    if (asksForMore(demands, 0, border) && asksForMore(demands, border, count))
      if (TwoFits fits = fitAround(demands, border); fits.slack > 0)
        pairs.push_back(fits);
  std::stable_sort(pairs.begin(), pairs.end(), [](const TwoFits &x, const TwoFits &y) { return x.slack > y.slack; });
  return pairs;
}

/// The axis and the codes seen from above: z' = -z, code' = top - code. What reaches an edge e on one fails 1 - e on
/// the other. The table is left behind, since lines do not ask for it; nor do the ends of the axis matter, which are
/// beyond all edges on both.
static SharedDomain mirrored(const SharedDomain &domain) {
  SharedDomain mirror;
  mirror.width = domain.width;
  for (auto edge = domain.edges.rbegin(); edge != domain.edges.rend(); ++edge)
    mirror.edges.push_back(1 - *edge);
  return mirror;
}

static StepFunction mirrored(StepFunction function, unsigned top) {
  for (Step &step : function.steps)
    step.code = top - step.code;
  return function;
}

/// One or two lines whose maximum is the way to the axis.
static std::optional<std::vector<Line>> findHighest(const SharedDomain &domain, const StepFunction &function) {
  Demands demands = demandsOf(domain, function);
  size_t count = demands.points.size();
  if (!asksForMore(demands, 0, count)) {
    std::vector<Line> lowest{{0.0f, static_cast<float>(domain.least())}};
    return provesLines(domain, function, lowest) ? std::optional(lowest) : std::nullopt;
  }
  if (Fit one = fitLine(demands, 0, count); one.slack > 0)
    if (auto lines = roundLines(domain, function, demands, {one}))
      return lines;
  for (const TwoFits &two : fitTwoLines(demands))
    if (auto lines = roundLines(domain, function, demands, {two.right, two.left}))
      return lines;
  return std::nullopt;
}

std::optional<Path> findPath(const SharedDomain &domain, const StepFunction &function) {
  if (std::any_of(function.steps.begin(), function.steps.end(),
                  [&](const Step &step) { return step.code > domain.top(); }))
    return std::nullopt;
  if (auto lines = findHighest(domain, function))
    return Path{std::move(*lines), false};
  if (auto lines = findHighest(mirrored(domain), mirrored(function, domain.top())))
    return Path{std::move(*lines), true};
  return std::nullopt;
}

} // namespace n2uq
