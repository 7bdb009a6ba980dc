// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Support/CpuPorts.h"

namespace n2uq {

namespace {
struct Row {
  const char *name;
  CpuPorts ports;
};
} // namespace

/// Where the numbers come from.
///
/// * znver4: measured. 512 bits take two turns of a 256-bit path: one vpdpbusd or one vpermb, and two vector
///   instructions in all, a cycle. direct_dot reaches 62 to 63 of 64 products a cycle, the inner product 81 to 84 of 85
///   (two additions and a dot product for 128). Lookups reach 143 to 150 of 192, flushes included: 0.85 lookups; 112
///   where each table serves one vector only: 0.77 chosen loads. Weights out of the cache cost direct_dot 0.2 M cycles
///   for 2.4 MB.
/// * znver5: measured on another machine. 512-bit path: two vpdpbusd or vpermb, four vector instructions, two 64-byte
///   loads, but 1.06 when each comes with a scalar load. 207 to 250 of 384 products a cycle by lookups: 1.3 lookups.
/// * the others: from the vendor's optimization manual, not measured. Ports 0 and 5 take all of 512 bits, vpermb port 5
///   alone, vpdpbusd both in servers and port 0 alone in clients; 48 of 64 bytes a cycle come from the L2 cache.
///   Lookups have the margin that was seen on znver4.
static const Row table[] = {
    // name           dots vectors lookups loads near stores chosen far near bytes
    {"znver4", {1, 2, 0.85, 1.5, 0.7, 0.5, 0.77, 12, 640 << 10}},
    {"znver5", {2, 4, 1.3, 2, 1, 1, 1.06, 16, 640 << 10}},
    {"icelake-server", {2, 2, 0.85, 2, 0.75, 1, 1.5, 8, 800 << 10}},
    {"icelake-client", {1, 2, 0.85, 2, 0.75, 1, 1.5, 12, 320 << 10}},
    {"tigerlake", {1, 2, 0.85, 2, 0.75, 1, 1.5, 12, 800 << 10}},
    {"rocketlake", {1, 2, 0.85, 2, 0.75, 1, 1.5, 12, 320 << 10}},
    {"sapphirerapids", {2, 2, 0.85, 2, 0.75, 1, 1.5, 8, 1280 << 10}},
    {"emeraldrapids", {2, 2, 0.85, 2, 0.75, 1, 1.5, 8, 1280 << 10}},
    {"graniterapids", {2, 2, 0.85, 2, 0.75, 1, 1.5, 8, 1280 << 10}},
};

/// A CPU that the table does not know: as cautious as the slowest above.
static const CpuPorts unknown = {1, 2, 0.85, 1.5, 0.7, 0.5, 0.77, 8, 256 << 10};

const CpuPorts &portsOf(const CpuTarget &target) {
  for (const Row &row : table)
    if (target.name == row.name)
      return row.ports;
  return unknown;
}

} // namespace n2uq
