// Special functions of one double, accurate to a few units in the last place: of the normal
// distribution, gamma and its logarithm's derivatives, Bessel functions of whole orders.
//
// NaN outside of the domain, infinity at poles, as SciPy has them.
#include "mpyrt.h"

#include <cmath>
#include <cstddef>
#include <limits>

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
static constexpr double pi = 3.14159265358979323846;
static constexpr double rootOfHalf = 0.70710678118654752440;
static constexpr double rootOfPi = 1.77245385090551602730;

/// A polynomial, its highest coefficient first.
template <size_t count> static double polynomial(const double (&coefficients)[count], double x) {
  double sum = 0;
  for (double coefficient : coefficients)
    sum = sum * x + coefficient;
  return sum;
}

//===--- The normal distribution ---===//

/// Where erf is x, to single precision: M. Giles, Approximating the erfinv function (2010). `tail`
/// is (1 - x)(1 + x).
static double roughErfinv(double x, double tail) {
  double w = -std::log(tail);
  if (w < 5) {
    static constexpr double central[] = {2.81022636e-08,  3.43273939e-07, -3.5233877e-06,
                                         -4.39150654e-06, 0.00021858087,  -0.00125372503,
                                         -0.00417768164,  0.246640727,    1.50140941};
    return polynomial(central, w - 2.5) * x;
  }
  if (w < 16) {
    static constexpr double outer[] = {-0.000200214257, 0.000100950558, 0.00134934322,
                                       -0.00367342844,  0.00573950773,  -0.0076224613,
                                       0.00943887047,   1.00167406,     2.83297682};
    return polynomial(outer, std::sqrt(w) - 3) * x;
  }
  double root = std::sqrt(w - 0.5 * std::log(pi * w) + std::log(2.0));
  return std::copysign(root, x);
}

/// Where erfc is p, 0 < p < 0.5: Newton's method for the logarithm, which is nearly a parabola.
static double tailErfcinv(double p) {
  double y = roughErfinv(1 - p, p * (2 - p));
  for (int step = 0; step < 8; ++step) {
    double here = std::erfc(y);
    double change = here == p ? 0 : std::log(here / p) * here * (rootOfPi / 2) * std::exp(y * y);
    y += change;
    if (std::fabs(change) <= 1e-12 * y)
      break;
  }
  return y;
}

double mpy_special_erfinv(double x) {
  if (std::fabs(x) >= 1)
    return std::fabs(x) == 1 ? std::copysign(infinity, x) : notANumber;
  if (x > 0.5 || x < -0.5)
    return std::copysign(tailErfcinv(1 - std::fabs(x)), x);
  if (std::fabs(x) < 1e-8 || std::isnan(x))
    return x * (rootOfPi / 2);
  double y = roughErfinv(x, (1 - x) * (1 + x));
  for (int step = 0; step < 2; ++step) {
    // Halley: the second derivative of erf is -2 y times the first.
    double change = (std::erf(y) - x) * (rootOfPi / 2) * std::exp(y * y);
    y -= change / (1 + y * change);
  }
  return y;
}

double mpy_special_erfcinv(double p) {
  if (!(p > 0 && p < 2))
    return p == 0 ? infinity : p == 2 ? -infinity : notANumber;
  if (p < 0.5)
    return tailErfcinv(p);
  if (p > 1.5)
    return -tailErfcinv(2 - p);
  return mpy_special_erfinv(1 - p);
}

double mpy_special_ndtr(double x) {
  double scaled = x * rootOfHalf;
  if (std::fabs(scaled) < 1)
    return 0.5 + 0.5 * std::erf(scaled);
  double tail = 0.5 * std::erfc(std::fabs(scaled));
  return scaled > 0 ? 1 - tail : tail;
}

double mpy_special_log_ndtr(double x) {
  if (x > -1)
    return std::log1p(-0.5 * std::erfc(x * rootOfHalf));
  if (x > -20)
    return std::log(0.5 * std::erfc(-x * rootOfHalf));
  // erfc(t) = exp(-t t) / (t sqrt(pi)) (1 - 1 / (2 t t) + 3 / (2 t t)^2 - ..), x x = 2 t t
  double inverse = 1 / (x * x), sum = 1, term = 1;
  for (int k = 1; k < 20; ++k) {
    term *= -(2 * k - 1) * inverse;
    sum += term;
  }
  return -0.5 * x * x - std::log(-x) - 0.5 * std::log(2 * pi) + std::log(sum);
}

double mpy_special_ndtri(double p) {
  if (!(p > 0 && p < 1))
    return p == 0 ? -infinity : p == 1 ? infinity : notANumber;
  if (p < 0.25)
    return -mpy_special_erfcinv(2 * p) / rootOfHalf;
  return mpy_special_erfinv(2 * (p - 0.5)) / rootOfHalf;
}

//===--- Gamma ---===//

double mpy_special_gamma(double x) { return x == -infinity ? notANumber : std::tgamma(x); }

/// Hurwitz's zeta function, the sum of (x + k)^-s over all k, by Euler and Maclaurin. The numbers
/// are (2 k)! / B(2 k).
static double hurwitz(double s, double x) {
  static constexpr double divisors[] = {12.0,
                                        -720.0,
                                        30240.0,
                                        -1209600.0,
                                        47900160.0,
                                        -1.8924375803183791606e9,
                                        7.47242496e10,
                                        -2.950130727918164224e12,
                                        1.1646782814350067249e14,
                                        -4.5979787224074726105e15,
                                        1.8152105401943546773e17,
                                        -7.1661652561756670113e18};
  constexpr double precision = std::numeric_limits<double>::epsilon() / 2;
  if (x <= 0 && x == std::floor(x))
    return infinity;
  if (x > 1e8)
    return (1 / (s - 1) + 1 / (2 * x)) * std::pow(x, 1 - s);
  double sum = std::pow(x, -s), term = 0;
  for (int k = 0; k < 9 || x <= 9; ++k) {
    x += 1;
    term = std::pow(x, -s);
    sum += term;
    if (std::fabs(term) < precision * std::fabs(sum))
      return sum;
  }
  sum += term * x / (s - 1) - 0.5 * term;
  double factor = 1, k = 0;
  for (double divisor : divisors) {
    factor *= s + k;
    term /= x;
    double change = factor * term / divisor;
    sum += change;
    if (std::fabs(change) < precision * std::fabs(sum))
      break;
    factor *= s + k + 1;
    term /= x;
    k += 2;
  }
  return sum;
}

/// Digamma for 1 <= x <= 2, relative to its root there; J. Maddock's approximation in Boost.
static double digammaByRoot(double x) {
  static constexpr double above[] = {-0.0020713321167745952, -0.045251321448739056,
                                     -0.28919126444774784,   -0.65031853770896507,
                                     -0.32555031186804491,   0.25479851061131551};
  static constexpr double below[] = {-0.55789841321675513e-6,
                                     0.0021284987017821144,
                                     0.054151797245674225,
                                     0.43593529692665969,
                                     1.4606242909763515,
                                     2.0767117023730469,
                                     1.0};
  double distance = x - 1569415565.0 / 1073741824.0;
  distance -= 381566830.0 / 1073741824.0 / 1073741824.0;
  distance -= 0.9016312093258695918615325266159189453125e-19;
  return distance * 0.99558162689208984 +
         distance * (polynomial(above, x - 1) / polynomial(below, x - 1));
}

static double digamma(double x) {
  static constexpr double series[] = {1.0 / 12,  -691.0 / 32760, 1.0 / 132, -1.0 / 240,
                                      1.0 / 252, -1.0 / 120,     1.0 / 12};
  if (std::isnan(x) || x == infinity)
    return x;
  if (x == -infinity)
    return notANumber;
  if (x == 0)
    return std::copysign(infinity, -x);
  double sum = 0;
  if (x < 0) {
    double part = x - std::floor(x);
    if (part == 0)
      return notANumber;
    sum = -pi / std::tan(pi * part);
    x = 1 - x;
  }
  if (x >= 10) {
    double square = 1 / (x * x);
    return sum + std::log(x) - 0.5 / x - square * polynomial(series, square);
  }
  for (; x < 1; x += 1)
    sum -= 1 / x;
  for (; x > 2;) {
    x -= 1;
    sum += 1 / x;
  }
  return sum + digammaByRoot(x);
}

double mpy_special_polygamma(double order, double x) {
  int sign;
  if (order < 0)
    return ::lgamma_r(x, &sign);
  if (order == 0)
    return digamma(x);
  double size = std::tgamma(order + 1) * hurwitz(order + 1, x);
  return std::fmod(order, 2) == 0 ? -size : size;
}

//===--- Bessel functions ---===//

double mpy_special_bessel_j(double order, double x) { return ::jn(int(order), x); }

double mpy_special_bessel_y(double order, double x) {
  if (x < 0)
    return notANumber;
  return x == 0 ? (order < 0 && std::fmod(order, 2) != 0 ? infinity : -infinity)
                : ::yn(int(order), x);
}

/// The sum of (x / 2)^(2 k + n) / (k! (k + n)!), whose terms are all positive; for large x the
/// asymptotic one of Abramowitz and Stegun 9.7.1.
double mpy_special_bessel_ie(double order, double x) {
  double n = std::fabs(order), size = std::fabs(x);
  double sign = x < 0 && std::fmod(n, 2) != 0 ? -1 : 1;
  if (std::isnan(x))
    return x;
  if (size == infinity)
    return 0;
  if (size > 30 && size > n * n) {
    double sum = 1, term = 1;
    for (int k = 1; k < 60; ++k) {
      term *= -(4 * n * n - (2 * k - 1) * (2 * k - 1)) / (8 * k * size);
      sum += term;
      if (std::fabs(term) < 1e-17 * std::fabs(sum))
        break;
    }
    return sign * sum / std::sqrt(2 * pi * size);
  }
  double half = size / 2, term = 1;
  for (int k = 1; k <= n; ++k)
    term *= half / k;
  double sum = term;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= half * half / (k * (k + n));
    sum += term;
  }
  return sign * sum * std::exp(-size);
}

double mpy_special_bessel_i(double order, double x) {
  double size = std::fabs(x);
  if (size == infinity)
    return x < 0 && std::fmod(std::fabs(order), 2) != 0 ? -infinity : infinity;
  // In two steps: exp overflows before the product does.
  double half = std::exp(size / 2);
  return mpy_special_bessel_ie(order, x) * half * half;
}
