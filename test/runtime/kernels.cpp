// Every kernel set of the matrix product that this processor can run, against the plain triple loop
// on small integers, where both are exact. Prints one line per set; exit code 1 on a difference.
#include "GemmKernels.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace mpy;

template <typename T> static std::vector<T> randomValues(int64_t count) {
  std::vector<T> values(count);
  for (T &value : values)
    value = static_cast<T>(rand() % 100 - 50);
  return values;
}

template <typename T> static bool agree(const GemmProblem<T> &g) {
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j) {
      T sum = 0;
      for (int64_t p = 0; p < g.k; ++p)
        sum += g.a[i * g.rowStrideA + p * g.innerStrideA] *
               g.b[p * g.innerStrideB + j * g.columnStrideB];
      if (sum != g.c[i * g.ldc + j])
        return false;
    }
  return true;
}

template <typename T> static int countFailures(const GemmKernels<T> &kernels) {
  int failures = 0;
  std::vector<T> packedA(kernels.rows * gemmRowBlocks * gemmInnerStep);
  std::vector<T> packedB(kernels.columns * gemmColumnBlocks * gemmInnerStep);
  for (int round = 0; round < 200; ++round) {
    int64_t m = 1 + rand() % 60, n = 1 + rand() % 100, k = 1 + rand() % 600;
    std::vector<T> a = randomValues<T>(m * k), b = randomValues<T>(k * n), c(m * n, T(NAN));
    bool transA = rand() % 2, transB = rand() % 2;
    GemmProblem<T> g = {m,
                        n,
                        k,
                        T(1),
                        a.data(),
                        transA ? 1 : k,
                        transA ? m : 1,
                        b.data(),
                        transB ? 1 : n,
                        transB ? k : 1,
                        T(0),
                        c.data(),
                        n};
    kernels.multiply(g, packedA.data(), packedB.data());
    failures += !agree(g);
  }
  return failures;
}

int main() {
  struct Set {
    const char *name;
    GemmKernels<double> (*wide)();
    GemmKernels<float> (*narrow)();
    bool usable;
  };
  bool avx2 = false, avx512 = false;
#ifdef __x86_64__
  avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  avx512 = avx2 && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
#endif
  const Set sets[] = {{"baseline", gemmKernelsBaseline<double>, gemmKernelsBaseline<float>, true},
#ifdef __x86_64__
                      {"avx2", gemmKernelsAvx2<double>, gemmKernelsAvx2<float>, avx2},
                      {"avx512", gemmKernelsAvx512<double>, gemmKernelsAvx512<float>, avx512}
#endif
  };
  int failures = 0;
  for (const Set &set : sets) {
    if (!set.usable)
      continue;
    int found = countFailures(set.wide()) + countFailures(set.narrow());
    printf("%s: %d failures\n", set.name, found);
    failures += found;
  }
  return failures != 0;
}
