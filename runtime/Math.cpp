// The functions of Python's math module: the C library's, with `math domain error` where a number
// gave nan (or a pole) and `math range error` where a finite one overflowed.
#include "Context.h"

#include <cmath>

namespace mpy {

[[noreturn]] static void failDomain(Place place) {
  raise(place, "ValueError", "math domain error");
}

[[noreturn]] static void failRange(Place place) {
  raise(place, "OverflowError", "math range error");
}

// CPython's rule for functions of one argument: nan from a number is outside of the domain; an
// infinity from a finite number overflows where the function can, else it is a pole.
static double check(Place place, double x, double result, bool canOverflow) {
  if (std::isnan(result) && !std::isnan(x))
    failDomain(place);
  if (std::isinf(result) && std::isfinite(x)) {
    if (canOverflow)
      failRange(place);
    failDomain(place);
  }
  return result;
}

static double logarithm(Place place, double x, double (*function)(double)) {
  if (x <= 0)
    failDomain(place);
  return function(x);
}

} // namespace mpy

using namespace mpy;

double mpy_math_exp(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::exp(x), true);
}
double mpy_math_expm1(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::expm1(x), true);
}
double mpy_math_log(const char *file, int64_t line, double x) {
  return logarithm({file, line}, x, ::log);
}
double mpy_math_log_base(const char *file, int64_t line, double x, double base) {
  double top = logarithm({file, line}, x, ::log), bottom = logarithm({file, line}, base, ::log);
  if (bottom == 0)
    raise({file, line}, "ZeroDivisionError", "float division by zero");
  return top / bottom;
}
double mpy_math_log2(const char *file, int64_t line, double x) {
  return logarithm({file, line}, x, ::log2);
}
double mpy_math_log10(const char *file, int64_t line, double x) {
  return logarithm({file, line}, x, ::log10);
}
double mpy_math_log1p(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::log1p(x), false);
}
double mpy_math_sqrt(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::sqrt(x), false);
}
double mpy_math_pow(const char *file, int64_t line, double x, double y) {
  double result = std::pow(x, y);
  if (std::isfinite(x) && std::isfinite(y) && !std::isfinite(result)) {
    if (std::isnan(result) || x == 0)
      failDomain({file, line});
    failRange({file, line});
  }
  return result;
}
double mpy_math_sin(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::sin(x), false);
}
double mpy_math_cos(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::cos(x), false);
}
double mpy_math_tan(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::tan(x), false);
}
double mpy_math_asin(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::asin(x), false);
}
double mpy_math_acos(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::acos(x), false);
}
double mpy_math_atanh(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::atanh(x), false);
}
double mpy_math_acosh(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::acosh(x), false);
}
double mpy_math_sinh(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::sinh(x), true);
}
double mpy_math_cosh(const char *file, int64_t line, double x) {
  return check({file, line}, x, std::cosh(x), true);
}
double mpy_math_fmod(const char *file, int64_t line, double x, double y) {
  double result = std::fmod(x, y);
  if (std::isnan(result) && !std::isnan(x) && !std::isnan(y))
    failDomain({file, line});
  return result;
}
double mpy_math_gamma(const char *file, int64_t line, double x) {
  if (x == 0 || (x < 0 && x == std::floor(x)))
    failDomain({file, line});
  return check({file, line}, x, std::tgamma(x), true);
}
double mpy_math_lgamma(const char *file, int64_t line, double x) {
  if (x <= 0 && x == std::floor(x) && std::isfinite(x))
    failDomain({file, line});
  int sign;
  return check({file, line}, x, ::lgamma_r(x, &sign), true);
}

int64_t mpy_math_factorial(const char *file, int64_t line, int64_t n) {
  if (n < 0)
    raise({file, line}, "ValueError", "factorial() not defined for negative values");
  int64_t result = 1;
  for (int64_t i = 2; i <= n; ++i)
    if (__builtin_mul_overflow(result, i, &result))
      raise({file, line}, "OverflowError", "integer overflow: the result does not fit in 64 bits");
  return result;
}

int64_t mpy_math_gcd(int64_t x, int64_t y) {
  while (y != 0) {
    int64_t rest = y == -1 ? 0 : x % y;
    x = y;
    y = rest;
  }
  return x < 0 ? -x : x;
}

static constexpr const char *overflowText = "integer overflow: the result does not fit in 64 bits";

int64_t mpy_math_lcm(const char *file, int64_t line, int64_t x, int64_t y) {
  if (x == 0 || y == 0)
    return 0;
  int64_t result;
  if (__builtin_mul_overflow(x / mpy_math_gcd(x, y), y, &result) || result == INT64_MIN)
    raise({file, line}, "OverflowError", overflowText);
  return result < 0 ? -result : result;
}

int64_t mpy_math_isqrt(const char *file, int64_t line, int64_t n) {
  if (n < 0)
    raise({file, line}, "ValueError", "isqrt() argument must be nonnegative");
  int64_t root = static_cast<int64_t>(std::sqrt(static_cast<double>(n)));
  // The square root of the nearest double is one off at most.
  while (static_cast<__int128>(root) * root > n)
    --root;
  while (static_cast<__int128>(root + 1) * (root + 1) <= n)
    ++root;
  return root;
}

/// ValueError unless both are numbers of things.
static void requireCounts(const char *file, int64_t line, int64_t n, int64_t k) {
  if (n < 0)
    raise({file, line}, "ValueError", "n must be a non-negative integer");
  if (k < 0)
    raise({file, line}, "ValueError", "k must be a non-negative integer");
}

int64_t mpy_math_comb(const char *file, int64_t line, int64_t n, int64_t k) {
  requireCounts(file, line, n, k);
  if (k > n)
    return 0;
  if (k > n - k)
    k = n - k;
  __int128 result = 1;
  for (int64_t i = 1; i <= k; ++i) {
    result = result * (n - k + i) / i;
    if (result > INT64_MAX)
      raise({file, line}, "OverflowError", overflowText);
  }
  return static_cast<int64_t>(result);
}

int64_t mpy_math_perm(const char *file, int64_t line, int64_t n, int64_t k) {
  requireCounts(file, line, n, k);
  if (k > n)
    return 0;
  int64_t result = 1;
  for (int64_t i = 0; i < k; ++i)
    if (__builtin_mul_overflow(result, n - i, &result))
      raise({file, line}, "OverflowError", overflowText);
  return result;
}
