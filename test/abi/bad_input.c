/* Arguments that cannot be used and exceptions of the program: a status, a text with a line, results
 * as they were, nothing lost. */
#include "checks.h"
#include "model.h"

#include <sys/resource.h>

static void drop(void *data, const char *bytes, size_t n) {
  *(size_t *)data += n;
  (void)bytes;
}

static void reenter(void *data, const char *bytes, size_t n) {
  int64_t depth;
  (void)bytes, (void)n;
  CHECK(model_depth((mpy_ctx *)data, 1, &depth) == MPY_ERROR_BUSY);
  /* Neither takes anything from the call that is running. */
  mpy_ctx_trim((mpy_ctx *)data);
  mpy_ctx_free((mpy_ctx *)data);
}

static void arguments(mpy_ctx *ctx) {
  double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, y[6] = {0}, before[6];
  int64_t two_three[] = {2, 3}, three_two[] = {3, 2}, six[] = {6}, minus[] = {-2, 3};
  mpy_array X = mpy_f64(x, 2, two_three), Y = mpy_f64(y, 2, two_three), R = {0}, bad;
  memcpy(before, y, sizeof y);
  bad = mpy_f64(x, 1, six);
  CHECK_FAILS(ctx, model_total(ctx, &bad, &Y, &R), MPY_ERROR_ARGUMENT,
              "total(): x has rank 1, where its type is float64[n, d]");
  CHECK(mpy_error_line(ctx) == 26 && strcmp(mpy_error_kind(ctx), "TypeError") == 0);
  CHECK(strstr(mpy_error_message(ctx), "model.mpy:26: TypeError: total(): x has"));
  bad = mpy_f64(x, 2, three_two);
  CHECK_FAILS(ctx, model_total(ctx, &X, &bad, &R), MPY_ERROR_ARGUMENT,
              "extent n of y is 3, but 2 in x");
  bad = mpy_f32((float *)x, 2, two_three);
  CHECK_FAILS(ctx, model_total(ctx, &X, &bad, &R), MPY_ERROR_ARGUMENT,
              "y has elements of code 2 with 32 bits, where its type is float64[n, d]");
  bad = mpy_f64(NULL, 2, two_three);
  CHECK_FAILS(ctx, model_total(ctx, &X, &bad, &R), MPY_ERROR_ARGUMENT, "y has elements, but no data");
  bad = mpy_f64(x, 2, minus);
  CHECK_FAILS(ctx, model_total(ctx, &bad, &Y, &R), MPY_ERROR_ARGUMENT, "negative extent -2 at axis 0");
  bad = X;
  bad.shape = NULL;
  CHECK_FAILS(ctx, model_total(ctx, &bad, &Y, &R), MPY_ERROR_ARGUMENT, "x has no shape");
  bad = X;
  bad.device.type = 2;
  CHECK_FAILS(ctx, model_total(ctx, &bad, &Y, &R), MPY_ERROR_ARGUMENT, "device type 2");
  bad = X;
  bad.dtype.lanes = 2;
  CHECK_FAILS(ctx, model_total(ctx, &bad, &Y, &R), MPY_ERROR_ARGUMENT, "x has elements of 2 lanes");
  CHECK_FAILS(ctx, model_total(ctx, NULL, &Y, &R), MPY_ERROR_ARGUMENT, "x is null");
  CHECK_FAILS(ctx, model_total(ctx, &X, &Y, NULL), MPY_ERROR_ARGUMENT, "no place for result");
  CHECK(R.data == NULL);
  CHECK_FAILS(ctx, model_cube(ctx, 1.0, NULL), MPY_ERROR_ARGUMENT, "no place for result");
  CHECK(model_total(NULL, &X, &Y, &R) == MPY_ERROR_ARGUMENT);
  /* Where results go. */
  bad = mpy_f64(y, 2, three_two);
  CHECK_FAILS(ctx, model_total(ctx, &X, &X, &bad), MPY_ERROR_ARGUMENT,
              "result has extent 3 at axis 0, where the result has 2");
  bad = X;
  CHECK_FAILS(ctx, model_total(ctx, &X, &Y, &bad), MPY_ERROR_ARGUMENT, "result overlaps x");
  bad = mpy_f64(x + 4, 2, two_three);
  CHECK_FAILS(ctx, model_total(ctx, &X, &Y, &bad), MPY_ERROR_ARGUMENT, "result overlaps x");
  int64_t flat[] = {0, 1};
  bad = Y;
  bad.strides = flat;
  CHECK_FAILS(ctx, model_total(ctx, &X, &X, &bad), MPY_ERROR_ARGUMENT,
              "elements of result share memory");
  /* Known by the call alone: refused after the work, still untouched. */
  int64_t one[] = {1};
  bad = mpy_f64(y, 1, one);
  X = mpy_f64(x, 1, six);
  CHECK_FAILS(ctx, model_positive(ctx, &X, &bad), MPY_ERROR_ARGUMENT,
              "result has extent 1 at axis 0, where the result has 6");
  CHECK_FAILS(ctx, model_scaled(ctx, &X, &R), MPY_ERROR_ARGUMENT,
              "x has extent 6 at axis 0, where its type says 3");
  CHECK(memcmp(before, y, sizeof y) == 0);
}

/* Extents of results that annotations say and the call alone knows. */
static void annotated_results(mpy_ctx *ctx) {
  double x[] = {1, 2, 3}, given[6] = {7, 7, 7, 7, 7, 7}, ones[] = {1, 1, 1}, before[6];
  int64_t three[] = {3}, two[] = {2}, shape[1] = {0}, many[1] = {0}, pairs[2] = {0}, k = 0;
  mpy_array X = mpy_f64(x, 1, three), G = mpy_f64(given, 1, three), C = mpy_f64(ones, 1, three),
            R = {0}, S = {0};
  memcpy(before, given, sizeof given);
  CHECK_OK(ctx, model_above_shapes(ctx, &X, 1.5, shape));
  CHECK(shape[0] == 3);
  CHECK_FAILS(ctx, model_above(ctx, &X, 1.5, &G), MPY_ERROR_EXCEPTION,
              "ValueError: above(): extent n of result is 2, but 3 in x");
  CHECK_FAILS(ctx, model_above(ctx, &X, 1.5, &R), MPY_ERROR_EXCEPTION, "extent n of result is 2");
  CHECK_FAILS(ctx, model_above_vjp(ctx, &X, 2.5, &C, &R), MPY_ERROR_EXCEPTION,
              "the result has shape (1,), where its type says (3,)");
  CHECK_FAILS(ctx, model_above_jvp(ctx, &X, 1.5, &C, &R, &G), MPY_ERROR_EXCEPTION,
              "extent n of result is 2");
  /* What is given has the extent of the work, but not that of the type. */
  G.shape = two;
  CHECK_FAILS(ctx, model_above(ctx, &X, 1.5, &G), MPY_ERROR_ARGUMENT,
              "result has extent 2 at axis 0, where the result has 3");
  G.shape = three;
  CHECK_FAILS(ctx, model_alike(ctx, 3, 2, &G, &R), MPY_ERROR_EXCEPTION,
              "alike(): extent m of result_b is 2, but 3 in result_a");
  CHECK_FAILS(ctx, model_five(ctx, 4, &k, &R), MPY_ERROR_EXCEPTION,
              "five(): result_1 has extent 4 at axis 0, where its type says 5");
  CHECK(k == 0 && !R.data && memcmp(given, before, sizeof given) == 0);
  CHECK_OK(ctx, model_alike_shapes(ctx, 3, 2, many, pairs));
  CHECK(many[0] == -1 && pairs[0] == -1 && pairs[1] == 2);
  CHECK_OK(ctx, model_alike(ctx, 3, 3, &R, &S));
  CHECK(R.shape[0] == 3 && S.shape[0] == 3 && S.shape[1] == 2);
  mpy_array_free(&R);
  mpy_array_free(&S);
  CHECK_OK(ctx, model_above(ctx, &X, 0.5, &G));
  CHECK(memcmp(given, x, sizeof x) == 0);
  CHECK_OK(ctx, model_above_vjp(ctx, &X, 0.5, &C, &R));
  CHECK(((double *)R.data)[2] == 1);
  mpy_array_free(&R);
}

static void exceptions(mpy_ctx *ctx) {
  double root = 7;
  int64_t number = 7;
  CHECK_FAILS(ctx, model_checked(ctx, -1.0, &root), MPY_ERROR_EXCEPTION,
              "model.mpy:57: ValueError: x is -1.0, below 0");
  CHECK(strcmp(mpy_error_text(ctx), "x is -1.0, below 0") == 0);
  CHECK(strstr(mpy_error_file(ctx), "model.mpy"));
  CHECK(root == 7);
  CHECK_OK(ctx, model_checked(ctx, 4.0, &root));
  CHECK(root == 2 && *mpy_error_message(ctx) == 0);
  CHECK_OK(ctx, model_maybe(ctx, 3.0, &root));
  CHECK(root == 3);
  CHECK_FAILS(ctx, model_maybe(ctx, -3.0, &root), MPY_ERROR_EXCEPTION, "TypeError: the result is None");
  CHECK(root == 3);
  CHECK_FAILS(ctx, model_shown(ctx, 5, &number), MPY_ERROR_EXCEPTION, "RuntimeError: more than 3 lines");
  CHECK_FAILS(ctx, model_depth(ctx, 100000000, &number), MPY_ERROR_EXCEPTION,
              "RecursionError: maximum recursion depth exceeded");
  CHECK(number == 7);
  CHECK_OK(ctx, model_depth(ctx, 100, &number));
  CHECK(number == 100);
  mpy_array R = {0};
  CHECK_FAILS(ctx, model_filled(ctx, (int64_t)1 << 50, &R), MPY_ERROR_MEMORY,
              "MemoryError: Unable to allocate 8.00 PiB");
  CHECK_FAILS(ctx, model_filled(ctx, -1, &R), MPY_ERROR_EXCEPTION,
              "ValueError: negative dimensions are not allowed");
  CHECK(R.data == NULL);
  CHECK(strstr(mpy_status_text(MPY_ERROR_BUSY), "used by another call"));
}

static void versions(size_t *dropped) {
  mpy_ctx *ctx = mpy_ctx_new_for(MPY_ABI_VERSION + 1);
  double r;
  mpy_ctx_set_output(ctx, drop, dropped);
  CHECK_FAILS(ctx, model_cube(ctx, 1.0, &r), MPY_ERROR_VERSION, "have ABI versions");
  mpy_ctx_free(ctx);
}

/* A call that fails frees what it has made: the same call again and again needs no more memory. */
static void leaks(mpy_ctx *ctx) {
  enum { size = 20000 };
  double *a = malloc(size * sizeof *a);
  int64_t n[] = {size};
  mpy_array A = mpy_f64(a, 1, n), R = {0};
  for (int i = 0; i < size; ++i)
    a[i] = i + 1.0;
  struct rusage before, after;
  for (int i = 0; i < 4000; ++i) {
    if (i == 400)
      getrusage(RUSAGE_SELF, &before);
    if (i % 2) {
      CHECK_FAILS(ctx, model_divided(ctx, &A, &A, 200, &R), MPY_ERROR_EXCEPTION,
                  "AssertionError: too many steps");
    } else {
      CHECK_OK(ctx, model_divided(ctx, &A, &A, 3, &R));
      mpy_array_free(&R);
    }
  }
  getrusage(RUSAGE_SELF, &after);
#ifdef SANITIZED
  /* It keeps what is freed for a while, and looks for leaks itself. */
  (void)before, (void)after;
#else
  CHECK(after.ru_maxrss - before.ru_maxrss < 20000);
#endif
  free(a);
}

int main(void) {
  size_t dropped = 0;
  mpy_ctx *ctx = mpy_ctx_new();
  mpy_ctx_set_output(ctx, drop, &dropped);
  CHECK_OK(ctx, model_init(ctx));
  arguments(ctx);
  annotated_results(ctx);
  exceptions(ctx);
  leaks(ctx);
  versions(&dropped);
  CHECK(dropped > 0);
  mpy_ctx_set_output(ctx, reenter, ctx);
  int64_t shown;
  CHECK_OK(ctx, model_shown(ctx, 1, &shown));
  mpy_ctx_free(ctx);
  mpy_ctx_free(NULL);
  mpy_ctx_trim(NULL);
  mpy_ctx_set_output(NULL, drop, NULL);
  return failures != 0;
}
