/* Jacobi's iteration on a grid, two arrays that change places. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double relax(const double *u, long n, int steps, double *a, double *b) {
  memcpy(a, u, sizeof(double) * (size_t)(n * n));
  memcpy(b, u, sizeof(double) * (size_t)(n * n));
  for (int t = 0; t < steps; ++t) {
    for (long i = 1; i < n - 1; ++i)
      for (long j = 1; j < n - 1; ++j)
        b[i * n + j] =
            0.25 * (a[(i - 1) * n + j] + a[(i + 1) * n + j] + a[i * n + j - 1] + a[i * n + j + 1]);
    double *c = a;
    a = b;
    b = c;
  }
  double sum = 0;
  for (long i = 0; i < n * n; ++i)
    sum += a[i] * 0.001;
  return sum;
}

int main(void) {
  const long n = 1000;
  size_t bytes = sizeof(double) * (size_t)(n * n);
  double *u = malloc(bytes), *a = malloc(bytes), *b = malloc(bytes);
  for (long i = 0; i < n * n; ++i)
    u[i] = sin((double)i);
  for (int repetition = 0; repetition < 5; ++repetition) {
    double start = seconds(), value = relax(u, n, 100, a, b);
    printf("time %.9f\n", seconds() - start);
    printf("result %.6e\n", value);
  }
}
