/* Newton's method with Hessian-vector products that mpyc has compiled: each step solves H s = -g by
 * conjugate gradients, which ask for products with H alone.
 *
 *   mpyc -c curve.mpy -o curve.o && mpyc curve.mpy -o curve.h
 *   cc newton.c curve.o libmpyrt.a -lmvec -lm -ldl -o newton
 */
#include "curve.h"

#include <math.h>
#include <stdio.h>

enum { points = 60, parameters = 4 };

static double dot(const double *a, const double *b) {
  double sum = 0;
  for (int k = 0; k < parameters; ++k)
    sum += a[k] * b[k];
  return sum;
}

/* The step s with H s = -g; it stops where H is not positive. */
static int solve(mpy_ctx *ctx, mpy_array *P, mpy_array *T, mpy_array *Y, const double *g, double *s) {
  double r[parameters], d[parameters], h[parameters];
  int64_t four[] = {parameters};
  mpy_array D = mpy_f64(d, 1, four), H = mpy_f64(h, 1, four);
  for (int k = 0; k < parameters; ++k) {
    s[k] = 0;
    r[k] = d[k] = -g[k];
  }
  for (int i = 0; i < 3 * parameters && dot(r, r) > 1e-24; ++i) {
    int status = curve_loss_hvp(ctx, P, T, Y, &D, &H);
    if (status != MPY_OK)
      return status;
    double curvature = dot(d, h), before = dot(r, r);
    if (curvature <= 0) {
      for (int k = 0; k < parameters && i == 0; ++k)
        s[k] = 0.01 * d[k];
      break;
    }
    for (int k = 0; k < parameters; ++k) {
      s[k] += before / curvature * d[k];
      r[k] -= before / curvature * h[k];
    }
    for (int k = 0; k < parameters; ++k)
      d[k] = r[k] + dot(r, r) / before * d[k];
  }
  return MPY_OK;
}

int main(void) {
  double truth[parameters] = {2.0, 0.3, 1.7, 0.5}, p[parameters] = {1.8, 0.25, 1.65, 0.3};
  double t[points], y[points], g[parameters], s[parameters], loss = 0;
  int64_t four[] = {parameters}, n[] = {points};
  mpy_array P = mpy_f64(p, 1, four), G = mpy_f64(g, 1, four), T = mpy_f64(t, 1, n),
            Y = mpy_f64(y, 1, n), Truth = mpy_f64(truth, 1, four);
  for (int i = 0; i < points; ++i)
    t[i] = 0.1 * i;
  mpy_ctx *ctx = mpy_ctx_new();
  int status = curve_values(ctx, &Truth, &T, &Y);
  for (int i = 0; i < 20 && status == MPY_OK; ++i) {
    status = curve_loss_value_and_grad(ctx, &P, &T, &Y, &loss, &G);
    if (status == MPY_OK)
      status = solve(ctx, &P, &T, &Y, g, s);
    for (int k = 0; k < parameters; ++k)
      p[k] += s[k];
    if (dot(s, s) < 1e-20) {
      printf("%d steps\n", i + 1);
      break;
    }
  }
  if (status != MPY_OK)
    printf("%s\n", mpy_error_message(ctx));
  else
    printf("p = %.6f %.6f %.6f %.6f\n", p[0], p[1], p[2], p[3]);
  mpy_ctx_free(ctx);
  return status;
}
