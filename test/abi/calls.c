/* Calls with good arguments: numbers, arrays of any strides, structures, derivatives. */
#include "checks.h"
#include "model.h"

static char printed[4096];
static size_t printed_size;
static void take(void *data, const char *bytes, size_t n) {
  (void)data;
  if (printed_size + n < sizeof printed) {
    memcpy(printed + printed_size, bytes, n);
    printed_size += n;
  }
  printed[printed_size] = 0;
}

static void derivatives(mpy_ctx *ctx) {
  double w[] = {0.5, -1.0}, x[] = {1, 2, 3, 4, 5, 6}, y[] = {1, 0, -1}, b = 0.25;
  int64_t d[] = {2}, n[] = {3}, nd[] = {3, 2};
  mpy_array W = mpy_f64(w, 1, d), X = mpy_f64(x, 2, nd), Y = mpy_f64(y, 1, n);
  double loss, again, grad_b, tangent;
  CHECK_OK(ctx, model_loss(ctx, &W, b, &X, &Y, &loss));
  double expected = 0, gw[2] = {0, 0}, gb = 0, h[2] = {0, 0}, hb = 0, v[2] = {1, -2}, vb = 0.5;
  for (int i = 0; i < 3; ++i) {
    double r = x[2 * i] * w[0] + x[2 * i + 1] * w[1] + b - y[i];
    double s = x[2 * i] * v[0] + x[2 * i + 1] * v[1] + vb;
    expected += r * r / 3;
    for (int k = 0; k < 2; ++k) {
      gw[k] += 2 * r * x[2 * i + k] / 3;
      h[k] += 2 * s * x[2 * i + k] / 3;
    }
    gb += 2 * r / 3;
    hb += 2 * s / 3;
  }
  CHECK_NEAR(loss, expected);
  mpy_array G = {0};
  CHECK_OK(ctx, model_loss_grad(ctx, &W, b, &X, &Y, &G, &grad_b));
  CHECK(G.ndim == 1 && G.shape[0] == 2 && G.dtype.bits == 64 && G.dtype.code == MPY_CODE_FLOAT);
  for (int k = 0; k < 2; ++k)
    CHECK_NEAR(((double *)G.data)[k], gw[k]);
  CHECK_NEAR(grad_b, gb);
  mpy_array_free(&G);
  CHECK(G.data == NULL);
  double given[2];
  mpy_array out = mpy_f64(given, 1, d);
  CHECK_OK(ctx, model_loss_value_and_grad(ctx, &W, b, &X, &Y, &again, &out, &grad_b));
  CHECK(again == loss);
  CHECK_NEAR(given[1], gw[1]);
  CHECK_OK(ctx, model_loss_vjp(ctx, &W, b, &X, &Y, 2.0, &out, &grad_b));
  CHECK_NEAR(given[0], 2 * gw[0]);
  CHECK_NEAR(grad_b, 2 * gb);
  mpy_array V = mpy_f64(v, 1, d);
  CHECK_OK(ctx, model_loss_jvp(ctx, &W, b, &X, &Y, &V, vb, &again, &tangent));
  CHECK(again == loss);
  CHECK_NEAR(tangent, gw[0] * v[0] + gw[1] * v[1] + gb * vb);
  CHECK_OK(ctx, model_loss_hvp(ctx, &W, b, &X, &Y, &V, vb, &out, &grad_b));
  CHECK_NEAR(given[0], h[0]);
  CHECK_NEAR(given[1], h[1]);
  CHECK_NEAR(grad_b, hb);
  double cubed, slope;
  CHECK_OK(ctx, model_cube(ctx, 3.0, &cubed));
  CHECK_OK(ctx, model_cube_grad(ctx, 3.0, &slope));
  CHECK(cubed == 27.0 && slope == 27.0);
  CHECK_OK(ctx, model_clashing(ctx, 2.0, 3.0, &W, &V, 2.0, &cubed));
  CHECK_NEAR(cubed, 6.0 + 2.0 * (w[0] * v[0] + w[1] * v[1]));
  CHECK_OK(ctx, model_clashing_grad(ctx, 2.0, 3.0, &W, &V, 2.0, &slope));
  CHECK(slope == 3.0);
}

/* Each layout of x gives the same sum. */
static void layouts(mpy_ctx *ctx) {
  double memory[200];
  for (int i = 0; i < 200; ++i)
    memory[i] = i * 0.5;
  int64_t shape[] = {3, 2};
  int64_t strides[][2] = {{2, 1}, {1, 3}, {-2, -1}, {0, 1}, {1, 0}, {0, 0}, {20, 7}, {-20, 7}, {2, -1}};
  for (size_t k = 0; k < sizeof strides / sizeof *strides; ++k) {
    mpy_array X = mpy_f64(memory + 100, 2, shape), Y = mpy_f64(memory, 2, shape), R = {0};
    X.strides = strides[k];
    Y.byte_offset = 8;
    double given[6] = {0};
    mpy_array out = mpy_f64(given, 2, shape);
    int64_t columns[] = {1, 3};
    out.strides = columns;
    CHECK_OK(ctx, model_total(ctx, &X, &Y, &R));
    CHECK_OK(ctx, model_total(ctx, &X, &Y, &out));
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 2; ++j) {
        double expected = memory[100 + i * strides[k][0] + j * strides[k][1]] +
                          2 * memory[1 + 2 * i + j];
        CHECK(((double *)R.data)[2 * i + j] == expected);
        CHECK(given[i + 3 * j] == expected);
      }
    mpy_array_free(&R);
  }
  /* Memory that no double may lie in. */
  char bytes[64];
  double value[2] = {1.5, 2.5};
  memcpy(bytes + 1, value, 16);
  int64_t pair[] = {1, 2};
  mpy_array odd = mpy_f64((double *)(void *)(bytes + 1), 2, pair), R = {0};
  CHECK_OK(ctx, model_total(ctx, &odd, &odd, &R));
  CHECK(((double *)R.data)[1] == 7.5);
  mpy_array_free(&R);
  /* Nothing in it, and no memory. */
  int64_t none[] = {0, 2};
  mpy_array empty = mpy_f64(NULL, 2, none);
  CHECK_OK(ctx, model_total(ctx, &empty, &empty, &R));
  CHECK(R.shape[0] == 0 && R.shape[1] == 2 && R.data);
  mpy_array_free(&R);
}

static void ownership(mpy_ctx *ctx) {
  double x[] = {1, 2, 3, 4};
  int64_t square[] = {2, 2}, line[] = {4}, three[] = {3};
  mpy_array X = mpy_f64(x, 2, square), R = {0};
  CHECK_OK(ctx, model_same(ctx, &X, &R));
  CHECK(R.data != x && memcmp(R.data, x, sizeof x) == 0);
  mpy_array_free(&R);
  X = mpy_f64(x, 1, line);
  CHECK_OK(ctx, model_doubled_in_place(ctx, &X, &R));
  CHECK(x[0] == 1 && x[3] == 4);
  CHECK(((double *)R.data)[0] == -1 && ((double *)R.data)[3] == 8);
  mpy_array_free(&R);
  double above;
  CHECK_OK(ctx, model_first_above(ctx, &X, 2.5, &above));
  CHECK(above == 3);
  CHECK_OK(ctx, model_first_above(ctx, &X, 9.5, &above));
  CHECK(above == 9.5);
  CHECK_OK(ctx, model_growing(ctx, &X, 3, &R));
  CHECK(R.shape[0] == 7 && ((double *)R.data)[6] == 3 && x[0] == 1);
  mpy_array_free(&R);
  double sum;
  CHECK_OK(ctx, model_stepped(ctx, &X, 5, &sum));
  CHECK_OK(ctx, model_stepped_grad(ctx, &X, 5, &R));
  mpy_array_free(&R);
  CHECK_OK(ctx, model_positive(ctx, &X, &R));
  CHECK(R.shape[0] == 4);
  mpy_array_free(&R);
  X = mpy_f64(x, 1, three);
  CHECK_OK(ctx, model_scaled(ctx, &X, &R));
  CHECK(((double *)R.data)[2] == 4.5);
  mpy_array_free(&R);
  /* A large result is handed over as it is, and outlives its context. */
  mpy_ctx *other = mpy_ctx_new();
  mpy_ctx_set_output(other, take, NULL);
  CHECK_OK(other, model_filled(other, 3000000, &R));
  mpy_ctx_free(other);
  CHECK(((double *)R.data)[2999999] == 1.0);
  mpy_array_free(&R);
}

static void shapes(mpy_ctx *ctx) {
  double x[] = {1, 2, 3, 4, 5, 6};
  int64_t two_three[] = {2, 3}, six[] = {6}, shape[2] = {9, 9};
  mpy_array X = mpy_f64(x, 2, two_three), Y = mpy_f64(x, 1, six);
  CHECK_OK(ctx, model_total_shapes(ctx, &X, &X, shape));
  CHECK(shape[0] == 2 && shape[1] == 3);
  CHECK_OK(ctx, model_positive_shapes(ctx, &Y, shape));
  CHECK(shape[0] == -1);
  CHECK_FAILS(ctx, model_total_shapes(ctx, &X, &Y, shape), MPY_ERROR_ARGUMENT, "y has rank 1");
  CHECK(strstr(model_metadata(), "\"name\":\"model_loss_hvp\""));
}

static void types(mpy_ctx *ctx) {
  double a[] = {1, 2}, sums[2];
  float b[] = {1, 2};
  int64_t c[] = {1, 2}, n[] = {2}, n2[] = {2, 2}, k;
  int32_t d[] = {1, 2};
  uint8_t e[] = {0, 7};
  mpy_array A = mpy_f64(a, 1, n), B = mpy_f32(b, 1, n), C = mpy_i64(c, 1, n), D = mpy_i32(d, 1, n),
            E = mpy_bool(e, 1, n), r[5] = {{0}};
  CHECK_OK(ctx, model_every_type(ctx, &A, &B, &C, &D, &E, r, r + 1, r + 2, r + 3, r + 4));
  CHECK(((double *)r[0].data)[1] == 3 && ((float *)r[1].data)[1] == 3);
  CHECK(((int64_t *)r[2].data)[1] == 3 && ((int32_t *)r[3].data)[1] == 3);
  CHECK(((uint8_t *)r[4].data)[0] == 1 && ((uint8_t *)r[4].data)[1] == 0);
  for (int i = 0; i < 5; ++i)
    mpy_array_free(r + i);
  double pair[] = {1, 2, 3, 4}, more[2];
  bool flag;
  mpy_array P = mpy_f64(pair, 2, n2), S = mpy_f64(sums, 1, n), M = mpy_f64(more, 1, n);
  CHECK_OK(ctx, model_structure(ctx, &A, 0.5, &P, 4, true, &S, &M, &k, &flag));
  CHECK(sums[0] == 2.5 && sums[1] == 4.5 && more[0] == 3 && more[1] == 7 && k == 7 && flag);
}

/* Each type in strides of 2 that go backwards: copied in and out element by element. */
static void integers(mpy_ctx *ctx) {
  int8_t a[] = {0, 1, 0, 100}, ra[4] = {9, 9, 9, 9};
  int16_t b[] = {0, 1, 0, 30000}, rb[4] = {9, 9, 9, 9};
  uint8_t c[] = {0, 1, 0, 200}, rc[4] = {9, 9, 9, 9}, c0;
  uint16_t d[] = {0, 1, 0, 60000}, rd[4] = {9, 9, 9, 9};
  uint32_t e[] = {0, 1, 0, 4000000000u}, re[4] = {9, 9, 9, 9};
  uint64_t f[] = {0, 1, 0, 18000000000000000000u}, rf[4] = {9, 9, 9, 9}, f0, sum;
  int64_t two[] = {2}, back[] = {-2};
  mpy_array in[6] = {mpy_array_of(a + 3, MPY_CODE_INT, 8, 1, two),   mpy_array_of(b + 3, MPY_CODE_INT, 16, 1, two),
                     mpy_array_of(c + 3, MPY_CODE_UINT, 8, 1, two),  mpy_array_of(d + 3, MPY_CODE_UINT, 16, 1, two),
                     mpy_array_of(e + 3, MPY_CODE_UINT, 32, 1, two), mpy_array_of(f + 3, MPY_CODE_UINT, 64, 1, two)};
  mpy_array out[6] = {mpy_array_of(ra + 3, MPY_CODE_INT, 8, 1, two),   mpy_array_of(rb + 3, MPY_CODE_INT, 16, 1, two),
                      mpy_array_of(rc + 3, MPY_CODE_UINT, 8, 1, two),  mpy_array_of(rd + 3, MPY_CODE_UINT, 16, 1, two),
                      mpy_array_of(re + 3, MPY_CODE_UINT, 32, 1, two), mpy_array_of(rf + 3, MPY_CODE_UINT, 64, 1, two)};
  for (int i = 0; i < 6; ++i)
    in[i].strides = out[i].strides = back;
  CHECK_OK(ctx, model_integers(ctx, in, in + 1, in + 2, in + 3, in + 4, in + 5, out, out + 1, out + 2, out + 3, out + 4, out + 5, &c0, &f0, &sum));
  CHECK(ra[3] == -56 && ra[1] == 2 && ra[0] == 9 && ra[2] == 9);
  CHECK(rb[3] == -5536 && rb[1] == 2 && rb[0] == 9 && rb[2] == 9);
  CHECK(rc[3] == 144 && rc[1] == 2 && rc[0] == 9 && rc[2] == 9 && c0 == 200 && sum == 201);
  CHECK(rd[3] == 54464 && rd[1] == 2 && rd[0] == 9 && rd[2] == 9);
  CHECK(re[3] == 3705032704u && re[1] == 2 && re[0] == 9 && re[2] == 9);
  CHECK(rf[3] == 17553255926290448384u && rf[1] == 2 && rf[0] == 9 && rf[2] == 9 && f0 == 18000000000000000000u);
  in[2].dtype.code = MPY_CODE_INT;
  CHECK_FAILS(ctx, model_integers(ctx, in, in + 1, in + 2, in + 3, in + 4, in + 5, out, out + 1, out + 2, out + 3, out + 4, out + 5, &c0, &f0, &sum),
              MPY_ERROR_ARGUMENT, "c has elements of code 0 with 8 bits, where its type is uint8[n] (code 1, 8 bits)");
}

static void output(void) {
  mpy_ctx *ctx = mpy_ctx_new();
  int64_t k;
  printed_size = 0;
  mpy_ctx_set_output(ctx, take, NULL);
  CHECK_OK(ctx, model_init(ctx));
  CHECK(strcmp(printed, "the statements of the module run\n") == 0);
  CHECK_OK(ctx, model_shown(ctx, 2, &k));
  CHECK(strcmp(printed, "the statements of the module run\nline 0\nline 1\n") == 0);
  mpy_ctx_free(ctx);
}

static void randomness(void) {
  double given[2][5], uniform[2];
  int64_t zero, n[] = {5};
  for (int i = 0; i < 2; ++i) {
    mpy_ctx *ctx = mpy_ctx_new();
    mpy_array R = mpy_f64(given[i], 1, n);
    mpy_ctx_set_output(ctx, take, NULL);
    CHECK_OK(ctx, model_seeded(ctx, 7, &zero));
    CHECK_OK(ctx, model_drawn(ctx, 5, &R, &uniform[i]));
    mpy_ctx_free(ctx);
  }
  CHECK(memcmp(given[0], given[1], sizeof given[0]) == 0 && uniform[0] == uniform[1]);
}

int main(void) {
  mpy_ctx *ctx = mpy_ctx_new();
  mpy_ctx_set_output(ctx, take, NULL);
  derivatives(ctx);
  layouts(ctx);
  ownership(ctx);
  types(ctx);
  integers(ctx);
  shapes(ctx);
  output();
  randomness();
  mpy_ctx_free(ctx);
  CHECK(mpy_abi_version() == MPY_ABI_VERSION);
  return failures != 0;
}
