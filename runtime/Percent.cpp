// One conversion of Python's % operator on text: flags, width, precision and letter, applied to an
// int, a float or a text, as in '%-8.2f' % x.
#include "TextBuilder.h"

#include <climits>
#include <cmath>

namespace mpy {

namespace {

struct Conversion {
  bool left = false;
  bool plus = false;
  bool space = false;
  bool alternate = false;
  bool zero = false;
  int64_t width = 0;
  int64_t precision = -1;
  char letter = 0;
};

} // namespace

static Conversion parseConversion(Place place, View spec) {
  Conversion result;
  int64_t at = 0;
  for (; at < spec.size; ++at) {
    if (spec[at] == '-')
      result.left = true;
    else if (spec[at] == '+')
      result.plus = true;
    else if (spec[at] == ' ')
      result.space = true;
    else if (spec[at] == '#')
      result.alternate = true;
    else if (spec[at] == '0')
      result.zero = true;
    else
      break;
  }
  auto number = [&](const char *what) {
    int64_t value = 0;
    for (; at < spec.size && spec[at] >= '0' && spec[at] <= '9'; ++at) {
      value = value * 10 + (spec[at] - '0');
      if (value > INT_MAX)
        raise(place, "ValueError", "%s too big", what);
    }
    return value;
  };
  result.width = number("width");
  if (at < spec.size && spec[at] == '.') {
    ++at;
    result.precision = number("precision");
  }
  if (at < spec.size && (spec[at] == 'h' || spec[at] == 'l' || spec[at] == 'L'))
    ++at;
  if (at >= spec.size)
    raise(place, "ValueError", "incomplete format");
  result.letter = spec[at];
  if (!strchr("diuoxXeEfFgGcrsa", result.letter))
    raise(place, "ValueError", "unsupported format character '%c' (0x%x) at index %lld",
          result.letter, static_cast<unsigned char>(result.letter), static_cast<long long>(at + 1));
  return result;
}

static mpy_text *layOut(const Conversion &conversion, View sign, View prefix, View body,
                        bool numeric) {
  int64_t padding = conversion.width - sign.size - prefix.size - countPoints(body);
  if (padding < 0)
    padding = 0;
  bool zeros = numeric && conversion.zero && !conversion.left;
  TextBuilder builder;
  if (!zeros && !conversion.left)
    builder.appendSpaces(padding);
  builder.append(sign);
  builder.append(prefix);
  if (zeros)
    builder.append(View("0", 1), padding);
  builder.append(body);
  if (conversion.left)
    builder.appendSpaces(padding);
  return builder.finish();
}

static View signOf(const Conversion &conversion, bool negative) {
  return negative           ? View("-", 1)
         : conversion.plus  ? View("+", 1)
         : conversion.space ? View(" ", 1)
                            : View("", 0);
}

static mpy_text *layOutDigits(const Conversion &conversion, bool negative, View digits) {
  TextBuilder body;
  body.append(View("0", 1), conversion.precision - digits.size);
  body.append(digits);
  char prefix[2] = {'0', conversion.letter};
  bool based = conversion.letter == 'x' || conversion.letter == 'X' || conversion.letter == 'o';
  return layOut(conversion, signOf(conversion, negative),
                View(prefix, conversion.alternate && based ? 2 : 0), body.view(), true);
}

static mpy_text *percentText(const Conversion &conversion, View value) {
  int64_t end = 0;
  for (int64_t points = 0; end < value.size && points != conversion.precision; ++points)
    end += sequenceLength(value[end]);
  return layOut(conversion, View("", 0), View("", 0), View(value.data, end), false);
}

static mpy_text *percentInt(Place place, int64_t value, const Conversion &conversion) {
  TextBuilder text;
  unsigned long long magnitude = value < 0 ? 0 - static_cast<unsigned long long>(value)
                                           : static_cast<unsigned long long>(value);
  switch (conversion.letter) {
  case 'c':
    if (value < 0 || value > 0x10FFFF)
      raise(place, "OverflowError", "%%c arg not in range(0x110000)");
    appendPoint(text, static_cast<uint32_t>(value));
    return layOut(conversion, View("", 0), View("", 0), text.view(), false);
  case 'x':
    text.appendFormat("%llx", magnitude);
    break;
  case 'X':
    text.appendFormat("%llX", magnitude);
    break;
  case 'o':
    text.appendFormat("%llo", magnitude);
    break;
  default:
    text.appendFormat("%llu", magnitude);
    break;
  }
  return layOutDigits(conversion, value < 0, text.view());
}

} // namespace mpy

using namespace mpy;

mpy_text *mpy_percent_int(const char *file, int64_t line, int64_t value, const mpy_text *spec) {
  Place place = {file, line};
  Conversion conversion = parseConversion(place, spec);
  if (strchr("eEfFgG", conversion.letter))
    return mpy_percent_float(file, line, static_cast<double>(value), spec);
  if (strchr("rsa", conversion.letter)) {
    TextBuilder text;
    text.appendInt(value);
    return percentText(conversion, text.view());
  }
  return percentInt(place, value, conversion);
}

mpy_text *mpy_percent_float(const char *file, int64_t line, double value, const mpy_text *spec) {
  Place place = {file, line};
  Conversion conversion = parseConversion(place, spec);
  char letter = conversion.letter;
  TextBuilder text;
  if (strchr("rsa", letter)) {
    appendFloat(text, value, false);
    return percentText(conversion, text.view());
  }
  if (letter == 'x' || letter == 'X' || letter == 'o')
    raise(place, "TypeError", "%%%c format: an integer is required, not float", letter);
  if (letter == 'c')
    raise(place, "TypeError", "%%c requires int or char");
  bool negative = std::signbit(value) && value == value;
  double magnitude = std::fabs(value);
  if (letter == 'd' || letter == 'i' || letter == 'u') {
    if (value != value)
      raise(place, "ValueError", "cannot convert float NaN to integer");
    if (std::isinf(value))
      raise(place, "OverflowError", "cannot convert float infinity to integer");
    text.appendFormat("%.0f", std::trunc(magnitude));
    return layOutDigits(conversion, negative && std::trunc(magnitude) != 0, text.view());
  }
  if (value != value || std::isinf(value)) {
    bool upper = letter < 'a';
    text.append(value != value ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf");
  } else {
    int precision = conversion.precision < 0 ? 6 : static_cast<int>(conversion.precision);
    appendConversion(text, magnitude, letter, precision, conversion.alternate);
  }
  return layOut(conversion, signOf(conversion, negative), View("", 0), text.view(), true);
}

mpy_text *mpy_percent_string(const char *file, int64_t line, const mpy_text *value,
                             const mpy_text *spec) {
  Place place = {file, line};
  Conversion conversion = parseConversion(place, spec);
  char letter = conversion.letter;
  if (letter == 'r' || letter == 'a') {
    mpy_text *quoted = mpy_repr_string(value);
    mpy_text *result = percentText(conversion, quoted);
    mpy_release(quoted);
    return result;
  }
  if (letter == 's')
    return percentText(conversion, value);
  if (letter == 'c') {
    if (countPoints(value) != 1)
      raise(place, "TypeError", "%%c requires int or char");
    return layOut(conversion, View("", 0), View("", 0), View(value), false);
  }
  if (strchr("eEfFgG", letter))
    raise(place, "TypeError", "must be real number, not str");
  if (letter == 'x' || letter == 'X' || letter == 'o')
    raise(place, "TypeError", "%%%c format: an integer is required, not str", letter);
  raise(place, "TypeError", "%%%c format: a real number is required, not str", letter);
}
