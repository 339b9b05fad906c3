/* The logistic map, and with an argument its derivative by the rate, with a tape made before. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

__attribute__((noinline)) static double orbit(double rate, double x, long steps) {
  for (long i = 0; i < steps; ++i)
    x = rate * x * (1 - x);
  return x;
}

__attribute__((noinline)) static double slope(double rate, double x, long steps, double *tape) {
  for (long i = 0; i < steps; ++i) {
    tape[i] = x;
    x = rate * x * (1 - x);
  }
  double x_bar = 1, rate_bar = 0;
  for (long i = steps - 1; i >= 0; --i) {
    rate_bar += x_bar * tape[i] * (1 - tape[i]);
    x_bar = x_bar * rate * (1 - 2 * tape[i]);
  }
  return rate_bar;
}

int main(int count, char **words) {
  (void)words;
  const long steps = 10000000;
  double *tape = malloc((size_t)steps * sizeof(double));
  for (long i = 0; i < steps; ++i)
    tape[i] = 1;
  for (int repetition = 0; repetition < 5; ++repetition) {
    double rate = (count > 1 ? 3.1 : 3.5) + 0.01 * repetition, start = seconds();
    double result = count > 1 ? slope(rate, 0.3, steps, tape) : orbit(rate, 0.3, steps);
    printf("time %.9f\n", seconds() - start);
    printf("result %.6e\n", result);
  }
}
