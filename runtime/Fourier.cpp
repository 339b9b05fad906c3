// Discrete Fourier transforms of any length, over rows of complex numbers.
//
// A length is taken apart into factors 4, 2, 3, 5 and other primes; each factor is one pass over
// the row, which also sorts (Stockham), so nothing is permuted at the end. A length with a large
// prime factor is a convolution of a length without one (Bluestein). Angles are reduced to an
// eighth of a turn before their sine and cosine are taken, so the roots of unity are right to the
// last digit.
#include "Context.h"

#include <cmath>
#include <cstring>

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
/// Times i or -i.
inline Complex turned(Complex a, bool isLeft) {
  return isLeft ? Complex{-a.im, a.re} : Complex{a.im, -a.re};
}

/// exp(-2 pi i k / n), for 0 <= k < n.
Complex rootOfUnity(int64_t k, int64_t n) {
  constexpr double turn = 6.283185307179586476925;
  int64_t eighths = 8 * k;
  auto angle = [&](int64_t part) {
    return turn * static_cast<double>(part) / static_cast<double>(n);
  };
  double c, s;
  if (eighths <= n) {
    c = std::cos(angle(k)), s = -std::sin(angle(k));
  } else if (eighths < 3 * n) { // Around a quarter of a turn: k - n/4, in quarters of steps.
    double rest = turn * static_cast<double>(4 * k - n) / static_cast<double>(4 * n);
    c = -std::sin(rest), s = -std::cos(rest);
  } else if (eighths <= 5 * n) {
    double rest = turn * static_cast<double>(2 * k - n) / static_cast<double>(2 * n);
    c = -std::cos(rest), s = std::sin(rest);
  } else if (eighths < 7 * n) {
    double rest = turn * static_cast<double>(4 * k - 3 * n) / static_cast<double>(4 * n);
    c = std::sin(rest), s = std::cos(rest);
  } else {
    c = std::cos(angle(n - k)), s = std::sin(angle(n - k));
  }
  return {c, s};
}

class Memory {
public:
  explicit Memory(int64_t count)
      : numbers(static_cast<Complex *>(allocateRaw((count + 1) * sizeof(Complex)))) {}
  ~Memory() { freeRaw(numbers); }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  Complex *numbers;
};

/// A length without large prime factors.
class Passes {
public:
  explicit Passes(int64_t n) : n(n), roots(n) {
    for (int64_t k = 0; k < n; ++k)
      roots.numbers[k] = rootOfUnity(k, n);
    for (int64_t rest = n, factor = 4; rest > 1;) {
      if (rest % factor == 0) {
        factors[count++] = factor;
        rest /= factor;
      } else {
        factor = factor == 4 ? 2 : factor == 2 ? 3 : factor + 2;
        if (factor * factor > rest && factor > 3)
          factor = rest;
      }
    }
  }
  /// Transforms a row in place; `other` is as long.
  void run(Complex *row, Complex *other, bool isInverse) const;

private:
  template <bool isInverse>
  void pass(int64_t factor, const Complex *from, Complex *to, int64_t done) const;
  template <bool isInverse>
  void passOfPrime(int64_t factor, const Complex *from, Complex *to, int64_t done) const;
  template <bool isInverse> Complex root(int64_t k) const {
    Complex w = roots.numbers[k];
    return isInverse ? Complex{w.re, -w.im} : w;
  }

  int64_t n;
  int64_t factors[64];
  int count = 0;
  Memory roots;
};

/// The transform of `factor` numbers each, times the roots that the next pass expects. `from` is
/// indexed by what is left, the factor, and what is done; `to` with the factor last.
template <bool isInverse>
void Passes::pass(int64_t factor, const Complex *from, Complex *to, int64_t done) const {
  int64_t left = n / (done * factor);
  for (int64_t k = 0; k < done; ++k) {
    const Complex *x = from + left * factor * k;
    Complex *y = to + left * k;
    int64_t far = left * done;
    for (int64_t i = 0; i < left; ++i) {
      int64_t step = done * i;
      if (factor == 4) {
        Complex a = x[i], b = x[i + left], c = x[i + 2 * left], d = x[i + 3 * left];
        Complex sum = a + c, gap = a - c, other = b + d, side = turned(b - d, isInverse);
        y[i] = sum + other;
        if (step == 0) {
          y[i + far] = gap + side;
          y[i + 2 * far] = sum - other;
          y[i + 3 * far] = gap - side;
        } else {
          y[i + far] = (gap + side) * root<isInverse>(step);
          y[i + 2 * far] = (sum - other) * root<isInverse>(2 * step);
          y[i + 3 * far] = (gap - side) * root<isInverse>(3 * step);
        }
      } else if (factor == 2) {
        Complex a = x[i], b = x[i + left];
        y[i] = a + b;
        y[i + far] = step == 0 ? a - b : (a - b) * root<isInverse>(step);
      } else if (factor == 3) {
        constexpr double half = 0.86602540378443864676;
        Complex a = x[i], sum = x[i + left] + x[i + 2 * left];
        Complex side = half * turned(x[i + left] - x[i + 2 * left], isInverse);
        Complex middle = a - 0.5 * sum;
        y[i] = a + sum;
        y[i + far] = (middle + side) * root<isInverse>(step);
        y[i + 2 * far] = (middle - side) * root<isInverse>(2 * step);
      } else {
        constexpr double c1 = 0.3090169943749474241, s1 = 0.95105651629515357212;
        constexpr double c2 = -0.8090169943749474241, s2 = 0.58778525229247312917;
        Complex a = x[i], b = x[i + left], c = x[i + 2 * left], d = x[i + 3 * left],
                e = x[i + 4 * left];
        Complex p = b + e, q = c + d, r = b - e, s = c - d;
        Complex first = a + (c1 * p + c2 * q), second = a + (c2 * p + c1 * q);
        Complex one = turned(s1 * r + s2 * s, isInverse), two = turned(s2 * r - s1 * s, isInverse);
        y[i] = a + (p + q);
        y[i + far] = (first + one) * root<isInverse>(step);
        y[i + 2 * far] = (second + two) * root<isInverse>(2 * step);
        y[i + 3 * far] = (second - two) * root<isInverse>(3 * step);
        y[i + 4 * far] = (first - one) * root<isInverse>(4 * step);
      }
    }
  }
}

template <bool isInverse>
void Passes::passOfPrime(int64_t factor, const Complex *from, Complex *to, int64_t done) const {
  int64_t left = n / (done * factor), far = left * done, turns = n / factor;
  for (int64_t k = 0; k < done; ++k)
    for (int64_t i = 0; i < left; ++i) {
      const Complex *x = from + left * factor * k + i;
      Complex *y = to + left * k + i;
      for (int64_t j = 0; j < factor; ++j) {
        // Pairs of opposite roots together: half the products.
        Complex even = x[0], odd = {0, 0};
        int64_t at = 0;
        for (int64_t m = 1; 2 * m < factor; ++m) {
          at += j;
          if (at >= factor)
            at -= factor;
          Complex w = root<isInverse>(at * turns), a = x[m * left], b = x[(factor - m) * left];
          even = even + w.re * (a + b);
          odd = odd + w.im * (a - b);
        }
        Complex sum = even + turned(odd, true);
        y[j * far] = j * i == 0 ? sum : sum * root<isInverse>(j * i * done);
      }
    }
}

void Passes::run(Complex *row, Complex *other, bool isInverse) const {
  Complex *from = row, *to = other;
  int64_t done = 1;
  for (int i = 0; i < count; ++i) {
    int64_t factor = factors[i];
    if (factor <= 5 && isInverse)
      pass<true>(factor, from, to, done);
    else if (factor <= 5)
      pass<false>(factor, from, to, done);
    else if (isInverse)
      passOfPrime<true>(factor, from, to, done);
    else
      passOfPrime<false>(factor, from, to, done);
    done *= factor;
    Complex *written = to;
    to = from;
    from = written;
  }
  if (from != row)
    memcpy(row, from, n * sizeof(Complex));
}

int64_t largestFactor(int64_t n) {
  int64_t largest = 1;
  for (int64_t factor = 2; factor * factor <= n; ++factor)
    while (n % factor == 0) {
      largest = factor;
      n /= factor;
    }
  return n > largest ? n : largest;
}

/// The least length with factors 2, 3 and 5 that is at least as long.
int64_t smoothLength(int64_t least) {
  int64_t best = 1;
  while (best < least)
    best *= 2;
  for (int64_t fives = 1; fives < best; fives *= 5)
    for (int64_t threes = fives; threes < best; threes *= 3) {
      int64_t length = threes;
      while (length < least)
        length *= 2;
      best = length < best ? length : best;
    }
  return best;
}

/// Any length as a convolution with a chirp, exp(-pi i k^2 / n).
class Chirp {
public:
  explicit Chirp(int64_t n)
      : n(n), length(smoothLength(2 * n - 1)), passes(length), chirp(n), kernel(length) {
    Memory other(length);
    for (int64_t i = 0; i < length; ++i)
      kernel.numbers[i] = {0, 0};
    int64_t square = 0; // k^2 modulo 2n
    for (int64_t k = 0; k < n; ++k) {
      Complex w = rootOfUnity(square, 2 * n);
      chirp.numbers[k] = w;
      Complex turnedBack = {w.re / static_cast<double>(length),
                            -w.im / static_cast<double>(length)};
      kernel.numbers[k] = turnedBack;
      if (k > 0)
        kernel.numbers[length - k] = turnedBack;
      square = (square + 2 * k + 1) % (2 * n);
    }
    passes.run(kernel.numbers, other.numbers, false);
  }
  void run(Complex *row, Complex *work, Complex *other, bool isInverse) const {
    // The inverse is the transform of the conjugate, conjugated.
    double sign = isInverse ? -1 : 1;
    for (int64_t k = 0; k < n; ++k)
      work[k] = Complex{row[k].re, sign * row[k].im} * chirp.numbers[k];
    for (int64_t k = n; k < length; ++k)
      work[k] = {0, 0};
    passes.run(work, other, false);
    for (int64_t k = 0; k < length; ++k)
      work[k] = work[k] * kernel.numbers[k];
    passes.run(work, other, true);
    for (int64_t k = 0; k < n; ++k) {
      Complex y = work[k] * chirp.numbers[k];
      row[k] = {y.re, sign * y.im};
    }
  }
  int64_t n, length;

private:
  Passes passes;
  Memory chirp, kernel;
};

template <typename Real>
void transform(const Real *data, Real *out, int64_t rows, int64_t n, bool isInverse) {
  if (rows == 0 || n == 0)
    return;
  Memory row(n);
  auto eachRow = [&](auto run) {
    for (int64_t i = 0; i < rows; ++i) {
      const Real *from = data + 2 * n * i;
      Real *to = out + 2 * n * i;
      for (int64_t k = 0; k < n; ++k)
        row.numbers[k] = {static_cast<double>(from[2 * k]), static_cast<double>(from[2 * k + 1])};
      run();
      for (int64_t k = 0; k < n; ++k) {
        to[2 * k] = static_cast<Real>(row.numbers[k].re);
        to[2 * k + 1] = static_cast<Real>(row.numbers[k].im);
      }
    }
  };
  if (largestFactor(n) <= 50) {
    Passes passes(n);
    Memory other(n);
    eachRow([&] { passes.run(row.numbers, other.numbers, isInverse); });
    return;
  }
  Chirp chirp(n);
  Memory work(chirp.length), other(chirp.length);
  eachRow([&] { chirp.run(row.numbers, work.numbers, other.numbers, isInverse); });
}

} // namespace

} // namespace mpy

using namespace mpy;

void mpy_fourier_f64(const double *data, double *out, int64_t rows, int64_t length,
                     int64_t isInverse) {
  transform(data, out, rows, length, isInverse);
}

void mpy_fourier_f32(const float *data, float *out, int64_t rows, int64_t length,
                     int64_t isInverse) {
  transform(data, out, rows, length, isInverse);
}
