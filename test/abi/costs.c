/* What a call costs beside its work. */
#include "checks.h"
#include "model.h"

#include <time.h>

enum { rounds = 7, calls_each = 200000 };

static void drop(void *data, const char *bytes, size_t n) { (void)data, (void)bytes, (void)n; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile double sink;
__attribute__((noinline)) static int plain(double x, double *r) {
  *r = x * x * x;
  return 0;
}

int main(void) {
  double w[2] = {1, 2}, x[6] = {1, 2, 3, 4, 5, 6}, y[3] = {1, 2, 3}, r, best[3] = {1e9, 1e9, 1e9};
  int64_t d[] = {2}, n[] = {3}, nd[] = {3, 2};
  mpy_array W = mpy_f64(w, 1, d), X = mpy_f64(x, 2, nd), Y = mpy_f64(y, 1, n);
  mpy_ctx *ctx = mpy_ctx_new();
  mpy_ctx_set_output(ctx, drop, NULL);
  CHECK_OK(ctx, model_init(ctx));
  for (int round = 0; round < rounds; ++round)
    for (int kind = 0; kind < 3; ++kind) {
      double start = now();
      for (int i = 0; i < calls_each; ++i) {
        if (kind == 0)
          plain(i * 1e-6, &r);
        else if (kind == 1)
          model_cube(ctx, i * 1e-6, &r);
        else
          model_loss(ctx, &W, 0.5, &X, &Y, &r);
        sink = r;
      }
      double each = (now() - start) / calls_each;
      best[kind] = each < best[kind] ? each : best[kind];
    }
  printf("through C: %.1f ns more than the plain function for a number, %.1f ns for three arrays and a number\n",
         best[1] - best[0], best[2]);
  /* Several times what it takes on a quiet machine. */
  CHECK(best[1] - best[0] < 100 && best[2] < 500);
  mpy_ctx_free(ctx);
  return failures != 0;
}
