/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What the CPU can do, and whether the operating system lets programs do it.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <xmmintrin.h>
#endif

enum { eax, ebx, ecx, edx };

typedef struct feature {
  const char *name;
  uint32_t leaf, subleaf;
  int reg, reg_bit;
} feature;

static const feature features[64] = {
#define N2UQ_CPU_FEATURE(bit, name, leaf, subleaf, reg, reg_bit) [bit] = {name, leaf, subleaf, reg, reg_bit},
#include "n2uq/cpu_features.def"
#undef N2UQ_CPU_FEATURE
};

/* Register states in XCR0: an instruction whose state is not saved there is an illegal one, whatever CPUID says. */
static const uint64_t xcr0_ymm = 0x6;       /* SSE, AVX */
static const uint64_t xcr0_zmm = 0xe6;      /* and masks, upper halves of zmm0-15, zmm16-31 */
static const uint64_t xcr0_tiles = 0x60000; /* tile configuration, tile data */

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

static uint64_t xcr0_states_of(const char *name) {
  if (starts_with(name, "avx512"))
    return xcr0_zmm;
  if (starts_with(name, "amx"))
    return xcr0_tiles;
  /* Not named for it, but their encodings are AVX's. */
  static const char *const others[] = {"fma", "f16c", "vaes", "vpclmulqdq"};
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i)
    if (strcmp(name, others[i]) == 0)
      return xcr0_ymm;
  return starts_with(name, "avx") ? xcr0_ymm : 0;
}

uint64_t n2uq_cpu_features_from(const n2uq_cpu_source *source) {
  uint32_t registers[4];
  source->cpuid(1, 0, registers);
  bool osxsave = registers[ecx] >> 27 & 1;
  uint64_t states = osxsave ? source->xcr0() : 0;

  uint64_t present = 0;
  for (int bit = 0; bit < 64; ++bit) {
    const feature *f = &features[bit];
    if (!f->name)
      continue;
    source->cpuid(f->leaf, f->subleaf, registers);
    uint64_t needed = xcr0_states_of(f->name);
    if ((registers[f->reg] >> f->reg_bit & 1) && (states & needed) == needed)
      present |= UINT64_C(1) << bit;
  }
  return present;
}

#if defined(__x86_64__)
static void real_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]) {
  if (!__get_cpuid_count(leaf, subleaf, &registers[eax], &registers[ebx], &registers[ecx], &registers[edx]))
    memset(registers, 0, 4 * sizeof *registers);
  /* Subleaf 0 of leaf 7 says how many there are; asking for more gives another leaf's bits on some CPUs. */
  if (leaf == 7 && subleaf != 0) {
    uint32_t first[4];
    if (!__get_cpuid_count(7, 0, &first[eax], &first[ebx], &first[ecx], &first[edx]) || subleaf > first[eax])
      memset(registers, 0, 4 * sizeof *registers);
  }
}

static uint64_t real_xcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

uint64_t n2uq_cpu_features(void) {
  static const n2uq_cpu_source source = {real_cpuid, real_xcr0};
  return n2uq_cpu_features_from(&source);
}

/* Exceptions masked, round to nearest even, denormals kept: what the semantics of a model mean by one rounding. */
static const uint32_t default_mxcsr = 0x1f80;

uint32_t n2uq_float_modes_enter(void) {
  uint32_t saved = _mm_getcsr();
  _mm_setcsr(default_mxcsr);
  return saved;
}
void n2uq_float_modes_leave(uint32_t saved) { _mm_setcsr(saved); }
#else
uint64_t n2uq_cpu_features(void) { return 0; }
uint32_t n2uq_float_modes_enter(void) { return 0; }
void n2uq_float_modes_leave(uint32_t saved) { (void)saved; }
#endif

const char *n2uq_cpu_feature_name(int32_t bit) { return bit >= 0 && bit < 64 ? features[bit].name : NULL; }

int64_t n2uq_cpu_count(void) {
  /* The kernel refuses a mask that is smaller than its own, so grow until it fits. */
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set)
      break;
    size_t size = CPU_ALLOC_SIZE(cpus);
    int result = sched_getaffinity(0, size, set);
    int count = result == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (result == 0)
      return count > 0 ? count : 1;
    if (errno != EINVAL)
      break;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

n2uq_status n2uq_check_cpu(const char *path, const char *target_cpu, uint64_t needed, uint64_t present) {
  uint64_t missing = needed & ~present;
  if (!missing)
    return N2UQ_OK;
  char names[512];
  size_t used = 0;
  for (int bit = 0; bit < 64; ++bit) {
    if (!(missing >> bit & 1))
      continue;
    const char *name = features[bit].name ? features[bit].name : "one that this runtime does not know";
    int written = snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name);
    if (written < 0 || (size_t)written >= sizeof names - used)
      break;
    used += (size_t)written;
  }
  return n2uq_fail(N2UQ_BAD_CPU,
                   "cannot load '%s': it was compiled for %s and this CPU or its operating system lacks %s; compile it "
                   "with --target-cpu=host here, or with --target-cpu=x86-64 for any machine",
                   path, target_cpu, names);
}

n2uq_status n2uq_request_cpu(const char *path, uint64_t needed) {
#if defined(__x86_64__)
  bool tiles = false;
  for (int bit = 0; bit < 64; ++bit)
    tiles |= (needed >> bit & 1) && features[bit].name && starts_with(features[bit].name, "amx");
  enum { arch_req_xcomp_perm = 0x1023, xfeature_tile_data = 18 };
  if (tiles && syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_tile_data) != 0)
    return n2uq_fail(N2UQ_BAD_CPU, "cannot load '%s': it needs AMX tiles, and the operating system does not grant them",
                     path);
#else
  (void)path, (void)needed;
#endif
  return N2UQ_OK;
}
