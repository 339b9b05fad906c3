// Discrete Fourier transforms of eight columns side by side: one set per instruction set, chosen
// once at run time.
#ifndef MPY_RUNTIME_FOURIER_KERNELS_H
#define MPY_RUNTIME_FOURIER_KERNELS_H

#include <initializer_list>
#include <stddef.h>
#include <stdint.h>

namespace mpy {

struct Complex {
  double re, im;
};

/// A length taken apart into factors, and its roots of unity: exp(-2 pi i k / n).
struct FourierPasses {
  int64_t n;
  int64_t factors[64];
  int count;
  const Complex *roots;
};

/// A row of n = rows * columns numbers, as a matrix: its columns are transformed, turned by
/// exp(-2 pi i a b / n) and, the other way around, transformed again.
struct FourierRow {
  int64_t n, rows, columns;
  FourierPasses down, across;
  /// The turns of blocks of eight columns, eight real parts and eight imaginary ones each row: of
  /// the first blocks, or, where those are not all, of the first alone.
  const double *turns;
  int64_t turnBlocks;
  /// exp(-2 pi i k / n) is the product of coarse[k >> shift] and fine[the rest of k].
  const Complex *coarse, *fine;
  int64_t shift;
};

/// What one instruction set offers. `room` is for two columns of eight complex
/// numbers, and for the matrix of a row.
struct FourierKernels {
  /// Transforms of eight columns, or fewer, of `width` each: numbers of a column are `stride` apart.
  void (*columns)(const FourierPasses &passes, const double *from, double *into, int64_t stride,
                  int64_t width, bool isInverse, double *room);
  void (*row)(const FourierRow &row, const double *from, double *into, bool isInverse,
              double *room);
};

FourierKernels fourierKernelsBaseline();
FourierKernels fourierKernelsAvx2();
FourierKernels fourierKernelsAvx512();

} // namespace mpy

#endif
