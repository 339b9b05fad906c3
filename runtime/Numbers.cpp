// Arithmetic of Python's int and float where it differs from the machine's: ints of 64 bits whose
// overflow is an error, floor division, powers, conversions; and the two rules of NumPy beside
// them.
#include "Context.h"

#include <climits>
#include <cmath>

namespace mpy {

[[noreturn]] static void failOverflow(Place place) {
  raise(place, "OverflowError", "integer overflow: the result does not fit in 64 bits");
}

// The quotient rounded down and the rest with the sign of y, of floats, as CPython and NumPy do it.
static double floorDivide(double x, double y, double &rest) {
  rest = std::fmod(x, y);
  double quotient = (x - rest) / y;
  if (rest != 0) {
    if ((y < 0) != (rest < 0)) {
      rest += y;
      quotient -= 1.0;
    }
  } else {
    rest = std::copysign(0.0, y);
  }
  if (quotient == 0)
    return std::copysign(0.0, x / y);
  double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

static int64_t toInt(Place place, double x) {
  if (x != x)
    raise(place, "ValueError", "cannot convert float NaN to integer");
  if (std::isinf(x))
    raise(place, "OverflowError", "cannot convert float infinity to integer");
  if (x < -9223372036854775808.0 || x >= 9223372036854775808.0)
    failOverflow(place);
  return static_cast<int64_t>(x);
}

} // namespace mpy

using namespace mpy;

int64_t mpy_int_pow(const char *file, int64_t line, int64_t x, int64_t y) {
  int64_t result = 1;
  bool overflow = false;
  for (int64_t rest = y; rest > 0;) {
    if (rest & 1)
      overflow |= __builtin_mul_overflow(result, x, &result);
    rest >>= 1;
    // The last square is not needed and may not fit.
    if (rest > 0)
      overflow |= __builtin_mul_overflow(x, x, &x);
    if (overflow)
      failOverflow({file, line});
  }
  return result;
}

int64_t mpy_int_pow_wrap(int64_t x, int64_t y) {
  uint64_t result = 1, base = static_cast<uint64_t>(x);
  for (uint64_t rest = static_cast<uint64_t>(y); rest > 0; rest >>= 1) {
    if (rest & 1)
      result *= base;
    base *= base;
  }
  return static_cast<int64_t>(result);
}

int64_t mpy_int_pow_modulo(const char *file, int64_t line, int64_t x, int64_t y, int64_t modulus) {
  if (modulus == 0)
    raise({file, line}, "ValueError", "pow() 3rd argument cannot be 0");
  __int128 size = modulus < 0 ? -static_cast<__int128>(modulus) : modulus;
  __int128 base = (x % size + size) % size, result = 1 % size;
  if (y < 0) {
    // Euclid: base * inverse = 1 (mod size).
    __int128 inverse = 0, next = 1, rest = size, divisor = base;
    while (divisor != 0) {
      __int128 quotient = rest / divisor, kept = divisor;
      divisor = rest - quotient * divisor;
      rest = kept;
      kept = next;
      next = inverse - quotient * next;
      inverse = kept;
    }
    if (rest != 1)
      raise({file, line}, "ValueError", "base is not invertible for the given modulus");
    base = (inverse % size + size) % size;
  }
  uint64_t power = y < 0 ? 0 - static_cast<uint64_t>(y) : static_cast<uint64_t>(y);
  for (; power > 0; power >>= 1) {
    if (power & 1)
      result = result * base % size;
    base = base * base % size;
  }
  return static_cast<int64_t>(modulus < 0 && result != 0 ? result - size : result);
}

static uint64_t magnitude(int64_t x) {
  return x < 0 ? 0 - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
}
int64_t mpy_int_bit_length(int64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(magnitude(x)); }
int64_t mpy_int_bit_count(int64_t x) { return __builtin_popcountll(magnitude(x)); }

int64_t mpy_int_floordiv(const char *file, int64_t line, int64_t x, int64_t y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "integer division or modulo by zero");
  if (x == INT64_MIN && y == -1)
    failOverflow({file, line});
  int64_t quotient = x / y;
  return quotient - (x % y != 0 && (x < 0) != (y < 0));
}

int64_t mpy_int_mod(const char *file, int64_t line, int64_t x, int64_t y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "integer modulo by zero");
  if (y == -1)
    return 0;
  int64_t rest = x % y;
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

int64_t mpy_int_shl(const char *file, int64_t line, int64_t x, int64_t y) {
  if (y < 0)
    raise({file, line}, "ValueError", "negative shift count");
  if (x == 0)
    return 0;
  if (y > 63)
    failOverflow({file, line});
  int64_t result = static_cast<int64_t>(static_cast<uint64_t>(x) << y);
  if (result >> y != x)
    failOverflow({file, line});
  return result;
}

int64_t mpy_int_shr(const char *file, int64_t line, int64_t x, int64_t y) {
  if (y < 0)
    raise({file, line}, "ValueError", "negative shift count");
  return x >> (y > 63 ? 63 : y);
}

double mpy_int_order(int64_t x, double y) {
  double rounded = static_cast<double>(x);
  if (rounded != y)
    return rounded - y;
  // 2**63 is no int64, and above all of them.
  return rounded == 0x1p63 ? -1.0 : static_cast<double>(x - static_cast<int64_t>(rounded));
}

double mpy_int_truediv(const char *file, int64_t line, int64_t x, int64_t y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "division by zero");
  constexpr int64_t exact = int64_t(1) << 53;
  if (x >= -exact && x <= exact && y >= -exact && y <= exact)
    return static_cast<double>(x) / static_cast<double>(y);
  // A quotient of at least 64 bits whose last bit tells of a rest rounds once, in the conversion.
  uint64_t top = x < 0 ? 0 - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  uint64_t bottom = y < 0 ? 0 - static_cast<uint64_t>(y) : static_cast<uint64_t>(y);
  if (top == 0)
    return y < 0 ? -0.0 : 0.0;
  int shift = 64 + __builtin_clzll(top);
  unsigned __int128 scaled = static_cast<unsigned __int128>(top) << shift;
  unsigned __int128 quotient = scaled / bottom;
  quotient |= scaled % bottom != 0;
  double result = std::ldexp(static_cast<double>(quotient), -shift);
  return (x < 0) != (y < 0) ? -result : result;
}

double mpy_py_float_div(const char *file, int64_t line, double x, double y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "float division by zero");
  return x / y;
}

double mpy_py_float_floordiv(const char *file, int64_t line, double x, double y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "float floor division by zero");
  double rest;
  return floorDivide(x, y, rest);
}

double mpy_py_float_mod(const char *file, int64_t line, double x, double y) {
  if (y == 0)
    raise({file, line}, "ZeroDivisionError", "float modulo");
  return mpy_float_mod(x, y);
}

double mpy_py_float_pow(const char *file, int64_t line, double x, double y) {
  if (x == 0 && y < 0 && std::isfinite(y))
    raise({file, line}, "ZeroDivisionError", "0.0 cannot be raised to a negative power");
  if (std::isfinite(x) && std::isfinite(y)) {
    if (x < 0 && y != std::floor(y))
      raise({file, line}, "ValueError",
            "negative number cannot be raised to a fractional power: the result is complex");
    double result = std::pow(x, y);
    if (std::isinf(result))
      raise({file, line}, "OverflowError", "(34, 'Numerical result out of range')");
    return result;
  }
  return std::pow(x, y);
}

double mpy_float_floordiv(double x, double y) {
  if (y == 0)
    return x / y;
  double rest;
  return floorDivide(x, y, rest);
}

double mpy_float_mod(double x, double y) {
  double rest = std::fmod(x, y);
  if (y == 0)
    return rest;
  if (rest == 0)
    return std::copysign(0.0, y);
  return (y < 0) != (rest < 0) ? rest + y : rest;
}

int64_t mpy_int_from_float(const char *file, int64_t line, double x) {
  return toInt({file, line}, x);
}

int64_t mpy_round_to_int(const char *file, int64_t line, double x) {
  return toInt({file, line}, std::isfinite(x) ? std::nearbyint(x) : x);
}

int64_t mpy_floor_to_int(const char *file, int64_t line, double x) {
  return toInt({file, line}, std::isfinite(x) ? std::floor(x) : x);
}

int64_t mpy_ceil_to_int(const char *file, int64_t line, double x) {
  return toInt({file, line}, std::isfinite(x) ? std::ceil(x) : x);
}

// Hashes are residues of the prime 2**61 - 1, of floats too: m * 2**e.
static constexpr uint64_t hashPrime = (uint64_t(1) << 61) - 1;

static int64_t signedHash(uint64_t residue, bool isNegative) {
  int64_t hash = isNegative ? -static_cast<int64_t>(residue) : static_cast<int64_t>(residue);
  return hash == -1 ? -2 : hash;
}

int64_t mpy_hash_int(int64_t value) { return signedHash(magnitude(value) % hashPrime, value < 0); }

int64_t mpy_hash_float(double value) {
  if (std::isinf(value))
    return value > 0 ? 314159 : -314159;
  if (std::isnan(value))
    return 0;
  int exponent;
  double rest = std::fabs(std::frexp(value, &exponent));
  uint64_t residue = 0;
  while (rest != 0) {
    // 28 bits at a time.
    residue = ((residue << 28) & hashPrime) | residue >> (61 - 28);
    rest *= 268435456.0;
    exponent -= 28;
    uint64_t digits = static_cast<uint64_t>(rest);
    rest -= static_cast<double>(digits);
    residue += digits;
    if (residue >= hashPrime)
      residue -= hashPrime;
  }
  exponent = exponent >= 0 ? exponent % 61 : 60 - (-1 - exponent) % 61;
  residue = ((residue << exponent) & hashPrime) | residue >> (61 - exponent);
  return signedHash(residue, value < 0);
}
