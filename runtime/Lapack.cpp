// Factors of matrices: arrays (.., m, n) in, the factors of each matrix out, in row-major order.
// Large matrices and all eigenvalue problems go to LAPACK, which comes with OpenBLAS (Gemm.cpp);
// small ones are eliminated here. Without LAPACK own code does all of it.
//
// What fails says so in an array of one number a matrix: 0 all is well, 1 there is no result.
// The library makes exceptions of them (numpy/linalg.mpy).
#include "Context.h"
#include "Eigenvalues.h"
#include "Matrices.h"

#include <cmath>
#include <cstring>

namespace mpy {

namespace {

typedef void Getrf(const int *, const int *, double *, const int *, int *, int *);
typedef void Potrf(const char *, const int *, double *, const int *, int *);
typedef void Trsm(int, int, int, int, int, int, int, double, const double *, int, double *, int);
typedef void Geqrf(const int *, const int *, double *, const int *, double *, double *, const int *,
                   int *);
typedef void Orgqr(const int *, const int *, const int *, double *, const int *, const double *,
                   double *, const int *, int *);
typedef void Syevd(const char *, const char *, const int *, double *, const int *, double *,
                   double *, const int *, int *, const int *, int *);
typedef void Syevr(const char *, const char *, const char *, const int *, double *, const int *,
                   const double *, const double *, const int *, const int *, const double *, int *,
                   double *, double *, const int *, int *, double *, const int *, int *,
                   const int *, int *);
typedef void Gesdd(const char *, const int *, const int *, double *, const int *, double *,
                   double *, const int *, double *, const int *, double *, const int *, int *,
                   int *);
typedef void Geev(const char *, const char *, const int *, double *, const int *, double *,
                  double *, double *, const int *, double *, const int *, double *, const int *,
                  int *);

} // namespace

/// into[j][i] = from[i][j], by blocks that stay in the cache.
static void transpose(int64_t rows, int64_t columns, const double *from, double *into) {
  constexpr int64_t block = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += block)
    for (int64_t j0 = 0; j0 < columns; j0 += block)
      for (int64_t i = i0; i < rows && i < i0 + block; ++i)
        for (int64_t j = j0; j < columns && j < j0 + block; ++j)
          into[j * rows + i] = from[i * columns + j];
}

/// Elimination with LAPACK's choice of pivots: the largest of the column, the first of equal ones.
static void eliminate(int64_t m, int64_t n, double *a, int64_t *pivots) {
  int64_t steps = m < n ? m : n;
  for (int64_t k = 0; k < steps; ++k) {
    int64_t p = k;
    for (int64_t i = k + 1; i < m; ++i)
      if (fabs(a[i * n + k]) > fabs(a[p * n + k]))
        p = i;
    pivots[k] = p;
    double *row = a + k * n;
    if (p != k)
      for (int64_t j = 0; j < n; ++j) {
        double held = row[j];
        row[j] = a[p * n + j];
        a[p * n + j] = held;
      }
    if (row[k] == 0.0)
      continue;
    for (int64_t i = k + 1; i < m; ++i) {
      double *below = a + i * n, factor = below[k] / row[k];
      below[k] = factor;
      for (int64_t j = k + 1; j < n; ++j)
        below[j] -= factor * row[j];
    }
  }
}

static void factorByLapack(Getrf *getrf, int64_t m, int64_t n, double *a, int64_t *pivots) {
  int64_t steps = m < n ? m : n;
  Room<double> columns(m * n);
  Room<int> places(steps);
  transpose(m, n, a, columns);
  int rows = static_cast<int>(m), width = static_cast<int>(n), info = 0;
  getrf(&rows, &width, columns, &rows, places, &info);
  transpose(n, m, columns, a);
  for (int64_t k = 0; k < steps; ++k)
    pivots[k] = places[k] - 1;
}

/// The lower factor of a symmetric matrix of which the lower triangle is read; whether there is
/// one. Above the diagonal there are zeros then.
static bool factorSymmetric(int64_t n, double *a) {
  for (int64_t j = 0; j < n; ++j) {
    double *row = a + j * n;
    for (int64_t i = 0; i < j; ++i) {
      const double *other = a + i * n;
      double sum = row[i];
      for (int64_t k = 0; k < i; ++k)
        sum -= row[k] * other[k];
      row[i] = sum / other[i];
    }
    double rest = row[j];
    for (int64_t k = 0; k < j; ++k)
      rest -= row[k] * row[k];
    // As OpenBLAS, which lets nan through.
    if (rest <= 0.0)
      return false;
    row[j] = sqrt(rest);
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j)
      a[i * n + j] = 0.0;
  return true;
}

static bool factorSymmetricByLapack(Potrf *potrf, int64_t n, double *a) {
  // The lower triangle by rows is the upper one by columns.
  int size = static_cast<int>(n), info = 0;
  potrf("U", &size, a, &size, &info);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j)
      a[i * n + j] = 0.0;
  return info == 0;
}

/// x = t^-1 x for a triangle t, of which the other half is not read.
static void solveTriangle(int64_t n, int64_t k, const double *t, bool lower, bool transposed,
                          bool unit, double *x) {
  bool forward = lower != transposed;
  for (int64_t step = 0; step < n; ++step) {
    int64_t i = forward ? step : n - 1 - step;
    double *row = x + i * k;
    int64_t first = forward ? 0 : i + 1, last = forward ? i : n;
    for (int64_t j = first; j < last; ++j) {
      double factor = transposed ? t[j * n + i] : t[i * n + j];
      const double *other = x + j * k;
      for (int64_t c = 0; c < k; ++c)
        row[c] -= factor * other[c];
    }
    if (!unit)
      for (int64_t c = 0; c < k; ++c)
        row[c] /= t[i * n + i];
  }
}

/// Q and R by LAPACK's steps: v = (1, ..) with (1 - tau v v^T) x = (beta, 0, ..), dlarfg.
static void reflect(int64_t m, int64_t n, double *a, double *taus) {
  int64_t steps = m < n ? m : n;
  for (int64_t j = 0; j < steps; ++j) {
    double alpha = a[j * n + j], rest = 0.0;
    for (int64_t i = j + 1; i < m; ++i)
      rest += a[i * n + j] * a[i * n + j];
    taus[j] = 0.0;
    if (rest == 0.0)
      continue;
    double size = sqrt(alpha * alpha + rest), beta = alpha >= 0.0 ? -size : size;
    taus[j] = (beta - alpha) / beta;
    for (int64_t i = j + 1; i < m; ++i)
      a[i * n + j] /= alpha - beta;
    a[j * n + j] = beta;
    for (int64_t c = j + 1; c < n; ++c) {
      double sum = a[j * n + c];
      for (int64_t i = j + 1; i < m; ++i)
        sum += a[i * n + j] * a[i * n + c];
      sum *= taus[j];
      a[j * n + c] -= sum;
      for (int64_t i = j + 1; i < m; ++i)
        a[i * n + c] -= sum * a[i * n + j];
    }
  }
}

/// The first `width` columns of the product of the reflections.
static void unreflect(int64_t m, int64_t n, const double *a, const double *taus, int64_t width,
                      double *q) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t c = 0; c < width; ++c)
      q[i * width + c] = i == c ? 1.0 : 0.0;
  for (int64_t j = (m < n ? m : n) - 1; j >= 0; --j)
    for (int64_t c = 0; c < width; ++c) {
      double sum = q[j * width + c];
      for (int64_t i = j + 1; i < m; ++i)
        sum += a[i * n + j] * q[i * width + c];
      sum *= taus[j];
      q[j * width + c] -= sum;
      for (int64_t i = j + 1; i < m; ++i)
        q[i * width + c] -= sum * a[i * n + j];
    }
}

static void reflectByLapack(int64_t m, int64_t n, double *a, int64_t width, double *q) {
  auto geqrf = lapack<Geqrf>("dgeqrf_");
  auto orgqr = lapack<Orgqr>("dorgqr_");
  int64_t steps = m < n ? m : n, wide = n > width ? n : width;
  Room<double> columns(m * wide), taus(steps);
  transpose(m, n, a, columns);
  int rows = static_cast<int>(m), count = static_cast<int>(n), info = 0;
  int all = static_cast<int>(width), inner = static_cast<int>(steps);
  int size = 64 * static_cast<int>(wide);
  Room<double> work(size);
  geqrf(&rows, &count, columns, &rows, taus, work, &size, &info);
  transpose(n, m, columns, a);
  orgqr(&rows, &all, &inner, columns, &rows, taus, work, &size, &info);
  transpose(width, m, columns, q);
}

/// `flags`: 1 by the upper triangle, 2 by relatively robust representations.
static bool eigenvaluesOfSymmetric(int64_t n, double *a, int64_t flags, double *values,
                                   double *vectors) {
  // The matrix is symmetric; the triangle decides the signs of the vectors.
  const char *triangle = flags & 1 ? "U" : "L";
  int size = static_cast<int>(n), info = 0, found = 0, ask = -1, whole = 0;
  double length = 0.0, none = 0.0;
  Room<double> columns(n * n);
  if (flags & 2) {
    auto syevr = lapack<Syevr>("dsyevr_");
    Room<int> support(2 * n);
    int no = 0;
    auto solve = [&](double *work, int *lwork, int *numbers, int *liwork) {
      syevr("V", "A", triangle, &size, a, &size, &none, &none, &no, &no, &none, &found, values,
            columns, &size, support, work, lwork, numbers, liwork, &info);
    };
    solve(&length, &ask, &whole, &ask);
    int lwork = static_cast<int>(length), liwork = whole;
    Room<double> work(lwork);
    Room<int> numbers(liwork);
    solve(work, &lwork, numbers, &liwork);
    transpose(n, n, columns, vectors);
    return info == 0;
  }
  auto syevd = lapack<Syevd>("dsyevd_");
  memcpy(columns, a, n * n * sizeof(double));
  syevd("V", triangle, &size, columns, &size, values, &length, &ask, &whole, &ask, &info);
  int lwork = static_cast<int>(length), liwork = whole;
  Room<double> work(lwork);
  Room<int> numbers(liwork);
  syevd("V", triangle, &size, columns, &size, values, work, &lwork, numbers, &liwork, &info);
  transpose(n, n, columns, vectors);
  return info == 0;
}

static bool singularValues(int64_t m, int64_t n, const double *a, bool full, double *u, double *s,
                           double *vt) {
  auto gesdd = lapack<Gesdd>("dgesdd_");
  int64_t least = m < n ? m : n, width = full ? m : least, height = full ? n : least;
  Room<double> columns(m * n), left(m * width), right(height * n);
  Room<int> numbers(8 * least);
  transpose(m, n, a, columns);
  int rows = static_cast<int>(m), count = static_cast<int>(n), info = 0, ask = -1;
  int tall = static_cast<int>(height);
  double length = 0.0;
  const char *job = full ? "A" : "S";
  gesdd(job, &rows, &count, columns, &rows, s, left, &rows, right, &tall, &length, &ask, numbers,
        &info);
  int lwork = static_cast<int>(length);
  Room<double> work(lwork);
  gesdd(job, &rows, &count, columns, &rows, s, left, &rows, right, &tall, work, &lwork, numbers,
        &info);
  transpose(width, m, left, u);
  transpose(n, height, right, vt);
  return info == 0;
}

static bool eigenvalues(int64_t n, const double *a, double *real, double *imaginary,
                        double *vectors) {
  auto geev = lapack<Geev>("dgeev_");
  Room<double> columns(n * n), right(n * n);
  transpose(n, n, a, columns);
  int size = static_cast<int>(n), one = 1, info = 0, ask = -1;
  double length = 0.0, none = 0.0;
  geev("N", "V", &size, columns, &size, real, imaginary, &none, &one, right, &size, &length, &ask,
       &info);
  int lwork = static_cast<int>(length);
  Room<double> work(lwork);
  geev("N", "V", &size, columns, &size, real, imaginary, &none, &one, right, &size, work, &lwork,
       &info);
  transpose(n, n, right, vectors);
  return info == 0;
}

} // namespace mpy

using namespace mpy;

void mpy_lu(const mpy_view *a, void **lu, int64_t *luSizes, void **pivots, int64_t *pivotSizes,
            void **order, int64_t *orderSizes) {
  Stack stack(a);
  int64_t m = stack.rows, n = stack.columns, steps = m < n ? m : n;
  int64_t *places = stack.make<int64_t>(pivots, pivotSizes, steps);
  int64_t *rows = stack.make<int64_t>(order, orderSizes, m);
  auto getrf = steps > ownMost ? lapack<Getrf>("dgetrf_") : nullptr;
  for (int64_t k = 0; k < stack.count; ++k, places += steps, rows += m) {
    if (getrf)
      factorByLapack(getrf, m, n, stack.matrix(k), places);
    else
      eliminate(m, n, stack.matrix(k), places);
    for (int64_t i = 0; i < m; ++i)
      rows[i] = i;
    for (int64_t i = 0; i < steps; ++i) {
      int64_t held = rows[i];
      rows[i] = rows[places[i]];
      rows[places[i]] = held;
    }
  }
  stack.give(lu, luSizes);
}

void mpy_triangular(const mpy_view *t, const mpy_view *b, int64_t flags, void **x, int64_t *sizes) {
  bool lower = flags & 1, transposed = flags & 2, unit = flags & 4;
  Stack triangles(t), sides(b);
  int64_t n = sides.rows, k = sides.columns;
  auto trsm = n > ownMost ? lapack<Trsm>("cblas_dtrsm") : nullptr;
  for (int64_t i = 0; i < sides.count; ++i) {
    const double *triangle = triangles.matrix(triangles.count == 1 ? 0 : i);
    if (trsm && k > 0)
      trsm(101, 141, lower ? 122 : 121, transposed ? 112 : 111, unit ? 132 : 131,
           static_cast<int>(n), static_cast<int>(k), 1.0, triangle, static_cast<int>(n),
           sides.matrix(i), static_cast<int>(k));
    else
      solveTriangle(n, k, triangle, lower, transposed, unit, sides.matrix(i));
  }
  sides.give(x, sizes);
}

void mpy_cholesky(const mpy_view *a, void **lower, int64_t *sizes, void **failures,
                  int64_t *failureSizes) {
  Stack stack(a);
  int64_t n = stack.rows;
  int64_t *fails = stack.make<int64_t>(failures, failureSizes, 1);
  auto potrf = n > ownMost ? lapack<Potrf>("dpotrf_") : nullptr;
  for (int64_t k = 0; k < stack.count; ++k) {
    bool isFactor = potrf ? factorSymmetricByLapack(potrf, n, stack.matrix(k))
                          : factorSymmetric(n, stack.matrix(k));
    fails[k] = isFactor ? 0 : failed;
  }
  stack.give(lower, sizes);
}

void mpy_qr(const mpy_view *a, int64_t complete, void **q, int64_t *qSizes, void **r,
            int64_t *rSizes) {
  Stack stack(a);
  int64_t m = stack.rows, n = stack.columns, steps = m < n ? m : n, width = complete ? m : steps;
  double *left = stack.make<double>(q, qSizes, m, width);
  double *right = stack.make<double>(r, rSizes, width, n);
  bool isLarge = steps > ownMost && blasSymbol("dorgqr_");
  for (int64_t k = 0; k < stack.count; ++k, left += m * width, right += width * n) {
    double *matrix = stack.matrix(k);
    if (isLarge) {
      reflectByLapack(m, n, matrix, width, left);
    } else {
      Room<double> taus(steps);
      reflect(m, n, matrix, taus);
      unreflect(m, n, matrix, taus, width, left);
    }
    for (int64_t i = 0; i < steps; ++i)
      for (int64_t j = i; j < n; ++j)
        right[i * n + j] = matrix[i * n + j];
  }
}

void mpy_eigh(const mpy_view *a, int64_t flags, void **values, int64_t *valueSizes, void **vectors,
              int64_t *vectorSizes, void **failures, int64_t *failureSizes) {
  Stack stack(a);
  int64_t n = stack.rows;
  double *w = stack.make<double>(values, valueSizes, n);
  double *v = stack.make<double>(vectors, vectorSizes, n, n);
  int64_t *fails = stack.make<int64_t>(failures, failureSizes, 1);
  bool isThere = blasSymbol("dsyevd_");
  for (int64_t k = 0; k < stack.count; ++k, w += n, v += n * n)
    if (n > 0) {
      bool isFound = isThere ? eigenvaluesOfSymmetric(n, stack.matrix(k), flags, w, v)
                             : rotateSymmetric(n, stack.matrix(k), w, v);
      fails[k] = isFound ? 0 : failed;
    }
}

void mpy_svd(const mpy_view *a, int64_t full, void **u, int64_t *uSizes, void **s, int64_t *sSizes,
             void **vt, int64_t *vtSizes, void **failures, int64_t *failureSizes) {
  Stack stack(a);
  int64_t m = stack.rows, n = stack.columns, least = m < n ? m : n;
  int64_t width = full ? m : least, height = full ? n : least;
  double *left = stack.make<double>(u, uSizes, m, width);
  double *values = stack.make<double>(s, sSizes, least);
  double *right = stack.make<double>(vt, vtSizes, height, n);
  int64_t *fails = stack.make<int64_t>(failures, failureSizes, 1);
  bool isThere = blasSymbol("dgesdd_");
  for (int64_t k = 0; k < stack.count; ++k) {
    if (least > 0) {
      double *matrix = stack.matrix(k);
      bool isFound = isThere ? singularValues(m, n, matrix, full, left, values, right)
                             : rotateSingular(m, n, matrix, width, height, left, values, right);
      fails[k] = isFound ? 0 : failed;
    } else
      for (int64_t i = 0; i < width * width + height * height; ++i)
        (i < width * width ? left[i] : right[i - width * width]) =
            (i < width * width ? i % (width + 1) : (i - width * width) % (height + 1)) == 0;
    left += m * width;
    values += least;
    right += height * n;
  }
}

void mpy_eig(const mpy_view *a, void **real, int64_t *realSizes, void **imaginary,
             int64_t *imaginarySizes, void **vectors, int64_t *vectorSizes, void **failures,
             int64_t *failureSizes) {
  Stack stack(a);
  int64_t n = stack.rows;
  double *w = stack.make<double>(real, realSizes, n);
  double *turn = stack.make<double>(imaginary, imaginarySizes, n);
  double *v = stack.make<double>(vectors, vectorSizes, n, n);
  int64_t *fails = stack.make<int64_t>(failures, failureSizes, 1);
  bool isThere = blasSymbol("dgeev_");
  for (int64_t k = 0; k < stack.count; ++k, w += n, turn += n, v += n * n)
    if (n > 0) {
      bool isFound = isThere ? eigenvalues(n, stack.matrix(k), w, turn, v)
                             : reduceGeneral(n, stack.matrix(k), w, turn, v);
      fails[k] = isFound ? 0 : failed;
    }
}
