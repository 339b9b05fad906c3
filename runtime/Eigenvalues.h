// Eigenvalues and singular values where there is no LAPACK.
#ifndef MPY_RUNTIME_EIGENVALUES_H
#define MPY_RUNTIME_EIGENVALUES_H

#include <cstdint>

namespace mpy {

/// Eigenvalues, rising, and vectors, in columns, of a symmetric matrix, which is lost. False if
/// they are not found, as of nan.
bool rotateSymmetric(int64_t n, double *a, double *values, double *vectors);

/// Singular values, falling, with `width` columns of u and `height` rows of vt.
bool rotateSingular(int64_t m, int64_t n, const double *a, int64_t width, int64_t height, double *u,
                    double *s, double *vt);

/// Eigenvalues and, where all are real, vectors of length 1 in columns. The matrix is lost.
bool reduceGeneral(int64_t n, double *a, double *real, double *imaginary, double *vectors);

} // namespace mpy

#endif
