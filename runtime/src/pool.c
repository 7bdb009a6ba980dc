/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Threads for parallel loops.
 *
 * A loop is cut into one share for each thread, of neighbouring items, always the same ones: kernels compute their
 * images from top to bottom, so a thread finds in its own caches what it wrote for the kernel before. A share is cut
 * into chunks that become smaller: a kernel prepares less for items in a row than for as many alone. A thread
 * takes the chunks of its share from the front; who has none left takes others' from the back, the small ones.
 *
 * A share's ticket holds the loop's number and which chunks are left, and is changed by compare-and-swap: a thread that
 * comes late, with an old loop's ticket, takes nothing. So the caller waits only for chunks that were taken, never for
 * threads to wake up, and a loop costs little more than a plain one where other programs hold the cores.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* No loop of a model has as many items. */
static const int64_t max_count = INT64_C(1) << 50;
/* Longer than the gaps between the kernels of a run, shorter than what a sleeping thread's wake-up would save. */
static const int64_t default_spin_microseconds = 100;

enum { cache_line = 64 };

/* A thread, and its part of the loop that runs. Each has cache lines of its own. */
typedef struct pool_share {
  /* The loop's number << 32 | end << 16 | next: chunks [next, end) are left. */
  _Alignas(cache_line) _Atomic uint64_t ticket;
  n2uq_pool *pool;
  int64_t index;
  pthread_t handle; /* but of the caller, who has share 0 */
} pool_share;

struct n2uq_pool {
  /* The loop that runs. Written by the caller between loops. A thread reads them after it has seen a ticket with chunks
   * left and before it takes one: if it gets it, the loop was not over meanwhile and they were that loop's. Atomic
   * because a late thread may read them, in vain, while the next loop is written. */
  _Atomic(n2uq_kernel_function) body;
  _Atomic(const n2uq_frame *) frame;
  _Atomic int64_t count, chunks; /* items; and chunks of all shares */

  _Alignas(cache_line) _Atomic uint64_t loop; /* its number, written when all tickets are */
  _Alignas(cache_line) _Atomic int64_t done;  /* chunks that are computed */

  _Alignas(cache_line) atomic_int sleepers; /* threads that wait for `work` */
  atomic_bool caller_sleeps;                /* the caller waits for `finished` */
  atomic_bool stop;
  pthread_mutex_t mutex;
  pthread_cond_t work, finished;
  int64_t spin_nanoseconds;
  int64_t threads; /* with the caller */
  int64_t started;
  pool_share *shares;
};

static const uint64_t front_chunk = 1, back_chunk = 1 << 16; /* what taking one adds to a ticket, and takes off it */

static uint64_t first_ticket(uint64_t loop, int64_t chunks) { return loop << 32 | (uint64_t)chunks << 16; }
static uint64_t loop_of(uint64_t ticket) { return ticket >> 32; }
static int64_t end_of(uint64_t ticket) { return (int64_t)(ticket >> 16 & 0xffff); }
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

/* Items [begin, end) of a share or of a chunk. */
typedef struct item_range {
  int64_t begin, end;
} item_range;

/* Of what does not come out even the last shares have one more each: a kernel's last items are often smaller ones. */
static item_range share_of(int64_t count, int64_t threads, int64_t index) {
  int64_t size = count / threads, larger = count % threads, extra = index - (threads - larger);
  int64_t begin = index * size + (extra > 0 ? extra : 0);
  return (item_range){begin, begin + size + (extra >= 0)};
}

/* A chunk is all but a quarter of what is left of its share. So k chunks leave at most size / 4^k, and max_count items
 * make at most 26. Of n chunks the last ones are for a thread that is done early: halves cost the first layer of
 * ResNet-18 five per cent, for each chunk of it computes a row more. */
static int64_t chunk_size(int64_t left) { return left - left / 4; }

static int64_t chunks_of(item_range share) {
  int64_t chunks = 0;
  for (int64_t left = share.end - share.begin; left > 0; left -= chunk_size(left))
    ++chunks;
  return chunks;
}

static item_range chunk_of(item_range share, int64_t chunk) {
  for (; chunk > 0; --chunk)
    share.begin += chunk_size(share.end - share.begin);
  share.end = share.begin + chunk_size(share.end - share.begin);
  return share;
}

/* Computes chunks of loop number `loop` from the share at `owner` until none is left; returns how many. */
static int64_t take_from(n2uq_pool *pool, uint64_t loop, int64_t owner, bool is_own) {
  _Atomic uint64_t *place = &pool->shares[owner].ticket;
  int64_t taken = 0;
  uint64_t ticket = atomic_load_explicit(place, memory_order_acquire);
  while (loop_of(ticket) == loop && next_of(ticket) < end_of(ticket)) {
    int64_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
    n2uq_kernel_function body = atomic_load_explicit(&pool->body, memory_order_relaxed);
    const n2uq_frame *frame = atomic_load_explicit(&pool->frame, memory_order_relaxed);
    if (!atomic_compare_exchange_weak_explicit(place, &ticket, is_own ? ticket + front_chunk : ticket - back_chunk,
                                               memory_order_acq_rel, memory_order_acquire))
      continue;
    item_range range = chunk_of(share_of(count, pool->threads, owner), is_own ? next_of(ticket) : end_of(ticket) - 1);
    body(frame, range.begin, range.end);
    ++taken;
    ticket = atomic_load_explicit(place, memory_order_acquire);
  }
  return taken;
}

/* Computes chunks of loop number `loop` until none is left. True if this thread was the last one to finish. */
static bool take_chunks(n2uq_pool *pool, uint64_t loop, int64_t self) {
  int64_t taken = 0;
  for (int64_t i = 0; i < pool->threads; ++i)
    taken += take_from(pool, loop, (self + i) % pool->threads, i == 0);
  if (taken == 0)
    return false;
  /* Before these are counted the loop is not over. */
  int64_t chunks = atomic_load_explicit(&pool->chunks, memory_order_relaxed);
  return atomic_fetch_add(&pool->done, taken) + taken == chunks;
}

static void wake_caller(n2uq_pool *pool) {
  if (!atomic_load(&pool->caller_sleeps))
    return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_signal(&pool->finished);
  pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *context) {
  const pool_share *own = context;
  n2uq_pool *pool = own->pool;
  n2uq_float_modes_enter();
  uint64_t seen = 0;
  for (;;) {
    /* Watch for another loop's number, then sleep. */
    int64_t until = pool->spin_nanoseconds > 0 ? now() + pool->spin_nanoseconds : 0;
    uint64_t loop;
    for (int64_t step = 1; (loop = atomic_load(&pool->loop)) == seen && !atomic_load(&pool->stop); ++step) {
      relax();
      if (until && (step % 64 != 0 || now() < until))
        continue;
      pthread_mutex_lock(&pool->mutex);
      atomic_fetch_add(&pool->sleepers, 1);
      while (atomic_load(&pool->loop) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->work, &pool->mutex);
      atomic_fetch_sub(&pool->sleepers, 1);
      pthread_mutex_unlock(&pool->mutex);
    }
    if (atomic_load(&pool->stop))
      return NULL;
    seen = loop;
    if (take_chunks(pool, loop, own->index))
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
  /* 32 bits of it stand in tickets. */
  uint64_t loop = (atomic_load_explicit(&pool->loop, memory_order_relaxed) + 1) & UINT32_MAX;
  int64_t chunks = 0;
  for (int64_t i = 0; i < pool->threads; ++i)
    chunks += chunks_of(share_of(count, pool->threads, i));
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->body, body, memory_order_relaxed);
  atomic_store_explicit(&pool->frame, frame, memory_order_relaxed);
  atomic_store_explicit(&pool->count, count, memory_order_relaxed);
  atomic_store_explicit(&pool->chunks, chunks, memory_order_relaxed);
  for (int64_t i = 0; i < pool->threads; ++i)
    atomic_store_explicit(&pool->shares[i].ticket, first_ticket(loop, chunks_of(share_of(count, pool->threads, i))),
                          memory_order_release);
  /* Either a thread that is about to sleep sees this number, or we see it among the sleepers: both are sequentially
   * consistent. The same holds for `done` and `caller_sleeps` below. */
  atomic_store(&pool->loop, loop);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
  }
  if (take_chunks(pool, loop, 0))
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
    pthread_join(pool->shares[i + 1].handle, NULL);
  pthread_cond_destroy(&pool->finished);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->shares);
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
  pool_share *shares = aligned_alloc(cache_line, (size_t)threads * sizeof *shares);
  if (!pool || !shares) {
    free(pool);
    free(shares);
    return n2uq_fail(N2UQ_OUT_OF_MEMORY, "cannot start %lld threads: out of memory", (long long)threads);
  }
  memset(pool, 0, sizeof *pool);
  memset(shares, 0, (size_t)threads * sizeof *shares);
  for (int64_t i = 0; i < threads; ++i) {
    shares[i].pool = pool;
    shares[i].index = i;
  }
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->finished, NULL);
  pool->shares = shares;
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
    pool_share *share = &pool->shares[pool->started + 1];
    failure = pthread_create(&share->handle, &attributes, work, share);
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
