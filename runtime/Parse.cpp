// Text becomes numbers as Python's int() and float() read them: white space around, underscores
// between digits, decimal notation only; and the decimal rounding of round().
#include "TextBuilder.h"

#include <climits>
#include <cmath>
#include <strings.h>

namespace mpy {

static View trim(View text) {
  int64_t start = 0, end = text.size;
  for (int64_t next = 0; start < end; start = next)
    if (!isSpacePoint(readPoint(text, next)))
      break;
  while (end > start) {
    int64_t last = end - 1;
    while (last > start && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80)
      --last;
    int64_t next = last;
    if (!isSpacePoint(readPoint(text, next)))
      break;
    end = last;
  }
  return View(text.data + start, end - start);
}

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Copies a decimal number without its underscores; false if the text is not one.
static bool copyDecimal(View text, TextBuilder &number) {
  int64_t at = 0;
  if (at < text.size && (text[at] == '+' || text[at] == '-'))
    number.append(text[at++]);
  View rest(text.data + at, text.size - at);
  auto named = [&](const char *word) {
    return rest.size == static_cast<int64_t>(strlen(word)) &&
           strncasecmp(rest.data, word, rest.size) == 0;
  };
  if (named("inf") || named("infinity") || named("nan")) {
    number.append(rest);
    return true;
  }
  auto digits = [&] {
    int64_t count = 0;
    while (at < text.size) {
      if (isDigit(text[at])) {
        number.append(text[at]);
        ++count;
      } else if (!(text[at] == '_' && count > 0 && isDigit(text[at - 1]) && at + 1 < text.size &&
                   isDigit(text[at + 1]))) {
        break;
      }
      ++at;
    }
    return count;
  };
  int64_t count = digits();
  if (at < text.size && text[at] == '.') {
    number.append('.');
    ++at;
    count += digits();
  }
  if (count == 0)
    return false;
  if (at < text.size && (text[at] == 'e' || text[at] == 'E')) {
    number.append('e');
    ++at;
    if (at < text.size && (text[at] == '+' || text[at] == '-'))
      number.append(text[at++]);
    if (digits() == 0)
      return false;
  }
  return at == text.size;
}

static int digitValue(char c) {
  return isDigit(c)             ? c - '0'
         : c >= 'a' && c <= 'z' ? c - 'a' + 10
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                : 99;
}

// The digits of |value| with `decimals` of them behind the point (before it, when negative),
// rounded half to even on the exact binary value.
static double roundDecimal(double value, int64_t decimals) {
  TextBuilder text;
  if (decimals >= 0) {
    text.appendFormat("%.*f", static_cast<int>(decimals), value);
    return strtod(text.cString(), nullptr);
  }
  // All digits exactly: no double has more than 1074 behind the point.
  text.appendFormat("%.1080f", value);
  char *all = text.data();
  int64_t point = strchr(text.cString(), '.') - all;
  int64_t kept = point + decimals;
  if (kept < 0)
    return 0.0;
  bool up = false;
  if (all[kept] != '5') {
    up = all[kept] > '5';
  } else {
    for (int64_t i = kept + 1; i < text.size(); ++i)
      up |= all[i] >= '1' && all[i] <= '9';
    up |= kept > 0 && ((all[kept - 1] - '0') & 1);
  }
  int64_t i = kept - 1;
  bool carry = up;
  for (; carry && i >= 0; --i) {
    carry = all[i] == '9';
    all[i] = carry ? '0' : static_cast<char>(all[i] + 1);
  }
  TextBuilder rounded;
  if (carry)
    rounded.append('1');
  rounded.append(View(all, kept));
  rounded.append('e');
  rounded.appendInt(-decimals);
  return strtod(rounded.size() > 0 && (carry || kept > 0) ? rounded.cString() : "0", nullptr);
}

// A number of a text file; NumPy's loadtxt knows no underscores, Python's float() does.
bool parseDecimal(View text, bool underscores, double &value) {
  text = trim(text);
  if (!underscores && memchr(text.data, '_', text.size))
    return false;
  TextBuilder number;
  if (!copyDecimal(text, number))
    return false;
  value = strtod(number.cString(), nullptr);
  return true;
}

} // namespace mpy

using namespace mpy;

double mpy_parse_float(const char *file, int64_t line, const mpy_text *text) {
  TextBuilder number;
  if (copyDecimal(trim(text), number))
    return strtod(number.cString(), nullptr);
  mpy_text *quoted = mpy_repr_string(text);
  raise({file, line}, "ValueError", "could not convert string to float: %.*s",
        static_cast<int>(quoted->length), quoted->bytes);
}

// The longest number at the beginning of a text, as Python's float() reads it; 0 if there is none.
static int64_t readNumber(View text, double &value) {
  int64_t longest = 0;
  for (int64_t size = 1; size <= text.size; ++size) {
    TextBuilder number;
    if (!copyDecimal(View(text.data, size), number))
      continue;
    longest = size;
    value = strtod(number.cString(), nullptr);
  }
  return longest;
}

static bool parseComplex(View text, double &real, double &imaginary) {
  text = trim(text);
  bool inBrackets = text.size > 1 && text[0] == '(';
  if (inBrackets) {
    if (text[text.size - 1] != ')')
      return false;
    text = trim(View(text.data + 1, text.size - 2));
  }
  auto isUnit = [](char c) { return c == 'j' || c == 'J'; };
  auto isSign = [](char c) { return c == '+' || c == '-'; };
  double number = 0;
  int64_t at = readNumber(text, number);
  if (at == text.size && at > 0) {
    real = number;
    return true;
  }
  // What stands before `j`: a number, a sign alone, or nothing.
  auto readImaginary = [&](int64_t from) {
    double value = 0;
    int64_t size = readNumber(View(text.data + from, text.size - from), value);
    if (size == 0 && from < text.size && isSign(text[from])) {
      value = text[from] == '-' ? -1 : 1;
      size = 1;
    }
    imaginary = value;
    return from + size + 1 == text.size && isUnit(text[from + size]) && size > 0;
  };
  if (at > 0 && at < text.size && isSign(text[at])) {
    real = number;
    return readImaginary(at);
  }
  if (text.size == 1 && isUnit(text[0])) {
    imaginary = 1;
    return true;
  }
  return readImaginary(0);
}

double mpy_parse_complex(const char *file, int64_t line, const mpy_text *text, int8_t isImaginary) {
  double real = 0, imaginary = 0;
  if (!parseComplex(text, real, imaginary))
    raise({file, line}, "ValueError", "complex() arg is a malformed string");
  return isImaginary ? imaginary : real;
}

int64_t mpy_parse_int(const char *file, int64_t line, const mpy_text *text, int64_t base) {
  if (base != 0 && (base < 2 || base > 36))
    raise({file, line}, "ValueError", "int() base must be >= 2 and <= 36, or 0");
  View all = trim(text);
  int64_t at = 0;
  bool negative = false;
  if (at < all.size && (all[at] == '+' || all[at] == '-'))
    negative = all[at++] == '-';
  int64_t radix = base;
  bool afterPrefix = false;
  if (at + 1 < all.size && all[at] == '0') {
    char mark = static_cast<char>(all[at + 1] | 32);
    int64_t named = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (named && (base == 0 || base == named)) {
      radix = named;
      at += 2;
      afterPrefix = true;
    }
  }
  bool zerosOnly = base == 0 && !afterPrefix && at < all.size && all[at] == '0';
  if (radix == 0)
    radix = 10;
  int64_t value = 0, count = 0;
  bool good = true, overflow = false;
  for (; at < all.size && good; ++at) {
    if (all[at] == '_') {
      good = (count > 0 || afterPrefix) && at + 1 < all.size && all[at - 1] != '_' &&
             digitValue(all[at + 1]) < radix;
      continue;
    }
    int digit = digitValue(all[at]);
    good = digit < radix && !(zerosOnly && digit != 0);
    ++count;
    overflow |= __builtin_mul_overflow(value, radix, &value);
    overflow |= negative ? __builtin_sub_overflow(value, int64_t(digit), &value)
                         : __builtin_add_overflow(value, int64_t(digit), &value);
  }
  if (!good || count == 0) {
    mpy_text *quoted = mpy_repr_string(text);
    raise({file, line}, "ValueError", "invalid literal for int() with base %lld: %.*s",
          static_cast<long long>(base), static_cast<int>(quoted->length), quoted->bytes);
  }
  if (overflow)
    raise({file, line}, "OverflowError", "Python int too large to convert to C long");
  return value;
}

double mpy_round_float(const char *file, int64_t line, double value, int64_t digits) {
  if (!std::isfinite(value) || value == 0 || digits > 323)
    return value;
  if (digits < -308)
    return std::copysign(0.0, value);
  double rounded = roundDecimal(std::fabs(value), digits);
  if (std::isinf(rounded))
    raise({file, line}, "OverflowError", "rounded value too large to represent");
  return std::copysign(rounded, value);
}

int64_t mpy_round_int(const char *file, int64_t line, int64_t value, int64_t digits) {
  if (digits >= 0)
    return value;
  if (digits < -19)
    return 0;
  __int128 unit = 1;
  for (int64_t i = digits; i < 0; ++i)
    unit *= 10;
  __int128 quotient = value / unit, rest = value % unit;
  if (rest < 0) {
    rest += unit;
    quotient -= 1;
  }
  if (rest * 2 > unit || (rest * 2 == unit && (quotient & 1)))
    quotient += 1;
  __int128 rounded = quotient * unit;
  if (rounded != static_cast<int64_t>(rounded))
    raise({file, line}, "OverflowError", "integer overflow: the result does not fit in 64 bits");
  return static_cast<int64_t>(rounded);
}
