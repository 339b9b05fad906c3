// A float becomes its shortest decimal digits that read back as the same float, and from these the
// text that Python's repr and NumPy's str give: 0.1, 1e+16, 1.5e-07, nan.
//
// Any decimal of at most 15 digits (6 for float32) survives the way through the float, so rounding
// to that many digits and dropping zeros finds every short result; else one or two digits more are
// tried. Where the gap below is half the gap above (powers of two), the nearest decimal can lie
// outside of the interval while its upper neighbour is inside, so that one is tried as well.
#include "Elements.h"
#include "TextBuilder.h"

#include <cfloat>
#include <cmath>

namespace mpy {

static bool readsBack(const char *digits, int count, int point, double value, bool single) {
  char text[48];
  snprintf(text, sizeof text, "%.*se%d", count, digits, point - count);
  return single ? static_cast<double>(strtof(text, nullptr)) == value
                : strtod(text, nullptr) == value;
}

// Adds one in the last place; the count stays, the point may move.
static void increment(Digits &result) {
  int i = result.count - 1;
  while (i >= 0 && result.digits[i] == '9')
    result.digits[i--] = '0';
  if (i >= 0) {
    ++result.digits[i];
    return;
  }
  result.digits[0] = '1';
  ++result.point;
}

static void roundTo(double value, int count, Digits &result) {
  char text[48];
  snprintf(text, sizeof text, "%.*e", count - 1, value);
  result.digits[0] = text[0];
  for (int i = 1; i < count; ++i)
    result.digits[i] = text[i + 1];
  result.count = count;
  result.point = atoi(text + count + (count > 1 ? 2 : 1)) + 1;
}

Digits shortestDigits(double value, bool single) {
  Digits result = {{'0'}, 1, 1};
  if (value == 0)
    return result;
  int exponent;
  bool powerOfTwo = std::frexp(value, &exponent) == 0.5;
  int safe = single ? 6 : 15, most = single ? 9 : 17;
  // Subnormal numbers have fewer digits than the type promises.
  if (value < (single ? static_cast<double>(FLT_MIN) : DBL_MIN))
    safe = 1;
  for (int count = safe; count <= most; ++count) {
    roundTo(value, count, result);
    if (count == most || readsBack(result.digits, count, result.point, value, single))
      break;
    if (!powerOfTwo)
      continue;
    Digits above = result;
    increment(above);
    if (readsBack(above.digits, count, above.point, value, single)) {
      result = above;
      break;
    }
  }
  while (result.count > 1 && result.digits[result.count - 1] == '0')
    --result.count;
  return result;
}

void appendFloat(TextBuilder &builder, double value, bool single) {
  if (value != value) {
    builder.append("nan");
    return;
  }
  if (std::signbit(value)) {
    builder.append('-');
    value = -value;
  }
  if (std::isinf(value)) {
    builder.append("inf");
    return;
  }
  Digits digits = shortestDigits(value, single);
  View all(digits.digits, digits.count);
  // NumPy leaves plain notation where the digits of the type end, and compares values, not digits:
  // 0.0001 as float32 is below 1e-4.
  bool exponent = single ? value != 0 && (value >= 1e6 || value < 1e-4)
                         : digits.point > 16 || digits.point < -3;
  if (exponent) {
    builder.append(all[0]);
    if (digits.count > 1) {
      builder.append('.');
      builder.append(View(all.data + 1, all.size - 1));
    }
    builder.appendFormat("e%c%02d", digits.point <= 0 ? '-' : '+', std::abs(digits.point - 1));
    return;
  }
  if (digits.point <= 0) {
    builder.append("0.");
    builder.append(View("0", 1), -digits.point);
    builder.append(all);
    return;
  }
  int whole = digits.point < digits.count ? digits.point : digits.count;
  builder.append(View(all.data, whole));
  builder.append(View("0", 1), digits.point - whole);
  builder.append('.');
  if (digits.count > whole)
    builder.append(View(all.data + whole, all.size - whole));
  else
    builder.append('0');
}

void appendConversion(TextBuilder &builder, double value, char letter, int precision,
                      bool alternate) {
  bool general = letter == 'g' || letter == 'G';
  if (general && alternate) {
    // The C library prints a digit too many under # where the value rounds up to a power of ten.
    precision = precision == 0 ? 1 : precision;
    TextBuilder scientific;
    scientific.appendFormat("%.*e", precision - 1, value);
    int exponent = atoi(strchr(scientific.cString(), 'e') + 1);
    bool plain = exponent >= -4 && exponent < precision;
    letter = plain ? 'f' : static_cast<char>(letter - 2);
    precision -= 1 + (plain ? exponent : 0);
  }
  char form[] = {'%', '.', '*', letter, 0}, alternateForm[] = {'%', '#', '.', '*', letter, 0};
  const char *chosen = alternate ? alternateForm : form;
  builder.appendFormat(chosen, precision, value);
}

} // namespace mpy

using namespace mpy;

mpy_text *mpy_str_int(int64_t value) {
  TextBuilder builder;
  builder.appendInt(value);
  return builder.finish();
}

mpy_text *mpy_str_float(double value) {
  TextBuilder builder;
  appendFloat(builder, value, false);
  return builder.finish();
}

mpy_text *mpy_str_bool(int8_t value) {
  return value ? mpy_string_from("True", 4) : mpy_string_from("False", 5);
}

mpy_text *mpy_str_float64(double value) { return mpy_str_float(value); }

mpy_text *mpy_str_float32(float value) {
  TextBuilder builder;
  appendFloat(builder, static_cast<double>(value), true);
  return builder.finish();
}

static void appendPart(TextBuilder &builder, double value, bool single) {
  int64_t begin = builder.size();
  appendFloat(builder, value, single);
  int64_t size = builder.size();
  if (size - begin > 2 && builder.data()[size - 2] == '.' && builder.data()[size - 1] == '0')
    builder.resize(size - 2);
}

mpy_text *mpy_str_complex(double real, double imaginary, int8_t single) {
  TextBuilder builder;
  bool isImaginary = real == 0 && !std::signbit(real);
  if (!isImaginary) {
    builder.append('(');
    appendPart(builder, real, single);
    if (imaginary != imaginary || !std::signbit(imaginary))
      builder.append('+');
  }
  appendPart(builder, imaginary, single);
  builder.append(isImaginary ? "j" : "j)");
  return builder.finish();
}

mpy_text *mpy_repr_float64(double value) {
  TextBuilder builder;
  builder.append("np.float64(");
  appendFloat(builder, value, false);
  builder.append(')');
  return builder.finish();
}

mpy_text *mpy_repr_float32(float value) {
  TextBuilder builder;
  builder.append("np.float32(");
  appendFloat(builder, static_cast<double>(value), true);
  builder.append(')');
  return builder.finish();
}

mpy_text *mpy_repr_int64(int64_t value) {
  TextBuilder builder;
  builder.appendFormat("np.int64(%lld)", static_cast<long long>(value));
  return builder.finish();
}

mpy_text *mpy_str_uint64(int64_t bits) {
  TextBuilder builder;
  builder.appendFormat("%llu", static_cast<unsigned long long>(bits));
  return builder.finish();
}

mpy_text *mpy_repr_integer(int64_t bits, int64_t dtype) {
  TextBuilder builder;
  builder.appendFormat(dtype == MPY_UINT64 ? "np.%s(%llu)" : "np.%s(%lld)",
                       elementTypes[dtype].name, static_cast<long long>(bits));
  return builder.finish();
}

mpy_text *mpy_repr_int32(int32_t value) {
  TextBuilder builder;
  builder.appendFormat("np.int32(%d)", value);
  return builder.finish();
}

mpy_text *mpy_repr_bool_(int8_t value) {
  return value ? mpy_string_from("np.True_", 8) : mpy_string_from("np.False_", 9);
}

mpy_text *mpy_repr_string(const mpy_text *text) {
  View all(text);
  char quote = memchr(all.data, '\'', all.size) && !memchr(all.data, '"', all.size) ? '"' : '\'';
  TextBuilder builder;
  builder.append(quote);
  for (int64_t at = 0; at < all.size;) {
    int64_t start = at;
    uint32_t point = readPoint(all, at);
    if (point == static_cast<uint32_t>(quote) || point == '\\') {
      builder.append('\\');
      builder.append(static_cast<char>(point));
    } else if (point == '\n') {
      builder.append("\\n");
    } else if (point == '\r') {
      builder.append("\\r");
    } else if (point == '\t') {
      builder.append("\\t");
    } else if (point < 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0xAD) {
      builder.appendFormat("\\x%02x", point);
    } else if (point > 0xA0 && isSpacePoint(point)) {
      builder.appendFormat("\\u%04x", point);
    } else {
      builder.append(View(all.data + start, at - start));
    }
  }
  builder.append(quote);
  return builder.finish();
}
