/* What extern-functions.mpy calls: see `mpyc --emit=header`. */
#include <math.h>
#include <mpy.h>

/* Each element becomes the mean of its neighbours and itself. */
int smooth(const mpy_array *x0, mpy_array *r0) {
  const double *x = x0->data;
  double *r = r0->data;
  int64_t n = x0->shape[0];
  for (int64_t i = 0; i < n; ++i) {
    double left = i ? x[i - 1] : x[i], right = i + 1 < n ? x[i + 1] : x[i];
    r[i] = (left + x[i] + right) / 3;
  }
  return MPY_OK;
}

int bessel(int32_t x0, double x1, double *r0) {
  *r0 = jn(x0, x1);
  return MPY_OK;
}

/* The sum of each row and each column. */
int margins(const mpy_array *x0, mpy_array *r0, mpy_array *r1, double *r2) {
  const double *x = x0->data;
  double *rows = r0->data, *columns = r1->data;
  *r2 = 0;
  for (int64_t j = 0; j < x0->shape[1]; ++j)
    columns[j] = 0;
  for (int64_t i = 0; i < x0->shape[0]; ++i) {
    rows[i] = 0;
    for (int64_t j = 0; j < x0->shape[1]; ++j) {
      double element = x[i * x0->shape[1] + j];
      rows[i] += element;
      columns[j] += element;
      *r2 += element;
    }
  }
  return MPY_OK;
}

int scale32(const mpy_array *x0, float x1, mpy_array *r0) {
  for (int64_t i = 0; i < x0->shape[0]; ++i)
    ((float *)r0->data)[i] = ((const float *)x0->data)[i] * x1;
  return MPY_OK;
}

int counts(const mpy_array *x0, int64_t x1, mpy_array *r0, int64_t *r1) {
  int64_t *r = r0->data;
  for (int64_t k = 0; k < 4; ++k)
    r[k] = 0;
  *r1 = 0;
  for (int64_t i = 0; i < x0->shape[0]; ++i) {
    int64_t value = ((const int64_t *)x0->data)[i];
    r[value & 3] += 1;
    *r1 += value == x1;
  }
  return MPY_OK;
}

/* A root, or a status where there is none. */
int root(double x0, double *r0) {
  if (x0 < 0)
    return 7;
  *r0 = sqrt(x0);
  return MPY_OK;
}

/* How often it was called: the effect of a call happens once. */
int ticket(int64_t *r0) {
  static int64_t number = 0;
  *r0 = ++number;
  return MPY_OK;
}
