// Eigenvalues and singular values where there is no LAPACK: symmetric matrices and singular values
// by Jacobi's rotations, which take some sweeps over all pairs of columns, other matrices by
// Hessenberg's form and QR steps with two shifts (Martin, Peters and Wilkinson, The QR algorithm
// for real Hessenberg matrices, 1970; Peters and Wilkinson, Eigenvectors of real and complex
// matrices by LR and QR triangularizations, 1970). Slower than LAPACK, as exact; vectors may have
// other signs.
#include "Eigenvalues.h"
#include "Context.h"

#include <cfloat>
#include <cmath>
#include <utility>

namespace mpy {

namespace {
/// Memory for the length of a call.
struct Numbers {
  explicit Numbers(int64_t count)
      : data(static_cast<double *>(allocateRaw((count + 1) * sizeof(double)))) {}
  ~Numbers() { freeRaw(data); }
  Numbers(const Numbers &) = delete;
  Numbers &operator=(const Numbers &) = delete;
  double *data;
};

/// The rotation that makes the inner product `cross` of two columns with squares x and y zero.
struct Rotation {
  Rotation(double x, double y, double cross) {
    double zeta = (y - x) / (2.0 * cross);
    tangent = (zeta >= 0.0 ? 1.0 : -1.0) / (fabs(zeta) + sqrt(1.0 + zeta * zeta));
    cosine = 1.0 / sqrt(1.0 + tangent * tangent);
    sine = cosine * tangent;
  }
  void turn(double &p, double &q) const {
    double held = p;
    p = cosine * held - sine * q;
    q = sine * held + cosine * q;
  }
  double tangent, cosine, sine;
};
} // namespace

constexpr int maximumSweeps = 60;

static bool isFinite(int64_t count, const double *a) {
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(a[i]))
      return false;
  return true;
}

static void setIdentity(int64_t n, double *a) {
  for (int64_t i = 0; i < n * n; ++i)
    a[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
}

static void swapColumns(int64_t rows, int64_t width, double *a, int64_t i, int64_t j) {
  for (int64_t k = 0; k < rows; ++k)
    std::swap(a[k * width + i], a[k * width + j]);
}

bool rotateSymmetric(int64_t n, double *a, double *values, double *vectors) {
  setIdentity(n, vectors);
  if (!isFinite(n * n, a))
    return false;
  bool isDiagonal = false;
  for (int sweep = 0; sweep < maximumSweeps && !isDiagonal; ++sweep) {
    isDiagonal = true;
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        double cross = a[q * n + p];
        double least = DBL_EPSILON * 0.25 * sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));
        if (fabs(cross) <= least || fabs(cross) < DBL_MIN)
          continue;
        isDiagonal = false;
        Rotation rotation(a[p * n + p], a[q * n + q], cross);
        for (int64_t k = 0; k < n; ++k)
          rotation.turn(a[k * n + p], a[k * n + q]);
        for (int64_t k = 0; k < n; ++k)
          rotation.turn(a[p * n + k], a[q * n + k]);
        a[p * n + q] = a[q * n + p] = 0.0;
        for (int64_t k = 0; k < n; ++k)
          rotation.turn(vectors[k * n + p], vectors[k * n + q]);
      }
  }
  for (int64_t i = 0; i < n; ++i)
    values[i] = a[i * n + i];
  for (int64_t i = 0; i < n; ++i) {
    int64_t least = i;
    for (int64_t j = i + 1; j < n; ++j)
      if (values[j] < values[least])
        least = j;
    std::swap(values[i], values[least]);
    swapColumns(n, n, vectors, i, least);
  }
  return isDiagonal;
}

/// Columns `from` to `width` of q become orthogonal to all before them, of length 1.
static void complete(int64_t m, int64_t width, int64_t from, double *q) {
  int64_t axis = 0;
  for (int64_t c = from; c < width; ++c)
    for (double size = 0.0; size < 0.1 && axis < 2 * m; ++axis) {
      for (int64_t i = 0; i < m; ++i)
        q[i * width + c] = i == axis % m ? 1.0 : 0.0;
      // Twice, so that what is left of the others is rounded away.
      for (int64_t b = 0; b < 2 * c; ++b) {
        double inner = 0.0;
        for (int64_t i = 0; i < m; ++i)
          inner += q[i * width + b % c] * q[i * width + c];
        for (int64_t i = 0; i < m; ++i)
          q[i * width + c] -= inner * q[i * width + b % c];
      }
      size = 0.0;
      for (int64_t i = 0; i < m; ++i)
        size += q[i * width + c] * q[i * width + c];
      size = sqrt(size);
      // Of m axes one is at least 1 / sqrt(m) away from what fewer than m columns span.
      if (size < (axis < m ? 0.1 : 0.5 / sqrt(static_cast<double>(m)))) {
        size = 0.0;
        continue;
      }
      for (int64_t i = 0; i < m; ++i)
        q[i * width + c] /= size;
      size = 1.0;
    }
}

/// The columns of w (m, n), m >= n, are turned until they are orthogonal: w = a v. False if they do
/// not become so. Columns up to the length `noise` are left by rounding and have no direction.
static bool orthogonalize(int64_t m, int64_t n, double *w, double *v, double noise) {
  bool isDone = false;
  for (int sweep = 0; sweep < maximumSweeps && !isDone; ++sweep) {
    isDone = true;
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        double x = 0.0, y = 0.0, cross = 0.0;
        for (int64_t i = 0; i < m; ++i) {
          x += w[i * n + p] * w[i * n + p];
          y += w[i * n + q] * w[i * n + q];
          cross += w[i * n + p] * w[i * n + q];
        }
        bool hasDirections = sqrt(x) > noise && sqrt(y) > noise;
        if (!hasDirections || fabs(cross) <= DBL_EPSILON * sqrt(x) * sqrt(y))
          continue;
        isDone = false;
        Rotation rotation(x, y, cross);
        for (int64_t i = 0; i < m; ++i)
          rotation.turn(w[i * n + p], w[i * n + q]);
        for (int64_t i = 0; i < n; ++i)
          rotation.turn(v[i * n + p], v[i * n + q]);
      }
  }
  return isDone;
}

/// Singular values of a (m, n), m >= n, with `width` left vectors; right ones in the columns of v.
static bool tallSingular(int64_t m, int64_t n, double *w, int64_t width, double *u, double *s,
                         double *v) {
  setIdentity(n, v);
  double largest = 0.0;
  for (int64_t i = 0; i < m * n; ++i)
    largest = fmax(largest, fabs(w[i]));
  // Squares stay among the numbers that there are.
  int exponent = 0;
  frexp(largest, &exponent);
  double total = 0.0;
  for (int64_t i = 0; i < m * n; ++i) {
    w[i] = ldexp(w[i], -exponent);
    total += w[i] * w[i];
  }
  double noise = DBL_EPSILON * sqrt(total);
  if (!orthogonalize(m, n, w, v, noise))
    return false;
  for (int64_t c = 0; c < n; ++c) {
    double square = 0.0;
    for (int64_t i = 0; i < m; ++i)
      square += w[i * n + c] * w[i * n + c];
    s[c] = sqrt(square);
  }
  for (int64_t c = 0; c < n; ++c) {
    int64_t most = c;
    for (int64_t k = c + 1; k < n; ++k)
      if (s[k] > s[most])
        most = k;
    std::swap(s[c], s[most]);
    swapColumns(m, n, w, c, most);
    swapColumns(n, n, v, c, most);
  }
  int64_t rank = 0;
  while (rank < n && s[rank] > noise)
    ++rank;
  for (int64_t c = 0; c < rank; ++c)
    for (int64_t i = 0; i < m; ++i)
      u[i * width + c] = w[i * n + c] / s[c];
  complete(m, width, rank, u);
  for (int64_t c = 0; c < n; ++c)
    s[c] = ldexp(s[c], exponent);
  return true;
}

bool rotateSingular(int64_t m, int64_t n, const double *a, int64_t width, int64_t height, double *u,
                    double *s, double *vt) {
  if (!isFinite(m * n, a))
    return false;
  bool isTall = m >= n;
  int64_t rows = isTall ? m : n, columns = isTall ? n : m;
  int64_t wide = isTall ? width : height;
  Numbers work(rows * columns), left(rows * wide), right(columns * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      work.data[i * columns + j] = isTall ? a[i * n + j] : a[j * n + i];
  if (!tallSingular(rows, columns, work.data, wide, left.data, s, right.data))
    return false;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < wide; ++j)
      (isTall ? u[i * wide + j] : vt[j * rows + i]) = left.data[i * wide + j];
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = 0; j < columns; ++j)
      (isTall ? vt[j * columns + i] : u[i * columns + j]) = right.data[i * columns + j];
  return true;
}

/// Hessenberg's form by reflections; v becomes their product.
static void toHessenberg(int64_t n, double *h, double *v) {
  setIdentity(n, v);
  Numbers reflection(n);
  double *x = reflection.data;
  for (int64_t k = 1; k + 1 < n; ++k) {
    double scale = 0.0, square = 0.0;
    for (int64_t i = k; i < n; ++i)
      scale += fabs(h[i * n + k - 1]);
    if (scale == 0.0)
      continue;
    for (int64_t i = k; i < n; ++i) {
      x[i] = h[i * n + k - 1] / scale;
      square += x[i] * x[i];
    }
    double size = x[k] > 0.0 ? -sqrt(square) : sqrt(square);
    square -= x[k] * size;
    x[k] -= size;
    if (square == 0.0)
      continue;
    auto reflect = [&](double *row, int64_t stride) {
      double sum = 0.0;
      for (int64_t i = k; i < n; ++i)
        sum += x[i] * row[i * stride];
      for (int64_t i = k; i < n; ++i)
        row[i * stride] -= sum / square * x[i];
    };
    for (int64_t j = 0; j < n; ++j)
      reflect(h + j, n);
    for (int64_t i = 0; i < n; ++i)
      reflect(h + i * n, 1);
    for (int64_t i = 0; i < n; ++i)
      reflect(v + i * n, 1);
    for (int64_t i = k + 1; i < n; ++i)
      h[i * n + k - 1] = 0.0;
  }
}

/// Makes the two rows at k and k + 1 triangular if their eigenvalues are real; both values.
static void splitPair(int64_t n, double *h, double *v, int64_t k, double *real, double *imaginary) {
  double a = h[k * n + k], b = h[k * n + k + 1], c = h[(k + 1) * n + k];
  double d = h[(k + 1) * n + k + 1];
  double p = 0.5 * (a - d), q = p * p + b * c;
  if (q < 0.0) {
    real[k] = real[k + 1] = d + p;
    imaginary[k] = sqrt(-q);
    imaginary[k + 1] = -imaginary[k];
    return;
  }
  double z = p + (p >= 0.0 ? sqrt(q) : -sqrt(q));
  real[k] = d + z;
  real[k + 1] = z != 0.0 ? d - b * c / z : d;
  imaginary[k] = imaginary[k + 1] = 0.0;
  double size = hypot(c, z), cosine = size > 0.0 ? z / size : 1.0,
         sine = size > 0.0 ? c / size : 0.0;
  for (int64_t j = 0; j < n; ++j) {
    double held = h[k * n + j], other = h[(k + 1) * n + j];
    h[k * n + j] = cosine * held + sine * other;
    h[(k + 1) * n + j] = cosine * other - sine * held;
  }
  for (double *m : {h, v})
    for (int64_t i = 0; i < n; ++i) {
      double held = m[i * n + k], other = m[i * n + k + 1];
      m[i * n + k] = cosine * held + sine * other;
      m[i * n + k + 1] = cosine * other - sine * held;
    }
  h[(k + 1) * n + k] = 0.0;
}

/// One step of two shifts on rows `low` to `high`.
static void stepTwice(int64_t n, double *h, double *v, int64_t low, int64_t high, double sum,
                      double product) {
  auto at = [&](int64_t i, int64_t j) -> double & { return h[i * n + j]; };
  double x = at(low, low) * at(low, low) + at(low, low + 1) * at(low + 1, low) -
             sum * at(low, low) + product;
  double y = at(low + 1, low) * (at(low, low) + at(low + 1, low + 1) - sum);
  double z = low + 2 <= high ? at(low + 1, low) * at(low + 2, low + 1) : 0.0;
  for (int64_t k = low; k < high; ++k) {
    int64_t count = k + 2 <= high ? 3 : 2;
    if (k > low) {
      x = at(k, k - 1);
      y = at(k + 1, k - 1);
      z = count == 3 ? at(k + 2, k - 1) : 0.0;
    }
    double scale = fabs(x) + fabs(y) + fabs(z);
    if (scale == 0.0)
      continue;
    double r[3] = {x / scale, y / scale, z / scale};
    double size = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    r[0] += r[0] >= 0.0 ? size : -size;
    double square = 0.5 * (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    auto reflect = [&](double *from, int64_t stride) {
      double inner = 0.0;
      for (int64_t i = 0; i < count; ++i)
        inner += r[i] * from[i * stride];
      for (int64_t i = 0; i < count; ++i)
        from[i * stride] -= inner / square * r[i];
    };
    for (int64_t j = k > low ? k - 1 : low; j < n; ++j)
      reflect(&at(k, j), n);
    for (int64_t i = 0; i <= (k + 3 < high ? k + 3 : high); ++i)
      reflect(&at(i, k), 1);
    for (int64_t i = 0; i < n; ++i)
      reflect(v + i * n + k, 1);
    if (k > low)
      for (int64_t i = 1; i < count; ++i)
        at(k + i, k - 1) = 0.0;
  }
}

/// Schur's form of a Hessenberg matrix.
static bool toSchur(int64_t n, double *h, double *v, double *real, double *imaginary) {
  auto at = [&](int64_t i, int64_t j) -> double & { return h[i * n + j]; };
  double norm = 0.0;
  for (int64_t i = 0; i < n * n; ++i)
    norm += fabs(h[i]);
  int tries = 0;
  for (int64_t high = n - 1; high >= 0;) {
    int64_t low = high;
    for (; low > 0; --low) {
      double size = fabs(at(low - 1, low - 1)) + fabs(at(low, low));
      if (fabs(at(low, low - 1)) <= DBL_EPSILON * (size == 0.0 ? norm : size))
        break;
    }
    if (low > 0)
      at(low, low - 1) = 0.0;
    if (low == high) {
      real[high] = at(high, high);
      imaginary[high] = 0.0;
      --high;
      tries = 0;
    } else if (low == high - 1) {
      splitPair(n, h, v, low, real, imaginary);
      high -= 2;
      tries = 0;
    } else {
      if (++tries > 30 * 10)
        return false;
      double a = at(high - 1, high - 1), d = at(high, high);
      double sum = a + d, product = a * d - at(high - 1, high) * at(high, high - 1);
      if (tries % 10 == 0) {
        // Another shift, where steps come back to the same matrix.
        double off = fabs(at(high, high - 1)) + fabs(at(high - 1, high - 2));
        sum = 1.5 * off;
        product = off * off;
      }
      stepTwice(n, h, v, low, high, sum, product);
    }
  }
  return true;
}

bool reduceGeneral(int64_t n, double *a, double *real, double *imaginary, double *vectors) {
  if (!isFinite(n * n, a))
    return false;
  Numbers basis(n * n), column(n);
  toHessenberg(n, a, basis.data);
  if (!toSchur(n, a, basis.data, real, imaginary))
    return false;
  double norm = DBL_MIN;
  for (int64_t i = 0; i < n * n; ++i)
    norm = fmax(norm, fabs(a[i]));
  for (int64_t k = 0; k < n; ++k)
    if (imaginary[k] != 0.0)
      return true;
  double *x = column.data;
  for (int64_t k = 0; k < n; ++k) {
    x[k] = 1.0;
    for (int64_t i = k - 1; i >= 0; --i) {
      double rest = 0.0, gap = a[i * n + i] - a[k * n + k];
      for (int64_t j = i + 1; j <= k; ++j)
        rest -= a[i * n + j] * x[j];
      x[i] = rest / (gap != 0.0 ? gap : DBL_EPSILON * norm);
    }
    double square = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (int64_t j = 0; j <= k; ++j)
        sum += basis.data[i * n + j] * x[j];
      vectors[i * n + k] = sum;
      square += sum * sum;
    }
    for (int64_t i = 0; i < n; ++i)
      vectors[i * n + k] /= sqrt(square);
  }
  return true;
}

} // namespace mpy
