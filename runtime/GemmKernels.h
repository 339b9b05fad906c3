// The kernels behind the matrix product: one set per instruction set, chosen once at run time.
#ifndef MPY_RUNTIME_GEMM_KERNELS_H
#define MPY_RUNTIME_GEMM_KERNELS_H

#include <stdint.h>

namespace mpy {

/// Blocks of the packed product: the depth of a panel, and how many register blocks a panel holds.
constexpr int64_t gemmInnerStep = 256;
constexpr int64_t gemmRowBlocks = 16;
constexpr int64_t gemmColumnBlocks = 64;

/// C = alpha * A * B + beta * C with the transposes turned into strides; C has contiguous rows.
template <typename T> struct GemmProblem {
  int64_t m, n, k;
  T alpha;
  const T *a;
  int64_t rowStrideA, innerStrideA;
  const T *b;
  int64_t innerStrideB, columnStrideB;
  T beta;
  T *c;
  int64_t ldc;
};

/// What one instruction set offers for one type.
template <typename T> struct GemmKernels {
  int64_t rows, columns;
  void (*multiply)(const GemmProblem<T> &problem, T *packedA, T *packedB);
  void (*combineRows)(int64_t k, int64_t n, const T *x, const T *matrix, int64_t ld, T *y);
  void (*dotRows)(int64_t k, int64_t n, const T *x, const T *matrix, int64_t ld, T *y);
};

// For double and for float: a program that multiplies matrices of one type has the kernels of that
// type alone.
template <typename T> GemmKernels<T> gemmKernelsBaseline();
template <typename T> GemmKernels<T> gemmKernelsAvx2();
template <typename T> GemmKernels<T> gemmKernelsAvx512();

/// A function of OpenBLAS, which is opened by the first call; null where it is not there.
void *blasSymbol(const char *name);

} // namespace mpy

#endif
