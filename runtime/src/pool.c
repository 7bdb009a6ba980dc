/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Threads for parallel loops.
 *
 * A loop is cut into chunks; whoever is free takes the next one. They become smaller and smaller: a kernel prepares
 * less for items in a row than for as many alone, and the last ones decide how long a thread waits for the others
 * (guided self-scheduling; Polychronopoulos and Kuck, 1987). A ticket holds the loop's number, how many chunks it has
 * and which is next, and is taken by compare-and-swap: a thread that comes late, with an old loop's ticket, takes
 * nothing. So the caller waits only for chunks that were taken, never for threads to wake up, and a loop costs little
 * more than a plain one where other programs hold the cores.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* No loop of a model has as many items, and with n2uq_max_threads its chunks fit 16 bits: see cut(). */
static const int64_t max_count = INT64_C(1) << 50;
/* Longer than the gaps between the kernels of a run, shorter than what a sleeping thread's wake-up would save. */
static const int64_t default_spin_microseconds = 100;

enum { cache_line = 64 };

struct n2uq_pool {
  /* The loop that runs. Written by the caller between loops. A thread reads them after it has seen a ticket with chunks
   * left and before it takes it: if it gets it, the loop was not over meanwhile and they were that loop's. Atomic
   * because a late thread may read them, in vain, while the next loop is written. */
  _Atomic(n2uq_kernel_function) body;
  _Atomic(const n2uq_frame *) frame;
  _Atomic int64_t count;

  _Alignas(cache_line) _Atomic uint64_t ticket; /* number << 32 | chunks << 16 | next chunk */
  _Alignas(cache_line) _Atomic int64_t done;    /* chunks that are computed */

  _Alignas(cache_line) atomic_int sleepers; /* threads that wait for `work` */
  atomic_bool caller_sleeps;                /* the caller waits for `finished` */
  atomic_bool stop;
  pthread_mutex_t mutex;
  pthread_cond_t work, finished;
  int64_t spin_nanoseconds;
  int64_t threads; /* with the caller */
  int64_t started;
  pthread_t *handles;
};

static uint64_t first_ticket(uint64_t loop, int64_t chunks) { return loop << 32 | (uint64_t)chunks << 16; }
static uint64_t loop_of(uint64_t ticket) { return ticket >> 32; }
static int64_t chunks_of(uint64_t ticket) { return (int64_t)(ticket >> 16 & 0xffff); }
static int64_t next_of(uint64_t ticket) { return (int64_t)(ticket & 0xffff); }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Items [begin, end) of a chunk, and how many chunks there are. */
typedef struct chunk_range {
  int64_t begin, end, chunks;
} chunk_range;

/* Rounds of one chunk a thread, together about half of what is left, while a chunk is more than an item; then single
 * items. Of a items a thread a round leaves less than a / 2 + 1, so k rounds leave less than a / 2^k + 2, and they end
 * below 4: at most 50 rounds and 4 items, 54 chunks a thread. */
static chunk_range cut(int64_t count, int64_t threads, int64_t chunk) {
  chunk_range range = {0, 0, 0};
  int64_t begin = 0, left = count, size;
  for (; left > 0; begin += threads * size, left -= threads * size, range.chunks += threads) {
    size = left / (2 * threads);
    if (size <= 1) {
      if (chunk >= range.chunks)
        range = (chunk_range){begin + chunk - range.chunks, begin + chunk - range.chunks + 1, range.chunks};
      range.chunks += left;
      return range;
    }
    if (chunk >= range.chunks && chunk < range.chunks + threads) {
      range.begin = begin + (chunk - range.chunks) * size;
      range.end = range.begin + size;
    }
  }
  return range;
}

/* Computes chunks until none is left. True if this thread computed the last one of a loop. */
static bool take_chunks(n2uq_pool *pool) {
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  while (next_of(ticket) < chunks_of(ticket)) {
    int64_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
    n2uq_kernel_function body = atomic_load_explicit(&pool->body, memory_order_relaxed);
    const n2uq_frame *frame = atomic_load_explicit(&pool->frame, memory_order_relaxed);
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                               memory_order_acquire))
      continue;
    chunk_range range = cut(count, pool->threads, next_of(ticket));
    body(frame, range.begin, range.end);
    if (atomic_fetch_add(&pool->done, 1) + 1 == range.chunks)
      return true;
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
  return false;
}

static void wake_caller(n2uq_pool *pool) {
  if (!atomic_load(&pool->caller_sleeps))
    return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_signal(&pool->finished);
  pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *context) {
  n2uq_pool *pool = context;
  n2uq_float_modes_enter();
  uint64_t seen = 0;
  for (;;) {
    /* Watch for another loop's number, then sleep. */
    int64_t until = pool->spin_nanoseconds > 0 ? now() + pool->spin_nanoseconds : 0;
    uint64_t loop;
    for (int64_t step = 1; (loop = loop_of(atomic_load(&pool->ticket))) == seen && !atomic_load(&pool->stop); ++step) {
      relax();
      if (until && (step % 64 != 0 || now() < until))
        continue;
      pthread_mutex_lock(&pool->mutex);
      atomic_fetch_add(&pool->sleepers, 1);
      while (loop_of(atomic_load(&pool->ticket)) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->work, &pool->mutex);
      atomic_fetch_sub(&pool->sleepers, 1);
      pthread_mutex_unlock(&pool->mutex);
    }
    if (atomic_load(&pool->stop))
      return NULL;
    seen = loop;
    if (take_chunks(pool))
      wake_caller(pool);
  }
}

void n2uq_pool_run(void *context, int64_t count, n2uq_kernel_function body, const n2uq_frame *frame) {
  n2uq_pool *pool = context;
  if (count <= 0)
    return;
  if (count == 1 || pool->threads == 1 || count > max_count) {
    body(frame, 0, count);
    return;
  }
  int64_t chunks = cut(count, pool->threads, 0).chunks;
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->body, body, memory_order_relaxed);
  atomic_store_explicit(&pool->frame, frame, memory_order_relaxed);
  atomic_store_explicit(&pool->count, count, memory_order_relaxed);
  uint64_t loop = loop_of(atomic_load_explicit(&pool->ticket, memory_order_relaxed)) + 1;
  /* Either a thread that is about to sleep sees this ticket, or we see it among the sleepers: both are sequentially
   * consistent. The same holds for `done` and `caller_sleeps` below. */
  atomic_store(&pool->ticket, first_ticket(loop, chunks));
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
  }
  if (take_chunks(pool))
    return;

  int64_t until = now() + pool->spin_nanoseconds;
  for (int64_t step = 1; atomic_load(&pool->done) != chunks; ++step) {
    relax();
    if (step % 64 != 0 || now() < until)
      continue;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->done) != chunks)
      pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
  }
}

void n2uq_pool_destroy(n2uq_pool *pool) {
  if (!pool)
    return;
  atomic_store(&pool->stop, true);
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (int64_t i = 0; i < pool->started; ++i)
    pthread_join(pool->handles[i], NULL);
  pthread_cond_destroy(&pool->finished);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->handles);
  free(pool);
}

int64_t n2uq_pool_threads(const n2uq_pool *pool) { return pool->threads; }

n2uq_status n2uq_pool_create(int64_t threads, int64_t spin_microseconds, n2uq_pool **result) {
  *result = NULL;
  int64_t cores = n2uq_cpu_count();
  if (threads == 0)
    threads = cores < n2uq_max_threads ? cores : n2uq_max_threads;
  if (threads < 0 || threads > n2uq_max_threads)
    return n2uq_fail(N2UQ_BAD_ARGUMENT, "the number of threads must be between 0 (one for each core) and %lld",
                     (long long)n2uq_max_threads);
  n2uq_pool *pool = aligned_alloc(cache_line, (sizeof *pool + cache_line - 1) / cache_line * cache_line);
  pthread_t *handles = calloc((size_t)threads, sizeof *handles);
  if (!pool || !handles) {
    free(pool);
    free(handles);
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot start %lld threads: out of memory", (long long)threads);
  }
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->finished, NULL);
  pool->handles = handles;
  pool->threads = threads;
  /* With more threads than cores a spinning thread holds the core of one that has work. */
  if (spin_microseconds == 0)
    spin_microseconds = threads <= cores ? default_spin_microseconds : -1;
  pool->spin_nanoseconds = spin_microseconds < 0           ? 0
                           : spin_microseconds > 1000000LL ? 1000000000LL
                                                           : spin_microseconds * 1000;

  /* The program's signals stay with the program's threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  /* At least what a model may need, whatever this program's default is. */
  pthread_attr_t attributes;
  size_t stack = 0;
  int failure = pthread_attr_init(&attributes);
  if (failure == 0 && pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < 2 * N2UQ_STACK_BYTES)
    failure = pthread_attr_setstacksize(&attributes, 2 * N2UQ_STACK_BYTES);
  while (pool->started < threads - 1 && failure == 0) {
    failure = pthread_create(&pool->handles[pool->started], &attributes, work, pool);
    pool->started += failure == 0;
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failure != 0) {
    n2uq_pool_destroy(pool);
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot start %lld threads: %s", (long long)threads, strerror(failure));
  }
  *result = pool;
  return N2UQ_OK;
}
