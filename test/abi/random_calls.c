/* Random calls: layouts, sizes and wrong arguments of every kind. What is right must give the right
 * result, what is wrong a status, with all results as they were; nothing may be lost.
 *
 *   random_calls [COUNT [SEED]]
 */
#include "checks.h"
#include "model.h"

static uint64_t state;
static uint64_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
static int64_t below(int64_t n) { return (int64_t)(draw() % (uint64_t)n); }

enum { room = 4096 };
static double memory[3][room];

/* A random array in the memory of one of the three; where wrong is not null, sometimes unusable. */
static mpy_array random_array(int which, int rank, int64_t *shape, int64_t *strides, int *wrong) {
  mpy_array array = mpy_f64(memory[which] + room / 2, rank, shape);
  if (below(3)) {
    int64_t step = 1 + below(2);
    for (int dim = rank; dim-- > 0;) {
      strides[dim] = below(8) ? step : below(2) ? 0 : step;
      if (below(3) == 0)
        strides[dim] = -strides[dim];
      step *= shape[dim] > 0 ? shape[dim] : 1;
    }
    if (rank == 2 && below(3) == 0) {
      int64_t swapped = strides[0];
      strides[0] = strides[1];
      strides[1] = swapped;
      if (labs(strides[0]) * shape[0] + labs(strides[1]) * shape[1] > room / 2)
        strides[0] = strides[1] = 0;
    }
    array.strides = strides;
  }
  if (below(4) == 0)
    array.byte_offset = (uint64_t)(8 * below(16));
  if (!wrong)
    return array;
  switch (below(24)) {
  case 0:
    array.ndim = (int32_t)below(12) - 2;
    *wrong |= array.ndim != rank;
    break;
  case 1:
    array.dtype.bits = 32;
    *wrong = 1;
    break;
  case 2:
    array.dtype.code = (uint8_t)(3 + below(9));
    *wrong = 1;
    break;
  case 3:
    array.dtype.lanes = 2;
    *wrong = 1;
    break;
  case 4:
    array.device.type = 2 + (int32_t)below(14);
    *wrong = 1;
    break;
  case 5:
    array.shape = NULL;
    *wrong = 1;
    break;
  case 6: {
    int empty = 0;
    for (int dim = 0; dim < rank; ++dim)
      empty |= shape[dim] == 0;
    array.data = NULL;
    *wrong |= !empty;
    break;
  }
  case 7:
    shape[below(rank)] = -1 - below(1000);
    *wrong = 1;
    break;
  default:
    break;
  }
  return array;
}

static double at(const mpy_array *array, int64_t i, int64_t j) {
  const double *first = (const double *)(const void *)((const char *)array->data + array->byte_offset);
  int64_t outer = array->strides ? array->strides[0] : array->shape[1];
  int64_t inner = array->strides ? array->strides[1] : 1;
  return first[i * outer + j * inner];
}

static void call_total(mpy_ctx *ctx) {
  int64_t n = below(9), d = below(7), a[2] = {n, d}, b[2] = {n, d}, c[2] = {n, d}, sa[2], sb[2];
  int wrong = 0;
  mpy_array x = random_array(0, 2, a, sa, below(2) ? &wrong : NULL),
            y = random_array(1, 2, b, sb, below(2) ? &wrong : NULL);
  if (below(16) == 0 && !wrong) {
    b[below(2)] += 1 + below(3);
    wrong = 1;
  }
  double given[128], before[128];
  for (int i = 0; i < 128; ++i)
    given[i] = before[i] = (double)i;
  int allocate = below(2) == 0;
  mpy_array out = mpy_f64(given, 2, c), blank;
  if (allocate)
    memset(&out, 0, sizeof out);
  else if (below(12) == 0 && n && d && !wrong) {
    c[below(2)] += 1;
    wrong = 1;
  } else if (below(12) == 0 && n && d && !wrong) {
    out.data = memory[0] + room / 2;
    out.byte_offset = x.byte_offset;
    wrong = 1;
  }
  blank = out;
  int status = model_total(ctx, &x, &y, &out);
  if (wrong) {
    CHECK(status == MPY_ERROR_ARGUMENT && *mpy_error_message(ctx));
    CHECK(memcmp(&out, &blank, sizeof out) == 0 && memcmp(given, before, sizeof given) == 0);
    return;
  }
  CHECK_OK(ctx, status);
  if (status)
    return;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < d; ++j)
      CHECK(at(&out, i, j) == at(&x, i, j) + 2 * at(&y, i, j));
  if (allocate)
    mpy_array_free(&out);
}

static void call_others(mpy_ctx *ctx) {
  int64_t n = below(200), shape[] = {n}, strides[1];
  mpy_array x = random_array(2, 1, shape, strides, NULL), out = {0}, more = {0};
  double number;
  int64_t k = below(150);
  int status;
  switch (below(6)) {
  case 0:
    number = (double)below(9) - 4;
    status = model_checked(ctx, number, &number);
    CHECK(status == MPY_OK ? number >= 0 : status == MPY_ERROR_EXCEPTION && number < 0);
    break;
  case 1:
    status = model_divided(ctx, &x, &x, k, &out);
    CHECK(status == (k > 100 ? MPY_ERROR_EXCEPTION : MPY_OK) && (status || out.shape[0] == n));
    break;
  case 2:
    CHECK_OK(ctx, model_positive(ctx, &x, &out));
    break;
  case 3:
    CHECK_OK(ctx, model_stepped_value_and_grad(ctx, &x, k % 20, &number, &out));
    CHECK(out.shape[0] == n);
    break;
  case 4:
    status = model_growing(ctx, &x, k % 9, &out);
    /* Nothing to repeat where there is nothing. */
    CHECK(status == MPY_OK && out.shape[0] == (n ? n + k % 9 : 0));
    break;
  default:
    CHECK_OK(ctx, model_drawn(ctx, k, &out, &number));
    CHECK(out.shape[0] == k && number >= 0 && number < 1);
  }
  if (out.data)
    mpy_array_free(&out);
  (void)more;
}

static void drop(void *data, const char *bytes, size_t n) { (void)data, (void)bytes, (void)n; }

int main(int count, char **words) {
  long calls = count > 1 ? atol(words[1]) : 20000;
  state = 88172645463325252ULL + (count > 2 ? strtoull(words[2], NULL, 10) : 1);
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < room; ++k)
      memory[i][k] = (double)below(2000) / 16 - 60;
  mpy_ctx *ctx = NULL;
  for (long i = 0; i < calls && failures < 20; ++i) {
    if (i % 5000 == 0) {
      mpy_ctx_free(ctx);
      ctx = mpy_ctx_new();
      mpy_ctx_set_output(ctx, drop, NULL);
    }
    if (below(3))
      call_total(ctx);
    else
      call_others(ctx);
  }
  mpy_ctx_free(ctx);
  return failures != 0;
}
