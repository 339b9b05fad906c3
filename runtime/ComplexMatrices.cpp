// Factors of complex matrices, which are given and made by their parts: as in Lapack.cpp, by
// LAPACK where it is there, else by own code.
#include "Matrices.h"

#include <cfloat>
#include <cmath>
#include <initializer_list>

namespace mpy {

namespace {

struct Complex {
  double re, im;
};

inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
inline Complex conjugate(Complex a) { return {a.re, -a.im}; }
inline double sizeOf(Complex a) { return hypot(a.re, a.im); }
/// Smith's quotient.
Complex operator/(Complex a, Complex b) {
  if (fabs(b.re) >= fabs(b.im)) {
    double ratio = b.im / b.re, scale = b.re + b.im * ratio;
    return {(a.re + a.im * ratio) / scale, (a.im - a.re * ratio) / scale};
  }
  double ratio = b.re / b.im, scale = b.re * ratio + b.im;
  return {(a.re * ratio + a.im) / scale, (a.im * ratio - a.re) / scale};
}

typedef void Zgetrf(const int *, const int *, Complex *, const int *, int *, int *);
typedef void Zgeev(const char *, const char *, const int *, Complex *, const int *, Complex *,
                   Complex *, const int *, Complex *, const int *, Complex *, const int *, double *,
                   int *);

/// Eigenvalues and vectors of one matrix, by rows, which is lost: Hessenberg's form, and steps of one shift.
class Reduction {
public:
  Reduction(int64_t n, Complex *h, Complex *v) : n(n), h(h), v(v), column(n) {}
  bool run(Complex *values, Complex *vectors) {
    for (int64_t i = 0; i < n * n; ++i) {
      if (!std::isfinite(h[i].re) || !std::isfinite(h[i].im))
        return false;
      v[i] = {i % (n + 1) == 0 ? 1.0 : 0.0, 0.0};
    }
    toHessenberg();
    if (!toTriangle())
      return false;
    for (int64_t k = 0; k < n; ++k)
      values[k] = h[k * n + k];
    makeVectors(vectors);
    return true;
  }

private:
  Complex &at(int64_t i, int64_t j) { return h[i * n + j]; }
  void toHessenberg();
  bool toTriangle();
  void step(int64_t low, int64_t high, Complex shift);
  void makeVectors(Complex *vectors);

  int64_t n;
  Complex *h, *v;
  Room<Complex> column;
};

} // namespace

void Reduction::toHessenberg() {
  Complex *x = column;
  for (int64_t k = 0; k + 2 < n; ++k) {
    double square = 0.0;
    for (int64_t i = k + 1; i < n; ++i) {
      x[i] = at(i, k);
      square += x[i].re * x[i].re + x[i].im * x[i].im;
    }
    double size = sqrt(square), first = sizeOf(x[k + 1]);
    if (size == 0.0 || size == first)
      continue;
    x[k + 1] = x[k + 1] + (first > 0.0 ? (size / first) * x[k + 1] : Complex{size, 0.0});
    double norm = square + size * first; // Half of the square of x's length.
    // (1 - x x^H / norm) from both sides.
    for (int64_t j = 0; j < n; ++j) {
      Complex sum = {0.0, 0.0};
      for (int64_t i = k + 1; i < n; ++i)
        sum = sum + conjugate(x[i]) * at(i, j);
      sum = (1.0 / norm) * sum;
      for (int64_t i = k + 1; i < n; ++i)
        at(i, j) = at(i, j) - sum * x[i];
    }
    for (Complex *m : {h, v})
      for (int64_t i = 0; i < n; ++i) {
        Complex *row = m + i * n, sum = {0.0, 0.0};
        for (int64_t j = k + 1; j < n; ++j)
          sum = sum + row[j] * x[j];
        sum = (1.0 / norm) * sum;
        for (int64_t j = k + 1; j < n; ++j)
          row[j] = row[j] - sum * conjugate(x[j]);
      }
  }
}

/// One step of the QR method on rows `low` to `high`, by rotations.
void Reduction::step(int64_t low, int64_t high, Complex shift) {
  Room<Complex> sines(n);
  Room<double> cosines(n);
  for (int64_t k = low; k <= high; ++k)
    at(k, k) = at(k, k) - shift;
  for (int64_t k = low; k < high; ++k) {
    Complex a = at(k, k), b = at(k + 1, k);
    double size = hypot(sizeOf(a), sizeOf(b)), first = sizeOf(a);
    Complex turn = first > 0.0 ? (1.0 / first) * a : Complex{1.0, 0.0};
    cosines[k] = size > 0.0 ? first / size : 1.0;
    sines[k] = size > 0.0 ? (1.0 / size) * (turn * conjugate(b)) : Complex{0.0, 0.0};
    for (int64_t j = k; j < n; ++j) {
      Complex p = at(k, j), q = at(k + 1, j);
      at(k, j) = cosines[k] * p + sines[k] * q;
      at(k + 1, j) = cosines[k] * q - conjugate(sines[k]) * p;
    }
  }
  for (int64_t k = low; k < high; ++k)
    for (Complex *m : {h, v})
      for (int64_t i = 0; i < (m == h ? k + 2 : n); ++i) {
        Complex p = m[i * n + k], q = m[i * n + k + 1];
        m[i * n + k] = cosines[k] * p + conjugate(sines[k]) * q;
        m[i * n + k + 1] = cosines[k] * q - sines[k] * p;
      }
  for (int64_t k = low; k <= high; ++k)
    at(k, k) = at(k, k) + shift;
}

bool Reduction::toTriangle() {
  double norm = 0.0;
  for (int64_t i = 0; i < n * n; ++i)
    norm += fabs(h[i].re) + fabs(h[i].im);
  int tries = 0;
  for (int64_t high = n - 1; high > 0;) {
    int64_t low = high;
    for (; low > 0; --low) {
      double size = sizeOf(at(low - 1, low - 1)) + sizeOf(at(low, low));
      if (sizeOf(at(low, low - 1)) <= DBL_EPSILON * (size == 0.0 ? norm : size))
        break;
    }
    if (low > 0)
      at(low, low - 1) = {0.0, 0.0};
    if (low == high) {
      --high;
      tries = 0;
      continue;
    }
    if (++tries > 300)
      return false;
    // The eigenvalue of the last two rows that is nearer to the last number.
    Complex a = at(high - 1, high - 1), b = at(high - 1, high), c = at(high, high - 1),
            d = at(high, high), half = 0.5 * (a - d), square = half * half + b * c;
    double size = sizeOf(square), re = sqrt(0.5 * (size + fabs(square.re)));
    Complex root = {re, re > 0.0 ? 0.5 * square.im / re : 0.0};
    if (square.re < 0.0)
      root = {fabs(root.im), square.im < 0.0 ? -re : re};
    Complex near = sizeOf(half + root) < sizeOf(half - root) ? half + root : half - root;
    Complex shift = tries % 10 == 0 ? d + Complex{sizeOf(c), 0.0} : d + near;
    step(low, high, shift);
  }
  return true;
}

/// Of length 1, the largest element real, as LAPACK's.
void Reduction::makeVectors(Complex *vectors) {
  Complex *x = column;
  double norm = DBL_MIN;
  for (int64_t i = 0; i < n * n; ++i)
    norm = fmax(norm, sizeOf(h[i]));
  for (int64_t k = 0; k < n; ++k) {
    x[k] = {1.0, 0.0};
    for (int64_t i = k - 1; i >= 0; --i) {
      Complex rest = {0.0, 0.0}, gap = at(i, i) - at(k, k);
      for (int64_t j = i + 1; j <= k; ++j)
        rest = rest - at(i, j) * x[j];
      x[i] = rest / (sizeOf(gap) > 0.0 ? gap : Complex{DBL_EPSILON * norm, 0.0});
    }
    double square = 0.0, largest = 0.0;
    Complex turn = {1.0, 0.0};
    for (int64_t i = 0; i < n; ++i) {
      Complex sum = {0.0, 0.0};
      for (int64_t j = 0; j <= k; ++j)
        sum = sum + v[i * n + j] * x[j];
      vectors[i * n + k] = sum;
      double size = sizeOf(sum);
      square += size * size;
      if (size > largest) {
        largest = size;
        turn = (1.0 / size) * conjugate(sum);
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      Complex &element = vectors[i * n + k];
      bool isLargest = sizeOf(element) == largest;
      element = (1.0 / sqrt(square)) * (turn * element);
      if (isLargest && element.re > 0.0 && fabs(element.im) <= DBL_EPSILON * element.re)
        element.im = 0.0;
    }
  }
}

/// The matrix by columns, or from these by rows.
static void exchange(int64_t rows, int64_t columns, const Complex *from, Complex *into) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      into[j * rows + i] = from[i * columns + j];
}

static bool eigenvalues(int64_t n, Complex *a, Complex *values, Complex *vectors) {
  auto geev = lapack<Zgeev>("zgeev_");
  Room<Complex> other(n * n);
  if (!geev)
    return Reduction(n, a, other).run(values, vectors);
  Room<Complex> right(n * n);
  Room<double> numbers(2 * n);
  exchange(n, n, a, other);
  int size = static_cast<int>(n), one = 1, info = 0, ask = -1;
  Complex length = {0.0, 0.0}, none = {0.0, 0.0};
  geev("N", "V", &size, other, &size, values, &none, &one, right, &size, &length, &ask, numbers,
       &info);
  int lwork = static_cast<int>(length.re);
  Room<Complex> work(lwork);
  geev("N", "V", &size, other, &size, values, &none, &one, right, &size, work, &lwork, numbers,
       &info);
  exchange(n, n, right, vectors);
  return info == 0;
}

/// Elimination; LAPACK measures a pivot by the sum of its parts.
static void eliminate(int64_t m, int64_t n, Complex *a, int64_t *pivots) {
  auto measure = [](Complex x) { return fabs(x.re) + fabs(x.im); };
  int64_t steps = m < n ? m : n;
  if (auto getrf = steps > ownMost ? lapack<Zgetrf>("zgetrf_") : nullptr) {
    Room<Complex> columns(m * n);
    Room<int> places(steps);
    exchange(m, n, a, columns);
    int rows = static_cast<int>(m), width = static_cast<int>(n), info = 0;
    getrf(&rows, &width, columns, &rows, places, &info);
    exchange(n, m, columns, a);
    for (int64_t k = 0; k < steps; ++k)
      pivots[k] = places[k] - 1;
    return;
  }
  for (int64_t k = 0; k < steps; ++k) {
    int64_t p = k;
    for (int64_t i = k + 1; i < m; ++i)
      if (measure(a[i * n + k]) > measure(a[p * n + k]))
        p = i;
    pivots[k] = p;
    Complex *row = a + k * n;
    if (p != k)
      for (int64_t j = 0; j < n; ++j) {
        Complex held = row[j];
        row[j] = a[p * n + j];
        a[p * n + j] = held;
      }
    if (row[k].re == 0.0 && row[k].im == 0.0)
      continue;
    for (int64_t i = k + 1; i < m; ++i) {
      Complex *below = a + i * n, factor = below[k] / row[k];
      below[k] = factor;
      for (int64_t j = k + 1; j < n; ++j)
        below[j] = below[j] - factor * row[j];
    }
  }
}

static void join(int64_t count, const double *re, const double *im, Complex *into) {
  for (int64_t i = 0; i < count; ++i)
    into[i] = {re[i], im[i]};
}

static void part(int64_t count, const Complex *from, double *re, double *im) {
  for (int64_t i = 0; i < count; ++i) {
    re[i] = from[i].re;
    im[i] = from[i].im;
  }
}

} // namespace mpy

using namespace mpy;

void mpy_complex_lu(const mpy_view *re, const mpy_view *im, void **luRe, int64_t *reSizes,
                    void **luIm, int64_t *imSizes, void **pivots, int64_t *pivotSizes, void **order,
                    int64_t *orderSizes) {
  Stack real(re), imaginary(im);
  int64_t m = real.rows, n = real.columns, steps = m < n ? m : n;
  int64_t *places = real.make<int64_t>(pivots, pivotSizes, steps);
  int64_t *rows = real.make<int64_t>(order, orderSizes, m);
  Room<Complex> matrix(m * n);
  for (int64_t k = 0; k < real.count; ++k, places += steps, rows += m) {
    join(m * n, real.matrix(k), imaginary.matrix(k), matrix);
    eliminate(m, n, matrix, places);
    part(m * n, matrix, real.matrix(k), imaginary.matrix(k));
    for (int64_t i = 0; i < m; ++i)
      rows[i] = i;
    for (int64_t i = 0; i < steps; ++i) {
      int64_t held = rows[i];
      rows[i] = rows[places[i]];
      rows[places[i]] = held;
    }
  }
  real.give(luRe, reSizes);
  imaginary.give(luIm, imSizes);
}

void mpy_complex_eig(const mpy_view *re, const mpy_view *im, void **real, int64_t *realSizes,
                     void **imaginary, int64_t *imaginarySizes, void **vectorsRe,
                     int64_t *vectorsReSizes, void **vectorsIm, int64_t *vectorsImSizes,
                     void **failures, int64_t *failureSizes) {
  Stack x(re), y(im);
  int64_t n = x.rows;
  double *w = x.make<double>(real, realSizes, n);
  double *turn = x.make<double>(imaginary, imaginarySizes, n);
  double *v = x.make<double>(vectorsRe, vectorsReSizes, n, n);
  double *u = x.make<double>(vectorsIm, vectorsImSizes, n, n);
  int64_t *fails = x.make<int64_t>(failures, failureSizes, 1);
  Room<Complex> matrix(n * n), values(n), vectors(n * n);
  for (int64_t k = 0; n > 0 && k < x.count; ++k) {
    join(n * n, x.matrix(k), y.matrix(k), matrix);
    fails[k] = eigenvalues(n, matrix, values, vectors) ? 0 : failed;
    part(n, values, w + k * n, turn + k * n);
    part(n * n, vectors, v + k * n * n, u + k * n * n);
  }
}
