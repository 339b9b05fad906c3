/* Fits a curve with the gradient that mpyc has compiled: gradient descent with momentum and a step that
 * the loss controls.
 *
 *   mpyc -c curve.mpy -o curve.o && mpyc curve.mpy -o curve.h
 *   cc -I.. fit.c curve.o libmpyrt.a -lmvec -lm -ldl -o fit
 */
#include "curve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { points = 60, parameters = 4 };

int main(void) {
  double truth[parameters] = {2.0, 0.3, 1.7, 0.5}, p[parameters] = {1.5, 0.2, 1.6, 0.0};
  double t[points], y[points], g[parameters], next[parameters], loss = 0, tried = 0, step = 1e-3;
  int64_t four[] = {parameters}, n[] = {points};
  mpy_array P = mpy_f64(p, 1, four), G = mpy_f64(g, 1, four), T = mpy_f64(t, 1, n),
            Y = mpy_f64(y, 1, n), Truth = mpy_f64(truth, 1, four), Next = mpy_f64(next, 1, four);
  for (int i = 0; i < points; ++i)
    t[i] = 0.1 * i;
  mpy_ctx *ctx = mpy_ctx_new();
  int status = curve_values(ctx, &Truth, &T, &Y);
  for (int i = 0; i < 3000 && status == MPY_OK; ++i) {
    status = curve_loss_value_and_grad(ctx, &P, &T, &Y, &loss, &G);
    if (status == MPY_OK && i % 1000 == 0)
      printf("step %4d: loss %.4f\n", i, loss);
    /* A step that does not help is halved. */
    do {
      for (int k = 0; k < parameters; ++k)
        next[k] = p[k] - step * g[k];
      status = status ? status : curve_loss(ctx, &Next, &T, &Y, &tried);
      step *= tried < loss ? 1.2 : 0.5;
    } while (status == MPY_OK && tried >= loss && step > 1e-12);
    memcpy(p, next, sizeof p);
  }
  if (status != MPY_OK)
    printf("%s\n", mpy_error_message(ctx));
  else
    printf("p = %.3f %.3f %.3f %.3f\n", p[0], p[1], p[2], p[3]);
  mpy_ctx_free(ctx);
  return status;
}
