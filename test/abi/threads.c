/* Threads with contexts of their own run at the same time and get the same results; one context in two
 * threads is refused.
 *
 *   threads [SECONDS]
 *
 * All do the same work as often, about as long as the argument says, and end with the same state. */
#include "checks.h"
#include "model.h"

#include <pthread.h>
#include <time.h>

enum { threads = 8, rounds = 300 };

static void drop(void *data, const char *bytes, size_t n) { (void)data, (void)bytes, (void)n; }

static int times = 1;

struct Result {
  double loss, gradient[40], drawn[6], uniform;
  int wrong;
};

static void *work(void *data) {
  struct Result *result = data;
  double w[40], x[50 * 40], y[50];
  int64_t d[] = {40}, n[] = {50}, nd[] = {50, 40}, six[] = {6}, zero, depth = 0;
  (void)depth;
  for (int i = 0; i < 40; ++i)
    w[i] = 0.01 * i;
  for (int i = 0; i < 50 * 40; ++i)
    x[i] = (i * 37 % 101) / 50.0 - 1.0;
  for (int i = 0; i < 50; ++i)
    y[i] = i % 7;
  mpy_array W = mpy_f64(w, 1, d), X = mpy_f64(x, 2, nd), Y = mpy_f64(y, 1, n),
            D = mpy_f64(result->drawn, 1, six);
  mpy_ctx *ctx = mpy_ctx_new();
  mpy_ctx_set_output(ctx, drop, NULL);
  for (int k = 0; k < rounds * times; ++k) {
    int i = k % rounds;
    mpy_array G = {0};
    double loss, root = 0, bias;
    if (model_loss_value_and_grad(ctx, &W, 0.5, &X, &Y, &loss, &G, &bias) != MPY_OK) {
      ++result->wrong;
      continue;
    }
    if (k && (loss != result->loss || memcmp(G.data, result->gradient, sizeof result->gradient)))
      ++result->wrong;
    result->loss = loss;
    memcpy(result->gradient, G.data, sizeof result->gradient);
    mpy_array_free(&G);
    if (model_checked(ctx, -1.0 - i, &root) != MPY_ERROR_EXCEPTION || root != 0)
      ++result->wrong;
    if (model_seeded(ctx, i, &zero) || model_drawn(ctx, 6, &D, &result->uniform))
      ++result->wrong;
#ifndef SANITIZED
    /* The thread sanitizer's own record of calls ends before the stack does. */
    if (i % 100 == 0 && model_depth(ctx, 100000000, &depth) != MPY_ERROR_EXCEPTION)
      ++result->wrong;
#endif
  }
  mpy_ctx_free(ctx);
  return NULL;
}

static mpy_ctx *shared;
static int busy, done;

static void *share(void *data) {
  double root;
  (void)data;
  for (int i = 0; i < 200000; ++i) {
    int status = model_checked(shared, 4.0, &root);
    if (status == MPY_ERROR_BUSY)
      __atomic_add_fetch(&busy, 1, __ATOMIC_RELAXED);
    else if (status == MPY_OK && root == 2.0)
      __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

static void run(void *(*body)(void *), int count, struct Result *results) {
  pthread_t started[threads];
  for (int i = 0; i < count; ++i)
    CHECK(pthread_create(started + i, NULL, body, results ? results + i : NULL) == 0);
  for (int i = 0; i < count; ++i)
    pthread_join(started[i], NULL);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Each thread does its work so many times; the time that this takes. */
static double work_together(int passes) {
  static struct Result results[threads];
  double start = now();
  memset(results, 0, sizeof results);
  times = passes;
  run(work, threads, results);
  for (int i = 0; i < threads; ++i) {
    CHECK(results[i].wrong == 0);
    CHECK(memcmp(results + i, results, sizeof *results) == 0);
  }
  return now() - start;
}

int main(int count, char **words) {
  double spent = work_together(1), each = spent, seconds = count > 1 ? atof(words[1]) : 0;
  int passes = 1;
  while (spent < seconds && failures == 0) {
    int more = (int)((seconds - spent) / each) + 1;
    double took = work_together(more);
    each = took / more;
    spent += took;
    passes += more;
  }
  printf("%d threads with contexts of their own: %d passes each in %.1f s, no error, the same results\n",
         threads, passes, spent);
  shared = mpy_ctx_new();
  mpy_ctx_set_output(shared, drop, NULL);
  CHECK_OK(shared, model_init(shared));
  run(share, 2, NULL);
  CHECK(busy + done == 400000 && done > 0);
  mpy_ctx_free(shared);
  printf("%d calls were refused while another thread was in the context\n", busy);
  return failures != 0;
}
